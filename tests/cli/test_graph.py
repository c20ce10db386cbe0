"""`chimera graph`: each format where it was asked for, of all, of a document and of a change."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

DOCUMENTS = """\
apiVersion: chimera/v1
kind: Gate
metadata: {name: code}
spec:
  match: {paths: [src/**]}
  requires: {approvals: [{role: Role/owner, count: 1}]}
---
apiVersion: chimera/v1
kind: Role
metadata: {name: owner}
spec: {members: []}
"""


def commit(root: Path) -> None:
    author = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for call in (["init", "-q"], ["add", "-A"], [*author, "commit", "-qm", "x"]):
        subprocess.run(["git", *call], cwd=root, check=True)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    file = tmp_path / "specs" / "all.yaml"
    file.parent.mkdir()
    file.write_text(DOCUMENTS)
    commit(tmp_path)
    return file


def test_text_is_a_tree_for_a_terminal(shop: Path, chimera: Any) -> None:
    answer = chimera("graph")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.splitlines() == [
        "no layer",
        "  Gate/code",
        "    -> Role/owner (requires.approvals.role)",
        "  Role/owner",
        "2 documents, 1 reference",
    ]


def test_a_document_is_shown_with_both_its_sides(shop: Path, chimera: Any) -> None:
    assert chimera("graph", "Role/owner").out.splitlines() == [
        "Role/owner  specs/all.yaml:9",
        "leans on nothing",
        "is leaned on by:",
        "  `- Gate/code (requires.approvals.role)",
    ]


def test_a_change_is_shown_with_what_it_reaches(shop: Path, chimera: Any, tmp_path: Path) -> None:
    shop.write_text(DOCUMENTS.replace("[]", "[], capabilities: [prove]"))
    commit(tmp_path)
    lines = chimera("graph", "--base", "HEAD~1").out.splitlines()
    assert lines[0].startswith("what changes against HEAD~1")
    assert lines[1].startswith("~ update Role/owner")
    assert "Gate/code (requires.approvals.role)" in "".join(lines)
    assert lines[-1] == "1 changed, 1 reached downstream"


def test_nothing_changed_is_said(shop: Path, chimera: Any) -> None:
    answer = chimera("graph", "--base", "HEAD")
    assert answer.code == 0
    assert answer.out.startswith("what changes against HEAD")
    assert answer.out.endswith(": nothing\n")


@pytest.mark.parametrize(
    ("form", "beginning"),
    [
        ("mermaid", "flowchart LR\n"),
        ("dot", "digraph "),
        ("svg", "<svg "),
        ("html", "<!doctype html>\n"),
        ("json", "{"),
    ],
)
def test_every_format_goes_where_it_was_asked_for(
    form: str, beginning: str, shop: Path, chimera: Any, tmp_path: Path
) -> None:
    shown = chimera("graph", "-o", form)
    assert (shown.code, shown.out[: len(beginning)]) == (0, beginning)
    written = chimera("graph", "-o", f"{form}=out.txt", "-o", "text")
    assert written.out.endswith("2 documents, 1 reference\n")
    assert (tmp_path / "out.txt").read_text() == shown.out


def test_json_names_every_node_and_edge(shop: Path, chimera: Any) -> None:
    found = json.loads(chimera("graph", "-o", "json").out)
    assert [node["key"] for node in found["nodes"]] == ["Gate/code", "Role/owner"]
    (edge,) = found["edges"]
    assert (edge["source"], edge["target"]) == ("Gate/code", "Role/owner")


def test_what_cannot_be_drawn_is_said(shop: Path, chimera: Any) -> None:
    lost = chimera("graph", "--base", "no-such-ref")
    assert lost.code in {1, 4}
    assert "no-such-ref" in lost.err
    assert chimera("graph", "Role/owner", "--depth", "0").code == 4
    assert chimera("graph", "-o", "png").code == 4
