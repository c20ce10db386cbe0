"""A selector that names a kind which does not exist selects nothing, so it is a fault."""

from __future__ import annotations

from pathlib import Path

from chimera import Workspace

GATE = """\
apiVersion: chimera/v1
kind: Gate
metadata: {{name: g}}
spec:
  match: {{kinds: [{kind}]}}
  requires: {{records: [{record}]}}
"""


def rules(root: Path, kind: str, record: str) -> list[tuple[str, int, str]]:
    (root / "specs").mkdir(exist_ok=True)
    (root / "specs" / "gate.yaml").write_text(GATE.format(kind=kind, record=record))
    found = Workspace.open(root).check().diagnostics
    return [(d.rule, d.span.line, d.help) for d in found]


def test_a_misspelt_kind_in_a_selector_is_a_fault_at_its_place(tmp_path: Path) -> None:
    assert rules(tmp_path, "Worfklow", "ChangelogEntry") == [
        ("selector-kind-unknown", 5, "did you mean Workflow?")
    ]
    assert rules(tmp_path, "Workflow", "Changelog") == [
        ("selector-kind-unknown", 6, "did you mean ChangelogEntry?")
    ]


def test_kinds_that_exist_are_selected(tmp_path: Path) -> None:
    assert rules(tmp_path, "Workflow", "ChangelogEntry") == []
