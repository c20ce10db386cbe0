"""Where documents stand: what contracts admit, what documents assert, and whether both agree."""

from __future__ import annotations

import pytest

from chimera.model import Address, Placement, is_dormant


def placed(repository, kind, name):
    placements = repository.placing().placements.get(Address(kind, name), ())
    return [placement.layer for placement in placements]


def test_layer_that_admits_the_kind_takes_the_document(repository, build):
    repository.write(
        build.contract(build.layer("a"), build.layer("b", admits={"kinds": ["Thing"]})),
        build.thing("one"),
    )
    assert placed(repository, "Thing", "one") == ["ops/b"]
    assert repository.rules() == set()


def test_layer_that_admits_the_path_takes_the_document(repository, build):
    repository.write(
        build.contract(build.layer("a", admits={"paths": ["specs/thing-*"]})),
        build.thing("one"),
        build.thing("one", kind="Machine"),
    )
    assert placed(repository, "Thing", "one") == ["ops/a"]
    assert placed(repository, "Machine", "one") == []


def test_admitted_kind_comes_before_an_admitted_path(repository, build):
    repository.write(
        build.contract(
            build.layer("a", admits={"paths": ["specs/**"]}),
            build.layer("b", admits={"kinds": ["Thing"]}),
        ),
        build.thing("one"),
    )
    assert placed(repository, "Thing", "one") == ["ops/b"]


def test_document_asserts_its_layer_where_nothing_admits_it(repository, build):
    repository.write(build.contract(build.layer("a")), build.thing("one", "ops/a"))
    assert placed(repository, "Thing", "one") == ["ops/a"]


def test_document_stands_in_one_layer_of_each_contract(repository, build):
    repository.write(
        build.contract(build.layer("a", admits={"kinds": ["Thing"]}), name="second"),
        build.contract(build.layer("x", "dormant"), name="first"),
        build.thing("one", "first/x", "second/a"),
    )
    placements = repository.placing().placements[Address("Thing", "one")]
    assert placements == (
        Placement(Address("Thing", "one"), "first/x", True),
        Placement(Address("Thing", "one"), "second/a", False),
    )
    assert is_dormant(placements)
    assert not is_dormant(placements[1:])


def test_records_are_placed_too(repository, build):
    repository.write(
        build.contract(build.layer("a", admits={"kinds": ["Record"]})),
        build.document("Record", "seen", {}),
    )
    assert placed(repository, "Record", "seen") == ["ops/a"]


def test_document_cannot_talk_itself_out_of_a_layer(repository, build):
    repository.write(
        build.contract(build.layer("a", admits={"kinds": ["Thing"]}), build.layer("b")),
        build.thing("one", "ops/b"),
    )
    found = repository.only("layer-disagreement")
    assert repository.line(found) == "- ops/b"
    assert "kinds:" in repository.cited(found)
    assert placed(repository, "Thing", "one") == ["ops/a"]


def test_document_and_contract_may_agree(repository, build):
    repository.write(
        build.contract(build.layer("a", admits={"kinds": ["Thing"]})), build.thing("one", "ops/a")
    )
    assert repository.rules() == set()


def test_unknown_contract_is_reported_where_it_is_named(repository, build):
    repository.write(build.contract(build.layer("a")), build.thing("one", "other/a"))
    found = repository.only("layer-contract-unknown")
    assert repository.line(found) == "- other/a"
    assert placed(repository, "Thing", "one") == []


def test_unknown_layer_is_reported_with_those_there_are(repository, build):
    repository.write(
        build.contract(build.layer("a"), build.layer("b")), build.thing("one", "ops/c")
    )
    found = repository.only("layer-unknown")
    assert repository.line(found) == "- ops/c"
    assert "ops/a, ops/b" in found.help


def test_layers_named_inside_a_spec_must_exist(repository, build):
    repository.write(build.contract(build.layer("a")), build.thing("one", about="ops/z"))
    assert repository.line(repository.only("layer-unknown")) == "about: ops/z"
    repository.write(build.thing("one", about="ops/a"))
    assert repository.rules() == set()


def test_two_layers_of_one_contract_are_one_too_many(repository, build):
    repository.write(
        build.contract(build.layer("a"), build.layer("b")), build.thing("one", "ops/a", "ops/b")
    )
    found = repository.only("layer-asserted-twice")
    assert repository.line(found) == "- ops/b"
    assert placed(repository, "Thing", "one") == ["ops/a"]


@pytest.mark.parametrize("what", [{"kinds": ["Thing"]}, {"paths": ["specs/thing-*"]}])
def test_refused_document_is_told_where_it_goes(repository, build, what):
    refusal = {"what": "things", "to": "ops/b", **what}
    repository.write(
        build.contract(build.layer("a", refuses=[refusal]), build.layer("b")),
        build.thing("one", "ops/a"),
    )
    found = repository.only("layer-refused")
    assert found.help == "place it in ops/b"
    assert "things" in repository.cited(found)
    repository.write(build.thing("one", "ops/b"))
    assert repository.rules() == set()
