"""What the room registers is explained, light, and its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chimera.builtin.workflow.plugin import chimera_register_operations
from chimera.kinds import Registry

OWN = ["command", "file.append", "file.copy", "file.digest", "file.read", "file.write"]
OWN += ["git.commit", "git.diff", "git.fetch", "git.log", "git.push", "git.resolve", "git.tag"]
OWN += ["http.get", "http.send", "notify", "policy.eval", "publish", "trace.hash", "trace.task"]
OWN += ["workflow.run"]


def test_the_operations_are_registered(registry: Registry) -> None:
    assert sorted(operation.name for operation in chimera_register_operations()) == OWN
    assert registry.kinds["Workflow"].executable
    assert not registry.kinds["Workflow"].record


@pytest.mark.parametrize("name", OWN)
def test_every_field_of_an_operation_is_described(registry: Registry, name: str) -> None:
    operation = registry.operations[name]
    assert operation.summary
    for model in (operation.inputs, operation.outputs):
        for field in model.model_fields.values():
            assert field.description


def test_what_only_reads_has_no_effects(registry: Registry) -> None:
    pure = [name for name in OWN if not registry.operations[name].effects]
    assert pure == [
        *("file.digest", "file.read", "git.diff", "git.log", "git.resolve"),
        *("http.get", "policy.eval", "trace.hash", "trace.task"),
    ]


def test_registering_loads_no_network() -> None:
    script = """
import sys
from chimera.builtin.workflow.plugin import chimera_register_operations
list(chimera_register_operations())
print([name for name in ("http.client", "httpx", "git", "yaml_rs") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
