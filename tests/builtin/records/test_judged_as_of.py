"""Records are judged as of a moment that is given; what people are late with stops no change."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from chimera.cli.main import run
from chimera.documents import dump
from tests.builtin.records.checks.conftest import BASE, SEVERITIES

INCIDENT = """\
apiVersion: chimera/v1
kind: Incident
metadata: {name: slow}
spec:
  title: Everything is slow
  environment: local
  model: SeverityModel/sev
  opened: {at: "2026-11-21T11:00:00Z", by: monitoring}
  assessments:
    - {at: "2026-11-21T11:00:00Z", by: Ann, level: SEV-2, reason: latency}
"""


@pytest.fixture
def repository(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert run(["-C", str(tmp_path), "init"]) == 0
    (tmp_path / "changelog" / "slow.yaml").write_text(INCIDENT)
    capsys.readouterr()
    return tmp_path


def told(root: Path, capsys: pytest.CaptureFixture[str], *command: str) -> tuple[int, Any]:
    code = run(["-C", str(root), *command, "-o", "json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("now", "code", "rules"),
    [
        ("2026-11-21T11:30:00Z", 0, []),
        (
            "2026-11-21T13:00:00+01:00",
            1,
            ["incident-acknowledgement-overdue", "incident-commander-missing"],
        ),
    ],
)
def test_a_check_says_as_of_when_it_judged(
    repository: Path,
    capsys: pytest.CaptureFixture[str],
    now: str,
    code: int,
    rules: list[str],
) -> None:
    ended, found = told(repository, capsys, "check", "--now", now)
    assert ended == code
    assert sorted(fault["rule"] for fault in found["diagnostics"]) == rules
    assert found["now"] in ("2026-11-21T11:30:00+00:00", "2026-11-21T12:00:00+00:00")


def test_a_plan_tells_of_it_and_is_made_all_the_same(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended, found = told(repository, capsys, "plan", "--now", "2026-11-21T12:00:00Z")
    assert (ended, found["now"]) == (0, "2026-11-21T12:00:00+00:00")


def test_what_people_are_late_with_stops_no_apply(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-C", str(repository), "check"]) == 1
    assert run(["-C", str(repository), "apply"]) == 0, capsys.readouterr().out


def test_what_contradicts_itself_does(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = repository / "changelog" / "slow.yaml"
    file.write_text(INCIDENT.replace("level: SEV-2", "level: SEV-9"))
    assert run(["-C", str(repository), "apply"]) == 1
    assert "incident-level-unknown" in capsys.readouterr().out


@pytest.mark.parametrize("now", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
@pytest.mark.parametrize(
    "written", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-11-18T09:00:00Z"]
)
def test_no_time_is_too_early_or_too_late_to_judge(tmp_path: Path, now: str, written: str) -> None:
    """Whoever writes a time may write any, and sums of times end where time does."""
    folder = tmp_path / "records"
    folder.mkdir()
    (folder / "sev.yaml").write_text(SEVERITIES.read_text())
    for where, spec in BASE.items():
        kind, _, name = where.partition("/")
        document = {"apiVersion": "chimera/v1", "kind": kind, "metadata": {"name": name}}
        text = re.sub(r"2026-11-\d\dT[\d:]+Z", written, dump({**document, "spec": spec}))
        text = re.sub(r"(?<!\d)2026-\d\d-\d\d(?![T\d])", written[:10], text)
        (folder / f"{kind}-{name}.yaml").write_text(text)
    assert run(["-C", str(tmp_path), "check", "--now", now]) == 1
