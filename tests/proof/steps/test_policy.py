import pytest

import chimera.gate.plugin
import chimera.policy.plugin
from chimera.model import Finding

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
    assert any("specs/open.yaml" in reason for reason in report.reasons)


def test_case_that_does_not_come_out_fails(policed):
    write_policy(policed, "true")
    report = prove(policed, controls=[{"mutate": "delete", "path": "specs/open.yaml"}])
    assert report.finding is Finding.FAIL


def test_policy_that_is_no_input_fails_rather_than_being_taken_from_elsewhere(policed):
    report = prove(
        policed, inputs=["specs/**"], controls=[{"mutate": "delete", "path": "specs/open.yaml"}]
    )
    assert report.finding is Finding.FAIL
    assert "there is no Policy/open" in report.reasons[0]
