"""`chimera approve` and `chimera reject`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chimera.cli.commands.run import read_input
from chimera.cli.options import environment_option, key_option, output_option
from chimera.cli.session import Session, pass_session
from chimera.model import Outcome, UsageError

if TYPE_CHECKING:
    from chimera.workspace.approving import Decision

_OPTIONS = (
    click.argument("what", nargs=-1, metavar="[PLAN_FILE] [TARGET...]"),
    environment_option,
    click.option(
        "--base",
        metavar="REF",
        help="Sign what merging HEAD into REF would leave, as a change of it.",
    ),
    click.option(
        "--run",
        metavar="ADDRESS",
        help="Sign that an applied document is executed once, by `chimera run`.",
    ),
    click.option(
        "-i",
        "--input",
        "inputs",
        multiple=True,
        metavar="NAME=VALUE",
        help="An input of that run, as `chimera run` will be given it.",
    ),
    key_option,
    click.option("--yes", is_flag=True, help="Sign without asking."),
    output_option,
    pass_session,
)


def _with_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@click.option("--expires", metavar="DURATION", help="How long it counts at most, such as 7d.")
@click.option("--reason", metavar="TEXT", help="Why.")
@_with_options
def approve(session: Session, expires: str | None, reason: str | None, **given: Any) -> None:
    """Sign that items of a plan may be applied.

    All that the plan changes, or the TARGETs (Kind/name, paths:GLOB). A PLAN_FILE that `plan --out`
    wrote must still be what would be planned. What is signed is a commit's, never a dirty tree's;
    it counts for an equal item of any later plan, so that it survives the merge, and is spent by
    the apply that it lets through.
    """
    _sign(session, "approve", _duration(expires), reason, **given)


@click.command()
@click.option("--reason", metavar="TEXT", required=True, help="Why.")
@_with_options
def reject(session: Session, reason: str, **given: Any) -> None:
    """Sign that items of a plan must not be applied.

    It stands against them until you approve them later. What it takes is what `approve` takes.
    """
    _sign(session, "reject", None, reason, **given)


def _sign(
    session: Session,
    decision: Decision,
    expires: timedelta | None,
    reason: str | None,
    *,
    what: tuple[str, ...],
    environment: str,
    base: str | None,
    run: str | None,
    inputs: tuple[str, ...],
    key: Path | None,
    yes: bool,
    outputs: tuple[str, ...],
) -> None:
    from chimera.plan import read_plan
    from chimera.render.approval import proposal_text, signature_json, signature_text
    from chimera.signatures import ensure_ready, open_signer
    from chimera.workspace.approving import doubts, propose, sign, signatory

    if run is not None and (what or base is not None):
        raise UsageError("--run signs one run and nothing else", help="leave the rest out")
    if inputs and run is None:
        raise UsageError("--input is of a run", help="name what is run with --run")
    file, targets = _split(what)
    saved = read_plan(file) if file else None
    workspace = session.workspace()
    environment = saved.environment if saved else environment
    proposal = propose(
        workspace,
        environment,
        base=base,
        saved=saved,
        targets=targets,
        run=run,
        inputs=dict(map(read_input, inputs)),
    )
    signer = open_signer(workspace.context, key)
    ensure_ready(signer)
    owner = signatory(workspace, signer)
    session.tell(lambda paint: proposal_text(proposal, paint))
    for doubt in doubts(workspace, proposal, owner) if decision == "approve" else ():
        session.warn(doubt)
    if not yes:
        session.confirm(f"{decision} all of it?", "--yes")
    signature = sign(workspace, proposal, decision, signer, expires=expires, reason=reason)
    session.emit(
        outputs,
        lambda paint: signature_text(signature, paint),
        lambda: signature_json(signature),
        Outcome.PASSED,
    )


def _split(what: tuple[str, ...]) -> tuple[Path | None, tuple[str, ...]]:
    """Return the plan's file, which comes first where there is one, and the targets."""
    if what and Path(what[0]).is_file():
        return Path(what[0]), what[1:]
    return None, what


def _duration(text: str | None) -> timedelta | None:
    """Read a length of time; raises `UsageError` for anything else."""
    if text is None:
        return None
    from chimera.kinds import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--expires {text}: {error}", help="write 7d, 12h or 90m") from error
