"""Whether gates could hold for anything, and whether production is protected.

A misspelt path would leave what it means ungoverned. That is no error: what a gate waits for may
not be there yet. Production that anybody may apply to is one.
"""

from __future__ import annotations

from collections.abc import Iterator

from chimera.documents import Globs
from chimera.gate.kinds import EnvironmentSpec, GateSpec
from chimera.kinds import Document, Snapshot
from chimera.model import Diagnostic, Finding, Severity, Verdict


def check(snapshot: Snapshot) -> Iterator[Verdict]:
    """Yield a verdict for every gate with a pattern that matches no path of the tree."""
    governing = {document.address for document in snapshot.governing}
    gates = snapshot.of_model(GateSpec, only=governing)
    paths = [entry.path for entry in snapshot.tree.entries()] if gates else []
    for gate in gates:
        faults = tuple(_unmatched(gate, paths))
        if faults:
            reasons = tuple(fault.message for fault in faults)
            address = str(gate.address)
            yield Verdict(address, address, Finding.NOT_EXERCISED, reasons, faults)


def _unmatched(gate: Document[GateSpec], paths: list[str]) -> Iterator[Diagnostic]:
    for index, pattern in enumerate(gate.spec.match.paths):
        if not Globs((pattern,)).select(paths):
            yield Diagnostic(
                "gate-path-unmatched",
                f"no path of the tree matches {pattern!r}, so that the gate governs none by it",
                gate.at("spec", "match", "paths", index),
                "correct the pattern; case counts, and paths begin at the top of the tree",
                Severity.WARNING,
                str(gate.address),
            )


def check_environments(snapshot: Snapshot) -> Iterator[Verdict]:
    """Yield a refusal for each environment that is production and not protected."""
    for environment in snapshot.of_model(EnvironmentSpec):
        if not environment.spec.production or environment.spec.protected:
            continue
        address = str(environment.address)
        message = f"{address} is production, and is not protected: anybody may apply anything to it"
        fault = Diagnostic(
            "environment-production-unprotected",
            message,
            environment.at("spec", "protected"),
            "write protected: true, so that approvals and evidence are owed",
            address=address,
        )
        yield Verdict(address, address, Finding.FAIL, (message,), (fault,))
