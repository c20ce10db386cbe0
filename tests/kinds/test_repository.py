"""What a Repository document says in vain is told at its line."""

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


def test_a_second_repository_document_is_a_fault_that_shows_the_first(folder: Any) -> None:
    folder.thing("a", kind="Repository")
    folder.thing("b", kind="Repository")
    (fault,) = folder.faults()
    assert (fault.rule, str(fault.span)) == ("repository-duplicate", "specs/b.yaml:3:18")
    assert str(fault.related[0].where) == "specs/a.yaml:3:18"


@pytest.mark.parametrize(
    ("root", "rules"),
    [
        ("specs", []),
        ("services/ops", []),
        ("services/none", ["repository-root-missing"]),
        ("services/*", ["repository-root-missing"]),
        ("./services", []),
        ("services//ops", ["repository-root-unsafe"]),
        ("../services", ["glob-outside-tree"]),
    ],
)
def test_a_root_that_holds_nothing_or_lies_outside_is_told(
    folder: Any, root: str, rules: list[str]
) -> None:
    folder.write("services/ops/readme.txt", "here")
    folder.thing("r", f"{{roots: ['{root}']}}", kind="Repository")
    assert [rule for rule, _ in folder.seen()] == rules
