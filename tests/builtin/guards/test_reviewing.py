"""An engaged guard stops every change in its scope, wherever a place that binds has it engaged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from chimera.builtin.guards.kinds import GuardScope, GuardSpec
from chimera.builtin.guards.plugin import _breaks, _ends
from chimera.builtin.guards.reviewing import review
from chimera.builtin.guards.switches import engage
from chimera.context import Context
from chimera.gate import Side, Weighing, weigh
from chimera.model import Diagnostic, Finding, Outcome, Place, Placement
from chimera.plugin import ESSENTIAL
from tests.gate.conftest import PLUGINS, SRC, THING, Team, update


@pytest.fixture
def team(tmp_path: Path) -> Team:
    made = Team(tmp_path / "here")
    made.write("Thing", "a")
    return made


def guard(team: Team, engaged: str = "true", scope: str = "{}") -> None:
    team.write("Guard", "g", f"{{engaged: {engaged}, reason: payments are wrong, scope: {scope}}}")


def stopped(weighing: Weighing) -> list[str]:
    verdicts = list(review(weighing))
    assert verdicts, "an essential reviewer that says nothing fails the gate"
    refused = [v.subject for v in verdicts if v.finding is not Finding.PASS]
    assert (weigh(weighing, PLUGINS).outcome is Outcome.PASSED) is not bool(refused)
    return refused


def test_no_guard_and_one_that_is_not_engaged_stop_nothing(team: Team) -> None:
    assert stopped(team.weighing()) == []
    guard(team, "false")
    assert stopped(team.weighing()) == []


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        ("{}", ["Thing/a", "paths:src/**"]),
        ("{environments: [Environment/local]}", ["Thing/a", "paths:src/**"]),
        ("{environments: [Environment/production]}", []),
        ("{kinds: [Thing]}", ["Thing/a"]),
        ("{layers: [ops/1]}", ["Thing/a"]),
        ("{layers: [ops/2]}", []),
        ("{paths: ['src/**']}", ["paths:src/**"]),
    ],
)
def test_an_engaged_guard_stops_what_is_in_its_scope(
    team: Team, scope: str, found: list[str]
) -> None:
    team.placements[THING] = (Placement(THING, "ops/1", dormant=False),)
    guard(team, scope=scope)
    changes = (update(), update(SRC, paths=("src/pay/a.py",)))
    assert stopped(team.weighing(*changes)) == found


def test_a_refusal_says_how_it_is_released_at_its_line(team: Team) -> None:
    guard(team)
    (refusal,) = weigh(team.weighing(), PLUGINS).refusals
    (fault,) = refusal.diagnostics
    assert fault.rule == "guard-engaged"
    assert str(fault.span) == "specs/Guard-g.yaml:5:13"
    assert fault.message == "Guard/g stops Thing/a: payments are wrong"
    assert fault.help == "release it: set engaged to false in the work tree"


def test_a_guard_that_any_place_has_engaged_stops(tmp_path: Path, team: Team) -> None:
    guard(team, "false")
    other = Team(tmp_path / "other")
    guard(other)
    weighing = team.weighing()
    for trusted in (True, False):
        side = Side("origin/main", other.snapshot(), is_trusted=trusted)
        assert stopped(replace(weighing, sides=(*weighing.sides, side))) == ["Thing/a"]


@pytest.mark.parametrize(
    ("address", "stops"), [("Guard/g", True), (None, True), ("Thing/x", False)]
)
def test_a_guard_that_cannot_be_read_stops_everything(
    team: Team, address: str | None, stops: bool
) -> None:
    weighing = team.weighing()
    fault = Diagnostic("field-unknown", "m", Place("specs/x.yaml"), "h", address=address)
    side = replace(weighing.sides[0], faults=(fault,))
    found = [v for v in review(replace(weighing, sides=(side,))) if v.finding is Finding.FAIL]
    assert bool(found) is stops


def test_releasing_or_deleting_an_engaged_guard_breaks(team: Team) -> None:
    engaged, released = (GuardSpec(engaged=is_on, reason="r") for is_on in (True, False))
    assert list(_breaks(engaged, released)) == ["it is released: nothing is stopped by it"]
    assert list(_ends(engaged)) == ["nothing stops changes any longer for this reason: r"]
    assert list(_breaks(released, engaged)) == list(_ends(released)) == []


def test_guards_cannot_be_left_out() -> None:
    assert "chimera.builtin.guards.plugin" in ESSENTIAL


def test_a_switch_of_this_machine_stops_what_no_document_does(team: Team) -> None:
    context = Context.system()
    engage(team.root, context, "pay", GuardScope(kinds=("Thing",)), "wrong charges")
    weighing = team.weighing(update(), update(SRC, paths=("src/a.py",)))
    assert stopped(weighing) == ["Thing/a"]
    (refusal,) = weigh(weighing, PLUGINS).refusals
    (fault,) = refusal.diagnostics
    assert fault.rule == "guard-engaged"
    assert fault.message.startswith("Guard/pay stops Thing/a: wrong charges (engaged by ")
    assert fault.help == "release it with `chimera guard release pay`"
    (path,) = (team.root / ".chimera" / "guards").iterdir()
    path.write_text("no switch")
    assert stopped(weighing) == ["Thing/a", "paths:src/**"], "a damaged one stops everything"
    path.unlink()
    engage(team.root, context, "pay", GuardScope(kinds=("Workflow",)), "wrong charges")
    assert stopped(weighing) == []


@pytest.mark.parametrize(
    ("until", "stops"), [("2026-11-21T00:00:01Z", True), ("2026-11-21T00:00:00Z", False)]
)
def test_maintenance_stops_until_it_is_over(team: Team, until: str, stops: bool) -> None:
    team.write("Guard", "g", f"{{reason: r, maintenance: {{until: '{until}'}}}}")
    assert bool(stopped(team.weighing())) is stops
    rules = [d.rule for v in weigh(team.weighing(), PLUGINS).refusals for d in v.diagnostics]
    assert rules == (["guard-maintenance"] if stops else [])
