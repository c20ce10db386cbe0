"""Formatting the documents of a tree."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from chimera.documents import Tree, format_text, locate, parse
from chimera.kinds import Source
from chimera.model import Diagnostic, Outcome, Result, UsageError, has_errors


def format_documents(
    tree: Tree, source: Source, paths: Sequence[Path], *, write: bool
) -> Result[tuple[str, ...]]:
    """Format documents in place, or only say which would change.

    A file that does not parse stays as it is, and its faults are reported.
    """
    changed: list[str] = []
    faults: list[Diagnostic] = []
    for path in _selected(tree, source, paths):
        data = tree.read(path)
        _, found = parse(path, data)
        if has_errors(found):
            faults += found
            continue
        text = data.decode("utf-8")
        formatted = format_text(text)
        if formatted != text:
            changed.append(path)
            if write:
                _replace(tree.root / path, formatted)
    outcome = Outcome.FAILED if faults else Outcome.PASSED
    return Result(tuple(changed), outcome, locate(faults, tree))


def _selected(tree: Tree, source: Source, paths: Sequence[Path]) -> list[str]:
    known = sorted({raw.path for raw in source.raw} | {f.where.path for f in source.diagnostics})
    if not paths:
        return known
    wanted = []
    for path in paths:
        try:
            wanted.append(path.resolve().relative_to(tree.root.resolve()))
        except ValueError:
            raise UsageError(
                f"{path} is outside {tree.root}", help="name a file of this repository"
            ) from None
    return [k for k in known if any(Path(k) == w or w in Path(k).parents for w in wanted)]


def _replace(path: Path, text: str) -> None:
    """Write beside the file and rename, so that an interruption leaves the old file or the new."""
    temporary = path.with_name(f".{path.name}.chimera-fmt")
    temporary.write_bytes(text.encode("utf-8"))
    temporary.chmod(path.stat().st_mode)
    temporary.replace(path)
