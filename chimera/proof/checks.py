"""Faults of proof definitions that only the tree shows: each would make a proof that shows nothing.

Refuses to run anything.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from chimera.documents import Globs
from chimera.kinds import Document, Snapshot, validate_model
from chimera.model import ChimeraError, Diagnostic, Finding, Segment, Verdict, has_errors
from chimera.proof.controls import ReplaceText, SetValue, SetVariable, describe, mutated
from chimera.proof.inputs import input_paths
from chimera.proof.kinds import ProofSpec
from chimera.proof.owed import covers_anything
from chimera.proof.steps.models import CORE, OperationStep


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
            if control.path not in self._paths:
                yield self._fault(
                    "proof-control-outside-inputs",
                    f"the control changes {control.path}, which is not an input",
                    "name a file that one of the inputs matches",
                    *("controls", index, "path"),
                )
            elif isinstance(control, ReplaceText | SetValue):
                yield from self._mutation(control, index)

    def _mutation(self, control: ReplaceText | SetValue, index: int) -> Iterator[Diagnostic]:
        data = self._snapshot.tree.read(control.path)
        try:
            changes = mutated(control, data) != data
            reason = "nothing would change"
        except (ChimeraError, UnicodeDecodeError) as error:
            changes, reason = False, str(error)
        if not changes:
            yield self._fault(
                "proof-control-without-effect",
                f"{describe(control)} has no effect: {reason}",
                "name a text or a value that is there, and another to stand in its place",
                "controls",
                index,
            )

    def _steps(self) -> Iterator[Diagnostic]:
        operations = self._snapshot.registry.operations
        for index, step in enumerate(self._proof.spec.steps):
            if not isinstance(step, OperationStep):
                continue
            if step.run in operations:
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

    def _fault(self, rule: str, message: str, help: str, *route: Segment) -> Diagnostic:
        place = self._proof.at("spec", *route)
        return Diagnostic(rule, message, place, help, address=str(self._proof.address))
