"""A repository with one workflow, loaded and compiled as `chimera check` does it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.workflow.plugin import chimera_check_snapshot, chimera_reconcile
from chimera.context import Context
from chimera.documents import open_work_tree
from chimera.kinds import EnvironmentFacts, Registry, load_snapshot, read_source
from chimera.model import Action, Address, Change, Diagnostic
from chimera.runtime import ReconcileTask, Runs
from chimera.state import StateWriter, open_state

ADDRESS = Address("Workflow", "it")

Check = Callable[..., tuple[Diagnostic, ...]]


def write_workflows(root: Path, **specs: str) -> None:
    """Write workflows by name, each the YAML of its spec."""
    (root / "specs").mkdir(exist_ok=True)
    for name, text in specs.items():
        head = f"apiVersion: chimera/v1\nkind: Workflow\nmetadata: {{name: {name}}}\nspec:\n"
        body = textwrap.indent(textwrap.dedent(text), "  ")
        (root / "specs" / f"{name}.yaml").write_text(head + body)


@pytest.fixture
def check(tmp_path: Path, faults_by: Callable[..., tuple[Diagnostic, ...]]) -> Check:
    """Return all that is wrong with a workflow whose `spec` is the given YAML, and with others.

    Others are given by name.
    """

    def run(spec: str, **others: str) -> tuple[Diagnostic, ...]:
        write_workflows(tmp_path, it=spec, **others)
        return faults_by(
            lambda subject: (*subject.snapshot.verdicts, *chimera_check_snapshot(subject))
        )

    return run


@pytest.fixture
def context() -> Context:
    return Context.system()


@pytest.fixture
def state(tmp_path: Path, context: Context) -> Iterator[StateWriter]:
    with open_state(tmp_path, context, command="test") as opened:
        yield opened


Task = Callable[..., ReconcileTask]


@pytest.fixture
def task(tmp_path: Path, registry: Registry, state: StateWriter, context: Context) -> Task:
    """Return the task of carrying out a workflow whose `spec` is the given YAML.

    Others are given by name.
    """

    def make(spec: str, action: Action = Action.CREATE, **others: str) -> ReconcileTask:
        write_workflows(tmp_path, it=spec, **others)
        loaded = load_snapshot(read_source(open_work_tree(tmp_path)), registry)
        assert not loaded.diagnostics
        document = loaded.snapshot.documents[ADDRESS]
        runs = Runs(state, context, "local")
        return ReconcileTask(
            change=Change(ADDRESS, action, None, document.digest, "new"),
            document=document,
            before=None,
            snapshot=loaded.snapshot,
            environment=EnvironmentFacts("local", protected=False),
            context=context,
            operations=registry.operations,
            root=tmp_path,
            record=lambda kind, name, spec: None,
            run_steps=lambda *given: runs.carry_out(str(ADDRESS), *given),
        )

    return make


@pytest.fixture
def outputs(task: Task) -> Callable[[str], Mapping[str, Any]]:
    """Carry out a workflow and return its outputs."""
    return lambda spec, **others: chimera_reconcile(task(spec, **others))["outputs"]  # type: ignore[index]
