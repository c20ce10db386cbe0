"""The operations changelog as Markdown, text and JSON; newest first, the same for the same tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from chimera.builtin.records.kinds import ChangelogEntrySpec
from chimera.builtin.records.rendering.wording import moment, written_lines
from chimera.kinds import Document, when

if TYPE_CHECKING:
    from chimera.builtin.records.archiving import Archiving
    from chimera.builtin.records.chain import Chain
    from chimera.builtin.records.drafting import Drafted
    from chimera.model import Address
    from chimera.render.paint import Cell, Paint

Entry = Document[ChangelogEntrySpec]
_SHORT = len("sha256:") + 12


def newest_first(entries: Sequence[Entry]) -> list[Entry]:
    """Return entries by day and time, the newest first, and by name where these are equal."""

    def order(entry: Entry) -> tuple[str, float]:
        effective = entry.spec.effective or entry.spec.recorded
        return entry.spec.date, when(effective).timestamp() if effective else 0.0

    return sorted(sorted(entries, key=lambda e: e.address), key=order, reverse=True)


def changelog_markdown(entries: Sequence[Entry]) -> str:
    """Return the changelog as a page of Markdown."""
    lines = ["# Operations changelog"]
    for day, of_day in groupby(newest_first(entries), key=lambda entry: entry.spec.date):
        lines += ["", f"## {day}"]
        for entry in of_day:
            lines += ["", *_entry(entry)]
    if not entries:
        lines += ["", "No change is recorded."]
    return "\n".join(lines)


def _entry(entry: Entry) -> Iterator[str]:
    from chimera.render.markdown import code_span, prose

    spec = entry.spec
    yield f"### {prose(spec.summary)}"
    yield ""
    about = f"{prose(spec.environment)} · {spec.scope} · {spec.risk} risk"
    yield f"{about} · {code_span(str(entry.address))}"
    yield ""
    if spec.effective:
        yield f"- Effective: {moment(spec.effective)}"
    yield f"- Verify: {prose(spec.verification)}"
    yield f"- Roll back: {prose(spec.rollback)}"
    for answer in spec.answers:
        yield f"- Changes: {code_span(answer.target)} to {code_span(answer.after[:_SHORT])}"
    for name, value in (("Incident", spec.incident), ("Records", spec.rollback_of)):
        if value:
            yield f"- {name}: {code_span(value)}"
    if spec.refs:
        yield f"- See: {', '.join(map(code_span, spec.refs))}"


def changelog_json(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return the same entries in the same order as JSON."""
    return {
        "format": "chimera-changelog/1",
        "entries": [
            {"entry": str(e.address), "path": e.place.path, "spec": e.value.get("spec")}
            for e in newest_first(entries)
        ],
    }


def added_text(
    address: Address, drafted: Drafted, spec: dict[str, Any], paths: Sequence[str], paint: Paint
) -> str:
    """Return the entry that was written, and from what each drafted field came."""
    from chimera.builtin.records.rendering.wording import facts

    rows = []
    for name, value in spec.items():
        told = value
        if name == "answers":
            told = ", ".join(f"{a['target']} {a['after'][:_SHORT]}" for a in value)
        is_drafted = name in drafted.why and drafted.fields.get(name) == value
        why = paint(f"  (drafted: {drafted.why[name]})", "dim") if is_drafted else ""
        rows.append((name, f"{told}{why}"))
    title = paint(f"recorded {address}", "good")
    return "\n".join([title, *facts(rows, paint), *written_lines(paths, paint)])


def added_json(
    address: Address, drafted: Drafted, spec: dict[str, Any], paths: Sequence[str]
) -> dict[str, Any]:
    """Return the same as JSON."""
    why = {n: w for n, w in drafted.why.items() if drafted.fields.get(n) == spec.get(n)}
    return {
        "format": "chimera-changelog-entry/1",
        "entry": str(address),
        "spec": spec,
        "drafted": why,
        "written": list(paths),
    }


def completeness_text(
    chains: Sequence[Chain], unseen: Sequence[Entry], since: str, paths: Sequence[str], paint: Paint
) -> str:
    """Return each change with its entry, then what is missing, late or not reviewed."""
    from chimera.render.paint import count, table

    rows: list[tuple[Cell, ...]] = []
    for chain in chains:
        entry: Cell = ("missing", "bad")
        if chain.entry is not None:
            late = chain.is_late
            entry = (
                (f"{chain.entry.address.name}, late", "warn") if late else chain.entry.address.name
            )
        change = chain.change
        rows.append((moment(change.at), change.environment, change.action, change.target, entry))
    lines = [table(rows, ("AT", "ENVIRONMENT", "ACTION", "CHANGE", "ENTRY"), paint)] if rows else []
    missing = [chain for chain in chains if chain.entry is None]
    names = sorted({chain.change.environment for chain in missing})
    lines += [f"for what is missing: chimera changelog add --applied --env {n}" for n in names]
    said = f"{count(len(chains), 'change')} since {since}, {len(missing)} without an entry"
    lines.append(said if missing else paint(said, "good"))
    if unseen:
        told = ", ".join(entry.address.name for entry in unseen)
        lines.append(paint(f"not reviewed: {told}; --reviewed says that you did", "warn"))
    return "\n".join([*lines, *written_lines(paths, paint)])


def completeness_json(
    chains: Sequence[Chain], unseen: Sequence[Entry], since: str
) -> dict[str, Any]:
    """Return the same as JSON."""
    return {
        "format": "chimera-changelog-check/1",
        "since": since,
        "changes": [
            {
                "at": chain.change.at.isoformat(),
                "environment": chain.change.environment,
                "action": chain.change.action,
                "target": chain.change.target,
                "after": chain.change.after,
                "entry": str(chain.entry.address) if chain.entry else None,
                "late": chain.is_late,
            }
            for chain in chains
        ],
        "unreviewed": [str(entry.address) for entry in unseen],
    }


def archived_text(found: Archiving, paint: Paint, *, written: bool) -> str:
    """Return what moved, and what cannot."""
    verb = "moved" if written else "would move"
    lines = [f"{verb} {path} to {to}" for path, to in found.draft.moved.items()]
    lines += [paint(f"left {path}: {why}", "warn") for path, why in found.left]
    return "\n".join(lines) or "nothing is old enough"


def archived_json(found: Archiving, *, written: bool) -> dict[str, Any]:
    """Return the same as JSON."""
    return {
        "format": "chimera-changelog-archive/1",
        "moved": dict(found.draft.moved),
        "left": dict(found.left),
        "written": written,
    }
