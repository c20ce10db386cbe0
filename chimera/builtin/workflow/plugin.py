"""Registers workflows and their operations, judges them and runs them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from chimera.kinds import Document, Kind, Model, Registry
from chimera.model import Verdict
from chimera.plugin import hookimpl

if TYPE_CHECKING:
    from chimera.builtin.workflow.kinds import WorkflowSpec
    from chimera.kinds import Snapshot, Subject
    from chimera.proof import StepOutcome, StepTask
    from chimera.runtime import Declared, ReconcileTask
    from chimera.runtime.due import Due, Published

_OPERATIONS = {
    "operations.command": "command",
    "operations.file": "file.read file.write file.append file.copy file.digest",
    "operations.git": "git.resolve git.diff git.log git.commit git.tag git.push git.fetch",
    "operations.inside": "workflow.run",
    "operations.http": "http.get http.send",
    "operations.notify": "notify",
    "operations.policy": "policy.eval",
    "operations.publish": "publish",
    "wfformat.operations": "trace.hash trace.task",
}
"""The operations by their modules: most commands need no more than their names."""


@hookimpl
def chimera_register_kinds() -> list[Kind]:
    """Register `Workflow`."""
    return [
        Kind(
            "Workflow",
            "chimera.builtin.workflow.kinds:WorkflowSpec",
            "Stages that do work in an order, as durable steps, and what starts them.",
            executable=True,
            breaks=_breaks,
        )
    ]


def _breaks(before: WorkflowSpec, after: WorkflowSpec) -> Iterable[str]:
    from chimera.builtin.workflow.compatibility import breaks

    return breaks(before, after)


@hookimpl
def chimera_register_operations() -> Iterable[Declared]:
    """Register `command`, `notify`, `publish` and the families of operations."""
    from chimera.runtime import Declared

    for module, names in _OPERATIONS.items():
        for name in names.split():
            yield Declared(name, f"chimera.builtin.workflow.{module}:OPERATIONS")


@hookimpl
def chimera_register_commands() -> Mapping[str, str]:
    """Register `chimera import`."""
    return {"import wfformat": "chimera.builtin.workflow.commands:wfformat"}


@hookimpl
def chimera_check_document(document: Document[Model], registry: Registry) -> Iterable[Verdict]:
    """Compile a workflow that stands alone and report all that is wrong with it."""
    if document.address.kind != "Workflow":
        return ()
    from chimera.builtin.workflow.compile import judge_alone

    workflow = cast("Document[WorkflowSpec]", document)
    found = judge_alone(workflow, registry.operations, registry.executors)
    return () if found is None else (found,)


@hookimpl
def chimera_check_snapshot(subject: Subject) -> Iterable[Verdict]:
    """Judge workflows that run others or have predicates, and proof steps that run workflows."""
    found: list[Verdict] = []
    if "Workflow" in subject.snapshot.kinds:
        from chimera.builtin.workflow.finding import open_workflows

        chosen = list(open_workflows(subject.snapshot))
        if chosen:
            from chimera.builtin.workflow.nesting import judge_open

            found += judge_open(subject, chosen)
    if "Proof" in subject.snapshot.kinds:
        found += _judge_proofs(subject)
    return found


def _judge_proofs(subject: Subject) -> Iterable[Verdict]:
    """Judge the proof steps that run workflows: every effect has to be declared."""
    from chimera.proof.kinds import ProofSpec

    proofs = subject.snapshot.of_model(ProofSpec)
    if not any(step.run == "workflow" for proof in proofs for step in proof.spec.steps):
        return ()
    from chimera.builtin.workflow.effects import judge_steps

    return judge_steps(subject.snapshot)


@hookimpl
def chimera_run_proof_step(task: StepTask) -> StepOutcome | None:
    """Run a proof's `workflow` step."""
    if getattr(task.step, "run", None) != "workflow":
        return None
    from chimera.builtin.workflow.proving import run_workflow

    return run_workflow(task)


@hookimpl
def chimera_reconcile(task: ReconcileTask) -> Mapping[str, Any] | None:
    """Run a workflow, or register it for what starts it."""
    from chimera.builtin.workflow.reconcile import reconcile

    return reconcile(task)


@hookimpl
def chimera_execute(task: ReconcileTask, inputs: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Run an applied workflow now, with these inputs."""
    from chimera.builtin.workflow.reconcile import execute

    return execute(task, inputs)


@hookimpl
def chimera_find_due(snapshot: Snapshot, messages: Sequence[Published]) -> Iterable[Due]:
    """Start the workflows whose event was published."""
    if "Workflow" not in snapshot.kinds:
        return ()
    from chimera.builtin.workflow.events import find_due

    return tuple(find_due(snapshot, messages))
