"""Faults of proof definitions that only the tree shows: each would make a proof that shows nothing.

Refuses to run anything.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from chimera.documents import Globs
from chimera.kinds import Document, Snapshot, validate_model
from chimera.model import ChimeraError, Diagnostic, Finding, Segment, Verdict, has_errors
from chimera.proof.controls import (
    ApplyPatch,
    Edit,
    SetVariable,
    describe,
    edited,
    paths_of,
)
from chimera.proof.inputs import input_paths
from chimera.proof.kinds import ProofSpec
from chimera.proof.owed import covers_anything
from chimera.proof.steps.models import CORE, OperationStep, SnapshotStep


def check(snapshot: Snapshot) -> Iterator[Verdict]:
    """Yield one verdict for each proof of the snapshot."""
    for proof in snapshot.of_model(ProofSpec):
        found = tuple(_Check(proof, snapshot).faults())
        finding = Finding.FAIL if has_errors(found) else Finding.PASS
        yield Verdict("proof", str(proof.address), finding, diagnostics=found)


class _Check:
    """Everything that can be wrong with one proof."""

    def __init__(self, proof: Document[ProofSpec], snapshot: Snapshot) -> None:
        self._proof = proof
        self._snapshot = snapshot
        self._paths = input_paths(proof, snapshot)

    def faults(self) -> Iterator[Diagnostic]:
        """Yield every fault."""
        yield from self._unmatched_inputs()
        yield from self._controls()
        yield from self._steps()
        if not covers_anything(self._proof.spec) and not self._is_asked_for():
            yield self._fault(
                "proof-never-owed",
                "the proof covers nothing and no document asks for it",
                "name paths, kinds or layers under covers, or let a Gate require it",
                "covers",
            )

    def _is_asked_for(self) -> bool:
        uses = self._snapshot.referred_by(self._proof.address)
        kinds = self._snapshot.registry.kinds
        return any(not kinds[use.source.kind].record for use in uses)

    def _unmatched_inputs(self) -> Iterator[Diagnostic]:
        for index, pattern in enumerate(self._proof.spec.inputs):
            if not Globs((pattern,)).filter(self._paths):
                yield self._fault(
                    "proof-input-unmatched",
                    f"the input {pattern!r} matches no file",
                    "name files of the tree; records and ignored files are never inputs",
                    "inputs",
                    index,
                )

    def _controls(self) -> Iterator[Diagnostic]:
        for index, control in enumerate(self._proof.spec.controls):
            if isinstance(control, SetVariable):
                continue
            field = "patch" if isinstance(control, ApplyPatch) else "path"
            outside = [path for path in paths_of(control) if not self._is_input(path)]
            if outside:
                yield self._fault(
                    "proof-control-outside-inputs",
                    f"the control changes {' and '.join(outside)}, which is not an input",
                    "name a file that one of the inputs matches",
                    *("controls", index, field),
                )
            else:
                yield from self._mutation(control, index)

    def _is_input(self, path: str) -> bool:
        """Tell whether a file is an input, or would be one where a patch creates it."""
        return path in self._paths or bool(Globs(self._proof.spec.inputs).filter((path,)))

    def _mutation(self, control: Edit, index: int) -> Iterator[Diagnostic]:
        def read(path: str) -> bytes | None:
            return self._snapshot.tree.read(path) if path in self._paths else None

        try:
            edited(control, read)
        except ChimeraError as error:
            yield self._fault(
                "proof-control-without-effect",
                f"{describe(control)} has no effect: {error.message}",
                "name a text or a value that is there, and another to stand in its place",
                "controls",
                index,
            )

    def _steps(self) -> Iterator[Diagnostic]:
        operations = self._snapshot.registry.operations
        for index, step in enumerate(self._proof.spec.steps):
            if isinstance(step, SnapshotStep):
                yield from self._goldens(index, step)
            if not isinstance(step, OperationStep):
                continue
            if step.run in operations:
                if operations[step.run].reach == "anywhere":
                    yield self._fault(
                        "proof-step-reaches-out",
                        f"{step.run} acts outside the exported folder, which no proof step may",
                        "run a workflow that uses it, and simulate that stage",
                        *("steps", index, "run"),
                    )
                yield from validate_model(
                    operations[step.run].inputs,
                    step.inputs,
                    self._proof.at("spec", "steps", index, "inputs"),
                    str(self._proof.address),
                )[1]
                continue
            near = difflib.get_close_matches(step.run, (*CORE, *operations), n=1)
            yield self._fault(
                "proof-step-unknown",
                f"no kind of step and no operation is called {step.run!r}",
                f"did you mean {near[0]}?" if near else f"use one of {', '.join(CORE)}",
                *("steps", index, "run"),
            )

    def _goldens(self, index: int, step: SnapshotStep) -> Iterator[Diagnostic]:
        for output, golden in step.goldens.items():
            if golden in self._paths:
                continue
            named = bool(Globs(self._proof.spec.inputs).filter((golden,)))
            yield self._fault(
                "proof-golden-missing",
                f"there is no file {golden} among the inputs to compare {output} with",
                f"write it with `chimera prove {self._proof.address.name} --update-snapshots`"
                if named
                else "name it under inputs: evidence has to be bound to it",
                *("steps", index, "goldens", output),
            )

    def _fault(self, rule: str, message: str, help: str, *route: Segment) -> Diagnostic:
        place = self._proof.at("spec", *route)
        return Diagnostic(rule, message, place, help, address=str(self._proof.address))
