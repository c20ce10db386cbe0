"""A change as its reviewer reads it: short, bounded, and with nothing left unsaid."""

from __future__ import annotations

from typing import Any, cast

from chimera.model import (
    Action,
    Address,
    Category,
    Change,
    Diagnostic,
    Finding,
    Obligation,
    Outcome,
    PathSet,
    Result,
    Span,
    Touch,
    Verdict,
)
from chimera.plan import Plan, PlanItem
from chimera.render.changes import (
    change_json,
    change_lines,
    compared_text,
    not_exercised_json,
    not_exercised_lines,
    plan_report_text,
)
from chimera.workspace import Judgement, PlanReport
from chimera.workspace.planning import Compared

BASE, HEAD, FORK = ("1" * 40, "2" * 40, "3" * 40)
GATE, ONE = Address("Gate", "g"), Address("Thing", "one")


def report(*items: PlanItem, verdicts: tuple[Verdict, ...] = (), **more: Any) -> PlanReport:
    judgement = Judgement(cast("Any", None), verdicts, ())
    compared = Compared("main", "HEAD", BASE, HEAD, (BASE,))
    plan = Plan("local", False, "main", items)
    return PlanReport(plan, judgement, **{"compared": compared, **more})


def updated(target: Any = ONE, **edits: Any) -> PlanItem:
    owed = edits.pop("obligations", ())
    change = Change(target, Action.UPDATE, "sha256:1", "sha256:2", "differs from main", **edits)
    return PlanItem(change, obligations=owed)


def test_what_was_compared_is_said_for_every_way_in_which_that_is_done() -> None:
    def told(head: str | None, head_id: str, *bases: str) -> str:
        return compared_text(Compared("main", head, BASE, head_id, bases))

    assert told("HEAD", HEAD, BASE) == "compared main (1111111) with HEAD (2222222)"
    assert told("HEAD", HEAD, FORK) == "compared main (1111111) with the merge of HEAD (2222222)"
    assert told("x", HEAD, HEAD) == (
        "compared main (1111111) with itself: it has x (2222222) already"
    )
    assert told("main", BASE, BASE) == "compared main (1111111) with itself"
    assert told(None, "") == "compared main (1111111) with the work tree"
    assert told(HEAD[:9], HEAD, BASE) == "compared main (1111111) with 222222222"


def test_nothing_is_said_in_one_line() -> None:
    assert list(change_lines(report())) == [
        "nothing changes: no document, and no path that is governed"
    ]
    text = plan_report_text(Result(report(), Outcome.PASSED))
    assert text.splitlines()[-1] == "nothing to do"


def test_a_small_change_is_told_in_few_lines() -> None:
    item = updated(
        category=Category.BREAKING, breaks=("the input x is gone",), paths=("specs/one.yaml",)
    )
    found = report(
        item,
        touches=(Touch("ops/1", Address("LayerContract", "ops"), ONE),),
        affected={ONE: (GATE,)},
    )
    assert list(change_lines(found)) == [
        "changes in ops/1:",
        "~ update breaking Thing/one: differs from main",
        "      the input x is gone",
        "      affects Gate/g",
        "nothing is owed in local",
    ]
    text = plan_report_text(Result(found, Outcome.CHANGED))
    assert text.splitlines()[-1].startswith("1 to update, 1 breaking; plan ")


def test_faults_of_a_plan_stand_last_where_a_terminal_ends() -> None:
    fault = Diagnostic("thing-wrong", "it is wrong", Span("a.yaml"), "mend it")
    lines = plan_report_text(Result(report(updated()), Outcome.FAILED, (fault,))).splitlines()
    assert lines[0].startswith("plan for local")
    assert lines.index("a.yaml:1:1: error[thing-wrong]: it is wrong") > lines.index(
        "nothing is owed in local"
    )
    assert lines[-1] == "1 error"


def test_what_only_a_protected_environment_owes_is_not_passed_over() -> None:
    for ask in ("proof Proof/p", "evidence at merge: it holds", "approval by a person"):
        lines = list(change_lines(report(updated(), touches=(Touch("g", GATE, ONE, (), (ask,)),))))
        assert "nothing is owed in local, which is unprotected: " in lines[-1]
        assert "--env NAME" in lines[-1]
    asking = report(updated(), touches=(Touch("p", GATE, ONE, (), ("rule r",)),))
    assert list(change_lines(asking))[-1] == "nothing is owed in local"


