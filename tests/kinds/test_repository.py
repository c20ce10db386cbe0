"""A Repository says where documents are: what it says and nobody heeds is a fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from chimera import Workspace

REPOSITORY = """\
apiVersion: chimera/v1
kind: Repository
metadata: {{name: {name}}}
spec: {{roots: {roots}}}
"""


def rules(root: Path, *documents: str) -> list[tuple[str, str, int]]:
    (root / "specs").mkdir(exist_ok=True)
    (root / "specs" / "repository.yaml").write_text("---\n".join(documents))
    found = Workspace.open(root).check().diagnostics
    return [(d.rule, d.severity.value, d.span.line) for d in found]


def test_documents_are_read_from_a_root_however_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "gate.yaml").write_text("kind: Nonsense\n")
    for root in ("more", "more/", "./more", "."):
        found = rules(tmp_path, REPOSITORY.format(name="a", roots=f"[specs, {root}]"))
        assert {rule for rule, *_ in found} >= {"kind-unknown"}
        assert not {rule for rule, *_ in found if rule.startswith("repository")}


def test_a_misspelt_root_is_told(tmp_path: Path) -> None:
    assert rules(tmp_path, REPOSITORY.format(name="a", roots="[specs, serivces]")) == [
        ("repository-root-missing", "warning", 4)
    ]


@pytest.mark.parametrize("root", [".git", "a/.git/b", r"x\y", "C:/x", "GIT~1"])
def test_a_root_that_could_leave_the_tree_is_a_fault_at_its_place(
    tmp_path: Path, root: str
) -> None:
    assert rules(tmp_path, REPOSITORY.format(name="a", roots=f"['{root}']")) == [
        ("repository-root-unsafe", "error", 4)
    ]


def test_a_second_repository_document_is_a_fault(tmp_path: Path) -> None:
    first, second = (REPOSITORY.format(name=name, roots="[]") for name in "ab")
    assert rules(tmp_path, first, second) == [("repository-duplicate", "error", 8)]
