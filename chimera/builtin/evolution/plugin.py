"""Registers evolutions and genomes, judges them, runs them, and proves them again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from chimera.kinds import Kind
from chimera.plugin import hookimpl

if TYPE_CHECKING:
    from chimera.builtin.evolution.kinds import EvolutionSpec
    from chimera.kinds import Document, Model, Registry, Subject
    from chimera.model import Obligation, Touch, Verdict
    from chimera.proof import StepOutcome, StepTask
    from chimera.runtime import ReconcileTask
    from chimera.runtime.health import HealthCheck, HealthTask
    from chimera.runtime.reporting import ReportTask, Section
    from chimera.state import Holding


@hookimpl
def chimera_register_kinds() -> list[Kind]:
    """Register `Evolution`, its record `Genome`, and `Promotion`."""
    return [
        Kind(
            "Evolution",
            "chimera.builtin.evolution.kinds:EvolutionSpec",
            "A seeded search for the candidate of best fitness.",
            executable=True,
            breaks=_breaks,
        ),
        Kind(
            "Genome",
            "chimera.builtin.evolution.kinds:GenomeSpec",
            "The champion of one evolution run.",
            record=True,
            home="specs/genomes",
        ),
        Kind(
            "Promotion",
            "chimera.builtin.evolution.genomes.kinds:PromotionSpec",
            "Which genome is in use, where its values stand, and by which proof.",
        ),
    ]


def _breaks(before: EvolutionSpec, after: EvolutionSpec) -> Iterable[str]:
    from chimera.builtin.evolution.compatibility import breaks

    return breaks(before, after)


@hookimpl
def chimera_register_commands() -> Mapping[str, str]:
    """Register the group `evolve`."""
    return {"evolve": "chimera.builtin.evolution.commands:evolve"}


@hookimpl
def chimera_check_document(document: Document[Model], registry: Registry) -> Iterable[Verdict]:
    """Judge an Evolution, its fitness expression included, without numba."""
    if document.address.kind != "Evolution":
        return ()
    from chimera.builtin.evolution.checks import judge

    return (judge(cast("Document[EvolutionSpec]", document), registry.operations),)


@hookimpl
def chimera_check_snapshot(subject: Subject) -> Iterable[Verdict]:
    """Judge whether promoted values are those of their genomes, and modules are there."""
    found: list[Verdict] = []
    if "Evolution" in subject.snapshot.kinds:
        from chimera.builtin.evolution.checks.modules import judge_modules

        found += judge_modules(subject)
    if "Promotion" in subject.snapshot.kinds:
        from chimera.builtin.evolution.genomes.checking import judge as judge_promotions

        found += judge_promotions(subject)
    return tuple(found)


@hookimpl
def chimera_owe(subject: Subject) -> Iterable[Obligation]:
    """Return what changes of promotions owe: their proof, and people."""
    from chimera.builtin.evolution.genomes.owing import owe

    return tuple(owe(subject))


@hookimpl
def chimera_touch(subject: Subject) -> Iterable[Touch]:
    """Return which promotions the subject's changes concern."""
    from chimera.builtin.evolution.genomes.owing import touch

    return tuple(touch(subject))


@hookimpl
def chimera_run_proof_step(task: StepTask) -> StepOutcome | None:
    """Run a proof's `evolution` step."""
    if getattr(task.step, "run", None) != "evolution":
        return None
    from chimera.builtin.evolution.proving import run_evolution

    return run_evolution(task)


@hookimpl
def chimera_reconcile(task: ReconcileTask) -> Mapping[str, Any] | None:
    """Run an evolution, or register it for what starts it."""
    from chimera.builtin.evolution.reconcile import reconcile

    return reconcile(task)


@hookimpl
def chimera_execute(task: ReconcileTask, inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Run an applied evolution now."""
    from chimera.builtin.evolution.reconcile import execute

    return execute(task, inputs)


@hookimpl
def chimera_observe_health(task: HealthTask) -> Iterable[HealthCheck]:
    """Say how the genome store is, where there is one."""
    from chimera.builtin.evolution.genomes.observing import observe

    return tuple(observe(task))


@hookimpl
def chimera_contribute_backup() -> Iterable[Holding]:
    """Name the genome store, and the checkpoints from which searches go on."""
    from chimera.builtin.evolution.genomes.observing import damaged
    from chimera.state import Holding

    return (
        Holding("genomes", "what evolutions found", damaged),
        Holding("checkpoints", "where searches go on", _checkpoint_faults),
    )


def _checkpoint_faults(root: Path) -> Iterable[str]:
    from chimera.model import digest_bytes

    for path in sorted((root / ".chimera/checkpoints").glob("*.checkpoint")):
        if digest_bytes(path.read_bytes()) != f"sha256:{path.stem}":
            yield f"{path.name} is not what its name says"


@hookimpl
def chimera_contribute_report(task: ReportTask) -> Iterable[Section]:
    """Say what evolutions found in a day, a week or a month."""
    if not task.kind.is_periodic:
        return ()
    from chimera.builtin.evolution.reporting import sections

    return tuple(sections(task))
