"""What evidence says of its own proving."""

from __future__ import annotations

import pytest

from chimera.proof.evidence.provenance import Provenance, is_pass
from tests.proof.statements import statement


def test_statement_says_when_by_whom_and_where():
    said = Provenance.of(statement())
    assert said == Provenance(
        proof="Proof/answer",
        finding="pass",
        at="2026-11-21T00:00:00.000000Z",
        actor="ci",
        environment="local",
        revision="c" * 40,
    )


@pytest.mark.parametrize(
    "value",
    [{}, {"predicate": 7}, statement(volatile=None), statement(volatile={"at": 1, "actor": "ci"})],
)
def test_statement_that_says_nothing_readable_says_nothing(value):
    said = Provenance.of(value)
    assert (said.at, said.actor, said.revision) == ("", "", "")


def test_a_pass_says_so_in_both_fields():
    assert is_pass(statement())
    for changed in (statement("fail"), statement(result="FAILED"), statement(finding="fail"), {}):
        assert not is_pass(changed)
