"""What was imported, what could not be read and where, as text and JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chimera.builtin.records.importing.importing import Imported
    from chimera.builtin.records.importing.page import Unread
    from chimera.render.paint import Paint


def imported_text(done: Sequence[Imported], paint: Paint, *, is_trial: bool) -> str:
    """Return for each file what it became, or why it became nothing."""
    from chimera.render.paint import count

    lines: list[str] = []
    for one in done:
        if one.refused:
            lines.append(f"{paint('refused', 'bad')}  {one.path}")
            lines += _unread(one.path, one.refused)
        for path, address in one.written:
            word = "would write" if is_trial else "wrote"
            lines.append(f"{paint(f'{word:7}', 'good')}  {path}: {address}")
        lines += _unread(one.path, one.unread)
        if one.missing and not one.refused:
            lines.append(f"         nothing is said of: {', '.join(one.missing)}")
    written = sum(not one.refused for one in done)
    unread = sum(len(one.unread) for one in done)
    lines.append(
        f"{count(written, 'file')} of {len(done)} imported, {count(unread, 'place')} not read"
    )
    if written and not is_trial:
        lines.append("next: `chimera check` says what the records owe")
    return "\n".join(lines)


def _unread(path: str, unread: Iterable[Unread]) -> Iterator[str]:
    from chimera.render.paint import unbroken

    for one in unread:
        said = f"{one.text!r}: " if one.text else ""
        yield f"         {path}:{one.line}: {unbroken(said + one.why)}"


def imported_json(done: Sequence[Imported], *, is_trial: bool) -> dict[str, Any]:
    """Return the same as JSON."""
    return {
        "format": "chimera-import/1",
        "trial": is_trial,
        "files": [
            {
                "file": one.path,
                "written": [{"path": path, "record": str(name)} for path, name in one.written],
                "refused": [unread._asdict() for unread in one.refused],
                "unread": [unread._asdict() for unread in one.unread],
                "missing": list(one.missing),
            }
            for one in done
        ],
    }
