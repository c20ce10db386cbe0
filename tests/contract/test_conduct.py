"""What may start documents of a layer, what they may decide, and that dormant layers do not act."""

from __future__ import annotations

from dataclasses import replace

import pytest


def dormant(build, **fields):
    return build.layer("z", "dormant", **fields)


@pytest.mark.parametrize("trigger", ["event", "schedule"])
def test_automatic_trigger_in_a_human_triggered_layer_is_refused(repository, build, trigger):
    repository.write(
        build.contract(build.layer("a", trigger="human")),
        build.thing("one", "ops/a", trigger=trigger),
    )
    found = repository.only("layer-human-triggered")
    assert repository.line(found) == f"trigger: {trigger}"
    assert repository.cited(found) == "trigger: human"


@pytest.mark.parametrize("trigger", ["human", "apply"])
def test_people_may_start_what_stands_in_a_human_triggered_layer(repository, build, trigger):
    repository.write(
        build.contract(build.layer("a", trigger="human")),
        build.thing("one", "ops/a", trigger=trigger),
    )
    assert repository.rules() == set()


def test_nothing_starts_what_stands_in_an_untriggered_layer(repository, build):
    repository.write(
        build.contract(build.layer("a", trigger="none")),
        build.thing("one", "ops/a", trigger="human"),
        build.thing("two", "ops/a"),
    )
    found = repository.only("layer-untriggered")
    assert found.address == "Thing/one"
    assert repository.cited(found) == "trigger: none"


@pytest.mark.parametrize("mode", ["informational", "simulation"])
def test_layer_that_only_informs_refuses_nothing_and_decides_nothing(repository, build, mode):
    repository.write(
        build.contract(build.layer("a", mode=mode), build.layer("b")),
        build.thing("one", "ops/a", denies=True),
        build.thing("note", "ops/a"),
        build.thing("gate", "ops/b", decides="Thing/note", denies=True),
    )
    found = [d for d in repository.diagnostics() if d.rule == f"layer-{mode}"]
    assert [d.address for d in found] == ["Thing/gate", "Thing/one"]
    assert [repository.line(d) for d in found] == ["decides: Thing/note", "denies: true"]
    assert {repository.cited(d) for d in found} == {f"mode: {mode}"}


def test_layer_that_only_simulates_writes_nothing(repository, build):
    repository.write(
        build.contract(build.layer("a", mode="simulation"), build.layer("b", mode="informational")),
        build.thing("one", "ops/a", writes=["out/**"]),
        build.thing("two", "ops/b", writes=["out/**"]),
    )
    assert repository.only("layer-simulation").address == "Thing/one"
    assert repository.rules() == {"layer-simulation"}


def test_layer_that_says_nothing_of_trigger_and_mode_forbids_nothing_by_them(repository, build):
    silent = build.contract({"id": "a", "name": "a", "status": "active", "purpose": "a test"})
    repository.write(
        silent,
        build.thing("one", "ops/a", trigger="schedule", denies=True, writes=["out/**"]),
        build.thing("gate", "ops/a", decides="Thing/one"),
    )
    assert repository.rules() == set()


def test_enforcing_layer_decides(repository, build):
    repository.write(
        build.contract(build.layer("a")),
        build.thing("one", "ops/a", denies=True, writes=["out/**"]),
        build.thing("gate", "ops/a", decides="Thing/one"),
    )
    assert repository.rules() == set()


def test_document_merely_placed_in_a_dormant_layer_is_fine(repository, build):
    repository.write(
        build.contract(dormant(build)),
        build.thing("one", "ops/z"),
        build.thing("two", "ops/z", kind="Machine", trigger="human", refers=["Thing/one"]),
        build.thing("three", cites=["Thing/one"]),
        build.thing("four", kind="Machine", inputs={"note": "see Thing/one"}),
        build.document("Record", "seen", {"refers": ["Thing/one"], "needs": "Thing/one"}),
    )
    assert repository.rules() == set()


@pytest.mark.parametrize("trigger", ["event", "schedule", "apply"])
def test_trigger_in_a_dormant_layer_is_refused(repository, build, trigger):
    repository.write(build.contract(dormant(build)), build.thing("one", "ops/z", trigger=trigger))
    found = repository.only("dormant-trigger")
    assert repository.line(found) == f"trigger: {trigger}"
    assert repository.cited(found) == "status: dormant"


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("Machine", {"refers": ["Thing/one"]}),
        ("Thing", {"needs": "Thing/one"}),
        ("Thing", {"decides": "Thing/one"}),
        ("Thing", {"refers": ["Thing/one"]}),
        ("Thing", {"inputs": {"of": ["Thing/one"]}}),
        ("Thing", {"inputs": {"Thing/one": "start"}}),
        ("Thing", {"cites": ["Thing/one"], "inputs": {"of": "Thing/one"}}),
    ],
)
def test_reference_that_makes_a_dormant_document_act_is_refused(repository, build, kind, how):
    repository.write(
        build.contract(dormant(build), build.layer("a")),
        build.thing("one", "ops/z"),
        build.thing("active", "ops/a", kind=kind, **how),
    )
    found = repository.only("dormant-reference")
    assert found.address == f"{kind}/active"
    assert not repository.line(found).startswith("cites")
    assert "Thing/one" in repository.line(found)
    assert repository.cited(found) == "status: dormant"


def test_plugin_that_carries_out_a_dormant_layers_kind_is_refused(repository, build):
    repository.write(build.contract(dormant(build, admits={"kinds": ["Thing", "Machine"]})))
    found = repository.only("dormant-plugin")
    assert repository.line(found) == "- Machine"
    assert repository.cited(found) == "status: dormant"


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"purpose": "due in Q3 2027"}, "purpose: due in Q3 2027"),
        ({"purpose": "after 2027-01-31"}, "purpose: after 2027-01-31"),
        ({"scope": ["reviews", "begins in March 2027"]}, "- begins in March 2027"),
        (
            {"objectives": [{"name": "n", "target": "t", "due": "2027-01-31"}]},
            "due: 2027-01-31",
        ),
    ],
)
def test_dormant_layer_carries_no_dates(repository, build, fields, line):
    repository.write(build.contract({**dormant(build), **fields}))
    found = repository.only("dormant-dated")
    assert repository.line(found).replace("'", "") == line
    repository.write(build.contract({**build.layer("z"), **fields}))
    assert repository.rules() == set()


def test_document_of_a_dormant_layer_carries_no_dates(repository, build):
    repository.write(build.contract(dormant(build)), build.thing("one", "ops/z", review="7d"))
    found = repository.only("dormant-dated")
    assert repository.line(found) == "review: 7d"
    assert found.help.startswith("remove review: ")


def test_dormant_layer_has_no_owners(repository, build):
    repository.write(build.contract(dormant(build)), build.thing("one", "ops/z", owner="ada"))
    assert repository.line(repository.only("dormant-owned")) == "owner: ada"


def test_owner_of_a_dormant_layer_itself_is_refused(repository, build):
    role = replace(repository.registry.kinds["Thing"], name="Role")
    repository = repository.with_plugins(kinds={**repository.registry.kinds, "Role": role})
    repository.write(
        build.contract(
            dormant(build, owners=["Role/keeper"]), build.layer("a", owners=["Role/keeper"])
        ),
        build.thing("keeper", kind="Role"),
    )
    found = repository.only("dormant-owned")
    assert repository.line(found) == "- Role/keeper"
