"""Rewriting the documents of a tree: their format, and the line that names their schema."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from chimera.documents import RawDocument, Tree, format_text, locate, parse
from chimera.kinds import Registry, Source
from chimera.model import Diagnostic, Outcome, Result, UsageError, has_errors
from chimera.state import Layout
from chimera.workspace.modelines import schema_for, with_modeline


def format_documents(
    tree: Tree, source: Source, paths: Sequence[Path], *, write: bool
) -> Result[tuple[str, ...]]:
    """Format documents in place, or only say which would change.

    A file that does not parse stays as it is, and its faults are reported.
    """
    return _rewrite(tree, source, paths, lambda path, raw, text: format_text(text), write=write)


def add_modelines(
    tree: Tree, source: Source, registry: Registry, paths: Sequence[Path], *, write: bool
) -> Result[tuple[str, ...]]:
    """Give each file the first line that names its schema to editors, or say which lack it."""
    folder = Layout(tree.root).schemas.relative_to(tree.root).as_posix()

    def with_line(path: str, documents: Sequence[RawDocument], text: str) -> str:
        kinds = [document.value.get("kind") for document in documents]
        return with_modeline(text, schema_for(path, kinds, registry, folder))

    return _rewrite(tree, source, paths, with_line, write=write)


def _rewrite(
    tree: Tree,
    source: Source,
    paths: Sequence[Path],
    rewritten: Callable[[str, Sequence[RawDocument], str], str],
    *,
    write: bool,
) -> Result[tuple[str, ...]]:
    changed: list[str] = []
    faults: list[Diagnostic] = []
    for path in _selected(tree, source, paths):
        data = tree.read(path)
        documents, found = parse(path, data)
        if has_errors(found):
            faults += found
            continue
        text = data.decode("utf-8")
        result = rewritten(path, documents, text)
        if result != text:
            changed.append(path)
            if write:
                _replace(tree.root / path, result)
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
