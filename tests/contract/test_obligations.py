"""Changes in human-triggered layers owe a person's approval, where the environment is protected."""

from __future__ import annotations

import pytest

from chimera.model import Action, Address, Change, PathSet

ONE = Address("Thing", "one")
OPS = Address("LayerContract", "ops")


def change(action=Action.UPDATE, target=ONE):
    return Change(target, action, "sha256:1", "sha256:2", "differs")


@pytest.fixture
def human(repository, build):
    """Return a protected repository with one document in a human-triggered layer, changed."""
    layers = (
        build.layer("a", trigger="human", admits={"kinds": ["Thing"]}),
        build.layer("b", admits={"kinds": ["Machine"]}),
        build.layer("z", "dormant", trigger="human", admits={"kinds": ["Served"]}),
    )
    repository.write(build.contract(*layers), build.thing("one"))
    repository.protected, repository.changes = True, (change(),)
    return repository


def test_change_in_a_human_triggered_layer_owes_a_person(human):
    (owed,) = human.owed()
    assert (owed.kind, owed.subject, owed.target) == ("approval", "human", ONE)
    assert owed.source == Address("LayerContract", "ops")
    assert dict(owed.detail) == {"count": "1"}
    assert "ops/a" in owed.reason


def test_unprotected_environment_asks_nobody(human):
    human.protected = False
    assert human.owed() == []


@pytest.mark.parametrize(
    "changes",
    [
        None,
        (change(Action.NO_OP),),
        (change(target=Address("Machine", "one")),),
        (change(target=Address("Served", "one")),),
        (change(target=Address("Role", "one")),),
        (change(target=PathSet.of(["src/**"])),),
    ],
)
def test_other_changes_owe_nobody(human, build, changes):
    human.write(
        build.thing("one", kind="Machine"), build.thing("one", kind="Served", trigger="human")
    )
    human.changes = changes
    assert human.owed() == []


def test_deletion_from_a_human_triggered_layer_owes_a_person(human, build):
    gone = Address("Thing", "gone")
    human.changes, human.before = (change(Action.DELETE, gone),), {gone: build.thing("gone")}
    assert [owed.target for owed in human.owed()] == [gone]


def test_document_that_moves_out_of_the_paths_of_a_human_layer_owes_a_person(repository, build):
    layers = (build.layer("a", trigger="human", admits={"paths": ["ops/**"]}),)
    repository.write(build.contract(*layers), build.thing("one"))
    repository.protected, repository.changes = True, (change(),)
    repository.before = {ONE: build.thing("one")}
    assert repository.owed() == []
    repository.former_paths = {ONE: "ops/one.yaml"}
    assert [owed.target for owed in repository.owed()] == [ONE]


def test_document_that_leaves_a_human_triggered_layer_owes_a_person(repository, build):
    layers = (build.layer("a", trigger="human"), build.layer("b"))
    repository.write(build.contract(*layers), build.thing("one", "ops/b"))
    repository.protected, repository.changes = True, (change(),)
    assert repository.owed() == []
    repository.before = {ONE: build.thing("one", "ops/a")}
    assert [owed.target for owed in repository.owed()] == [ONE]


def test_layer_that_was_human_triggered_before_the_change_still_counts(repository, build):
    repository.write(build.contract(build.layer("a")), build.thing("one", "ops/a"))
    repository.protected, repository.changes = True, (change(),)
    assert repository.owed() == []
    repository.changes = (change(), change(target=OPS))
    repository.before = {OPS: build.contract(build.layer("a", trigger="human"))}
    assert [owed.target for owed in repository.owed()] == [ONE]


@pytest.mark.parametrize(
    "after",
    [
        lambda build: build.contract(build.layer("a", trigger="human")),
        lambda build: build.contract(build.layer("a", "dormant", admits={"kinds": ["Thing"]})),
        lambda build: build.contract(
            build.layer("a", trigger="human"), build.layer("b", admits={"kinds": ["Thing"]})
        ),
        lambda build: build.contract(build.layer("a"), name="other"),
    ],
    ids=["no longer admitted", "asleep", "admitted elsewhere", "contract deleted"],
)
def test_contract_edited_in_the_same_change_lets_nothing_out_of_a_human_layer(
    repository, build, after
):
    admits = {"kinds": ["Thing"]}
    repository.write(after(build), build.thing("one"))
    repository.protected, repository.changes = True, (change(),)
    assert repository.owed() == []
    repository.before = {OPS: build.contract(build.layer("a", trigger="human", admits=admits))}
    deed = Action.DELETE if repository.snapshot().get(OPS) is None else Action.UPDATE
    repository.changes = (change(), change(deed, OPS))
    assert [(owed.source, owed.target) for owed in repository.owed()] == [(OPS, ONE)]


def test_human_layer_asks_once_however_often_it_is_found(human, build):
    contract = build.contract(build.layer("a", trigger="human", admits={"kinds": ["Thing"]}))
    human.before = {ONE: build.thing("one"), OPS: contract}
    human.changes = (change(), change(target=OPS))
    assert [owed.target for owed in human.owed()] == [ONE]


def test_contract_that_could_not_be_read_before_asks_for_every_change(repository, build):
    repository.write(build.contract(build.layer("a")), build.thing("one"))
    repository.protected, repository.changes = True, (change(), change(target=OPS))
    repository.before = {OPS: {**build.contract(), "spec": {"anOlderWord": True}}}
    assert [owed.target for owed in repository.owed()] == [ONE, OPS]
