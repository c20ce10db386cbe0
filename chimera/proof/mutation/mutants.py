"""Mutants: which files are changed, and which of their changes are tried.

Chosen by a seed, so that the same seed and content give the same mutants. Refuses tests, proofs
and records unless tests are asked for: to break what judges shows nothing.
"""

from __future__ import annotations

import ast
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from chimera.context import stream
from chimera.documents import YAML_SUFFIXES, Globs
from chimera.kinds import Document, Snapshot
from chimera.model import ChimeraError
from chimera.proof.inputs import input_paths
from chimera.proof.kinds import ProofSpec
from chimera.proof.mutation import documents, python, text
from chimera.proof.mutation.change import Change
from chimera.proof.patches import unified
from chimera.proof.running.regions import first_difference
from chimera.proof.steps.models import PytestStep

_ATTEMPTS = 20  # for each mutant that is wanted, before there is no other to be had
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Mutant:
    """One file with one change; `line` counts from one."""

    path: str
    line: int
    label: str
    before: bytes
    after: bytes
    is_viable: bool

    @property
    def name(self) -> str:
        """Where it is and what it changes, in words."""
        return f"{self.path}:{self.line}: {self.label}"

    @property
    def diff(self) -> tuple[str, ...]:
        """The lines of a unified diff from hunk to hunk."""
        return unified(self.before, self.after)


def mutants(
    proof: Document[ProofSpec], snapshot: Snapshot, number: int, seed: str, *, tests: bool = False
) -> tuple[Mutant, ...]:
    """Return at most `number` different mutants of what the proof is about, by place."""
    chosen = stream(seed, "mutants", str(proof.address))
    files = _Files(targets(proof, snapshot, tests=tests), snapshot)
    found: dict[tuple[str, bytes], Mutant] = {}
    for _ in range(number * _ATTEMPTS):
        if len(found) == number or not files:
            break
        mutant = files.draw(chosen)
        if mutant is not None:
            found.setdefault((mutant.path, mutant.after), mutant)
    return tuple(sorted(found.values(), key=lambda m: (m.path, m.line, m.label)))


def targets(
    proof: Document[ProofSpec], snapshot: Snapshot, *, tests: bool = False
) -> tuple[str, ...]:
    """Return the inputs that are changed: those that the proof covers, or all where it names none.

    Left out are files that hold proofs, and tests unless they are asked for.
    """
    paths = input_paths(proof, snapshot)
    proofs = {document.place.path for document in snapshot.of_model(ProofSpec)}
    kept = [path for path in paths if path not in proofs and (tests or not _is_test(proof, path))]
    covers = proof.spec.covers
    covered = set(Globs(covers.paths).filter(kept)) if covers.paths else set()
    for document in snapshot.desired:
        if document.kind.name in covers.kinds:
            covered.add(document.place.path)
    return tuple(path for path in kept if path in covered) or tuple(kept)


def _is_test(proof: Document[ProofSpec], path: str) -> bool:
    """Tell whether a file is a test by its name, or named by one of the proof's own steps."""
    name = PurePosixPath(path).name
    if name == "conftest.py" or name.startswith("test_") or name.endswith("_test.py"):
        return True
    named = [n for s in proof.spec.steps if isinstance(s, PytestStep) for n in s.paths]
    return any(
        path == one or path.startswith(f"{one.rstrip('/')}/") or bool(Globs((one,)).filter((path,)))
        for one in (name.partition("::")[0] for name in named)
    )


class _Files:
    """The files that are changed, each read when it is first drawn."""

    def __init__(self, paths: tuple[str, ...], snapshot: Snapshot) -> None:
        self._paths = list(paths)
        self._snapshot = snapshot
        self._known: dict[str, tuple[bytes, list[Change]]] = {}

    def __bool__(self) -> bool:
        return bool(self._paths)

    def draw(self, chosen: random.Random) -> Mutant | None:
        """Return a mutant of some file, or none where that draw gives none."""
        path = self._paths[int(chosen.random() * len(self._paths))]
        content, possible = self._possible(path)
        if not possible:
            self._paths.remove(path)
            return None
        change = possible[int(chosen.random() * len(possible))]
        try:
            after = change.apply(content)
        except ChimeraError:
            return None
        if after == content:
            return None
        line = content.count(b"\n", 0, first_difference(content, after)) + 1
        return Mutant(path, line, change.label, content, after, self._is_viable(path, after))

    def _possible(self, path: str) -> tuple[bytes, list[Change]]:
        if path not in self._known:
            content = self._snapshot.tree.read(path)
            found = self._changes(path, content) if len(content) <= _MOST_BYTES else iter(())
            self._known[path] = content, list(found)
        return self._known[path]

    def _changes(self, path: str, content: bytes) -> Iterator[Change]:
        if path.endswith(".py"):
            return python.changes(content)
        if path.endswith(YAML_SUFFIXES):
            return documents.changes(path, content, self._snapshot.registry)
        return text.changes(content)

    def _is_viable(self, path: str, content: bytes) -> bool:
        """Tell whether a file can still be read as what it is."""
        if path.endswith(".py"):
            try:
                ast.parse(content)
            except (SyntaxError, ValueError):
                return False
        if path.endswith(YAML_SUFFIXES):
            return documents.is_valid(path, content, self._snapshot.registry)
        return True
