"""A selector means a change by what its target is and by what it was, so that nothing escapes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chimera import Workspace
from chimera.kinds import EnvironmentFacts, Selector, Subject
from chimera.model import Action, Address, Change, Placement
from chimera.workspace.judging import judge

GONE = Address("Workflow", "gone")
DELETED = Change(GONE, Action.DELETE, "sha256:" + "0" * 64, None, "is no longer there")


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    """A tree from which one document was deleted."""
    workspace = Workspace.open(tmp_path)
    facts = EnvironmentFacts("local", protected=False)
    return judge(workspace.loaded, workspace.plugins, workspace.context, facts).subject


def selects(subject: Subject, before: dict[str, Any], **wanted: Any) -> bool:
    there = replace(subject, before={GONE: {"metadata": before}})
    return there.selects(Selector.model_validate(wanted), DELETED)


def test_a_deleted_document_is_selected_by_the_layer_that_it_asserted(subject: Subject) -> None:
    assert selects(subject, {"layers": ["ops/1"]}, layers=["ops/1"])
    assert not selects(subject, {"layers": ["ops/1"]}, layers=["ops/2"])


def test_a_layer_of_a_contract_that_it_asserted_nothing_of_counts(subject: Subject) -> None:
    assert selects(subject, {}, layers=["ops/2"])
    assert selects(subject, {"layers": ["ops/1"]}, layers=["cognitive/L3"])
    assert not selects(subject, {"layers": ["ops/1", "cognitive/L2"]}, layers=["cognitive/L3"])


def test_labels_and_kinds_are_those_that_it_had(subject: Subject) -> None:
    assert selects(subject, {"labels": {"tier": "one"}}, labels={"tier": "one"}, kinds=["Workflow"])
    assert not selects(subject, {"labels": {"tier": "two"}}, labels={"tier": "one"})
    assert not selects(subject, {}, kinds=["Gate"])


def test_documents_bind_as_they_are_and_as_they_were_before_they_were_touched(
    folder: Any, subject: Subject
) -> None:
    folder.thing("kept", "{size: 1}")
    folder.thing("edited", "{size: 2}")
    snapshot = folder.load().snapshot
    thing = snapshot.registry.kinds["Thing"].spec
    kept, edited, gone, broken = (
        Address("Thing", name) for name in ("kept", "edited", "gone", "broken")
    )
    bound = replace(
        subject,
        snapshot=snapshot,
        changes=(
            Change(edited, Action.UPDATE, "old", "new", ""),
            Change(gone, Action.DELETE, "old", None, ""),
            Change(broken, Action.DELETE, "old", None, ""),
        ),
        before={
            kept: {"spec": {"size": 9}},
            edited: {"spec": {"size": 3}},
            gone: {"spec": {"size": 4}},
            broken: {"spec": {"size": "?"}},
        },
    )
    assert [(address.name, spec.size) for address, spec in bound.binding(thing)] == [
        *(("edited", 2), ("kept", 1)),
        *(("edited", 3), ("gone", 4)),
    ]
    asleep = {kept: (Placement(kept, "ops/9", True),)}
    names = [a.name for a, _ in replace(bound, placements=asleep).binding(thing)]
    assert names == ["edited", "edited", "gone"]
