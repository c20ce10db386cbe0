"""What no golden case reaches: rare actions, divergences, long lists, and colour itself."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chimera import Workspace
from chimera.model import (
    Action,
    Address,
    Change,
    Diagnostic,
    Finding,
    Obligation,
    Outcome,
    Place,
    Related,
    Result,
    Severity,
    Span,
    Verdict,
)
from chimera.plan import Plan, PlanItem
from chimera.policy.foreign import Claims
from chimera.proof import Divergence, ProofReport, Standing
from chimera.proof.diagnose import Cause, Diagnosis
from chimera.proof.evidence.provenance import Provenance
from chimera.proof.evidence.signatories import Signatory
from chimera.proof.factors import FACTORS
from chimera.render.check import check_text
from chimera.render.diagnostics import diagnostic_json, diagnostic_text, severities_text
from chimera.render.markdown import markdown
from chimera.render.paint import Style
from chimera.render.plan import plan_summary, plan_text
from chimera.render.proof import prove_json, prove_text
from chimera.render.questions import diagnose_json, diagnose_text
from chimera.render.reports import prove_report
from chimera.workspace import CheckReport, Judgement, ProveReport
from chimera.workspace.proving import Reused
from chimera.workspace.questioning import DiagnoseReport

GOLDEN = Path(__file__).parent / "golden"


def tagged(text: str, style: Style) -> str:
    return f"<{style}>{text}</{style}>"


def changed(action: Action, name: str = "a", **edits: Any) -> PlanItem:
    change = Change(Address("Thing", name), action, "sha256:1", "sha256:2", "why", **edits)
    return PlanItem(change)


@pytest.mark.parametrize("action", Action)
def test_every_action_can_be_shown(action: Action) -> None:
    """A saved plan can name any of them, whoever wrote it."""
    text = plan_text(Plan("local", False, "main", (changed(action),)))
    assert (f"{action.value} Thing/a: why" in text) is (action is not Action.NO_OP)


def test_a_plan_counts_what_it_does() -> None:
    items = (
        changed(Action.CREATE),
        changed(Action.CREATE, "b"),
        changed(Action.DELETE, "c"),
        changed(Action.NO_OP, "d"),
    )
    assert plan_summary(Plan("local", False, "main", items)).startswith(
        "2 to create, 1 to delete, 1 unchanged; plan "
    )
    assert plan_summary(Plan("local", False, "main", items[3:])) == "nothing to do"


def test_long_lists_are_cut_and_say_so() -> None:
    item = changed(Action.UPDATE, paths=tuple(f"src/{i}" for i in range(9)))
    owed = [
        PlanItem(
            changed(Action.UPDATE, f"t{i}").change,
            obligations=(
                Obligation(
                    "proof", "Proof/p", Address("Thing", f"t{i}"), Address("Gate", "g"), "r"
                ),
            ),
        )
        for i in range(5)
    ]
    text = plan_text(Plan("local", False, "main", (item, *owed)))
    assert "      src/7\n      and 1 more path\n" in text
    assert "  proof Proof/p for Thing/t0, Thing/t1, Thing/t2 and 2 more (asked by Gate/g)" in text


SPAN = Span("a.yaml", 3, 7, 3, 9)
FAULT = Diagnostic(
    "some-rule",
    "first line\nsecond line",
    SPAN,
    "do\nthis",
    Severity.WARNING,
    "Thing/a",
    (Related("because of this", Place("b.yaml")),),
)


def test_a_message_of_several_lines_stays_inside_its_diagnostic() -> None:
    assert diagnostic_text(FAULT).splitlines() == [
        "a.yaml:3:7: warning[some-rule]: first line",
        "          second line",
        "    help: do",
        "          this",
        "    note: b.yaml:1:1: because of this",
    ]


def test_a_diagnostic_is_painted_by_its_severity() -> None:
    assert diagnostic_text(FAULT, tagged).startswith(
        "<bold>a.yaml:3:7</bold>: <warn>warning[some-rule]</warn>: first line"
    )


def test_a_diagnostic_as_json_says_all_of_it() -> None:
    assert diagnostic_json(FAULT) == {
        "rule": "some-rule",
        "severity": "warning",
        "path": "a.yaml",
        "line": 3,
        "column": 7,
        "endLine": 3,
        "endColumn": 9,
        "message": "first line\nsecond line",
        "help": "do\nthis",
        "address": "Thing/a",
        "related": [
            {
                "message": "because of this",
                "path": "b.yaml",
                "line": 1,
                "column": 1,
                "endLine": None,
                "endColumn": None,
            }
        ],
    }


def test_severities_are_counted_worst_first() -> None:
    faults = [
        Diagnostic("r", "m", SPAN, "h", severity)
        for severity in (Severity.INFO, Severity.WARNING, Severity.ERROR, Severity.ERROR)
    ]
    assert severities_text(faults) == "2 errors, 1 warning, 1 note"
    assert severities_text(()) == "no faults"


def test_a_divergence_shows_both_sides_and_where() -> None:
    address = Address("Proof", "p")
    report = ProofReport(
        address,
        Finding.FAIL,
        Outcome.NOT_DETERMINISTIC,
        (),
        divergences=(
            Divergence(
                "artifact out.txt", (" same", "-one", "+two"), ("repetition 1", "control"), 4, 1
            ),
            Divergence("outcome x", ("-pass", "+fail"), ("repetition 1", "repetition 2")),
        ),
        reasons=("it is\nflaky",),
    )
    again = Reused(
        Standing(Address("Proof", "q"), "valid", Finding.PASS, "sha256:" + "a" * 64, ()),
        Provenance("Proof/q", "pass", "2026-11-21T10:00:00.5Z", "ci", "production", ""),
        (Signatory("SHA256:good", Address("Identity", "ci")),),
    )
    result = Result(ProveReport((report,), (again,)), Outcome.NOT_DETERMINISTIC)
    assert prove_text(result).splitlines() == [
        (
            "reused  Proof/q: evidence aaaaaaaaaaaa, proven 2026-11-21T10:00:00Z by ci (automation)"
            " for production, signed by Identity/ci"
        ),
        "fail  Proof/p: 0 repetitions, 0 assertions, 0 controls; no evidence",
        "      it is",
        "      flaky",
        (
            "      artifact out.txt, line 4, column 1 differs"
            " between repetition 1 (-) and control (+):"
        ),
        "         same",
        "        -one",
        "        +two",
        "      outcome x differs between repetition 1 (-) and repetition 2 (+):",
        "        -pass",
        "        +fail",
        "      help: `chimera prove Proof/p --diagnose` looks for the cause",
        "2 proofs, 1 passed: not-deterministic",
    ]
    assert prove_json(result)["reused"] == [
        {
            "proof": "Proof/q",
            "evidence": "sha256:" + "a" * 64,
            "at": "2026-11-21T10:00:00.5Z",
            "actor": {"name": "ci", "kind": "automation"},
            "environment": "production",
            "revision": None,
            "signedBy": ["Identity/ci"],
        }
    ]
    assert "by ci (automation) for production, signed by Identity/ci" in markdown(
        prove_report(result)
    )
    assert prove_json(result)["proven"][0]["divergences"][0] == {
        "what": "artifact out.txt",
        "between": ["repetition 1", "control"],
        "line": 4,
        "column": 1,
        "offset": None,
        "diff": [" same", "-one", "+two"],
    }


@pytest.mark.parametrize("case", ["broken", "policies", "owed"])
def test_colour_adds_nothing_but_colour(case: str, tmp_path: Path) -> None:
    shutil.copytree(GOLDEN / case / "input", tmp_path / "team")
    result = Workspace.open(tmp_path / "team").check()
    assert result.diagnostics or case == "owed"
    painted = check_text(result, tagged, notes=True)
    assert re.sub(r"</?(good|bad|warn|dim|bold|accent)>", "", painted) == check_text(
        result, notes=True
    )
    assert "\x1b" not in painted


def test_a_failure_that_nobody_explains_is_shown_and_never_called_no_fault() -> None:
    verdict = Verdict("Policy/p#r", "Thing/t", Finding.FAIL, ("because",))
    snapshot = SimpleNamespace(kinds={}, once=lambda _: Claims({}, {}, {}))
    judgement = Judgement(SimpleNamespace(snapshot=snapshot), (verdict,), ())
    shown = check_text(Result(CheckReport(judgement, 0), Outcome.FAILED))
    assert "fail  Thing/t: Policy/p#r\n      because" in shown
    assert "no faults" not in shown


def test_a_diagnosis_is_whole_in_json_and_says_what_was_left_out() -> None:
    divergence = Divergence("artifact a", ("-1", "+2"), ("all held still", "hash varied"), 1, 1)
    (factor,) = (factor for factor in FACTORS if factor.name == "hash")
    cause = Cause(factor, {"hash_seed": 2}, (divergence, divergence))
    found = Diagnosis(
        Address("Proof", "p"), 7, (cause,), (divergence,), (), {"test order": "no step runs tests"}
    )
    result = Result(DiagnoseReport((found,)), Outcome.NOT_DETERMINISTIC)
    shown = diagnose_json(result)["diagnoses"][0]
    assert (shown["conclusion"], shown["runs"]) == ("hash order", 7)
    assert shown["leftOut"] == {"test order": "no step runs tests"}
    assert shown["causes"][0]["factor"] == "hash"
    assert shown["causes"][0]["divergences"][0]["diff"] == ["-1", "+2"]
    lines = diagnose_text(result).splitlines()
    assert lines[0] == "Proof/p: hash order (7 runs, no evidence written)"
    assert "      and in 1 other thing" in lines
    assert lines[-2:] == ["  not varied: test order, for no step runs tests", "not-deterministic"]
