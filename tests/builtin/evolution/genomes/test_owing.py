"""What promotions owe, and whom they touch."""

from __future__ import annotations

import pytest

from tests.builtin.evolution.genomes.conftest import FIRST, SECOND, field, file

ALL = (field("wait"), field("factor"), field("tries"))


@pytest.fixture
def guarded(house):
    """The house with a protected environment and somebody to ask."""
    house.repository.document("Environment/production", {"protected": True})
    house.repository.document("Role/owners", {"members": []})
    house.repository.commit()
    return house


def owed(house, base="HEAD~1", environment="local"):
    """Return what the last commit owes by its promotions: kind, subject and target."""
    result = house.workspace.check(environment, base=base)
    return {
        (one.kind, one.subject, str(one.target))
        for one in result.value.planned.plan.obligations
        if str(one.source) == "Promotion/tune"
    }


def commit(house, message="change"):
    house.repository.commit(message)


def test_a_first_promotion_owes_its_proof_and_where_it_is_protected_an_approval(guarded):
    guarded.promote(guarded.found(FIRST), *ALL)
    commit(guarded)
    proof = ("proof", "Proof/tune", "Promotion/tune")
    assert owed(guarded) == {proof}
    approval = ("approval", "Role/owners", "Promotion/tune")
    assert owed(guarded, environment="production") == {proof, approval}


def test_another_genome_and_a_rollback_owe_the_same(guarded):
    guarded.promote(guarded.found(FIRST), *ALL)
    commit(guarded)
    guarded.promote(guarded.found(SECOND))
    commit(guarded)
    both = {
        ("proof", "Proof/tune", "Promotion/tune"),
        ("approval", "Role/owners", "Promotion/tune"),
    }
    assert owed(guarded, environment="production") == both
    guarded.rollback()
    commit(guarded)
    assert owed(guarded, environment="production") == both


def test_whoever_takes_the_approval_away_owes_it(guarded):
    guarded.promote(guarded.found(FIRST), *ALL)
    commit(guarded)
    guarded.edit("specs/promotions/tune.yaml", "  approvals:\n    - role: Role/owners\n", "")
    commit(guarded)
    approval = ("approval", "Role/owners", "Promotion/tune")
    assert approval in owed(guarded, environment="production")
    assert "promotion-without-approval" in guarded.rules()


def test_a_promotion_that_is_deleted_owes_its_approval(guarded):
    guarded.promote(guarded.found(FIRST), *ALL)
    commit(guarded)
    for path in ("specs/promotions/tune.yaml", "proofs/tune.yaml"):
        (guarded.root / path).unlink()
    commit(guarded)
    approval = ("approval", "Role/owners", "Promotion/tune")
    assert owed(guarded, environment="production") == {approval}


def test_a_change_of_a_file_that_holds_genes_owes_what_the_promotion_does(guarded):
    guarded.promote(guarded.found(FIRST), file("config/wait.json"))
    commit(guarded)
    guarded.edit("config/wait.json", "3.25", "3.5")
    commit(guarded)
    target = "paths:config/wait.json"
    assert owed(guarded, environment="production") == {
        ("proof", "Proof/tune", target),
        ("approval", "Role/owners", target),
    }


def test_a_change_of_something_else_owes_nothing_of_it(guarded):
    guarded.promote(guarded.found(FIRST), *ALL)
    commit(guarded)
    guarded.repository.document("Role/others", {"members": []})
    commit(guarded)
    assert owed(guarded, environment="production") == set()


def test_a_changed_document_tells_which_of_its_values_a_genome_gave(guarded):
    name = guarded.found(FIRST)
    guarded.promote(name, *ALL)
    commit(guarded)
    guarded.edit("specs/workflows/pause.yaml", "echo", "printf")
    commit(guarded)
    touches = guarded.workspace.check(base="HEAD~1").value.planned.touches
    asks = [one.asks for one in touches if one.name == "Promotion/tune"]
    assert asks == [
        tuple(
            f"the gene {gene} of Genome/{name} at /spec/inputs/{gene}/default"
            for gene in ("wait", "factor", "tries")
        )
    ]
