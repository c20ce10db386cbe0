"""What was taken back is not applied again under another name."""

from __future__ import annotations

from pathlib import Path

import pytest

from chimera.builtin.records.reviewing import review
from chimera.model import Action, PathSet
from tests.gate.conftest import AFTER, BEFORE, SRC, Team, update

ROLLBACK = """\
type: code
opened: {at: '2026-11-20T01:00:00Z', by: Ann}
environment: local
reason: r
reverts: [{target: '%s', after: '%s'}]
answers: [{target: '%s', after: '%s'}]
observation: {from: '2026-11-20T01:00:00Z', until: '2026-11-20T02:00:00Z', result: stable}
"""


@pytest.mark.parametrize(
    ("globs", "after", "refused"),
    [
        (["src/**"], AFTER, True),
        (["src/*", "src/**/*"], AFTER, True),
        (["src/**"], BEFORE, False),
        (["src/*"], None, False),
    ],
)
def test_other_patterns_make_no_other_change_of_the_same_files(
    tmp_path: Path, globs: list[str], after: str | None, refused: bool
) -> None:
    team = Team(tmp_path)
    team.write("Rollback", "back", ROLLBACK % (SRC, AFTER, SRC, BEFORE))
    action = Action.UPDATE if after else Action.DELETE
    weighing = team.weighing(update(PathSet.of(globs), after=after, action=action))
    found = [fault.rule for v in review(weighing) for fault in v.diagnostics]
    assert found == (["rollback-redeployed"] if refused else [])
