"""Selectors: what is left out selects everything, and what is given must all hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chimera.kinds import EnvironmentFacts, PathSelector, Selector, Subject
from chimera.model import Action, Actor, Address, Change, PathSet, Placement

HERE = Address("Thing", "here")
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def subject(folder: Any) -> Subject:
    folder.write(
        "specs/here.yaml",
        "apiVersion: chimera/v1\nkind: Thing\nmetadata:\n  name: here\n"
        "  labels: {tier: one, team: ops}\n",
    )
    return Subject(
        folder.load().snapshot,
        {HERE: (Placement(HERE, "ops/1", dormant=False),)},
        EnvironmentFacts("local", protected=False),
        Actor("ann", "human"),
        NOW,
    )


def change(target: Any = HERE) -> Change:
    return Change(target, Action.UPDATE, "sha256:1", "sha256:2", "differs")


@pytest.mark.parametrize(
    ("wanted", "is_selected"),
    [
        ({}, True),
        ({"kinds": ["Thing"]}, True),
        ({"kinds": ["Note", "Thing"]}, True),
        ({"kinds": ["Note"]}, False),
        ({"layers": ["ops/1"]}, True),
        ({"layers": ["ops/2"]}, False),
        ({"labels": {"tier": "one"}}, True),
        ({"labels": {"tier": "one", "team": "ops"}}, True),
        ({"labels": {"tier": "two"}}, False),
        ({"labels": {"none": "one"}}, False),
        ({"kinds": ["Thing"], "labels": {"tier": "two"}}, False),
        ({"kinds": ["Note"], "layers": ["ops/1"]}, False),
    ],
)
def test_documents_are_selected_by_kind_layer_and_label(
    subject: Subject, wanted: dict[str, Any], is_selected: bool
) -> None:
    selector = Selector.model_validate(wanted)
    document = subject.snapshot.documents[HERE]
    assert selector.selects(document, subject.placed(HERE)) is is_selected
    assert subject.selects(selector, change()) is is_selected
    assert selector.names_documents is bool(wanted)


@pytest.mark.parametrize(
    ("wanted", "target", "is_selected"),
    [
        ({"paths": ["src/**"]}, PathSet.of(["src/**"]), True),
        ({"paths": ["b", "a"]}, PathSet.of(["a", "b"]), True),
        ({"paths": ["src/**"]}, PathSet.of(["docs/**"]), False),
        ({"paths": ["src/**"], "kinds": ["Note"]}, PathSet.of(["src/**"]), True),
        ({}, PathSet.of(["src/**"]), False),
        ({"kinds": ["Thing"]}, PathSet.of(["src/**"]), False),
        ({"paths": ["src/**"]}, HERE, False),
        ({"paths": ["src/**"], "kinds": ["Thing"]}, HERE, True),
        ({}, HERE, True),
    ],
)
def test_paths_select_path_sets_and_never_documents(
    subject: Subject, wanted: dict[str, Any], target: Any, is_selected: bool
) -> None:
    assert subject.selects(PathSelector.model_validate(wanted), change(target)) is is_selected


def test_a_selector_of_documents_alone_never_selects_paths(subject: Subject) -> None:
    assert not subject.selects(Selector.model_validate({}), change(PathSet.of(["src/**"])))


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        ({"labels": {"tier": "zero"}}, {"labels": {"tier": "zero"}}),
        ({"layers": ["ops/9"]}, {"layers": ["ops/9"]}),
    ],
)
def test_an_edit_of_labels_or_layers_escapes_no_selector(
    subject: Subject, before: dict[str, Any], wanted: dict[str, Any]
) -> None:
    selector = Selector.model_validate(wanted)
    assert not subject.selects(selector, change())
    known = replace(subject, before={HERE: {"metadata": {"name": "here", **before}}})
    assert known.selects(selector, change())
