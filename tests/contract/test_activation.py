"""A changed contract owes documentation, and a dormant layer does not become active by an edit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chimera.model import Action, Address, Change, PathSet

OPS = Address("LayerContract", "ops")


def changed(repository, build, before, after, *others):
    """Write `after` where the contract was `before`, and return the change that this is."""
    repository.write(after, *others)
    digest = repository.snapshot().documents[OPS].digest
    change = Change(OPS, Action.UPDATE, "sha256:" + "0" * 64, digest, "differs")
    repository.changes = (change,)
    repository.before = {OPS: before}
    return change


def about(change):
    return {"answers": [{"target": str(change.target), "after": change.after}]}


def active(build, **fields):
    return build.contract(build.layer("z", **fields))


def dormant(build, **when):
    return build.contract(build.layer("z", "dormant", **({"whenActive": when} if when else {})))


def test_status_is_not_flipped_by_an_edit(repository, build):
    changed(repository, build, dormant(build), active(build))
    assert repository.rules() == {"layer-activated", "layer-activated-unrecorded"}
    found = repository.only("layer-activated")
    assert repository.line(found) == "status: active"
    assert "activates: ops/z" in found.help


def test_decision_and_entry_about_this_change_activate_a_layer(repository, build):
    change = changed(repository, build, dormant(build), active(build))
    repository.write(
        build.document("Decision", "wake", {"activates": "ops/z", **about(change)}),
        build.document("ChangelogEntry", "wake", about(change)),
    )
    assert repository.rules() == set()


def test_records_of_another_change_do_not_serve(repository, build):
    change = changed(repository, build, dormant(build), active(build))
    old = {"answers": [{"target": str(change.target), "after": "sha256:" + "1" * 64}]}
    repository.write(
        build.document("Decision", "wake", {"activates": "ops/z", **old}),
        build.document("ChangelogEntry", "wake", old),
    )
    assert repository.rules() == {"layer-activated", "layer-activated-unrecorded"}


def test_it_is_said_why_records_that_are_offered_do_not_serve(repository, build):
    when = {"routesThrough": ["ops/2"]}
    before = build.contract(build.layer("2"), build.layer("z", "dormant", whenActive=when))
    change = changed(repository, build, before, build.contract(build.layer("2"), build.layer("z")))
    old = {"answers": [{"target": str(change.target), "after": "sha256:" + "1" * 64}]}
    repository.write(
        build.document("Decision", "old", {"activates": "ops/z", **old}),
        build.document("Decision", "other", {"activates": "ops/2", **about(change)}),
        build.document("Decision", "vague", {"activates": "ops/z"}),
        build.document("ChangelogEntry", "old", old),
        build.document("ChangelogEntry", "elsewhere", about(change)),
    )
    decision = repository.only("layer-activated").message
    now = f"and this is after {change.after[:19]}"
    assert f"Decision/old is about another change: after sha256:111111111111, {now}" in decision
    assert "Decision/other activates ops/2" in decision
    assert "Decision/vague does not name LayerContract/ops" in decision
    entry = repository.only("layer-activated-unrecorded").message
    assert f"ChangelogEntry/old is about another change: after sha256:111111111111, {now}" in entry
    assert "ChangelogEntry/elsewhere does not stand in ops/2" in entry


def test_activation_owes_its_approvals_where_it_is_protected_and_nowhere_else(repository, build):
    needed = [{"matter": "policy changes"}, {"matter": "guardrails", "role": "Role/owner"}]
    before = build.contract(build.layer("z", "dormant", whenActive={"needsApprovalOf": needed}))
    changed(repository, build, before, active(build))
    assert repository.owed() == []
    repository.protected = True
    assert {(o.kind, o.subject, dict(o.detail)["matter"]) for o in repository.owed()} == {
        ("approval", "human", "policy changes"),
        ("approval", "Role/owner", "guardrails"),
    }
    assert {o.target for o in repository.owed()} == {OPS}


def test_activation_owes_a_person_though_its_contract_asks_for_none(repository, build):
    changed(repository, build, dormant(build), active(build))
    repository.protected = True
    (owed,) = repository.owed()
    assert (owed.kind, owed.subject) == ("approval", "human")


def test_deactivation_owes_nothing(repository, build):
    changed(repository, build, active(build), dormant(build))
    repository.protected = True
    assert repository.rules() == set()
    assert repository.owed() == []


@pytest.mark.parametrize(
    ("before", "after", "is_it"),
    [
        ({}, {"id": "y"}, True),
        ({"name": "Evolution"}, {"id": "y", "name": "Evolution"}, True),
        ({"purpose": "evolves"}, {"id": "y", "purpose": "evolves"}, True),
        ({"admits": {"kinds": ["Thing"]}}, {"id": "y", "admits": {"kinds": ["Thing"]}}, True),
        ({"purpose": "evolves", "name": "E"}, {"id": "y", "purpose": "else", "name": "F"}, False),
    ],
)
def test_a_layer_that_is_renamed_is_the_layer_that_it_was(repository, build, before, after, is_it):
    when = {"routesThrough": ["ops/2"], "prohibits": ["automation"]}
    low = build.layer("2")
    was = build.contract(low, {**build.layer("z", "dormant", whenActive=when), **before})
    now = build.contract(low, {**build.layer("y"), **after})
    change = changed(repository, build, was, now)
    expected = {"layer-activated", "layer-activated-unrecorded", "layer-activated-unbound"}
    assert repository.rules() == (expected if is_it else set())
    if is_it:
        message = repository.only("layer-activated").message
        assert message.startswith("ops/y was dormant, as ops/z, and becomes active")
        repository.write(build.document("Decision", "d", {"activates": "ops/y", **about(change)}))
        assert repository.rules() == expected - {"layer-activated"}


@pytest.mark.parametrize("action", [Action.UPDATE, Action.DELETE])
def test_a_layer_that_moves_to_another_contract_is_the_layer_that_it_was(repository, build, action):
    other = Address("LayerContract", "other")
    changed(repository, build, dormant(build), build.contract(build.layer("a", purpose="none")))
    repository.write(build.contract(build.layer("z"), name="other"))
    digest = repository.snapshot().documents[other].digest
    made = Change(other, Action.CREATE, None, digest, "is new")
    if action is Action.DELETE:
        (repository.root / "specs" / "layercontract-ops.yaml").unlink()
    repository.changes = (replace(repository.changes[0], action=action), made)
    assert repository.rules() == {"layer-activated", "layer-activated-unrecorded"}
    message = repository.only("layer-activated").message
    assert message.startswith("other/z was dormant, as ops/z, and becomes active")
    repository.write(
        build.document("Decision", "wake", {"activates": "other/z", **about(made)}),
        build.document("ChangelogEntry", "wake", about(made)),
    )
    assert repository.rules() == set()


def test_decision_for_another_layer_does_not_serve(repository, build):
    before = build.contract(build.layer("y"), build.layer("z", "dormant"))
    after = build.contract(build.layer("y"), build.layer("z"))
    change = changed(repository, build, before, after)
    repository.write(
        build.document("Decision", "wake", {"activates": "ops/y", **about(change)}),
        build.document("ChangelogEntry", "wake", about(change)),
    )
    assert repository.rules() == {"layer-activated"}


@pytest.mark.parametrize(
    "case", ["unchanged status", "first version", "nothing compared", "another change"]
)
def test_nothing_was_activated(repository, build, case):
    before = active(build) if case == "unchanged status" else dormant(build)
    changed(repository, build, before, active(build, scope=["more"]))
    if case == "first version":
        repository.before = {}
    if case == "nothing compared":
        repository.changes = None
    if case == "another change":
        other = Change(Address("Thing", "one"), Action.UPDATE, "sha256:1", "sha256:2", "differs")
        repository.changes = (replace(repository.changes[0], action=Action.NO_OP), other)
    assert repository.rules() == set()


def layers_2_and_3(build):
    return (
        build.layer("2", admits={"kinds": ["ChangelogEntry"]}),
        build.layer("3", admits={"kinds": ["Proof"]}),
    )


def test_conditions_from_before_hold_though_the_change_drops_them(repository, build):
    when = {
        "routesThrough": ["ops/2"],
        "mustPass": ["ops/3"],
        "needsApprovalOf": [{"matter": "policy changes"}],
        "prohibits": ["automation"],
    }
    low = layers_2_and_3(build)
    before = build.contract(*low, build.layer("z", "dormant", whenActive=when))
    changed(repository, build, before, build.contract(*low, build.layer("z")))
    repository.write(build.thing("no-proof", "ops/3"), build.thing("elsewhere", kind="Gate"))
    assert repository.rules() == {
        "layer-activated",
        "layer-activated-unrecorded",
        "layer-activated-unproven",
        "layer-activated-unbound",
    }
    for fault in repository.diagnostics():
        besides = fault.related[1].message
        assert besides.startswith("besides it owes approval of policy changes by a person")


def test_met_conditions_leave_the_proofs_to_the_gate(repository, build):
    when = {"routesThrough": ["ops/2"], "mustPass": ["ops/3"], "prohibits": ["automation"]}
    low = layers_2_and_3(build)
    before = build.contract(*low, build.layer("z", "dormant", whenActive=when))
    after = build.contract(*low, build.layer("z", prohibits=["automation"]))
    change = changed(repository, build, before, after)
    repository.write(
        build.thing("sound", kind="Proof"),
        build.document("Decision", "wake", {"activates": "ops/z", **about(change)}),
        build.document("ChangelogEntry", "wake", about(change)),
    )
    assert repository.rules() == set()
    (owed,) = repository.owed()
    assert (owed.kind, owed.subject, owed.target) == ("proof", "Proof/sound", OPS)


def test_active_layer_is_started_and_decides_only_as_its_conditions_say(repository, build):
    when = {"trigger": "human", "mode": "simulation"}
    before = build.contract(build.layer("z", "dormant", trigger="none", whenActive=when))
    changed(repository, build, before, active(build, trigger="human", mode="simulation"))
    assert "layer-activated-unbound" not in repository.rules()
    changed(repository, build, before, active(build, trigger="human", mode="enforcing"))
    assert "mode: simulation" in repository.only("layer-activated-unbound").message
    changed(repository, build, before, active(build, trigger=None, mode="simulation"))
    assert "trigger: human" in repository.only("layer-activated-unbound").message


def test_entry_must_stand_in_the_layer_that_changes_route_through(repository, build):
    when = {"routesThrough": ["ops/2"]}
    before = build.contract(build.layer("2"), build.layer("z", "dormant", whenActive=when))
    change = changed(repository, build, before, build.contract(build.layer("2"), build.layer("z")))
    decision = build.document("Decision", "wake", {"activates": "ops/z", **about(change)})
    repository.write(decision, build.document("ChangelogEntry", "wake", about(change)))
    assert repository.rules() == {"layer-activated-unrecorded"}
    repository.write(build.document("ChangelogEntry", "wake", about(change), "ops/2"))
    assert repository.rules() == set()


def test_conditions_that_cannot_be_read_ask_for_a_person(repository, build):
    before = build.contract(build.layer("z", "dormant"))
    before["spec"]["layers"][0]["whenActive"] = {"anOlderWord": True}
    changed(repository, build, before, active(build))
    repository.protected = True
    owed = {o.reason: (o.kind, o.subject, o.target) for o in repository.owed()}
    asked = owed["ops/z becomes active, which needs approval of this layer"]
    assert asked == ("approval", "human", OPS)


@pytest.fixture
def documented(repository, build):
    """Return the two versions of a contract whose layer `a` has a page, of which `b` has none."""
    (repository.root / "A.md").write_text("# A\n")
    page = {"documentation": ["A.md"]}
    return lambda a="", b="": build.contract(
        build.layer("a", **page, scope=[f"scope {a}"]), build.layer("b", scope=[f"scope {b}"])
    )


def test_documentation_must_change_with_its_layer(repository, build, documented):
    changed(repository, build, documented(), documented(a="new"))
    found = repository.only("layer-documentation-unchanged")
    assert repository.line(found) == "- A.md"


def test_first_version_of_a_contract_finds_its_documentation_written(repository, build, documented):
    changed(repository, build, documented(), documented(a="new"))
    repository.before = {}
    assert repository.rules() == set()


def test_documentation_of_a_layer_that_stayed_may_stay(repository, build, documented):
    changed(repository, build, documented(), documented(b="new"))
    assert repository.rules() == set()


@pytest.mark.parametrize("paths", [("A.md",), ()])
def test_documentation_that_changed_too_is_in_order(repository, build, documented, paths):
    change = changed(repository, build, documented(), documented(a="new"))
    pages = Change(PathSet.of(["A.md"]), Action.UPDATE, "sha256:1", "sha256:2", "differs", paths)
    repository.changes = (change, pages)
    assert repository.rules() == set()


def test_another_path_of_the_same_set_is_not_the_documentation(repository, build, documented):
    change = changed(repository, build, documented(), documented(a="new"))
    globs = PathSet.of(["A.md", "B.md"])
    pages = Change(globs, Action.UPDATE, "sha256:1", "sha256:2", "differs", ("B.md",))
    repository.changes = (change, pages)
    assert repository.rules() == {"layer-documentation-unchanged"}


@pytest.mark.parametrize("glob", ["specs/layercontract-ops.yaml", "specs/**"])
def test_contract_is_no_documentation_of_itself(repository, build, glob):
    page = {"documentation": [glob]}
    before = build.contract(build.layer("a"), **page)
    after = build.contract(build.layer("a", scope=["new"]), **page)
    change = changed(repository, build, before, after, build.thing("page"))
    own = ("specs/layercontract-ops.yaml",)
    pages = Change(PathSet.of([glob]), Action.UPDATE, "sha256:1", "sha256:2", "differs", own)
    repository.changes = (change, pages)
    assert "layer-documentation-unchanged" in repository.rules()


def test_document_can_be_documentation(repository, build):
    page = {"documentation": ["specs/thing-page.yaml"]}
    before = build.contract(build.layer("a"), **page)
    after = build.contract(build.layer("a", scope=["new"]), **page)
    change = changed(repository, build, before, after, build.thing("page"))
    assert repository.rules() == {"layer-documentation-unchanged"}
    page_change = Change(Address("Thing", "page"), Action.UPDATE, "sha256:1", "sha256:2", "differs")
    repository.changes = (change, page_change)
    assert repository.rules() == set()
