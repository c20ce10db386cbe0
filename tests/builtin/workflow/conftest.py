"""A repository with one workflow, loaded and compiled as `chimera check` does it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from chimera.builtin.workflow.plugin import chimera_check_snapshot
from chimera.model import Diagnostic

Check = Callable[..., tuple[Diagnostic, ...]]


@pytest.fixture
def check(tmp_path: Path, faults_by: Callable[..., tuple[Diagnostic, ...]]) -> Check:
    """Return all that is wrong with a workflow whose `spec` is the given YAML, and with others.

    Others are given by name.
    """

    def run(spec: str, **others: str) -> tuple[Diagnostic, ...]:
        (tmp_path / "specs").mkdir(exist_ok=True)
        for name, text in {"it": spec, **others}.items():
            head = f"apiVersion: chimera/v1\nkind: Workflow\nmetadata: {{name: {name}}}\nspec:\n"
            body = textwrap.indent(textwrap.dedent(text), "  ")
            (tmp_path / "specs" / f"{name}.yaml").write_text(head + body)
        return faults_by(
            lambda subject: (*subject.snapshot.verdicts, *chimera_check_snapshot(subject))
        )

    return run
