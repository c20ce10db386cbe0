"""The gate hears every stage, in order, from everybody who must speak; nothing takes back a no."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.gate import (
    ESSENTIAL_REVIEWERS,
    STAGES,
    Hearing,
    HearingError,
    RefusedError,
    Ruling,
    Stage,
    permit,
    weigh,
)
from chimera.model import Finding, Outcome, Verdict
from chimera.plugin import ESSENTIAL, hookimpl
from tests.gate.conftest import PLUGINS, Team, update
from tests.gate.reviewing import EVERY_REVIEWER, FAIL, PASS, Reviewers

findings = st.sampled_from(Finding)
verdicts = st.builds(Verdict, st.sampled_from("jk"), st.sampled_from("st"), findings)
said_somewhere = st.dictionaries(st.sampled_from(STAGES), st.lists(verdicts, max_size=3))


@pytest.fixture(scope="module")
def weighing(tmp_path_factory: pytest.TempPathFactory) -> Any:
    team = Team(tmp_path_factory.mktemp("team"))
    team.write("Thing", "a")
    return team.weighing()


def refusals(ruling: Ruling, stage: Stage) -> list[str]:
    assert ruling.outcome is not Outcome.PASSED
    with pytest.raises(RefusedError):
        permit(ruling)
    (heard,) = [s for s in ruling.stages if s.stage == stage]
    return [r for v in heard.verdicts if v.finding is not Finding.PASS for r in v.reasons]


def test_stages_are_heard_in_their_order_and_then_a_ruling_is_made(weighing: Any) -> None:
    hearing = Hearing(weighing)
    for stage in STAGES:
        assert hearing.awaited == stage
        assert hearing.hear(stage, Reviewers().manager).stage == stage
    assert hearing.awaited is None
    ruling = hearing.rule()
    assert ruling.outcome is Outcome.PASSED
    assert permit(ruling).admits(weighing.plan)


@pytest.mark.parametrize("heard", range(len(STAGES)))
def test_no_ruling_is_made_before_all_is_heard(weighing: Any, heard: int) -> None:
    hearing = Hearing(weighing)
    for stage in STAGES[:heard]:
        hearing.hear(stage, Reviewers().manager)
    with pytest.raises(HearingError, match=f"before it has heard {STAGES[heard]}"):
        hearing.rule()


@pytest.mark.parametrize("heard", range(len(STAGES) + 1))
def test_no_stage_is_heard_out_of_its_turn_or_twice(weighing: Any, heard: int) -> None:
    for stage in (*STAGES[:heard], *STAGES[heard + 1 :], "other"):
        hearing = Hearing(weighing)
        for before in STAGES[:heard]:
            hearing.hear(before, Reviewers().manager)
        with pytest.raises(HearingError, match="cannot hear"):
            hearing.hear(stage, Reviewers().manager)  # type: ignore[arg-type]
        assert hearing.awaited == (STAGES[heard] if heard < len(STAGES) else None)


def test_of_all_orders_of_the_stages_one_is_heard_to_its_end(weighing: Any) -> None:
    manager, heard = Reviewers().manager, []
    for order in permutations(STAGES):
        hearing = Hearing(weighing)
        try:
            for stage in order:
                hearing.hear(stage, manager)
        except HearingError:
            continue
        heard.append(order)
    assert heard == [STAGES]


@pytest.mark.parametrize(("stage", "name"), EVERY_REVIEWER)
def test_an_essential_reviewer_that_is_missing_fails_its_stage(
    weighing: Any, stage: Stage, name: str
) -> None:
    reviewers = Reviewers()
    reviewers.add("acme", lambda at: [PASS])
    reviewers.manager.unregister(name=name)
    reasons = refusals(weigh(weighing, reviewers.manager), stage)
    assert f"the plugin {name} is missing, and nothing is applied without it" in reasons


@pytest.mark.parametrize(("stage", "name"), EVERY_REVIEWER)
def test_an_essential_reviewer_that_is_blocked_fails_its_stage(
    weighing: Any, stage: Stage, name: str
) -> None:
    reviewers = Reviewers()
    reviewers.manager.set_blocked(name)
    assert any("is missing" in r for r in refusals(weigh(weighing, reviewers.manager), stage))


def lazily() -> Iterator[Verdict]:
    yield PASS
    raise RuntimeError("on second thoughts")


def leaves() -> Any:
    raise SystemExit(0)


def raises() -> Any:
    raise RuntimeError("no")


@pytest.mark.parametrize(("stage", "name"), EVERY_REVIEWER)
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (list, "said nothing about"),
        (tuple, "said nothing about"),
        (lambda: None, "raised TypeError"),
        (raises, "raised RuntimeError('no')"),
        (lazily, "raised RuntimeError('on second thoughts')"),
        (leaves, "raised SystemExit(0)"),
        (lambda: 5, "raised TypeError"),
        (lambda: "pass", "gave no verdict but 'p'"),
        (lambda: ["pass"], "gave no verdict but 'pass'"),
        (lambda: [None], "gave no verdict but None"),
        (lambda: {"a": 1}, "gave no verdict but 'a'"),
        (lambda: [replace(PASS, finding="pass")], "gave no verdict but Verdict"),
        (lambda: [replace(PASS, judge=None)], "gave no verdict but Verdict"),
        (lambda: [replace(PASS, reasons=None)], "gave no verdict but Verdict"),
        (lambda: [replace(PASS, reasons=(5,))], "gave no verdict but Verdict"),
        (lambda: [replace(PASS, diagnostics=("x",))], "gave no verdict but Verdict"),
        (lambda: [replace(PASS, rests_on="sha256:0")], "gave no verdict but Verdict"),
        (lambda: [PASS, object()], "gave no verdict but <object"),
    ],
)
def test_an_essential_reviewer_that_gives_no_verdict_fails_its_stage(
    weighing: Any, stage: Stage, name: str, answer: Any, reason: str
) -> None:
    reviewers = Reviewers()
    reviewers.replace(name, lambda at: answer() if at == stage else [PASS])
    found = refusals(weigh(weighing, reviewers.manager), stage)
    assert any(f"the plugin {name} {reason}" in one for one in found), found


class Shifty(Verdict):
    """Says another thing when it is asked again."""


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    "answer", [raises, lazily, leaves, lambda: 5, lambda: [Shifty("a", "b", Finding.PASS)]]
)
def test_any_reviewer_that_gives_no_verdict_fails_the_gate(
    weighing: Any, stage: Stage, answer: Any
) -> None:
    reviewers = Reviewers()
    reviewers.add("acme", lambda at: answer() if at == stage else [])
    assert "the plugin acme " in " ".join(refusals(weigh(weighing, reviewers.manager), stage))


@pytest.mark.parametrize("options", [{"wrapper": True}, {"hookwrapper": True}])
@pytest.mark.parametrize("name", ["acme", "chimera.gate.plugin"])
def test_a_reviewer_that_wraps_the_others_fails_every_stage(
    weighing: Any, options: Any, name: str
) -> None:
    def chimera_review_plan(stage: Any, weighing: Any) -> Any:
        yield
        return [PASS]

    reviewers = Reviewers()
    if name != "acme":
        reviewers.manager.unregister(name=name)
    module = type("Wrapper", (), {})()
    module.chimera_review_plan = hookimpl(**options)(chimera_review_plan)
    reviewers.manager.register(module, name)
    ruling = weigh(weighing, reviewers.manager)
    for stage in STAGES:
        assert f"the plugin {name} wraps chimera_review_plan" in " ".join(refusals(ruling, stage))


def test_a_reviewer_that_asks_for_the_weighing_alone_is_heard_at_every_stage(weighing: Any) -> None:
    def chimera_review_plan(weighing: Any) -> Any:
        return [FAIL]

    reviewers = Reviewers()
    module = type("Old", (), {})()
    module.chimera_review_plan = hookimpl(chimera_review_plan)
    reviewers.manager.register(module, "acme")
    assert len(weigh(weighing, reviewers.manager).refusals) == len(STAGES)


@given(said_somewhere, st.sampled_from(STAGES), verdicts)
def test_nothing_that_is_added_turns_a_refusal_into_a_permit(
    weighing: Any, said: dict[Stage, list[Verdict]], stage: Stage, more: Verdict
) -> None:
    before = Reviewers(said)
    after = Reviewers(said)
    after.add("acme", lambda at: [more] if at == stage else [])
    first, second = (weigh(weighing, one.manager) for one in (before, after))
    assert set(first.refusals) <= set(second.refusals)
    if more.finding is not Finding.PASS or first.outcome is not Outcome.PASSED:
        assert second.outcome is not Outcome.PASSED


@given(said_somewhere)
def test_a_permit_takes_a_pass_from_everybody_at_every_stage(
    weighing: Any, said: dict[Stage, list[Verdict]]
) -> None:
    ruling = weigh(weighing, Reviewers(said).manager)
    passes = all(
        answers and all(v.finding is Finding.PASS for v in answers) for answers in said.values()
    )
    if passes:
        assert permit(ruling).admits(weighing.plan)
    else:
        with pytest.raises(RefusedError) as refused:
            permit(ruling)
        assert refused.value.ruling == ruling
        assert refused.value.outcome is not Outcome.PASSED


@given(st.lists(verdicts, min_size=1, max_size=5), st.randoms())
def test_a_ruling_does_not_depend_on_who_spoke_first(
    weighing: Any, said: list[Verdict], random: Any
) -> None:
    first = weigh(weighing, Reviewers({"policy": said}).manager)
    random.shuffle(said)
    assert weigh(weighing, Reviewers({"policy": said}).manager) == first


def test_essential_reviewers_cannot_be_disabled_and_every_stage_has_one() -> None:
    assert tuple(ESSENTIAL_REVIEWERS) == STAGES
    assert {name for names in ESSENTIAL_REVIEWERS.values() for name in names} <= set(ESSENTIAL)
    assert all(ESSENTIAL_REVIEWERS.values())


def test_a_plan_that_owes_nothing_is_permitted_by_the_shipped_reviewers(team: Any) -> None:
    ruling = team.ruling(update())
    assert [(s.stage, [v.judge for v in s.verdicts]) for s in ruling.stages] == [
        ("contract", ["check", "contract"]),
        ("policy", ["policy"]),
        ("proof", ["gate"]),
        ("approval", ["gate"]),
        ("freeze", ["freeze"]),
        ("guard", ["guard"]),
    ]
    assert permit(ruling).admits(team.plan(update())[0])
    assert PLUGINS.get_plugin("chimera.gate.plugin") is not None
