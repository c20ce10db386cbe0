from dataclasses import replace

import pytest

from chimera.kinds import EnvironmentFacts, Subject
from chimera.model import Action, Address, Change, PathSet, Placement
from chimera.proof import owed

LOCAL, PROD = EnvironmentFacts("local", False), EnvironmentFacts("prod", True)
PATHS = PathSet.of(["src/**"])


def subject(bench, environment, *targets, action=Action.UPDATE, placements=None):
    changes = tuple(Change(target, action, None, None, "changed") for target in targets)
    snapshot = bench.load().snapshot
    now = bench.context.clock.now()
    return Subject(snapshot, placements or {}, environment, bench.context.actor, now, changes)


def names(found):
    return [(obligation.subject, str(obligation.target)) for obligation in owed(found)]


@pytest.mark.parametrize(
    ("phase", "environment", "is_owed"),
    [
        ("merge", LOCAL, False),
        ("apply", LOCAL, True),
        ("rollback", LOCAL, False),
        ("merge", PROD, True),
        ("apply", PROD, True),
        ("rollback", PROD, True),
    ],
)
def test_phase_decides_with_the_environment(bench, phase, environment, is_owed):
    bench.proof(phase=phase)
    expected = [("Proof/answer", "paths:src/**")] if is_owed else []
    assert names(subject(bench, environment, PATHS)) == expected


def test_proof_in_a_dormant_layer_is_owed_by_nothing(bench):
    bench.proof()
    proof = Address("Proof", "answer")
    for dormant, expected in ((True, []), (False, [("Proof/answer", "paths:src/**")])):
        standing = {proof: (Placement(proof, "ops/z", dormant),)}
        assert names(subject(bench, PROD, PATHS, placements=standing)) == expected


def test_paths_that_nothing_covers_owe_nothing(bench):
    bench.proof()
    assert names(subject(bench, LOCAL, PathSet.of(["docs/**"]))) == []


def test_no_op_and_plain_check_owe_nothing(bench):
    bench.proof()
    assert names(subject(bench, LOCAL, PATHS, action=Action.NO_OP)) == []
    assert names(replace(subject(bench, LOCAL, PATHS), changes=None)) == []


def test_kind_covers_documents_of_it(bench):
    bench.proof(covers={"kinds": ["Proof"]})
    target = Address("Proof", "answer")
    assert names(subject(bench, LOCAL, target, PATHS)) == [("Proof/answer", "Proof/answer")]


def test_layer_covers_what_stands_in_it(bench):
    bench.proof(covers={"layers": ["floors/engine"]})
    target = Address("Proof", "answer")
    placed = {target: (Placement(target, "floors/engine", False),)}
    assert names(subject(bench, LOCAL, target, placements=placed)) == [
        ("Proof/answer", "Proof/answer")
    ]
    assert names(subject(bench, LOCAL, target)) == []


def test_proof_that_covers_nothing_is_owed_by_nothing_of_itself(bench):
    bench.proof(covers={})
    assert names(subject(bench, PROD, Address("Proof", "answer"), PATHS)) == []


def test_an_edited_or_deleted_proof_still_owes_by_what_it_covered_before(bench):
    bench.proof()
    target = Address("Proof", "answer")
    before = {target: bench.load().snapshot.get(target).value}
    for change in (lambda: bench.proof(covers={"paths": ["docs/**"]}), bench.remove_proof):
        change()
        found = replace(subject(bench, LOCAL, PATHS, target), before=before)
        assert ("Proof/answer", "paths:src/**") in names(found)
