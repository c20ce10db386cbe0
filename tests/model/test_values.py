"""Outcomes by precedence, diagnostics in order, and values that nothing can change."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.model import (
    Actor,
    Address,
    ChimeraError,
    Diagnostic,
    Finding,
    GateError,
    GitError,
    Outcome,
    Place,
    RefError,
    Severity,
    Span,
    StaleError,
    StateError,
    UsageError,
    Verdict,
    has_errors,
    in_order,
)

# DESIGN §9, highest precedence first.
PRECEDENCE = [
    "interrupted",
    "internal-error",
    "usage",
    "stale",
    "not-deterministic",
    "failed",
    "not-exercised",
    "changed",
    "passed",
]


def test_outcomes_stand_in_the_order_of_the_design() -> None:
    assert [outcome.value for outcome in Outcome] == PRECEDENCE


@given(st.lists(st.sampled_from(Outcome), min_size=1), st.randoms())
def test_the_worst_outcome_wins_in_whatever_order(outcomes: list[Outcome], random: object) -> None:
    worst = Outcome.worst(outcomes)
    assert PRECEDENCE.index(worst.value) == min(PRECEDENCE.index(o.value) for o in outcomes)
    random.shuffle(outcomes)  # type: ignore[attr-defined]
    assert Outcome.worst(iter(outcomes)) is worst
    assert Outcome.worst([*outcomes, Outcome.PASSED]) is worst


def test_nothing_at_all_passed() -> None:
    assert Outcome.worst([]) is Outcome.PASSED


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ChimeraError, Outcome.FAILED),
        (UsageError, Outcome.USAGE),
        (StaleError, Outcome.STALE),
        (GateError, Outcome.FAILED),
        (StateError, Outcome.FAILED),
        (GitError, Outcome.FAILED),
        (RefError, Outcome.USAGE),
    ],
)
def test_every_error_knows_how_the_command_ends(
    error: type[ChimeraError], outcome: Outcome
) -> None:
    raised = error("it broke", help="mend it")
    assert (raised.outcome, raised.message, raised.help) == (outcome, "it broke", "mend it")
    assert str(raised) == "it broke"


def at(path: str = "a.yaml", line: int = 1, column: int = 1, rule: str = "r") -> Diagnostic:
    return Diagnostic(rule, "m", Span(path, line, column), "h")


def test_diagnostics_stand_by_file_line_column_and_rule() -> None:
    ordered = [
        at("a.yaml", 2, 9, "z"),
        at("a.yaml", 10, 1, "a"),
        at("a.yaml", 10, 2, "a"),
        at("a.yaml", 10, 2, "b"),
        at("b.yaml", 1, 1, "a"),
    ]
    assert in_order(reversed(ordered)) == tuple(ordered)


diagnostics = st.builds(
    Diagnostic,
    st.sampled_from(["r", "s"]),
    st.sampled_from(["m", "n"]),
    st.builds(Span, st.sampled_from(["a", "b"]), st.integers(1, 2), st.integers(1, 2)),
    st.sampled_from(["h", "i"]),
    address=st.sampled_from([None, "A/a", "A/b"]),
)


@given(st.lists(diagnostics, max_size=12), st.randoms())
def test_order_and_number_do_not_depend_on_who_came_first(
    found: list[Diagnostic], random: object
) -> None:
    once = in_order(found)
    random.shuffle(found)  # type: ignore[attr-defined]
    assert in_order([*found, *found]) == once
    assert set(once) == set(found)
    assert in_order(once) == once


def test_only_an_error_fails_a_check() -> None:
    error = at()
    warning, info = (replace(error, severity=s) for s in (Severity.WARNING, Severity.INFO))
    assert has_errors([warning, error])
    assert not has_errors([warning, info])
    assert not has_errors([])


def test_a_diagnostic_that_was_not_located_stands_in_its_files_first_line() -> None:
    diagnostic = Diagnostic("r", "m", Place("a.yaml", 1, ("spec", 0)), "h")
    assert diagnostic.span == Span("a.yaml", 1, 1)


def test_a_place_leads_further_down_and_forgets_what_it_was_on() -> None:
    place = Place("a.yaml", 1).at("spec", "rules", on="key")
    assert place.route == ("spec", "rules")
    assert place.on == "key"
    assert place.at(0, "id") == Place("a.yaml", 1, ("spec", "rules", 0, "id"), "value")


def test_a_span_is_written_as_editors_read_it() -> None:
    assert str(Span("specs/a.yaml", 3, 7)) == "specs/a.yaml:3:7"


@pytest.mark.parametrize(
    "value",
    [Address("A", "a"), at(), Verdict("j", "s", Finding.PASS), Actor("ann", "human"), Span("a")],
)
def test_values_do_not_change(value: object) -> None:
    for name in value.__slots__:  # type: ignore[attr-defined]
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, "other")


def test_a_bare_verdict_says_no_more_than_that_its_subject_passes() -> None:
    bare = Verdict("j", "s", Finding.PASS)
    assert bare.is_bare
    for field in fields(Verdict):
        said = replace(bare, **{field.name: "other"})
        assert said.is_bare is (field.name in {"judge", "subject"})
