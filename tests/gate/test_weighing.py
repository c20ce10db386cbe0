"""A permit is the gate's alone, for one plan; and nothing that fails ever opens the gate."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, replace
from types import ModuleType
from typing import Any

import pluggy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.gate import Permit, RefusedError, Ruling, environments, permit, weigh
from chimera.gate.weighing import ESSENTIAL_REVIEWERS, review_diagnostics
from chimera.model import (
    Diagnostic,
    Finding,
    GateError,
    Outcome,
    Place,
    Severity,
    Verdict,
)
from chimera.plugin import ESSENTIAL, hookimpl, hookspecs
from tests.gate.conftest import PLUGINS, Team, update

findings = st.sampled_from(Finding)
verdicts = st.builds(Verdict, st.sampled_from("jk"), st.sampled_from("st"), findings)


class Reviewers:
    """A gate whose reviewers say what a test lets them say."""

    def __init__(self, *answers: Any) -> None:
        self.manager = pluggy.PluginManager("chimera")
        self.manager.add_hookspecs(hookspecs)
        self.add(ESSENTIAL_REVIEWERS[0], lambda: list(answers))

    def add(self, name: str, answer: Any) -> None:
        def chimera_review_plan(weighing: Any) -> Any:
            return answer()

        module = ModuleType(name)
        module.chimera_review_plan = hookimpl(chimera_review_plan)  # type: ignore[attr-defined]
        self.manager.register(module, name)


@pytest.fixture(scope="module")
def weighing(tmp_path_factory: pytest.TempPathFactory) -> Any:
    team = Team(tmp_path_factory.mktemp("team"))
    team.write("Thing", "a")
    return team.weighing()


def ruled(weighing: Any, *given_verdicts: Any) -> Ruling:
    return weigh(weighing, Reviewers(*given_verdicts).manager)


@given(st.lists(verdicts, max_size=5), verdicts.filter(lambda v: v.finding is not Finding.PASS))
def test_what_does_not_pass_never_turns_a_refusal_into_a_permit(
    weighing: Any, said: list[Verdict], bad: Verdict
) -> None:
    before = ruled(weighing, *said).outcome
    after = ruled(weighing, *said, bad).outcome
    assert after is not Outcome.PASSED
    assert Outcome.worst((before, after)) is after or before is Outcome.FAILED


@given(st.lists(verdicts, max_size=5), st.randoms())
def test_a_ruling_does_not_depend_on_who_spoke_first(
    weighing: Any, said: list[Verdict], random: Any
) -> None:
    first = ruled(weighing, *said)
    random.shuffle(said)
    assert ruled(weighing, *said) == first


@given(st.lists(verdicts, max_size=5))
def test_a_permit_takes_a_pass_from_everybody(weighing: Any, said: list[Verdict]) -> None:
    ruling = ruled(weighing, *said)
    if said and all(v.finding is Finding.PASS for v in said):
        assert permit(ruling).admits(weighing.plan)
        assert ruling.refusals == ()
    else:
        with pytest.raises(RefusedError) as refused:
            permit(ruling)
        assert refused.value.ruling == ruling
        assert refused.value.outcome is not Outcome.PASSED


PASS = Verdict("j", "s", Finding.PASS)


def test_a_gate_that_heard_nobody_stays_shut(weighing: Any) -> None:
    assert ruled(weighing).outcome is Outcome.FAILED


def test_a_gate_without_its_essential_reviewer_stays_shut(weighing: Any) -> None:
    reviewers = Reviewers(PASS)
    reviewers.add("other", lambda: [PASS])
    reviewers.manager.unregister(name=ESSENTIAL_REVIEWERS[0])
    ruling = weigh(weighing, reviewers.manager)
    assert ruling.outcome is Outcome.FAILED
    assert "is missing" in ruling.refusals[0].reasons[0]


def test_a_gate_whose_essential_reviewer_is_blocked_stays_shut(weighing: Any) -> None:
    manager = pluggy.PluginManager("chimera")
    manager.add_hookspecs(hookspecs)
    manager.set_blocked(ESSENTIAL_REVIEWERS[0])
    assert weigh(weighing, manager).outcome is Outcome.FAILED


def test_a_reviewer_that_raises_shuts_the_gate(weighing: Any) -> None:
    def answer() -> Any:
        raise RuntimeError("no")

    reviewers = Reviewers(PASS)
    reviewers.add("acme", answer)
    ruling = weigh(weighing, reviewers.manager)
    assert ruling.outcome is Outcome.FAILED
    assert [v.judge for v in ruling.refusals] == ["acme"]


@pytest.mark.parametrize(
    "answer", [None, "pass", ["pass"], [None], 5, [replace(PASS, finding="pass")], {"a": 1}]
)
def test_what_is_no_verdict_shuts_the_gate(weighing: Any, answer: Any) -> None:
    reviewers = Reviewers(PASS)
    reviewers.add("acme", lambda: answer)
    assert weigh(weighing, reviewers.manager).outcome is Outcome.FAILED


def test_the_essential_reviewers_cannot_be_disabled() -> None:
    assert set(ESSENTIAL_REVIEWERS) <= set(ESSENTIAL)


@pytest.mark.parametrize("mint", [None, object(), True, "mint"])
def test_a_permit_cannot_be_made_by_hand(weighing: Any, mint: object) -> None:
    with pytest.raises(GateError, match="cannot be made by hand"):
        Permit(weighing.plan.digest, "local", mint)


def test_a_permit_cannot_be_made_of_a_ruling_made_by_hand(weighing: Any) -> None:
    forged = Ruling(weighing.plan.digest, "local", (PASS,))
    assert forged.outcome is Outcome.PASSED
    with pytest.raises(GateError, match="cannot be made by hand"):
        permit(forged)


def test_a_permit_cannot_be_altered(weighing: Any) -> None:
    given = permit(ruled(weighing, PASS))
    with pytest.raises(FrozenInstanceError):
        given.plan_digest = "other"  # type: ignore[misc]
    with pytest.raises((GateError, ValueError)):
        replace(given, plan_digest="other")


def test_a_permit_fits_one_plan_only(weighing: Any, team: Any) -> None:
    given = permit(ruled(weighing, PASS))
    plan = weighing.plan
    assert given.admits(plan)
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


def fault(severity: Severity = Severity.ERROR) -> Diagnostic:
    return Diagnostic("r", "m", Place("a.yaml"), "h", severity)


@pytest.mark.parametrize(
    ("diagnostics", "said", "reasons"),
    [
        ((), (), ()),
        ((fault(Severity.WARNING), fault(Severity.INFO)), (), ()),
        ((fault(),), (), ("1 fault",)),
        ((fault(), fault()), (), ("2 faults",)),
        ((), (Verdict("j", "s", Finding.FAIL),), ("j fails s and does not say why",)),
        ((), (Verdict("j", "s", Finding.FAIL, (), (fault(Severity.WARNING),)),), ()),
        ((), (Verdict("j", "s", Finding.NOT_EXERCISED), PASS), ()),
    ],
)
def test_what_checking_found_wrong_shuts_the_gate(
    weighing: Any,
    diagnostics: tuple[Diagnostic, ...],
    said: tuple[Verdict, ...],
    reasons: tuple[str, ...],
) -> None:
    verdict = review_diagnostics(replace(weighing, diagnostics=diagnostics, verdicts=said))
    assert verdict.reasons == reasons
    assert verdict.finding is (Finding.FAIL if reasons else Finding.PASS)


def test_a_plan_that_owes_nothing_is_permitted_by_the_shipped_reviewers(team: Any) -> None:
    ruling = team.ruling(update())
    assert [v.judge for v in ruling.verdicts] == ["check"]
    assert permit(ruling).admits(team.plan(update())[0])
    assert PLUGINS.get_plugin(ESSENTIAL_REVIEWERS[0]) is not None


def test_local_is_there_without_a_document_and_unprotected(team: Any) -> None:
    assert environments(team.snapshot()) == {"local": False}
    team.write("Environment", "production")
    team.write("Environment", "staging", "{protected: false}")
    assert environments(team.snapshot()) == {"local": False, "production": True, "staging": False}
    team.write("Environment", "local", "{protected: true}")
    assert environments(team.snapshot())["local"] is True
