"""Severity models: levels that can be told apart, by ranks that say what is graver."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from chimera.builtin.records.kinds import SeverityModelSpec
from tests.builtin.records.checks.conftest import SEVERITIES, Check, Json

LEVEL: Json = {"name": "n", "meaning": "m", "response": "r"}
LEVELS: list[Json] = [
    {**LEVEL, "id": "A", "rank": 0},
    {**LEVEL, "id": "B", "rank": 4, "questions": ["?"]},
]


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("severity-rank-duplicate", {"rank": 0}),
        ("severity-level-duplicate", {"id": "A"}),
        ("severity-level-unasked", {"questions": []}),
        ("field-invalid", {"rank": -1}),
        (None, {}),
    ],
)
def test_levels_can_be_told_apart(check: Check, rule: str | None, change: Json) -> None:
    model = {"levels": [LEVELS[0], LEVELS[1] | change]}
    found = check(added={"SeverityModel/own": model})
    assert [fault.rule for fault in found] == ([rule] if rule else [])


def shipped(path: Path) -> SeverityModelSpec:
    return SeverityModelSpec.model_validate(yaml.safe_load(path.read_text())["spec"])


def test_the_shipped_models_say_what_the_seeds_say() -> None:
    sev, priority = shipped(SEVERITIES), shipped(SEVERITIES.with_name("priority.yaml"))
    assert [level.id for level in sev.by_gravity] == ["SEV-3", "SEV-1", "SEV-2", "SEV-0"]
    assert [level.id for level in priority.by_gravity] == ["P0", "P1", "P2", "P3"]
    assert sev.graver("SEV-1", "SEV-2") == "SEV-1"
    assert sev.graver("SEV-0", "SEV-3") == "SEV-3"
    seconds = {
        level.id: level.acknowledge_within and level.acknowledge_within.total_seconds()
        for level in (*sev.levels, *priority.levels)
    }
    assert {level for level, owed in seconds.items() if owed is None} == {"SEV-0"}
    assert (seconds["SEV-1"], seconds["SEV-2"]) == (15 * 60, 30 * 60)
    assert [seconds[f"P{n}"] for n in range(1, 4)] == [3600, 4 * 3600, 24 * 3600]
    assert {level.id for level in sev.levels if level.review_owed} == {"SEV-1", "SEV-2", "SEV-3"}
    assert {level.id for level in sev.levels if level.freeze_owed} == {"SEV-3"}
