"""`chimera changelog`: the operations changelog, one record a change."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from chimera.builtin.records.commands.options import Missing, answers, instant
from chimera.model import Outcome, UsageError
from chimera.options.outputs import FORMATS, output_option
from chimera.options.usual import now_option, session_of

if TYPE_CHECKING:
    from chimera.builtin.records.drafting import Drafted
    from chimera.plan import Plan
    from chimera.workspace import Workspace

_SCOPES = ("code", "config", "database", "third-party")
_RISKS = ("low", "medium", "high")
_QUESTIONS = {
    "summary": Missing(None, "what changed, in one line?", "--summary TEXT"),
    "scope": Missing(None, "what kind of thing changed?", "--scope NAME", _SCOPES),
    "risk": Missing(None, "how much could go wrong?", "--risk NAME", _RISKS),
    "verification": Missing(None, "how is it confirmed to be active?", "--verification TEXT"),
    "rollback": Missing(None, "how is it undone, at once?", "--rollback TEXT"),
}


@click.group()
def changelog() -> None:
    """Write, complete, show and archive the entries of the changelog.

    The operations changelog says what changed production, data, environments or third parties: one
    entry a change, factual, within 24 hours.
    """


@changelog.command()
@click.option("--env", "environment", metavar="NAME", help="Where; the only production one.")
@click.option("--base", metavar="REF", help="Of what merging into REF would change.")
@click.option(
    "--plan",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Of a saved plan.",
)
@click.option("--applied", is_flag=True, help="Of what was applied and has no entry yet.")
@click.option("--summary", metavar="TEXT", help="What changed, in one line.")
@click.option("--scope", type=click.Choice(_SCOPES), help="What kind of thing changed.")
@click.option("--risk", type=click.Choice(_RISKS), help="How much could go wrong.")
@click.option("--verification", metavar="TEXT", help="How to confirm that it is active.")
@click.option("--rollback", metavar="TEXT", help="How to undo it, usable at once.")
@click.option("--effective", metavar="TIME", callback=instant, help="When it took effect.")
@click.option("--incident", metavar="NAME", help="The incident because of which it changed.")
@click.option("--rollback-of", metavar="NAME", help="The rollback that the entry records.")
@click.option("--ref", "refs", multiple=True, metavar="KIND/NAME", help="What it is about, too.")
@click.option("--name", help="Name of the entry; the day and the summary if left out.")
@output_option()
def add(
    environment: str | None,
    base: str | None,
    file: Path | None,
    applied: bool,
    summary: str | None,
    scope: str | None,
    risk: str | None,
    verification: str | None,
    rollback: str | None,
    effective: datetime | None,
    incident: str | None,
    rollback_of: str | None,
    refs: tuple[str, ...],
    name: str | None,
    outputs: tuple[str, ...],
) -> None:
    """Record a change: what the plan tells is filled in, the rest is asked for.

    Of the plan for the environment, or of --base, --plan or --applied. The entry names what changes
    with the digests that are left, so that it answers for exactly this change at the gate. A change
    outside of the tree is --scope third-party, which names none.
    """
    from chimera.builtin.records.entering import drafted_entry, new_entry
    from chimera.builtin.records.finding import require_person
    from chimera.builtin.records.rendering.changelog import added_json, added_text

    session = session_of()
    workspace = session.workspace()
    require_person(workspace.context.actor, "to record a change")
    found = _source(workspace, environment, (base, file, applied), scope)
    rollback_of = _address("Rollback", rollback_of) or found.rollback_of
    drafted = drafted_entry(workspace, found.plan, found.environment, rollback_of)
    given = dict(zip(_QUESTIONS, (summary, scope, risk, verification, rollback), strict=True))
    more = {
        "incident": _address("Incident", incident) or found.incident,
        "rollbackOf": rollback_of,
        "refs": list(refs),
    }
    said = given | _asked(drafted, given) | more
    address, draft = new_entry(workspace, drafted, said, effective=effective or found.at, name=name)
    paths = draft.write()
    spec = draft.value(address, ())
    session.emit(
        outputs,
        lambda paint: added_text(address, drafted, spec, paths, paint),
        lambda: added_json(address, drafted, spec, paths),
        Outcome.PASSED,
    )


class _Source(NamedTuple):
    """What an entry is of: a plan, unless it is of a change outside of the tree; where, and when.

    The last three are known of what was applied.
    """

    plan: Plan | None
    environment: str
    at: datetime | None = None
    rollback_of: str | None = None
    incident: str | None = None


def _source(
    workspace: Workspace,
    environment: str | None,
    named: tuple[str | None, Path | None, bool],
    scope: str | None,
) -> _Source:
    """Return what `--base`, `--plan` or `--applied` name; raises `UsageError` for two of them."""
    from chimera.builtin.records.entering import unrecorded
    from chimera.builtin.records.finding import environment_named
    from chimera.plan import read_plan

    base, file, applied = named
    if sum((base is not None, file is not None, applied)) > 1:
        raise UsageError("--base, --plan and --applied exclude each other", help="give one of them")
    if file is not None:
        saved = read_plan(file)
        if environment not in {None, saved.environment}:
            raise UsageError(
                f"{file} is a plan for {saved.environment}", help="leave --env out, or make another"
            )
        return _Source(saved, saved.environment)
    where = environment_named(workspace.loaded.snapshot, environment)
    if applied:
        found = unrecorded(workspace, where)
        return _Source(found.plan, where, found.at, found.rollback_of, found.incident)
    if scope == "third-party" and base is None:
        return _Source(None, where)
    return _Source(workspace.plan(where, base).value.plan, where)


def _asked(drafted: Drafted, given: dict[str, str | None]) -> dict[str, str]:
    missing = [field for field in drafted.missing if given[field] is None]
    said = answers(*(_QUESTIONS[field] for field in missing))
    return dict(zip(missing, said, strict=True))


def _address(kind: str, name: str | None) -> str | None:
    return name if name is None or "/" in name else f"{kind}/{name}"


@changelog.command()
@click.option("--env", "environment", metavar="NAME", help="Where; all that are production.")
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=7,
    show_default=True,
    metavar="N",
    help="How far back.",
)
@click.option("--reviewed", is_flag=True, help="Write that you reviewed these entries.")
@now_option
@output_option()
def check(environment: str | None, days: int, reviewed: bool, outputs: tuple[str, ...]) -> None:
    """Look for changes of the journal that no entry records.

    This is the weekly review for completeness. Exits 1 where an entry is missing.
    """
    from chimera.builtin.records.completeness import Review
    from chimera.builtin.records.rendering.changelog import completeness_json, completeness_text

    session = session_of()
    if reviewed and session.now is not None:
        raise UsageError("--now only looks, and --reviewed writes", help="leave one of them out")
    workspace = session.workspace()
    review = Review.of(workspace, environment, timedelta(days=days))
    missing = any(chain.entry is None for chain in review.chains)
    if reviewed and missing:
        raise UsageError(
            "a change has no entry, so that the review is not over",
            help="`chimera changelog check` lists what is missing",
        )
    paths = review.mark(workspace).write() if reviewed else ()
    unseen = () if reviewed else review.unseen
    session.emit(
        outputs,
        lambda paint: completeness_text(review.chains, unseen, review.since, paths, paint),
        lambda: completeness_json(review.chains, unseen, review.since),
        Outcome.FAILED if missing else Outcome.PASSED,
    )


@changelog.command()
@click.option("--env", "environment", metavar="NAME", help="Of this environment only.")
@click.option("--all", "everything", is_flag=True, help="With what is in the archive.")
@output_option((*FORMATS, "markdown"))
def render(environment: str | None, everything: bool, outputs: tuple[str, ...]) -> None:
    """Write the changelog as Markdown, the newest entries first."""
    from chimera.builtin.records.completeness import entries_of
    from chimera.builtin.records.rendering.changelog import changelog_json, changelog_markdown

    session = session_of()
    found = entries_of(session.workspace().loaded.snapshot, environment, everything=everything)
    session.emit(
        outputs,
        lambda paint: changelog_markdown(found),
        lambda: changelog_json(found),
        Outcome.PASSED,
        pictures={"markdown": lambda: changelog_markdown(found)},
    )


@changelog.command()
@click.option(
    "--days",
    type=click.IntRange(1, 36500),
    default=90,
    show_default=True,
    metavar="N",
    help="How old entries are before they move.",
)
@click.option("--dry-run", is_flag=True, help="Say what would move, and move nothing.")
@output_option()
def archive(days: int, dry_run: bool, outputs: tuple[str, ...]) -> None:
    """Move old entries to the archive.

    Files move as they are, to a folder archive beside the others: Git sees a rename. Done again,
    nothing happens.
    """
    from chimera.builtin.records.archiving import archive as archived
    from chimera.builtin.records.rendering.changelog import archived_json, archived_text

    session = session_of()
    found = archived(session.workspace(), older=timedelta(days=days))
    if not dry_run:
        found.draft.write()
    session.emit(
        outputs,
        lambda paint: archived_text(found, paint, written=not dry_run),
        lambda: archived_json(found, written=not dry_run),
        Outcome.PASSED,
    )
