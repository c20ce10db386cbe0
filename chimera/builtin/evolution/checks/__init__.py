"""What an Evolution's fields say together, judged without numba or NumPy: every fault at its place.

Genes are judged in `genes`, what is computed in `scoring`, and what searches in `searching`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from chimera.builtin.evolution.checks.genes import gene_faults
from chimera.builtin.evolution.checks.scoring import scoring_faults
from chimera.builtin.evolution.checks.searching import searching_faults
from chimera.builtin.evolution.spec.fault import Fault
from chimera.model import Diagnostic, Finding, Verdict

if TYPE_CHECKING:
    from chimera.builtin.evolution.kinds import EvolutionSpec
    from chimera.kinds import Document
    from chimera.runtime import Operation

__all__ = ["judge", "problem_faults"]


def judge(
    document: Document[EvolutionSpec], operations: Mapping[str, Operation[Any, Any]]
) -> Verdict:
    """Judge one Evolution; its fitness may be one of `operations`."""
    from chimera.builtin.evolution.fitness.outside.faults import operation_faults

    spec = document.spec
    faults = [*problem_faults(spec)]
    if spec.fitness.operation is not None:
        faults += operation_faults(spec, operations)
    found = tuple(_diagnostic(fault, document) for fault in faults)
    finding = Finding.FAIL if found else Finding.PASS
    return Verdict("evolution", str(document.address), finding, diagnostics=found)


def problem_faults(spec: EvolutionSpec) -> Iterator[Fault]:
    """Yield every fault that a single field does not show."""
    genes = list(gene_faults(spec))
    yield from genes
    yield from scoring_faults(spec, genes_sound=not genes)
    yield from searching_faults(spec)


def _diagnostic(fault: Fault, document: Document[EvolutionSpec]) -> Diagnostic:
    return Diagnostic(
        fault.rule,
        fault.message,
        document.at("spec", *fault.route),
        fault.help,
        address=str(document.address),
    )
