"""What an environment has held before: what was found there, and not what was only let through."""

from __future__ import annotations

from pathlib import Path

import pytest

from chimera.context import Context
from chimera.model import Action, Address, Change, digest_json
from chimera.state import Applied, open_state
from chimera.workspace.ruling import held_before

NAME = Address("Workflow", "a")
FIRST, FAILED, NOW, OTHER = map(digest_json, ("first", "failed", "now", "other"))


@pytest.mark.parametrize(
    ("after", "was_held"),
    [(None, True), (FIRST, True), (FAILED, False), (NOW, True), (OTHER, False)],
)
def test_what_was_let_through_and_failed_was_never_held(
    tmp_path: Path, after: str | None, was_held: bool
) -> None:
    context = Context.system()
    with open_state(tmp_path, context, command="test") as state:
        for before, then, outcome in (
            (None, FIRST, "passed"),
            (FIRST, FAILED, "passed"),
            (FIRST, NOW, "passed"),
            (OTHER, NOW, "failed"),
        ):
            items = [{"target": str(NAME), "before": before, "after": then}]
            state.record_ruling("local", FIRST, {"outcome": outcome, "items": items})
        state.put_applied("local", Applied(str(NAME), NOW, context.clock.now()))
        change = Change(NAME, Action.UPDATE, NOW, after, "r")
        assert held_before(state, "local")(change) is was_held
