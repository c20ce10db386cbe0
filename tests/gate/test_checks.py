"""A gate whose paths are not there governs nothing by them: it says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from chimera import Workspace

GATE = """\
apiVersion: chimera/v1
kind: Gate
metadata: {{name: g}}
spec:
  match: {{paths: ["src/**", "{pattern}"]}}
  requires: {{records: [ChangelogEntry]}}
"""


def rules(root: Path, pattern: str) -> list[tuple[str, str, int]]:
    for folder in ("specs", "src"):
        (root / folder).mkdir()
    (root / "src" / "a.py").write_text("")
    (root / "specs" / "gate.yaml").write_text(GATE.format(pattern=pattern))
    found = Workspace.open(root).check().diagnostics
    return [(d.rule, d.severity.value, d.span.line) for d in found]


@pytest.mark.parametrize("pattern", ["scr/**", "SRC/**", "src/["])
def test_a_pattern_that_matches_nothing_is_told(tmp_path: Path, pattern: str) -> None:
    assert rules(tmp_path, pattern) == [("gate-path-unmatched", "warning", 5)]


def test_a_pattern_that_matches_is_no_fault(tmp_path: Path) -> None:
    assert rules(tmp_path, "src/*.py") == []
