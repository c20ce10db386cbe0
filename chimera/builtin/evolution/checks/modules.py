"""Whether the modules of Python fitnesses are there and can be read as Python.

Warns, and refuses nothing: a run says the same, and what was applied has to stay runnable beside
an Evolution whose module the tree no longer has. Never executes anything.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TYPE_CHECKING

from chimera.builtin.evolution.spec.evolution import EvolutionSpec
from chimera.documents import Tree, is_link
from chimera.model import ChimeraError, Diagnostic, Finding, Severity, Verdict

if TYPE_CHECKING:
    from chimera.kinds import Subject

_HELP = "write the path of a Python file from the root of the tree; symlinks are not followed"


def judge_modules(subject: Subject) -> Iterator[Verdict]:
    """Yield a verdict with a warning for each Evolution whose module cannot be used."""
    for document in subject.snapshot.of_model(EvolutionSpec):
        python = document.spec.fitness.python
        fault = None if python is None else _fault(subject.snapshot.tree, python.module)
        if fault is None:
            continue
        warning = Diagnostic(
            "evolution-module-unusable",
            fault,
            document.at("spec", "fitness", "python", "module"),
            _HELP,
            Severity.WARNING,
            address=str(document.address),
        )
        yield Verdict("evolution", str(document.address), Finding.PASS, diagnostics=(warning,))


def _fault(tree: Tree, path: str) -> str | None:
    """Return what is wrong with the file at `path`, if anything is."""
    try:
        source = tree.read(path)
    except ChimeraError:
        return f"there is no file {path}"
    if any(entry.path == path and is_link(entry) for entry in tree.under([path], ("",))):
        return f"{path} is a symlink"
    try:
        ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        said = f" in line {error.lineno}: {error.msg}" if isinstance(error, SyntaxError) else ""
        return f"{path} is no Python{said}"
    return None
