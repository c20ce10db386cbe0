"""`chimera run --listen` shows what runs publish while they go on."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from chimera.cli.main import run

DOCUMENTS = """
apiVersion: chimera/v1
kind: Environment
metadata: {name: local}
spec: {protected: false}
---
apiVersion: chimera/v1
kind: Workflow
metadata: {name: news}
spec:
  trigger: human
  mode: sequential
  stages:
    - {id: a, operation: hub.publish, inputs: {topic: news.a, payload: {n: 1}}}
    - {id: b, operation: hub.publish, inputs: {topic: other, payload: {n: 2}}}
    - {id: c, operation: hub.publish, inputs: {topic: news.b, payload: {n: "\\e[2J"}}}
"""


@pytest.fixture
def listen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> object:
    """Run the workflow and return the exit code and what was published, as it is shown."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "all.yaml").write_text(DOCUMENTS)
    monkeypatch.chdir(tmp_path)

    def chimera(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["chimera", *arguments])
        return run(list(arguments))

    assert chimera("apply") == 0
    capsys.readouterr()

    def told(pattern: str) -> tuple[int, str]:
        code = chimera("run", "Workflow/news", "--listen", pattern)
        return code, capsys.readouterr().err

    return told


def test_what_matches_is_shown_in_order_and_harmless(listen) -> None:  # type: ignore[no-untyped-def]
    code, said = listen("news.*")
    assert code == 0
    lines = [line for line in said.splitlines() if line.startswith(("news", "other"))]
    assert lines[0] == 'news.a {"n": 1}'
    assert lines[1].startswith("news.b ")
    assert len(lines) == 2
    assert "\x1b" not in said


def test_what_is_no_pattern_is_told(listen) -> None:  # type: ignore[no-untyped-def]
    code, said = listen("news..b")
    assert code == 4
    assert "'news..b' is no pattern of topics" in said
