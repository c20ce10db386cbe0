"""Proof documents as tests: one item for each, which runs the whole proof as `chimera prove` does.

Evidence that fits the content is used again, and what is proven now is kept. Controls are no items
of their own: they are run once the repetitions have passed, and belong to the one proving. Refuses
a proof that exercised nothing, as the gate does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chimera.documents import spans_of
from chimera.kinds import Document
from chimera.model import Address, ChimeraError, Finding, GateError, Place, Result
from chimera.proof import ProofReport
from chimera.render.diagnostics import diagnostic_lines
from chimera.render.paint import plain
from chimera.render.proof import divergence_lines, proofs_lines
from chimera.workspace import ProveReport, Workspace

_STEP = re.compile(r"step (\d+): ")


def is_read(file: Path) -> bool:
    """Tell whether the file lies where its repository keeps documents."""
    workspace = Workspace.open(file.parent)
    path = _path(workspace, file)
    return path is not None and any(
        path == root or path.startswith(f"{root}/") for root in workspace.source.roots
    )


def _path(workspace: Workspace, file: Path) -> str | None:
    root = workspace.root.resolve()
    real = file.resolve()
    return real.relative_to(root).as_posix() if real.is_relative_to(root) else None


class ProofError(Exception):
    """A proof that did not pass; its text says why, with places in the document."""


class ProofFile(pytest.File):
    """A file with proof documents."""

    def collect(self) -> Iterator[ProofItem]:
        """Yield each proof of the file; a file that cannot be read is an item that fails."""
        workspace = Workspace.open(self.path.parent)
        path = _path(workspace, self.path)
        found = False
        for raw in workspace.source.raw:
            metadata = raw.value.get("metadata")
            name = metadata.get("name") if isinstance(metadata, dict) else None
            if raw.path == path and raw.value.get("kind") == "Proof" and isinstance(name, str):
                found = True
                place = Place(raw.path, raw.index)
                yield ProofItem.from_parent(self, name=name, workspace=workspace, place=place)
        if not found:
            place = Place(path or self.path.name)
            yield ProofItem.from_parent(self, name=self.path.stem, workspace=workspace, place=place)


class ProofItem(pytest.Item):
    """One proof."""

    def __init__(self, *, workspace: Workspace, place: Place, **options: Any) -> None:
        super().__init__(**options)
        self._workspace = workspace
        self._place = place

    def runtest(self) -> None:
        """Prove it, or use the evidence that there is; raises `ProofError` unless it passes."""
        try:
            result = self._workspace.prove((self.name,))
        except GateError as error:  # a dormant layer, in which nothing acts
            pytest.skip(error.message)
        report = result.value
        evidence = [*(r.evidence for r in report.reused), *(r.evidence for r in report.proven)]
        self.user_properties += [("evidence", digest) for digest in evidence if digest]
        if not report.reused and not report.proven:
            raise ProofError("\n".join(diagnostic_lines(result.diagnostics)))
        if any(proof.finding is not Finding.PASS for proof in report.proven):
            raise ProofError("\n".join(self._why(result, report.proven[0])))
        self.add_report_section("call", "proof", "\n".join(proofs_lines(report)))

    def _why(self, result: Result[ProveReport], report: ProofReport) -> Iterator[str]:
        """Yield the claim and each reason, at the line of what it is about."""
        snapshot = result.value.snapshot
        assert snapshot is not None
        document: Document[Any] | None = snapshot.get(report.proof)
        assert document is not None
        yield f"{report.proof} {report.finding.value}: {document.spec.claim}"
        told = [(reason, _about(reason, report, document)) for reason in report.reasons]
        spans = spans_of(snapshot.tree, [place for _, place in told])
        for reason, place in told:
            yield f"{place.path}:{spans[place].line}: {reason}"
        yield from (f"note: {note}" for note in report.notes)
        for divergence in report.divergences:
            yield from divergence_lines(divergence, plain)
        if report.divergences:
            yield f"help: `chimera prove {report.proof} --diagnose` looks for the cause"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Say why without a traceback, where it is the proof that failed."""
        error = excinfo.value
        if isinstance(error, ProofError):
            return str(error)
        if isinstance(error, ChimeraError):
            lines = (f"{self._place.path}:1: {error.message}", f"help: {error.help}")
            return "\n".join(lines if error.help else lines[:1])
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Return the file, the line of the document counted from zero, and the address."""
        span = spans_of(self._workspace.tree, (self._place,))[self._place]
        return self.path, span.line - 1, str(Address("Proof", self.name))


def _about(reason: str, report: ProofReport, document: Document[Any]) -> Place:
    """Return the step or control that a reason is about, or the document."""
    step = _STEP.search(reason)
    if step is not None and int(step[1]) <= len(document.spec.steps):
        return document.at("spec", "steps", int(step[1]) - 1)
    for index, label in enumerate(_labels(report)):
        if label in reason:
            return document.at("spec", "controls", index)
    return document.at("metadata", "name")


def _labels(report: ProofReport) -> Iterable[str]:
    return (control.label for control in report.controls)
