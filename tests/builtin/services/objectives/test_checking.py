"""What a check says of objectives: each rule where it is broken, and where it is kept to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.services.objectives.checking import judge_document
from chimera.builtin.services.spec.objective import ObjectiveSpec
from chimera.context import Context
from chimera.workspace import Workspace
from tests.builtin.services.objectives.conftest import HEALTH, document, spec, value

KINDS = ("availability", "latency", "error-rate", "utilisation", "cadence", "count")


def rules(type: str = "availability", **more: Any) -> set[str]:
    verdict = judge_document(document(spec(type, **more)))
    assert all(fault.help and fault.address for fault in verdict.diagnostics)
    return {fault.rule for fault in verdict.diagnostics}


@pytest.mark.parametrize("type", KINDS)
def test_sound_objectives_break_no_rule(type: str) -> None:
    assert rules(type) == set()


@pytest.mark.parametrize(
    ("rule", "type", "more"),
    [
        ("objective-source-unfit", "availability", {"indicator": {"source": {"from": "applies"}}}),
        ("objective-source-unfit", "latency", {"indicator": {"source": HEALTH}}),
        ("objective-source-unfit", "utilisation", {"indicator": {"source": {"from": "runs"}}}),
        ("objective-source-unfit", "count", {"indicator": {"source": {"from": "runs"}}}),
        ("objective-percentile-unused", "availability", {"indicator": {"percentile": 99}}),
        ("objective-target-unclear", "availability", {"target": {}}),
        ("objective-target-unclear", "availability", {"target": {"atMost": 0.5}}),
        ("objective-target-unclear", "latency", {"target": {"atLeast": 0.5}}),
        ("objective-target-unclear", "count", {"target": {"below": 5, "atMost": 4}}),
        ("objective-band-open", "utilisation", {"target": {"atMost": "80%"}}),
        ("objective-band-open", "utilisation", {"target": {"atLeast": "70%"}}),
        ("objective-target-impossible", "utilisation", {"target": {"atLeast": 0.8, "atMost": 0.7}}),
        ("objective-target-impossible", "utilisation", {"target": {"above": 0.7, "below": 0.7}}),
        ("objective-target-impossible", "availability", {"target": {"atLeast": 99.9}}),
        ("objective-target-impossible", "latency", {"target": {"below": -1}}),
        ("objective-budget-empty", "availability", {"target": {"atLeast": "100%"}}),
        ("objective-budget-empty", "error-rate", {"target": {"atMost": 0}}),
        ("objective-window-unfit", "availability", {"window": "0s"}),
        ("objective-window-unfit", "availability", {"window": "1000d"}),
        ("objective-minimum-low", "latency", {"minimum": 5}),
        ("objective-minimum-low", "latency", {"minimum": 50, "indicator": {"percentile": 99}}),
        (
            "objective-burn-alert-unfit",
            "availability",
            {"burnAlerts": [{"long": "5m", "short": "1h", "consumed": 0.1, "response": "page"}]},
        ),
        (
            "objective-burn-alert-unfit",
            "availability",
            {
                "window": "1d",
                "burnAlerts": [{"long": "3d", "short": "1h", "consumed": 0.1, "response": "page"}],
            },
        ),
    ],
)
def test_each_rule_is_told_where_it_is_broken(rule: str, type: str, more: dict[str, Any]) -> None:
    assert rule in rules(type, **more)


def test_high_percentiles_ask_for_more_measurements_by_themselves() -> None:
    assert spec("latency").least == 20
    assert spec("latency", indicator={"percentile": 99.9}).least == 1000
    assert rules("latency", indicator={"percentile": 99.9}) == set()
    assert spec("cadence").least == 0


@pytest.mark.parametrize("text", ["~150ms", "150ms", 0.15, {"value": "150ms"}, ["150ms"]])
def test_a_figure_that_nobody_measured_is_no_current_value(text: Any) -> None:
    with pytest.raises(ValueError, match="nothing says what measured it") as raised:
        ObjectiveSpec.model_validate(value("latency", current=text))
    assert "objective-current-unmeasured" in str(raised.value)


@pytest.mark.parametrize("text", ["fast", "150 parsecs", "", "-5ms", "1e3%", True, "nan", [1]])
def test_quantities_that_are_none_are_refused(text: Any) -> None:
    with pytest.raises(ValueError, match=r"quantity|no quantity"):
        ObjectiveSpec.model_validate(value(target={"atLeast": text}))


def test_quantities_and_moments_are_told_by_their_rules() -> None:
    broken = value("latency", target={"below": "fast"}, current={**CURRENT, "at": "today"})
    with pytest.raises(ValueError, match="2 validation errors") as raised:
        ObjectiveSpec.model_validate(broken)
    assert "quantity-invalid" in str(raised.value)
    assert "moment-invalid" in str(raised.value)


def test_quantities_are_written_as_people_do() -> None:
    assert spec(target={"atLeast": "99.95%"}).target.at_least == pytest.approx(0.9995)
    assert spec("latency", target={"below": "1m30s"}).target.below == 90
    assert spec("count", target={"below": 100}).target.below == 100


ROWS = [{"at": f"2026-11-21T06:{n:02}:00Z", "value": 0.1 + n / 1000} for n in range(20)]
CURRENT = {"value": 0.118, "at": "2026-11-21T06:19:00Z", "count": 20, "file": "m.jsonl"}


def told(root: Path) -> dict[str, str]:
    found = Workspace.open(root, Context.system()).check().diagnostics
    return {one.rule: one.message for one in found}


def lines(rows: list[Any]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_the_seeds_own_figure_fails_a_check(tmp_path: Path, write: Callable[..., None]) -> None:
    write(value("latency", current="~150ms"))
    assert (
        "'~150ms' is given as the current value" in told(tmp_path)["objective-current-unmeasured"]
    )


def test_a_current_value_is_computed_again(tmp_path: Path, write: Callable[..., None]) -> None:
    (tmp_path / "m.jsonl").write_text(lines(ROWS))
    write(value("latency", current=CURRENT))
    assert told(tmp_path) == {}
    write(value("latency", current={**CURRENT, "value": "117ms"}))
    assert "comes to 0.118 from 20" in told(tmp_path)["objective-current-differs"]
    write(value("latency", current={**CURRENT, "count": 21}))
    assert "objective-current-differs" in told(tmp_path)


def test_a_current_value_whose_file_shows_nothing_is_refused(
    tmp_path: Path, write: Callable[..., None]
) -> None:
    write(value("latency", current=CURRENT))
    assert "it is not there" in told(tmp_path)["objective-current-unmeasured"]
    (tmp_path / "m.jsonl").write_text(lines(ROWS[:5]))
    assert "has 5 measurements" in told(tmp_path)["objective-current-unmeasured"]
    (tmp_path / "m.jsonl").write_text(lines(ROWS) + "~150ms\n")
    assert "line 21" in told(tmp_path)["objective-current-unmeasured"]
    (tmp_path / "m.jsonl").write_text(lines(ROWS))
    write(value("latency", current={**CURRENT, "at": "0001-01-01T00:00:00Z"}))
    assert "objective-current-unmeasured" in told(tmp_path)


def test_a_source_file_is_read_at_a_check_where_it_is_there(
    tmp_path: Path, write: Callable[..., None]
) -> None:
    source = {"from": "file", "path": "m.csv"}
    write(value("latency", indicator={"source": source}))
    assert told(tmp_path) == {}
    (tmp_path / "m.csv").write_text("at,value\n2026-11-21T06:00:00Z,0.1\n")
    assert told(tmp_path) == {}
    (tmp_path / "m.csv").write_text("at,value\n2026-11-21T06:00:00Z,~150ms\n")
    assert "m.csv: line 2" in told(tmp_path)["objective-file-unreadable"]


@pytest.mark.parametrize("path", ["/etc/passwd", "../m.csv", "a/../../m.csv", "a\\b.csv", ""])
def test_files_are_inside_the_tree(path: str) -> None:
    with pytest.raises(ValueError, match=r"path") as raised:
        spec(indicator={"source": {"from": "file", "path": path}})
    assert "path-outside-tree" in str(raised.value) or not path


def test_a_link_out_of_the_tree_is_not_followed(
    tmp_path: Path, write: Callable[..., None], tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "m.jsonl"
    outside.write_text(lines(ROWS))
    (tmp_path / "m.jsonl").symlink_to(outside)
    write(value("latency", current=CURRENT))
    assert "objective-current-unmeasured" in told(tmp_path)
