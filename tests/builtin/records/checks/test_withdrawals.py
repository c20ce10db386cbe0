"""What binds is ended by what is written into it: no change deletes, renames or moves it away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.records.checks.withdrawals import judge_withdrawals
from chimera.documents import RawDocument, open_work_tree
from chimera.kinds import Registry, Snapshot, validate
from chimera.model import Diagnostic, Outcome
from tests.builtin.conftest import NOW
from tests.builtin.records.checks.conftest import FREEZE, OPEN, OVER, ROLLBACK, Json, varied
from tests.workspace.conftest import Repository, repository
from tests.workspace.signing import Team, document

STANDS = varied(FREEZE, {"lifted": ..., "incident": ...})
TWO = ["Environment/production", "Environment/staging"]
SCOPED = varied(STANDS, {"scope": {"environments": TWO, "paths": ["src/**"]}})
MISSPELT = varied(STANDS, {"scope": {"environments": ["Environment/prodution"]}})
LIFTED = {"at": "2026-11-21T11:00:00Z", "by": "Ann Lee", "reason": "safe again"}
WATCHED = varied(ROLLBACK, {"redeploy": ...})
GOING = varied(WATCHED, {"observation": ...})
RESOLVED = {**OVER["resolved"], "at": "2026-11-21T11:55:00Z"}

__all__ = ["repository"]

Told = Callable[[Json, Json], tuple[Diagnostic, ...]]


@pytest.fixture
def told(tmp_path: Path, registry: Registry) -> Told:
    """Return what is said of specs by address after others were there before."""
    tree = open_work_tree(tmp_path)

    def snapshot(specs: Json) -> Snapshot:
        found = []
        for where, spec in {
            "Environment/production": {},
            "Environment/staging": {},
            **specs,
        }.items():
            kind, _, name = where.partition("/")
            head = {"apiVersion": "chimera/v1", "kind": kind, "metadata": {"name": name}}
            one, faults = validate(RawDocument(f"{name}.yaml", 0, {**head, "spec": spec}), registry)
            assert one is not None, faults
            found.append(one)
        return Snapshot.of(tree, registry, found)

    def run(before: Json, after: Json) -> tuple[Diagnostic, ...]:
        judged = judge_withdrawals(snapshot(before), snapshot(after), NOW)
        return tuple(fault for _, faults in judged for fault in faults)

    return run


BINDING = [
    ("Incident/a", OPEN),
    ("Freeze/a", STANDS),
    ("Rollback/a", GOING),
    ("Rollback/a", WATCHED),
]


@pytest.mark.parametrize(("address", "spec"), BINDING)
def test_what_binds_is_neither_deleted_nor_renamed(told: Told, address: str, spec: Json) -> None:
    for after in ({}, {f"{address}-2": spec}):
        (fault,) = told({address: spec}, after)
        assert (fault.rule, fault.address, fault.stops) == ("record-withdrawn", address, True)
        assert "a.yaml" in str(fault.where)
        assert "`chimera " in fault.help or "lifted" in fault.help
    assert told({address: spec}, {address: spec}) == ()


@pytest.mark.parametrize(
    ("address", "spec"),
    [
        ("Incident/a", OVER),
        ("Freeze/a", FREEZE),
        ("Freeze/a", varied(STANDS, {"from": "2026-11-22T00:00:00Z"})),
        ("Freeze/a", varied(STANDS, {"until": "2026-11-21T11:00:00Z"})),
        ("Rollback/a", ROLLBACK),
        ("Rollback/a", varied(WATCHED, {"reverts": ...})),
    ],
)
def test_what_is_over_or_has_not_begun_may_go(told: Told, address: str, spec: Json) -> None:
    assert told({address: spec}, {}) == ()


@pytest.mark.parametrize(
    ("address", "spec", "changes", "route"),
    [
        ("Incident/a", OPEN, {"environment": "staging"}, "environment"),
        ("Rollback/a", GOING, {"environment": "staging"}, "environment"),
        ("Rollback/a", WATCHED, {"reverts": []}, "reverts"),
        ("Freeze/a", STANDS, {"until": "2026-11-21T11:00:00Z"}, "until"),
        ("Freeze/a", STANDS, {"from": "2026-11-22T00:00:00Z"}, "from"),
        ("Freeze/a", STANDS, {"scope": {"environments": TWO[:1]}}, "environments"),
        ("Freeze/a", STANDS, {"scope": {"kinds": ["Gate"]}}, "kinds"),
        ("Freeze/a", SCOPED, {"scope.environments": TWO[1:]}, "environments"),
        ("Freeze/a", SCOPED, {"scope.paths": ["src/pay/**"]}, "paths"),
    ],
)
def test_an_edit_that_loosens_is_told_where_it_is(
    told: Told, address: str, spec: Json, changes: Json, route: str
) -> None:
    (fault,) = told({address: spec}, {address: varied(spec, changes)})
    assert (fault.rule, fault.where.route[-1]) == ("record-withdrawn", route)


@pytest.mark.parametrize(
    ("address", "spec", "changes"),
    [
        ("Incident/a", OPEN, {"title": "Few can pay"}),
        ("Incident/a", OPEN, {"environment": "staging", "resolved": RESOLVED}),
        ("Incident/a", varied(OPEN, {"environment": "prodution"}), {"environment": "production"}),
        ("Rollback/a", GOING, {"observation": ROLLBACK["observation"]}),
        ("Rollback/a", WATCHED, {"redeploy": ROLLBACK["redeploy"]}),
        ("Freeze/a", STANDS, {"lifted": LIFTED}),
        ("Freeze/a", STANDS, {"until": "2026-11-22T00:00:00Z"}),
        ("Freeze/a", SCOPED, {"scope.paths": ["src/**", "lib/**"]}),
        ("Freeze/a", SCOPED, {"scope.environments": []}),
        ("Freeze/a", MISSPELT, {"scope.environments": TWO[:1]}),
    ],
)
def test_what_ends_mends_or_widens_is_no_withdrawal(
    told: Told, address: str, spec: Json, changes: Json
) -> None:
    assert told({address: spec}, {address: varied(spec, changes)}) == ()


HOME = "changelog/freezes/stop.yaml"


@pytest.fixture
def team(repository: Repository) -> Team:
    """A team whose main branch has one record, a freeze that stands, and a branch off it."""
    made = Team(repository)
    made.write(HOME, document("Freeze", "stop", **STANDS))
    made.commit()
    made.branch()
    return made


def withdrawn(team: Team) -> list[Any]:
    """Return what `chimera check` and `chimera plan` say against main, and that they agree."""
    team.commit()
    found = []
    for ask in (team.workspace().check, team.workspace().plan):
        result = ask(base="main")
        found.append([d for d in result.diagnostics if d.rule == "record-withdrawn"])
        assert (result.outcome is Outcome.PASSED) is not bool(found[-1]), result
    assert found[0] == found[1]
    return found[0]


def test_a_request_that_deletes_a_freeze_fails_and_says_how_to_lift_it(team: Team) -> None:
    (team.root / HOME).unlink()
    (fault,) = withdrawn(team)
    assert str(fault.span) == f"{HOME}:1:1"
    assert "write lifted: {at, by, reason}" in fault.help


def test_a_request_that_moves_or_lifts_it_passes(team: Team) -> None:
    moved = team.root / "changelog" / "archive" / "stop.yaml"
    moved.parent.mkdir()
    (team.root / HOME).rename(moved)
    assert withdrawn(team) == []
    moved.write_text(document("Freeze", "stop", **STANDS, lifted=LIFTED))
    assert withdrawn(team) == []
