"""What is not valid is not applied, and is told at the stage that it belongs to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chimera.gate import environments, weigh
from chimera.gate.repository import review_repository
from chimera.model import Diagnostic, Finding, Outcome, Place, Severity, Span, Verdict
from tests.gate.conftest import PLUGINS
from tests.gate.reviewing import PASS


def fault(severity: Severity = Severity.ERROR, rule: str = "r") -> Diagnostic:
    return Diagnostic(rule, "m", Place("a.yaml"), "h", severity)


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
    team: Any,
    diagnostics: tuple[Diagnostic, ...],
    said: tuple[Verdict, ...],
    reasons: tuple[str, ...],
) -> None:
    weighing = replace(team.weighing(), diagnostics=diagnostics, verdicts=said)
    verdict = review_repository(weighing)
    assert verdict.reasons == (reasons or ("its documents are valid",))
    assert verdict.finding is (Finding.FAIL if reasons else Finding.PASS)
    assert (weigh(weighing, PLUGINS).outcome is Outcome.PASSED) is not bool(reasons)


@pytest.mark.parametrize(
    ("judge", "stage"),
    [
        ("LayerContract/x#rule", "contract"),
        ("Policy/x#rule", "policy"),
        ("Schema/x", "policy"),
        ("Waiver/x", "policy"),
        ("Proof/x", "contract"),
    ],
)
def test_a_refusal_is_told_once_at_the_stage_of_who_refuses(
    team: Any, judge: str, stage: str
) -> None:
    said = Verdict(judge, "Thing/a", Finding.FAIL, ("m",), (fault(),))
    located = replace(fault(), where=Span("a.yaml", 3))
    weighing = replace(team.weighing(), verdicts=(said,), diagnostics=(located,))
    ruling = weigh(weighing, PLUGINS)
    assert [s.stage for s in ruling.stages if s.outcome is not Outcome.PASSED] == [stage]
    assert len(ruling.refusals) == 1


def test_an_unexplained_refusal_of_a_policy_shuts_the_gate_too(team: Any) -> None:
    for judge in ("Policy/x", "LayerContract/x", "acme"):
        weighing = replace(team.weighing(), verdicts=(Verdict(judge, "s", Finding.FAIL),))
        assert weigh(weighing, PLUGINS).outcome is Outcome.FAILED


def test_a_fault_that_a_passing_verdict_carries_still_shuts_the_gate(team: Any) -> None:
    said = Verdict("Policy/x#rule", "s", Finding.PASS, (), (fault(),))
    weighing = replace(team.weighing(), verdicts=(said,), diagnostics=(fault(),))
    assert weigh(weighing, PLUGINS).outcome is Outcome.FAILED


def test_local_is_there_without_a_document_and_unprotected(team: Any) -> None:
    assert environments(team.snapshot()) == {"local": False}
    team.write("Environment", "production")
    team.write("Environment", "staging", "{protected: false}")
    assert environments(team.snapshot()) == {"local": False, "production": True, "staging": False}
    team.write("Environment", "local", "{protected: true}")
    assert environments(team.snapshot())["local"] is True
