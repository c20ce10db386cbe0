"""Which errors stand in the way of a question about a proof: those that concern what it runs.

A question keeps nothing, so that what is wrong elsewhere is a note to it. Refuses to guess: where
no proof is named, or one is not there, every error counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from chimera.kinds import Snapshot, references_of
from chimera.model import Address, Diagnostic, Severity, has_errors
from chimera.proof import ProofSpec
from chimera.proof.inputs import input_paths
from chimera.workspace.naming import proof_named


def concerning(
    snapshot: Snapshot, names: Sequence[str], diagnostics: tuple[Diagnostic, ...]
) -> tuple[Diagnostic, ...]:
    """Return the diagnostics, the errors that concern none of the named proofs as notes.

    An error concerns a proof that is about its own document, one that it leads to, or an input.
    """
    proofs = {d.address: d for d in snapshot.of_model(ProofSpec)}
    wanted = [proof_named(name) for name in names]
    if not wanted or not proofs.keys() >= set(wanted) or not has_errors(diagnostics):
        return diagnostics
    addresses = {str(address) for address in _reached(snapshot, wanted)}
    files = {proofs[address].place.path for address in wanted}
    inputs = {path for address in wanted for path in input_paths(proofs[address], snapshot)}

    def concerns(fault: Diagnostic) -> bool:
        path = fault.span.path
        is_of_file = fault.address is None and path in files  # which may not be read whole
        return fault.address in addresses or path in inputs or is_of_file

    return tuple(
        fault
        if fault.severity is not Severity.ERROR or concerns(fault)
        else replace(fault, severity=Severity.INFO)
        for fault in diagnostics
    )


def _reached(snapshot: Snapshot, wanted: Iterable[Address]) -> set[Address]:
    """Return the addresses, and all to which their documents refer, however far away."""
    found: set[Address] = set()
    pending = list(wanted)
    while pending:
        address = pending.pop()
        document = snapshot.get(address)
        if address not in found and document is not None:
            pending += (use.target for use in references_of(document))
        found.add(address)
    return found
