"""The product of verdicts: no input with anything owed that fails, is missing or was not exercised
is ever approved. Exhaustively up to four obligations, by Hypothesis beyond.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations_with_replacement
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.gate import STAGES, RefusedError, Weighing, permit, weigh
from chimera.gate.signed import approval_digest
from chimera.model import (
    Action,
    Address,
    Change,
    Finding,
    GateError,
    Obligation,
    Outcome,
    Verdict,
    digest_json,
)
from chimera.plan import Plan, PlanItem
from tests.gate.conftest import AFTER, BEFORE, PLUGINS, Team
from tests.gate.reviewing import Reviewers
from tests.gate.signing import OWNER, approval, trust

GATE = Address("Gate", "g")
STALE = digest_json("stale")


class State(NamedTuple):
    """One thing that is owed, and how it stands."""

    kind: str
    state: str

    @property
    def is_met(self) -> bool:
        return self.state in {"passes", "is there", "is signed"}


STATES = (
    State("proof", "passes"),
    State("proof", "fails"),
    State("proof", "was not exercised"),
    State("record", "is there"),
    State("record", "is of another change"),
    State("approval", "is signed"),
    State("approval", "is missing"),
    State("approval", "is rejected"),
    State("approval", "is spent"),
    State("approval", "is a machine's"),
    State("approval", "is by nobody of the role"),
    State("approval", "is of another item"),
    State("wait", "is unknown to everybody"),
)
MOST = 8


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Team:
    made = Team(tmp_path_factory.mktemp("team"))
    for number in range(MOST):
        made.write("Thing", f"t{number}")
        made.write(
            "Note", f"n{number}", f"answers: [{{target: Thing/t{number}, after: '{AFTER}'}}]"
        )
    return made


@pytest.fixture(scope="module")
def blank(team: Team) -> Weighing:
    return replace(team.weighing(protected=True, name="production"), trust=trust())


def obligation(number: int, state: State) -> Obligation:
    target = Address("Thing", f"t{number}")
    subject = {"proof": f"Proof/p{number}", "record": "Note", "approval": str(OWNER)}
    detail = (("count", "1"),) if state.kind == "approval" else ()
    owed = subject.get(state.kind, "an hour")
    return Obligation(state.kind, owed, target, GATE, "r", detail)  # type: ignore[arg-type]


def item(number: int, states: Sequence[State]) -> PlanItem:
    after = STALE if State("record", "is of another change") in states else AFTER
    change = Change(Address("Thing", f"t{number}"), Action.UPDATE, BEFORE, after, "r")
    return PlanItem(change, obligations=tuple(obligation(number, s) for s in states))


def weighing_of(blank: Weighing, owed: Sequence[Sequence[State]]) -> Weighing:
    """Return the weighing of a plan whose items owe things that stand so."""
    items = tuple(item(number, states) for number, states in enumerate(owed))
    findings, approvals, spent = {}, [], set()
    for number, (one, states) in enumerate(zip(items, owed, strict=True)):
        for state in states:
            given = approvals_of(state, one)
            approvals += given
            if state.state == "is spent":
                spent |= {(approval_digest(a), str(one.change.target)) for a in given}
            if state.kind == "proof":
                findings[f"Proof/p{number}"] = {
                    "passes": Finding.PASS,
                    "fails": Finding.FAIL,
                    "was not exercised": Finding.NOT_EXERCISED,
                }[state.state]

    def standing(address: Address) -> Verdict:
        return Verdict(str(address), str(address), findings[str(address)], ("as it stands",))

    return replace(
        blank,
        plan=Plan("production", True, "main", items),
        standing=standing,
        approvals=tuple(approvals),
        spent=frozenset(spent),
    )


def approvals_of(state: State, one: PlanItem) -> list[Any]:
    match state.state:
        case "is signed" | "is spent":
            return [approval("ann", [one])]
        case "is rejected":
            later = datetime(2026, 11, 20, 13, tzinfo=UTC)
            return [approval("ann", [one]), approval("bob", [one], decision="reject", at=later)]
        case "is a machine's":
            return [approval("robot", [one])]
        case "is by nobody of the role":
            return [approval("eve", [one])]
        case "is of another item":
            return [approval("ann", [replace(one, obligations=())])]
    return []


def hold(weighing: Weighing, owed: Sequence[Sequence[State]], plugins: Any = PLUGINS) -> None:
    """Approve exactly where everything is met; the refusals name what is not."""
    ruling = weigh(weighing, plugins)
    unmet = [state for states in owed for state in states if not state.is_met]
    if not unmet:
        assert ruling.outcome is Outcome.PASSED
        given = permit(ruling)
        assert given.admits(weighing.plan)
        signed = {
            f"Thing/t{number}"
            for number, states in enumerate(owed)
            if any(state.kind == "approval" for state in states)
        }
        assert given.approvals.keys() == signed
        return
    assert ruling.outcome is not Outcome.PASSED
    assert len(ruling.refusals) == len(unmet)
    with pytest.raises(RefusedError):
        permit(ruling)
    with pytest.raises(GateError):
        permit(replace(ruling, stages=tuple(replace(s, verdicts=()) for s in ruling.stages)))


EVERY = [states for n in range(5) for states in combinations_with_replacement(STATES, n)]


@pytest.mark.parametrize("first", [None, *STATES], ids=str)
def test_only_what_is_met_in_every_part_is_approved(blank: Weighing, first: State | None) -> None:
    """Each obligation is a change's of its own."""
    mine = [states for states in EVERY if (states[0] if states else None) == first]
    assert sum(len(states) <= 4 for states in EVERY) == 2380
    for states in mine:
        owed = [[state] for state in states]
        hold(weighing_of(blank, owed), owed)


def are_together(states: Sequence[State]) -> bool:
    """Tell whether one change can stand so: it is approved in one way, and has one digest."""
    approvals = {state for state in states if state.kind == "approval"}
    proofs = {state for state in states if state.kind == "proof"}
    records = {state for state in states if state.kind == "record"}
    return max(len(approvals), len(proofs), len(records)) <= 1 and len(set(states)) == len(states)


def test_one_change_that_owes_several_things_is_approved_when_all_are_met(blank: Weighing) -> None:
    several = [states for states in EVERY if states and are_together(states)]
    assert len(several) > 100
    for states in several:
        hold(weighing_of(blank, [states]), [states])


plans = st.lists(st.lists(st.sampled_from(STATES), max_size=4).filter(are_together), max_size=MOST)


@given(plans)
def test_no_larger_plan_is_approved_either(blank: Weighing, owed: list[list[State]]) -> None:
    hold(weighing_of(blank, owed), owed)


@given(
    plans, st.sampled_from(STAGES), st.sampled_from([f for f in Finding if f is not Finding.PASS])
)
def test_a_refusal_at_any_stage_is_never_outvoted(
    blank: Weighing, owed: list[list[State]], stage: Any, finding: Finding
) -> None:
    refusal = Verdict("acme", "gate", finding, ("no",))
    passes = Verdict("acme", "gate", Finding.PASS)
    reviewers = Reviewers({at: [passes] for at in STAGES})
    reviewers.add("acme", lambda at: [refusal, passes] if at == stage else [passes])
    ruling = weigh(weighing_of(blank, owed), reviewers.manager)
    assert ruling.outcome is not Outcome.PASSED
    assert refusal in ruling.refusals
    with pytest.raises(RefusedError):
        permit(ruling)


def test_the_table_knows_what_passes(blank: Weighing) -> None:
    assert [state.kind for state in STATES if state.is_met] == ["proof", "record", "approval"]
