"""Plugins that a Repository document cannot leave out are told at their line."""

from __future__ import annotations

from typing import Any

import pytest

from chimera import Workspace


@pytest.mark.parametrize("name", ["gate", "records", "policy", "workflwo"])
def test_a_plugin_that_is_not_optional_is_a_fault_and_is_there_all_the_same(
    folder: Any, name: str
) -> None:
    folder.thing("r", f"{{plugins: {{disable: [{name}]}}}}", kind="Repository")
    workspace = Workspace.open(folder.root)
    (fault,) = workspace.check().diagnostics
    assert (fault.rule, str(fault.span)) == (
        "repository-plugin-not-optional",
        "specs/r.yaml:4:28",
    )
    assert "Gate" in workspace.registry.kinds


def test_a_plugin_that_is_optional_is_left_out(folder: Any) -> None:
    folder.thing("r", "{plugins: {disable: [evolution]}}", kind="Repository")
    workspace = Workspace.open(folder.root)
    assert workspace.check().diagnostics == ()
    assert "Evolution" not in workspace.registry.kinds