def test_what_is_in_layers_comes_first_and_a_layer_that_asks_for_nothing_is_only_a_heading() -> (
    None
):
    other = updated(PathSet.of(["src/**"]), paths=("src/a",))
    ops = Address("LayerContract", "ops")
    touches = (Touch("ops/1", ops, ONE), Touch("ops/2", ops, ONE, ("f",), ("approval",)))
    lines = list(change_lines(report(other, updated(), touches=touches)))
    headings = [line for line in lines if line.endswith(":")]
    assert headings == ["changes in ops/1, ops/2:", "changes in no layer:", "touched:"]
    assert lines[lines.index("touched:") + 1 :][:2] == [
        "  ops/2 asks for approval",
        "      by Thing/one (f)",
    ]


def test_long_lists_are_cut_and_say_so() -> None:
    targets = [Address("Thing", f"t{number}") for number in range(8)]
    touches = tuple(Touch("Gate/g", GATE, target, ("f",), ("record R",)) for target in targets)
    lines = list(change_lines(report(*map(updated, targets), touches=touches)))
    assert lines[lines.index("touched:") + 1] == "  Gate/g asks for record R"
    assert "      and by 3 more changes" in lines
    broken = updated(category=Category.BREAKING, breaks=tuple(f"b{n}" for n in range(9)))
    assert "      and 1 more" in list(change_lines(report(broken)))
    many = Touch("Gate/g", GATE, ONE, ("f",), tuple(f"proof Proof/number-{n}" for n in range(7)))
    lines = list(change_lines(report(updated(), touches=(many,))))
    assert lines[lines.index("  Gate/g asks for") + 1] == "    - proof Proof/number-0"


def idle(judge: str, subject: str, *reasons: str) -> Verdict:
    return Verdict(judge, subject, Finding.NOT_EXERCISED, reasons)


def test_what_was_not_exercised_is_named_with_its_reasons() -> None:
    verdicts = [
        idle("Policy/p", "Policy/p", "it matched nothing"),
        *(idle("Policy/q#r", f"Thing/{n}", "the rule asks for 'before'") for n in range(5)),
        idle("LayerContract/l#shown", "LayerContract/l", "a", "b", "c", "d"),
        Verdict("Policy/z", "Thing/0", Finding.PASS),
    ]
    assert list(not_exercised_lines(verdicts)) == [
        "not exercised:",
        "  Policy/p: it matched nothing",
        "  Policy/q#r for Thing/0, Thing/1, Thing/2 and 2 more: the rule asks for 'before'",
        "  LayerContract/l#shown: a; b; and 2 more reasons",
    ]
    told = not_exercised_json(verdicts)
    assert [len(one["subjects"]) for one in told] == [1, 5, 1]
    assert told[2]["reasons"] == ["a", "b", "c", "d"], "JSON leaves nothing out"
    lines = list(not_exercised_lines(idle(f"Policy/p{n}", "x") for n in range(23)))
    assert lines[-1] == "  and 3 more, which -o json names"


def test_json_carries_everything() -> None:
    cosmetic = PlanItem(
        Change(ONE, Action.NO_OP, "a", "a", "r", ("specs/one.yaml",), Category.COSMETIC)
    )
    owed = (Obligation("proof", "Proof/p", GATE, GATE, "r"),)
    found = report(
        cosmetic,
        updated(GATE, category=Category.COMPATIBLE, obligations=owed),
        touches=(Touch("Gate/g", GATE, GATE, ("f",), ("record R",)),),
        affected={GATE: (ONE,)},
    )
    assert change_json(found) == {
        "compared": {
            "base": "main",
            "baseId": BASE,
            "head": "HEAD",
            "headId": HEAD,
            "mergeBases": [BASE],
        },
        "categories": {"cosmetic": 1, "compatible": 1, "breaking": 0},
        "touches": [
            {
                "name": "Gate/g",
                "source": "Gate/g",
                "target": "Gate/g",
                "paths": ["f"],
                "asks": ["record R"],
            }
        ],
        "affected": {"Gate/g": ["Thing/one"]},
    }
    lines = list(change_lines(found))
    at = lines.index("cosmetic, and owes nothing:")
    assert lines[at + 1] == "  specs/one.yaml: Thing/one"
    assert "owed in local before it may be merged:" in lines
