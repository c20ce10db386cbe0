"""`chimera report` as it is typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from chimera.cli.main import run
from tests.builtin.reporting.journal import NOON, Journal

Chimera = Callable[..., tuple[int, str, str]]


@pytest.fixture
def chimera(
    journal: Journal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Chimera:
    """Run `chimera report` where a run failed; return the exit code and what was said."""
    monkeypatch.chdir(journal.root)
    journal.event(journal.run(status="failed"))

    def answer(*arguments: str) -> tuple[int, str, str]:
        code = run(["report", *arguments])
        said = capsys.readouterr()
        return code, said.out, said.err

    return answer


def test_a_report_is_told_on_the_terminal(chimera: Chimera) -> None:
    code, out, _ = chimera("daily", "--for", "2026-11-18", "--now", "2026-11-19")
    assert code == 0
    assert out.startswith("Daily report 2026-11-18\nWednesday, 2026-11-18, UTC")
    assert "Failed steps" in out


def test_every_format_can_be_written_at_once(chimera: Chimera, tmp_path: Path) -> None:
    outputs = ("-o", "html=r.html", "-o", "markdown=r.md", "-o", "json")
    code, out, _ = chimera("weekly", "--for=2026-W47", "--now=2026-12-01", *outputs)
    assert code == 0
    assert json.loads(out)["period"]["name"] == "2026-W47"
    assert (tmp_path / "r.html").read_text("utf-8").startswith("<!doctype html>")
    assert (tmp_path / "r.md").read_text("utf-8").startswith("# Weekly report 2026-W47")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("hourly",), "hourly"),
        (("daily", "--for", "yesterday"), "no time that a report can be about"),
        (("daily", "--for", "2026-11-20", "--now", "2026-11-19"), "has not begun"),
        (("daily", "--env", "nowhere"), "there is no environment"),
        (("daily", "-o", "sarif"), "sarif"),
        (("daily", "--zone", "Mars/Base"), "there is no time zone"),
    ],
)
def test_what_cannot_be_reported_is_refused(
    chimera: Chimera, arguments: tuple[str, ...], said: str
) -> None:
    code, _, err = chimera(*arguments)
    assert code == 4
    assert said in err


def test_between_two_moments(chimera: Chimera) -> None:
    after = NOON.isoformat()
    _, out, _ = chimera("daily", f"--from={after}", "--to=2026-11-18T12:00:01Z", "-o", "json")
    figures = [f for s in json.loads(out)["sections"] for f in s["figures"]]
    assert [f["value"] for f in figures if f["id"] == "runs"] == [1]
    _, out, _ = chimera("daily", "--from=2026-11-18", f"--to={after}", "-o", "json")
    assert not [f for s in json.loads(out)["sections"] for f in s["figures"] if f["id"] == "runs"]
