import pytest

import chimera.gate.plugin
import chimera.policy.plugin
from chimera.model import Finding
from chimera.proof.steps.models import PolicyStep
from chimera.proof.steps.policy import run_policies

ENVIRONMENT = {"protected": False}
STEP = {"run": "policy", "policies": ["Policy/open"]}


@pytest.fixture
def policed(bench):
    """A repository with one policy, one document under it, and a kind of its own room."""
    bench.plugins.register(chimera.policy.plugin)
    bench.plugins.register(chimera.gate.plugin)
    bench.document("specs/open.yaml", "Environment", "open", ENVIRONMENT)
    write_policy(bench, "object.spec.protected == false")
    return bench


def write_policy(bench, expression):
    spec = {
        "match": {"kinds": ["Environment"]},
        "rules": [{"id": "unprotected", "expression": expression, "message": "is open"}],
        "cases": [
            {"name": "open", "object": {"spec": {"protected": False}}, "expect": []},
            {"name": "closed", "object": {"spec": {"protected": True}}, "expect": ["unprotected"]},
        ],
    }
    bench.document("policies/open.yaml", "Policy", "open", spec)


def prove(bench, **changes):
    return bench.prove_one(
        **{
            "inputs": ["specs/**", "policies/**"],
            "steps": [STEP],
            "controls": [
                {
                    "mutate": "replace",
                    "path": "policies/open.yaml",
                    "old": "== false",
                    "new": "== true",
                }
            ],
        }
        | changes
    )


def test_policy_whose_cases_hold_and_that_finds_no_fault_passes(policed):
    report = prove(policed)
    assert report.finding is Finding.PASS, report.reasons
    assert report.exercised == 2
    assert [run.finding for run in report.controls] == [Finding.FAIL]


def test_document_that_a_policy_denies_fails(policed):
    policed.document("specs/open.yaml", "Environment", "open", {"protected": True})
    report = prove(policed)
    assert report.finding is Finding.FAIL
    assert report.reasons == ("step 1: specs/open.yaml:8: Policy/open#unprotected: is open",), (
        report.reasons
    )


def test_case_that_does_not_come_out_fails(policed):
    write_policy(policed, "true")
    report = prove(policed, controls=[{"mutate": "delete", "path": "specs/open.yaml"}])
    assert report.finding is Finding.FAIL
    assert any("policies/open.yaml:" in r and "closed" in r for r in report.reasons), report.reasons


def test_a_document_that_no_policy_can_judge_fails_without_an_assertion(policed, run_one):
    write_policy(policed, "object.spec.protected == false")
    policed.document("specs/open.yaml", "Environment", "open", {"protected": "no"})
    paths = ("policies/open.yaml", "specs/open.yaml")
    files = {path: (policed.root / path).read_text() for path in paths}
    outcome = run_one(run_policies, PolicyStep(run="policy"), files)
    assert outcome.finding is Finding.FAIL
    (reason,) = outcome.reasons
    assert reason.startswith("specs/open.yaml:8: ")
    assert reason.endswith("; policies judge valid documents only")
    assert set(outcome.outcomes.values()) == {"pass"}


def test_a_reference_out_of_the_export_is_left_to_check(policed):
    spec = {"match": {"paths": ["src/**"]}, "requires": {"proofs": ["Proof/answer"]}}
    policed.document("specs/gate.yaml", "Gate", "gate", spec)
    assert prove(policed).finding is Finding.PASS


def test_policies_that_are_not_named_are_not_asked(policed):
    write_policy(policed, "object.spec.protected == false")
    text = (policed.root / "policies/open.yaml").read_text().replace('"open"', '"other"', 1)
    policed.write("policies/other.yaml", text.replace("== false", "== true"))
    assert prove(policed).finding is Finding.PASS


def test_policy_that_is_no_input_fails_rather_than_being_taken_from_elsewhere(policed):
    report = prove(
        policed, inputs=["specs/**"], controls=[{"mutate": "delete", "path": "specs/open.yaml"}]
    )
    assert report.finding is Finding.FAIL
    assert "there is no Policy/open" in report.reasons[0]
