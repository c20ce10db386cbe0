"""Marks are found wherever a kind puts them: in options, lists, maps, unions and inner models."""

from __future__ import annotations

from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.kinds import (
    AddressText,
    Field,
    Governs,
    Items,
    LayerReference,
    Mark,
    Model,
    Plays,
    Reference,
    Role,
    format_duration,
    marked,
    parse_duration,
)
from chimera.model import Route

Address = Annotated[AddressText, Reference("Thing")]


class Inner(Model):
    """Something inside."""

    uses: Address | None = Field(default=None, description="One.")


class Spec(Model):
    """Marks in every place."""

    plain: Annotated[str, Plays(Role.OWNER)] = Field(default="me", description="Direct.")
    optional: Address | None = Field(default=None, description="In an option.")
    listed: Items[Address] = Field(default=(), description="In a list.")
    optional_list: Items[Address] | None = Field(default=None, description="A list, or none.")
    mapped: dict[str, Address] = Field(default_factory=dict, description="In a map.")
    map_of_lists: dict[str, Items[Address]] = Field(default_factory=dict, description="Both.")
    inner: Inner | None = Field(default=None, description="A model.")
    inners: Items[Inner] = Field(default=(), description="Models in a list.")
    inner_map: dict[str, Inner] = Field(default_factory=dict, description="Models in a map.")
    whole: Annotated[Items[str], Plays(Role.WRITES)] = Field(default=(), description="All items.")
    block: Annotated[Inner, Plays(Role.DENIES)] | None = Field(default=None, description="Whole.")
    steps: Items[Annotated[Inner, Plays(Role.DENIES)]] = Field(default=(), description="Each.")
    blocks: dict[str, Annotated[Inner, Plays(Role.DENIES)]] = Field(
        default_factory=dict, description="Each by name."
    )
    either: Address | Inner | None = Field(default=None, description="One or the other.")
    twice: Annotated[str, Governs(), Plays(Role.WRITES)] = Field(default="", description="Two.")


def found(**values: object) -> list[tuple[Mark, object, Route]]:
    spec = Spec.model_validate(values)
    return [
        (m.mark, m.value, m.route) for m in marked(spec, ("spec",)) if m.value not in ("me", "")
    ]


THING = Reference("Thing")


@pytest.mark.parametrize(
    ("values", "routes"),
    [
        ({"optional": "Thing/a"}, [("spec", "optional")]),
        ({"listed": ["Thing/a", "Thing/a"]}, [("spec", "listed", 0), ("spec", "listed", 1)]),
        ({"optionalList": ["Thing/a"]}, [("spec", "optionalList", 0)]),
        ({"mapped": {"x": "Thing/a"}}, [("spec", "mapped", "x")]),
        ({"mapOfLists": {"x": ["Thing/a"]}}, [("spec", "mapOfLists", "x", 0)]),
        ({"inner": {"uses": "Thing/a"}}, [("spec", "inner", "uses")]),
        ({"inners": [{}, {"uses": "Thing/a"}]}, [("spec", "inners", 1, "uses")]),
        ({"innerMap": {"x": {"uses": "Thing/a"}}}, [("spec", "innerMap", "x", "uses")]),
    ],
)
def test_a_reference_is_found_with_its_route_in_the_document(
    values: dict[str, object], routes: list[Route]
) -> None:
    assert found(**values) == [(THING, "Thing/a", route) for route in routes]


def test_what_is_left_out_has_no_marks() -> None:
    assert found() == []


def test_a_role_on_a_list_is_played_by_each_item() -> None:
    assert found(whole=["a", "b"]) == [
        (Plays(Role.WRITES), "a", ("spec", "whole", 0)),
        (Plays(Role.WRITES), "b", ("spec", "whole", 1)),
    ]


def test_a_role_on_a_model_is_played_by_the_whole_and_its_fields_have_their_own() -> None:
    marks = found(block={"uses": "Thing/a"})
    assert [(m, r) for m, _, r in marks] == [
        (Plays(Role.DENIES), ("spec", "block")),
        (THING, ("spec", "block", "uses")),
    ]


def test_a_role_inside_a_list_or_a_map_of_models_is_played_by_each() -> None:
    assert [(m, r) for m, _, r in found(steps=[{}, {}], blocks={"x": {}})] == [
        (Plays(Role.DENIES), ("spec", "steps", 0)),
        (Plays(Role.DENIES), ("spec", "steps", 1)),
        (Plays(Role.DENIES), ("spec", "blocks", "x")),
    ]


def test_a_mark_on_one_branch_of_a_union_is_not_on_the_other() -> None:
    assert found(either={}) == []
    assert found(either="Thing/a") == [(THING, "Thing/a", ("spec", "either"))]


def test_one_field_can_carry_several_marks() -> None:
    assert {m for m, _, _ in found(twice="x")} == {Governs(), Plays(Role.WRITES)}


def test_marks_are_equal_by_what_they_say() -> None:
    assert Reference("A", "B") == Reference("A", "B")
    assert Reference("A") != Reference("B")
    assert LayerReference() == LayerReference()
    assert Plays(Role.OWNER) != Plays(Role.WRITES)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("250ms", 250), ("90s", 90_000), ("15m", 900_000), ("1h30m", 5_400_000), ("2d", 172_800_000)],
)
def test_durations_are_read_in_their_units(text: str, milliseconds: int) -> None:
    assert parse_duration(text).total_seconds() * 1000 == milliseconds


@given(st.timedeltas(min_value=parse_duration("0s")).map(lambda d: d - d % parse_duration("1ms")))
def test_a_duration_reads_back_as_it_was_written(duration: object) -> None:
    assert parse_duration(format_duration(duration)) == duration  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", ["", "5", "5 m", "m5", "-5s", "1.5h", "5y", 5, None, True, []])
def test_what_is_no_duration_is_refused(wrong: object) -> None:
    with pytest.raises(Exception, match="is not a duration"):
        parse_duration(wrong)


def test_a_duration_beyond_counting_is_refused() -> None:
    with pytest.raises(Exception, match="longer than can be counted"):
        parse_duration("999999999999d")
