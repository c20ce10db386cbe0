"""Predicates of other rooms: names as authors write them, faults where they see them, bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chimera.context import Command, Processes, Running
from chimera.policy import Bounds, Predicate, PredicateError, Predicates


@pytest.fixture(scope="module")
def predicates() -> Iterator[Predicates]:
    with Predicates() as opened:
        yield opened


NAMES = (
    ("input.count", "int"),
    ("create-context.contextId", "string"),
    ("package.size", "any"),
    ("found", "list"),
)


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("input.count == 3", True),
        ("create-context.contextId == 'create-context.contextId'", False),
        ("create-context . contextId == 'c'", True),
        ("package.size > 1 && input.count-1 == 2", True),
        ("found.all(f, f.ok) && size(found) == 1", True),
        ("has(package.size)", True),
        ("// has(package.size)\n!has(package.size)", False),
    ],
)
def test_names_are_written_as_they_are(predicates, expression: str, holds: bool) -> None:
    predicate = Predicate(expression, NAMES)
    assert predicates.faults([predicate]) == [()]
    values = {
        "input.count": 3,
        "create-context.contextId": "c",
        "package.size": 2,
        "found": [{"ok": True}],
    }
    assert predicates.holds(predicate, values) is holds


def test_what_is_not_there_is_null(predicates) -> None:
    for expression in ("has(package.size)", "package.size != null"):
        assert not predicates.holds(Predicate(expression, NAMES), {})


@pytest.mark.parametrize(
    ("expression", "line", "column", "message"),
    [
        ("input.cuont == 3", 1, 6, "undeclared reference to 'input.cuont'"),
        ("has(package.size) &&\n  has(package.size) && nope", 2, 24, "undeclared"),
        ("input.count == 'x'", 1, 13, "no matching overload"),
        ("input.count", 1, 1, "gives int, not bool"),
        ("input.count ==", 1, 15, "Syntax error"),
        ("has(package.size) && create-context.contextId + 1 == 2", 1, 47, "no matching overload"),
    ],
)
def test_faults_stand_where_their_author_sees_them(
    predicates, expression: str, line: int, column: int, message: str
) -> None:
    ((fault, *_),) = predicates.faults([Predicate(expression, NAMES)])
    assert message in fault.message
    assert (fault.line, fault.column) == (line, column)


def test_what_cannot_be_decided_does_not_hold(predicates) -> None:
    for expression in ("package.size > 1", "found[7].ok", "found == 3 ? true : found[9]", "]["):
        with pytest.raises(PredicateError, match="cannot be decided"):
            predicates.holds(Predicate(expression, NAMES), {"found": []})


def test_a_condition_that_overruns_its_bounds_does_not_hold_and_leaves_the_others() -> None:
    bomb = "'x'" + ".replace('x', 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx')" * 9 + " == ''"
    with Predicates(bounds=Bounds(seconds=1.0, losses=9)) as predicates:
        with pytest.raises(PredicateError):
            predicates.holds(Predicate(bomb), {})
        assert predicates.holds(Predicate("input.count == 3", NAMES), {"input.count": 3})


def test_many_predicates_are_told_apart(predicates) -> None:
    many = [Predicate(f"input.count == {n} {'+' * (n == 301)}", NAMES) for n in range(450)]
    assert [n for n, faults in enumerate(predicates.faults(many)) if faults] == [301]


class Counting(Processes):
    """Counts the children that it starts."""

    started = 0

    def start(self, command: Command, *, hear: Any = None) -> Running:
        self.started += 1
        return super().start(command, hear=hear)


def test_conditions_without_end_are_shared_among_children_that_each_take_a_bounded_number() -> None:
    processes = Counting()
    with Predicates(processes) as many:
        for n in range(450):
            assert many.holds(Predicate(f"x{n} == {n}", ((f"x{n}", "int"),)), {f"x{n}": n})
        assert processes.started == 3
        assert many.holds(Predicate("x449 == 449", (("x449", "int"),)), {"x449": 449})
        assert processes.started == 3
