"""What proofs of production found is entered in the changelog, whichever it was."""

from __future__ import annotations

import pytest

from tests.builtin.records.checks.conftest import BAD, GOOD, Check, Json

PROOF: Json = {
    "claim": "c",
    "inputs": ["src/**"],
    "steps": [{"run": "command", "argv": ["true"], "expect": {"exitCode": 0}}],
    "controls": [{"mutate": "delete", "path": "src/a"}],
}
RESULT: Json = {
    "proof": "Proof/fees",
    "verdict": "fail",
    "evidence": BAD,
    "subjects": [{"name": "src/pay/**", "digest": BAD}],
    "environment": "production",
    "at": "2026-11-20T11:00:00Z",
    "engine": BAD,
}


@pytest.mark.parametrize(
    ("result", "entry", "is_told"),
    [
        ({}, {}, True),
        ({"verdict": "pass"}, {}, True),
        ({"environment": "staging"}, {}, False),
        ({"at": "2026-11-20T12:00:00Z"}, {}, False),
        ({"subjects": [{"name": "src/pay/**", "digest": GOOD}]}, {}, False),
        ({}, {"refs": ["ReleaseProof/fees-1"]}, False),
    ],
)
def test_a_result_is_entered_within_a_day(
    check: Check, result: Json, entry: Json, is_told: bool
) -> None:
    added = {"Proof/fees": PROOF, "ReleaseProof/fees-1": RESULT | result}
    found = check({"ChangelogEntry/over": entry}, added)
    told = [fault for fault in found if fault.rule == "proof-result-unentered"]
    assert found == tuple(told), found
    assert bool(told) is is_told
    assert not any(fault.stops for fault in told)
