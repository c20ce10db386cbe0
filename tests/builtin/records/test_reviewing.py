"""While a freeze stands nothing in its scope is applied; no branch lifts what the trust ref has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.records.reviewing import review
from chimera.gate import Side, Weighing, weigh
from chimera.model import Action, Address, Diagnostic, Finding, Outcome, Place, Placement
from tests.gate.conftest import AFTER, PLUGINS, SRC, THING, Team, update

STANDS = "{from: '2026-11-20T00:00:00Z', reason: money at risk, by: Ann}"


@pytest.fixture
def team(tmp_path: Path) -> Team:
    made = Team(tmp_path / "here")
    made.write("Thing", "a")
    return made


def frozen(team: Team, spec: str, *changes: Any, **where: Any) -> list[str]:
    """Return what a freeze stops of some changes."""
    team.write("Freeze", "f", spec)
    return stopped(team.weighing(*changes, **where))


def stopped(weighing: Weighing) -> list[str]:
    verdicts = list(review(weighing))
    assert verdicts, "an essential reviewer that says nothing fails the gate"
    refused = [v.subject for v in verdicts if v.finding is not Finding.PASS]
    ruling = weigh(weighing, PLUGINS)
    assert (ruling.outcome is Outcome.PASSED) is not bool(refused)
    assert [s.stage for s in ruling.stages if s.outcome is not Outcome.PASSED] == (
        ["freeze"] if refused else []
    )
    return refused


def test_nothing_is_frozen_where_no_freeze_stands(team: Team) -> None:
    assert stopped(team.weighing()) == []


@pytest.mark.parametrize(
    ("times", "stands"),
    [
        ("from: '2026-11-20T00:00:00Z'", True),
        ("from: '2026-11-21T00:00:00Z'", True),
        ("from: '2026-11-21T00:00:01Z'", False),
        ("from: '2026-11-20T00:00:00Z', until: '2026-11-22T00:00:00Z'", True),
        ("from: '2026-11-20T00:00:00Z', until: '2026-11-21T00:00:00Z'", False),
        ("from: '2026-11-21T01:00:00+02:00'", True),
        ("from: '2026-11-20T23:00:00-02:00'", False),
    ],
)
def test_a_freeze_stands_from_its_beginning_to_its_end(
    team: Team, times: str, stands: bool
) -> None:
    spec = f"{{{times}, reason: r, by: Ann}}"
    assert frozen(team, spec) == (["Thing/a"] if stands else [])


@pytest.mark.parametrize(
    ("at", "stands"), [("2026-11-20T12:00:00Z", False), ("2026-11-21T00:00:01Z", True)]
)
def test_a_freeze_ends_when_it_is_lifted(team: Team, at: str, stands: bool) -> None:
    lifted = f"lifted: {{at: '{at}', by: Ann, reason: mended}}"
    spec = f"{{from: '2026-11-20T00:00:00Z', reason: r, by: Ann, {lifted}}}"
    assert frozen(team, spec) == (["Thing/a"] if stands else [])


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        ("{}", ["Thing/a", "paths:src/**"]),
        ("{environments: [Environment/local]}", ["Thing/a", "paths:src/**"]),
        ("{environments: [Environment/production]}", []),
        ("{kinds: [Thing]}", ["Thing/a"]),
        ("{kinds: [Gate]}", []),
        ("{layers: [ops/1]}", ["Thing/a"]),
        ("{layers: [ops/2]}", []),
        ("{kinds: [Thing], layers: [ops/2]}", []),
        ("{paths: ['src/pay/**']}", ["paths:src/**"]),
        ("{paths: ['docs/**']}", []),
        ("{paths: ['specs/**']}", ["Thing/a"]),
        ("{paths: ['src/**'], kinds: [Thing]}", ["Thing/a", "paths:src/**"]),
        ("{environments: [Environment/production], paths: ['src/**']}", []),
        ("{environments: [Environment/prodution]}", ["Thing/a", "paths:src/**"]),
        ("{environments: [Environment/prodution], kinds: [Gate]}", []),
    ],
)
def test_a_freeze_stops_what_is_in_its_scope(team: Team, scope: str, found: list[str]) -> None:
    team.placements[THING] = (Placement(THING, "ops/1", dormant=False),)
    team.write("Environment", "production")
    spec = STANDS.replace("{", f"{{scope: {scope}, ", 1)
    paths = update(SRC, paths=("src/pay/a.py",))
    assert frozen(team, spec, update(), paths) == found


def test_a_document_is_frozen_by_where_it_was_as_well(team: Team) -> None:
    gone = Address("Thing", "gone")
    team.before[gone] = {"metadata": {"name": "gone", "layers": ["ops/3"]}}
    spec = STANDS.replace("{", "{scope: {layers: [ops/3]}, ", 1)
    assert frozen(team, spec, update(gone, action=Action.DELETE, after=None)) == ["Thing/gone"]


def test_a_path_set_of_which_nobody_knows_the_paths_is_in_every_scope(team: Team) -> None:
    spec = STANDS.replace("{", "{scope: {paths: ['docs/**']}, ", 1)
    assert frozen(team, spec, update(SRC, paths=())) == ["paths:src/**"]


@pytest.mark.parametrize("action", [Action.CREATE, Action.UPDATE, Action.DELETE, Action.RUN])
def test_every_action_is_frozen(team: Team, action: Action) -> None:
    assert frozen(team, STANDS, update(action=action)) == ["Thing/a"]


@pytest.mark.parametrize(
    ("target", "after", "stops"),
    [
        ("Thing/a", AFTER, False),
        ("Thing/b", AFTER, True),
        ("Thing/a", "sha256:" + "0" * 64, True),
        ("Thing/a", "deleted", True),
    ],
)
def test_what_the_freeze_excepts_is_let_through_and_nothing_else(
    team: Team, target: str, after: str, stops: bool
) -> None:
    excepted = f"except: [{{target: {target}, after: '{after}'}}], "
    found = frozen(team, STANDS.replace("{", f"{{{excepted}", 1))
    assert found == (["Thing/a"] if stops else [])


def test_a_refusal_says_who_lifts_it_and_how_at_its_line(team: Team) -> None:
    team.write("Freeze", "f", STANDS)
    (refusal,) = weigh(team.weighing(), PLUGINS).refusals
    (fault,) = refusal.diagnostics
    assert fault.rule == "freeze-stands"
    assert fault.span.path == "specs/Freeze-f.yaml"
    assert fault.span.line == 5
    assert fault.message == "Freeze/f freezes Thing/a: money at risk"
    assert "to lift it, write lifted: {at, by, reason} into it where it stands" in fault.help
    assert "; who can: Ann; " in fault.help
    assert f"except: {{target: Thing/a, after: {AFTER}}}" in fault.help


class Places:
    """The same repository as the trust ref has it, and as a branch does."""

    def __init__(self, root: Path) -> None:
        self.branch, self.trusted = Team(root / "branch"), Team(root / "trusted")
        for team in (self.branch, self.trusted):
            team.write("Thing", "a")

    def weighing(self) -> Weighing:
        weighing = self.branch.weighing()
        trusted = Side("origin/main", self.trusted.snapshot(), is_trusted=True)
        return replace(weighing, sides=(*weighing.sides, trusted))


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


def test_a_freeze_that_a_branch_deletes_still_stands(places: Places) -> None:
    places.trusted.write("Freeze", "f", STANDS)
    assert stopped(places.weighing()) == ["Thing/a"]
    (refusal,) = weigh(places.weighing(), PLUGINS).refusals
    assert "and merge that into origin/main" in refusal.diagnostics[0].help
    assert refusal.diagnostics[0].span.line == 5


LIFTED = STANDS.replace(
    "{", "{lifted: {at: '2026-11-20T01:00:00Z', by: Eve, reason: I want to}, ", 1
)
EXCEPTING = STANDS.replace("{", f"{{except: [{{target: Thing/a, after: '{AFTER}'}}], ", 1)
ELSEWHERE = STANDS.replace("{", "{scope: {kinds: [Gate]}, ", 1)
ENDED = STANDS.replace("{", "{until: '2026-11-20T01:00:00Z', ", 1)


@pytest.mark.parametrize("edited", [LIFTED, EXCEPTING, ELSEWHERE, ENDED])
def test_a_freeze_that_a_branch_loosens_still_stands(places: Places, edited: str) -> None:
    places.trusted.write("Freeze", "f", STANDS)
    places.branch.write("Freeze", "f", edited)
    assert stopped(places.weighing()) == ["Thing/a"]


@pytest.mark.parametrize("edited", [LIFTED, EXCEPTING, ELSEWHERE, ENDED])
def test_a_freeze_that_the_trust_ref_loosens_is_looser_for_an_older_commit(
    places: Places, edited: str
) -> None:
    places.trusted.write("Freeze", "f", edited)
    places.branch.write("Freeze", "f", STANDS)
    assert stopped(places.weighing()) == []


def test_a_freeze_of_a_branch_stands_too(places: Places) -> None:
    places.branch.write("Freeze", "f", STANDS)
    places.trusted.write("Freeze", "other", LIFTED)
    assert stopped(places.weighing()) == ["Thing/a"]


def test_a_freeze_that_is_declared_anew_is_another_one(places: Places) -> None:
    places.trusted.write("Freeze", "f", LIFTED)
    places.branch.write("Freeze", "f", STANDS.replace("11-20", "11-19"))
    assert stopped(places.weighing()) == ["Thing/a"]


@pytest.mark.parametrize(
    ("address", "stops"),
    [("Freeze/f", True), (None, True), ("Thing/x", False), ("Guard/g", False)],
)
def test_a_freeze_that_cannot_be_read_stops_everything(
    team: Team, address: str | None, stops: bool
) -> None:
    weighing = team.weighing()
    fault = Diagnostic("field-unknown", "m", Place("specs/x.yaml"), "h", address=address)
    side = replace(weighing.sides[0], faults=(fault,))
    found = [v for v in review(replace(weighing, sides=(side,))) if v.finding is Finding.FAIL]
    assert bool(found) is stops


JUDGED = """\
apiVersion: chimera/v1
kind: Freeze
metadata: {name: f}
spec: {from: '2026-01-01T00:00:00Z', reason: r, by: Ann%s}
"""


@pytest.mark.parametrize(
    ("more", "rules"),
    [
        ("", []),
        (", scope: {environments: [Environment/local], kinds: [Gate]}", []),
        (", scope: {environments: [Environment/prod]}", ["freeze-scope-unknown"]),
        (", scope: {environments: [Gate/local]}", ["freeze-scope-unknown"]),
        (", scope: {environments: [local]}", ["field-invalid"]),
        (", scope: {environments: [Environment/gone]}, until: '2026-01-02T00:00:00Z'", []),
        (", scope: {kinds: [Gtae]}", ["freeze-scope-unknown"]),
        (", scope: {layers: [ops/9]}", ["freeze-scope-unknown"]),
        (", scope: {layers: [ops/9]}, until: '2026-01-02T00:00:00Z'", []),
        (", until: '2025-12-31T00:00:00Z'", ["freeze-never-stands"]),
        (", until: '2026-01-02'", ["moment-invalid"]),
        (", until: soon", ["moment-invalid"]),
    ],
)
def test_a_freeze_is_asked_for_a_scope_that_is_there_and_times_that_can_be(
    tmp_path: Path, more: str, rules: list[str]
) -> None:
    from chimera import Workspace

    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "f.yaml").write_text(JUDGED % more)
    assert [d.rule for d in Workspace.open(tmp_path).check().diagnostics] == rules
