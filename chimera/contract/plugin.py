"""Registers `LayerContract` and the words of `prohibits`, judges by them, owes, and reviews."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from chimera.contract.prohibitions import PROHIBITIONS, Prohibition
from chimera.kinds import Kind, Subject
from chimera.model import Obligation, Touch, Verdict
from chimera.plugin import hookimpl

if TYPE_CHECKING:
    from chimera.contract.kinds import LayerContractSpec
    from chimera.gate import Weighing


@hookimpl
def chimera_register_kinds() -> list[Kind]:
    """Register `LayerContract`."""
    return [
        Kind(
            "LayerContract",
            "chimera.contract.kinds:LayerContractSpec",
            "Ordered layers: what each may do, and what it may never do.",
            breaks=_breaks,
            home="specs/layers",
        )
    ]


def _breaks(before: LayerContractSpec, after: LayerContractSpec) -> Iterable[str]:
    from chimera.contract.compatibility import breaks

    return breaks(before, after)


@hookimpl
def chimera_register_prohibitions() -> tuple[Prohibition, ...]:
    """Register the vocabulary."""
    return PROHIBITIONS


@hookimpl
def chimera_check_snapshot(subject: Subject) -> Iterable[Verdict]:
    """Judge every document by the layers that it stands in, and by contracts as they were."""
    if "LayerContract" not in subject.snapshot.kinds and subject.changes is None:
        return []
    from chimera.contract.changing import vanished
    from chimera.contract.former import judge_former
    from chimera.contract.judge import judge

    prohibitions = subject.snapshot.registry.prohibitions
    verdicts = judge(subject, prohibitions)
    return [*verdicts, *judge_former(subject, prohibitions, verdicts), *vanished(subject)]


@hookimpl
def chimera_owe(subject: Subject) -> Iterable[Obligation]:
    """Owe the proofs of activations and, where it is protected, the people whom layers ask for."""
    from chimera.contract.obligations import owed

    return owed(subject)


@hookimpl
def chimera_touch(subject: Subject) -> Iterable[Touch]:
    """Return the layers that changed documents stand in, and the contracts that change."""
    from chimera.contract.touching import touch

    return tuple(touch(subject))


@hookimpl
def chimera_review_plan(stage: str, weighing: Weighing) -> Iterable[Verdict]:
    """Return which contracts the plan breaks, and which hold."""
    from chimera.contract.reviewing import review

    return tuple(review(weighing)) if stage == "contract" else ()
