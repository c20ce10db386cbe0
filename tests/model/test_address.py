"""Addresses and path sets: what is written is what is read back."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.model import (
    KIND_PATTERN,
    NAME_PATTERN,
    Address,
    PathSet,
    UsageError,
    parse_target,
)

kinds = st.from_regex(re.compile(KIND_PATTERN, re.ASCII), fullmatch=True)
names = st.from_regex(re.compile(NAME_PATTERN, re.ASCII), fullmatch=True)
addresses = st.builds(Address, kinds, names)
globs = st.text(st.characters(exclude_characters=",", exclude_categories=["Cs"]), min_size=1)
path_sets = st.lists(globs, min_size=1, max_size=5).map(PathSet.of)


@given(addresses)
def test_an_address_is_read_back_as_it_was_written(address: Address) -> None:
    assert Address.parse(str(address)) == address
    assert parse_target(str(address)) == address


@given(path_sets)
def test_a_path_set_is_read_back_as_it_was_written(paths: PathSet) -> None:
    assert PathSet.parse(str(paths)) == paths
    assert parse_target(str(paths)) == paths


@given(st.lists(globs, min_size=1, max_size=5), st.randoms())
def test_equal_sets_of_globs_are_equal_values(given_globs: list[str], random: object) -> None:
    shuffled = [*given_globs, *given_globs]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert PathSet.of(given_globs) == PathSet.of(shuffled)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Workflow",
        "Workflow/",
        "/name",
        "workflow/name",
        "Workflow/Name",
        "Workflow/name/more",
        "Workflow/name\n",
        " Workflow/name",
        "Workflow/-name",
        "Workflow/name.",
        "Workflow/n\uff41me",
        "W" * 64 + "/name",
        "Workflow/" + "n" * 129,
    ],
)
def test_what_is_no_address_is_refused_with_help(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        Address.parse(text)
    assert "Kind/name" in str(refused.value.help)


@pytest.mark.parametrize("text", ["paths", "src/**", "paths:", "paths:a,,b", "paths:,"])
def test_what_is_no_path_set_is_refused_with_help(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        PathSet.parse(text)
    assert "paths:GLOB" in str(refused.value.help)


@pytest.mark.parametrize("wrong", [[""], ["a,b"], ["a", ""]])
def test_a_path_set_that_could_not_be_read_back_is_not_made(wrong: list[str]) -> None:
    with pytest.raises(UsageError):
        PathSet.of(wrong)


@pytest.mark.parametrize("length", [1, 2, 127, 128])
def test_the_longest_and_the_shortest_names_are_names(length: int) -> None:
    assert Address.parse("A/" + "n" * length).name == "n" * length
