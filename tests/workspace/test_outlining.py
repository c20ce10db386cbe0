"""A dry run says which steps ask for an executor that this machine does not have."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence

import pytest

from chimera.model import Diagnostic, Severity
from chimera.workspace import Workspace

from .conftest import Repository

SPEC = """\
apiVersion: chimera/v1
kind: Workflow
metadata: {name: far}
spec:
  trigger: human
  stages:
    - {id: one, operation: command, inputs: {argv: [pwd]}, executor: EXECUTOR}
    - {id: two, operation: command, inputs: {argv: [pwd]}, executor: EXECUTOR}
    - {id: near, operation: command, inputs: {argv: [pwd]}}
"""
Outline = Callable[[str], Sequence[Diagnostic]]


@pytest.fixture
def outline(repository: Repository) -> Outline:
    """Return what a dry run says of a workflow whose stages have an executor."""

    def run(executor: str) -> Sequence[Diagnostic]:
        repository.write("specs/far.yaml", SPEC.replace("EXECUTOR", executor))
        assert repository.chimera("apply").code == 0
        workspace = Workspace.open(repository.root)
        return workspace.runs.outline("Workflow/far", {}).diagnostics

    return run


def found_without_ray(name: str) -> object:
    return None if name == "ray" else object()


def test_where_ray_is_not_installed_a_dry_run_says_how_to_get_it(
    outline: Outline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", found_without_ray)
    (told,) = outline("ray")
    assert (told.rule, told.severity) == ("executor-unavailable", Severity.WARNING)
    assert told.message.startswith("one, two would fail: the executor ray needs the package ray")
    assert "chimera[distributed]" in told.help
    assert (told.address, told.span.path) == ("Workflow/far", "specs/far.yaml")


def test_of_an_executor_that_is_there_nothing_is_said(
    outline: Outline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    assert not outline("ray")
    assert not outline("process")
