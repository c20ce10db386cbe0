"""A repository with one workflow, loaded and compiled as `chimera check` does it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from chimera.model import Diagnostic

Check = Callable[[str], tuple[Diagnostic, ...]]


@pytest.fixture
def check(tmp_path: Path, faults_by: Callable[..., tuple[Diagnostic, ...]]) -> Check:
    """Return all that is wrong with a workflow whose `spec` is the given YAML."""

    def run(spec: str) -> tuple[Diagnostic, ...]:
        (tmp_path / "specs").mkdir(exist_ok=True)
        head = "apiVersion: chimera/v1\nkind: Workflow\nmetadata: {name: it}\nspec:\n"
        body = textwrap.indent(textwrap.dedent(spec), "  ")
        (tmp_path / "specs" / "it.yaml").write_text(head + body)
        return faults_by(lambda subject: subject.snapshot.verdicts)

    return run
