"""A permit is the gate's alone, and for one plan: what Python can defend of that."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from chimera.gate import STAGES, Permit, Ruling, StageRuling, permit, weigh
from chimera.gate.signed import approval_digest
from chimera.model import Finding, GateError, Outcome
from tests.gate.conftest import Team
from tests.gate.reviewing import FAIL, PASS, Reviewers


@pytest.fixture(scope="module")
def weighing(tmp_path_factory: pytest.TempPathFactory) -> Any:
    team = Team(tmp_path_factory.mktemp("team"))
    team.write("Thing", "a")
    return team.weighing()


@pytest.fixture(scope="module")
def passed(weighing: Any) -> Ruling:
    return weigh(weighing, Reviewers().manager)


@pytest.fixture(scope="module")
def refused(weighing: Any) -> Ruling:
    return weigh(weighing, Reviewers({"freeze": [FAIL]}).manager)


ALL_PASS = tuple(StageRuling(stage, (PASS,)) for stage in STAGES)


@pytest.mark.parametrize("seal", ["", "seal", "0" * 64, None, True, object(), "ä"])
def test_a_permit_cannot_be_made_by_hand(weighing: Any, seal: Any) -> None:
    with pytest.raises(GateError, match="cannot be made by hand"):
        Permit(weighing.plan.digest, "local", {}, seal)


def test_a_permit_of_another_plan_lends_no_seal(weighing: Any, passed: Ruling) -> None:
    given = permit(passed)
    for edited in (
        ("sha256:" + "0" * 64, "local", {}),
        (weighing.plan.digest, "production", {}),
        (weighing.plan.digest, "local", {"Thing/a": ("sha256:1",)}),
    ):
        with pytest.raises(GateError, match="cannot be made by hand"):
            Permit(*edited, given.seal)


@pytest.mark.parametrize("seal", ["", "0" * 64, None])
def test_a_permit_cannot_be_made_of_a_ruling_made_by_hand(weighing: Any, seal: Any) -> None:
    forged = Ruling(weighing.plan.digest, "local", ALL_PASS, {}, seal)
    assert forged.outcome is Outcome.PASSED
    with pytest.raises(GateError, match="ruling cannot be made by hand"):
        permit(forged)


def test_a_refusal_edited_to_pass_gets_no_permit(refused: Ruling, passed: Ruling) -> None:
    for forged in (
        replace(refused, stages=ALL_PASS),
        replace(refused, stages=passed.stages, plan_digest="sha256:" + "0" * 64),
        replace(passed, plan_digest="sha256:" + "0" * 64),
        replace(passed, environment="production"),
        replace(passed, approvals={"Thing/a": ()}),
    ):
        assert forged.outcome is Outcome.PASSED
        with pytest.raises(GateError, match="cannot be made by hand"):
            permit(forged)


def test_a_ruling_that_lacks_a_stage_or_has_one_twice_does_not_pass(passed: Ruling) -> None:
    for number in range(len(STAGES)):
        fewer = (*passed.stages[:number], *passed.stages[number + 1 :])
        assert replace(passed, stages=fewer).outcome is Outcome.FAILED
    for stages in ((), passed.stages[::-1], (*passed.stages, passed.stages[0])):
        assert replace(passed, stages=stages).outcome is Outcome.FAILED
    silent = (*passed.stages[:-1], StageRuling("guard", ()))
    assert replace(passed, stages=silent).outcome is Outcome.FAILED


def test_a_copy_of_a_ruling_says_what_it_said_and_no_more(passed: Ruling) -> None:
    for same in (copy.copy(passed), copy.deepcopy(passed), pickle.loads(pickle.dumps(passed))):
        assert same == passed
        assert permit(same).seal == permit(passed).seal
    altered = pickle.loads(pickle.dumps(passed).replace(b"local", b"other"))
    assert altered.environment == "other"
    with pytest.raises(GateError, match="cannot be made by hand"):
        permit(altered)


@pytest.mark.parametrize("kept", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_permit_is_not_kept(passed: Ruling, kept: Any) -> None:
    with pytest.raises(GateError, match="cannot be kept"):
        kept(permit(passed))


def test_a_permit_cannot_be_altered(weighing: Any, passed: Ruling) -> None:
    given = permit(passed)
    with pytest.raises(FrozenInstanceError):
        given.plan_digest = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        given.approvals["Thing/a"] = ()  # type: ignore[index]
    with pytest.raises(GateError):
        replace(given, plan_digest="other")


def test_a_permit_that_was_altered_all_the_same_admits_nothing(
    weighing: Any, passed: Ruling
) -> None:
    """Python lets anybody write any field; what is written then does not fit the seal."""
    for name, value in (
        ("environment", "production"),
        ("approvals", {"Thing/a": ("sha256:1",)}),
        ("seal", "other"),
        ("seal", None),
    ):
        given = permit(passed)
        assert given.admits(weighing.plan)
        object.__setattr__(given, name, value)
        assert not given.admits(weighing.plan)
    unmade = object.__new__(Permit)
    for name, value in (("plan_digest", weighing.plan.digest), ("environment", "local")):
        object.__setattr__(unmade, name, value)
    object.__setattr__(unmade, "approvals", {})
    object.__setattr__(unmade, "seal", "")
    assert not unmade.admits(weighing.plan)


def test_a_permit_fits_one_plan_only(weighing: Any, passed: Ruling) -> None:
    given = permit(passed)
    plan = weighing.plan
    assert given.admits(copy.deepcopy(plan))
    assert given.admits(pickle.loads(pickle.dumps(plan)))
    item = plan.items[0]
    other = replace(item, change=replace(item.change, after=None))
    for edited in (
        replace(plan, items=()),
        replace(plan, environment="production"),
        replace(plan, protected=True),
        replace(plan, items=(other,)),
    ):
        assert not given.admits(edited)


def test_what_was_approved_is_on_the_permit_and_nothing_else(team: Any) -> None:
    given = [type("A", (), {"value": {"spec": {"at": n}}})() for n in "12"]
    one, other = map(approval_digest, given)
    weighing = replace(team.weighing(), approvals=tuple(given))
    used = replace(PASS, subject="Thing/a", rests_on=(one, "sha256:9"))
    refused = replace(FAIL, subject="Thing/b", rests_on=(other,))
    ruling = weigh(weighing, Reviewers({"approval": [used], "proof": [used]}).manager)
    assert dict(permit(ruling).approvals) == {"Thing/a": (one,)}
    ruling = weigh(weighing, Reviewers({"approval": [used, refused]}).manager)
    assert ruling.approvals == {"Thing/a": (one,)}
    assert {v.finding for v in ruling.refusals} == {Finding.FAIL}
