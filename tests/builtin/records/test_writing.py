"""Records are written whole, by splicing, and never over what somebody else wrote meanwhile."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.records.writing import Draft, record
from chimera.context import Context, FixedClock, Secrets
from chimera.model import Address, StaleError, UsageError
from chimera.state.lock import Holder, Lock
from chimera.workspace import Workspace

FREEZE = Address("Freeze", "year-end")
SPEC = {"from": "2026-12-30T00:00:00Z", "reason": "books are closed", "by": "ada"}
PATH = "changelog/freezes/year-end.yaml"
TEXT = """\
# Every year.
apiVersion: chimera/v1
kind: Freeze
metadata: {name: year-end}   # the same each time
spec:
    from:   2026-12-30T00:00:00Z   # UTC
    reason: 'books are closed'
    by: ada
    # Only this one:
    except:
    - {target: Workflow/pay, after: deleted}   # agreed

# the end
"""
LIFTED = {"at": "2026-12-31T00:00:00Z", "by": "ada", "reason": "done"}


def _open(root: Path, secret: str | None = None) -> Workspace:
    context = Context.system()
    context = replace(context, clock=FixedClock(datetime(2026, 11, 21, tzinfo=UTC)))
    if secret is not None:
        context = replace(context, secrets=Secrets.from_environment({"API_TOKEN": secret}))
    return Workspace.open(root, context)


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """A record that somebody wrote by hand."""
    file = tmp_path / PATH
    file.parent.mkdir(parents=True)
    file.write_text(TEXT)
    return file


def test_a_new_record_stands_at_its_home_and_reads_back(tmp_path: Path) -> None:
    draft = Draft(_open(tmp_path))
    assert draft.create(FREEZE, SPEC, remarks=["look again in January"]) == PATH
    draft.put(FREEZE, ("lifted",), LIFTED)
    draft.append(FREEZE, ("except",), {"target": "Workflow/pay", "after": "deleted"})
    assert not (tmp_path / PATH).exists()
    assert draft.write() == (PATH,)
    lines = (tmp_path / PATH).read_text().splitlines()
    assert lines[0] == "# yaml-language-server: $schema=../../.chimera/schemas/Freeze.json"
    assert "  # look again in January" in lines
    found = record(_open(tmp_path), FREEZE)
    assert found.value["spec"]["lifted"] == LIFTED


def test_what_is_written_is_all_that_changes(tmp_path: Path, there: Path) -> None:
    draft = Draft(_open(tmp_path))
    draft.append(FREEZE, ("except",), {"target": "Gate/x", "after": "deleted"})
    draft.put(FREEZE, ("lifted",), LIFTED)
    draft.put(FREEZE, ("reason",), "it's over")
    draft.write()
    after = there.read_text()
    assert after == TEXT.replace("'books are closed'", "'it''s over'").replace(
        "   # agreed\n",
        "   # agreed\n    - target: Gate/x\n      after: deleted\n    lifted:\n"
        "      at: '2026-12-31T00:00:00Z'\n      by: ada\n      reason: done\n",
    )


def test_a_list_and_a_mapping_are_never_written_over(tmp_path: Path, there: Path) -> None:
    draft = Draft(_open(tmp_path))
    for route, value in ((("except",), "x"), (("reason",), {"a": 1})):
        with pytest.raises(UsageError, match="says already"):
            draft.put(FREEZE, route, value)


@pytest.mark.parametrize(
    ("route", "value", "rule"),
    [
        (("from",), "tomorrow", "moment-invalid"),
        (("untill",), "2026-12-31T00:00:00Z", "field-unknown"),
        (("incident",), "Incident/none", "reference-dangling"),
        (("incident",), "Freeze/year-end", "reference-kind"),
    ],
)
def test_what_would_not_validate_is_refused_by_its_rule(
    tmp_path: Path, there: Path, route: Any, value: str, rule: str
) -> None:
    draft = Draft(_open(tmp_path))
    draft.put(FREEZE, route, value)
    with pytest.raises(UsageError, match=rule):
        draft.write()
    assert there.read_text() == TEXT


def test_a_fault_that_is_there_already_hinders_nobody(tmp_path: Path, there: Path) -> None:
    there.write_text(TEXT.replace("    by: ada\n", "    by: ada\n    incident: Incident/gone\n"))
    draft = Draft(_open(tmp_path))
    draft.put(FREEZE, ("lifted",), LIFTED)
    draft.write()
    assert "reason: done" in there.read_text()


def test_a_second_record_of_a_name_is_refused(tmp_path: Path, there: Path) -> None:
    with pytest.raises(UsageError, match="already"):
        Draft(_open(tmp_path)).create(FREEZE, SPEC)
    with pytest.raises(UsageError, match="already"):
        Draft(_open(tmp_path)).create(Address("Freeze", "other"), SPEC, path=PATH)


def test_a_record_that_nobody_would_read_is_refused(tmp_path: Path, there: Path) -> None:
    with pytest.raises(UsageError, match="no folder"):
        Draft(_open(tmp_path)).create(Address("Freeze", "other"), SPEC, path="notes/x.yaml")


def test_a_record_that_would_hide_all_other_documents_is_refused(tmp_path: Path) -> None:
    (tmp_path / "freeze.yaml").write_text(TEXT)  # the folder is read whole, since it has no others
    with pytest.raises(UsageError, match="none would be read"):
        Draft(_open(tmp_path)).create(Address("Freeze", "other"), SPEC)


def test_a_record_that_is_not_there_is_named(tmp_path: Path, there: Path) -> None:
    with pytest.raises(UsageError, match="Freeze/year-ends") as error:
        record(_open(tmp_path), Address("Freeze", "year-ends"))
    assert "Freeze/year-end" in (error.value.help or "")


def test_nothing_is_written_over_what_changed_meanwhile(tmp_path: Path, there: Path) -> None:
    draft = Draft(_open(tmp_path))
    draft.put(FREEZE, ("lifted",), LIFTED)
    theirs = TEXT.replace("by: ada", "by: bob")
    there.write_text(theirs)
    with pytest.raises(StaleError):
        draft.write()
    assert there.read_text() == theirs


def test_nothing_is_written_over_what_changed_since_it_was_judged(
    tmp_path: Path, there: Path
) -> None:
    workspace = _open(tmp_path)
    record(workspace, FREEZE)
    there.write_text(TEXT.replace("by: ada", "by: bob"))
    with pytest.raises(StaleError):
        Draft(workspace).put(FREEZE, ("lifted",), LIFTED)


def test_a_file_that_appeared_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    draft = Draft(_open(tmp_path))
    draft.create(FREEZE, SPEC)
    (tmp_path / PATH).parent.mkdir(parents=True)
    (tmp_path / PATH).write_text("theirs")
    with pytest.raises(StaleError):
        draft.write()
    assert (tmp_path / PATH).read_text() == "theirs"


def test_two_commands_do_not_write_at_once(tmp_path: Path, there: Path) -> None:
    workspace = _open(tmp_path)
    workspace.prepare()
    holder = Holder(1, "bob", "records", "now")
    lock = Lock.acquire(tmp_path / ".chimera" / "records.lock", holder)
    draft = Draft(workspace)
    draft.put(FREEZE, ("lifted",), LIFTED)
    with pytest.raises(StaleError, match="another command"):
        draft.write()
    lock.release()
    draft.write()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process that dies needs fork")
def test_a_crash_in_the_middle_leaves_the_old_file(
    tmp_path: Path, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = Draft(_open(tmp_path))
    draft.put(FREEZE, ("lifted",), LIFTED)
    child = os.fork()
    if child == 0:  # it dies when all is written and nothing is in place
        monkeypatch.setattr(Path, "replace", lambda *_: os._exit(9))
        draft.write()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 9
    assert there.read_text() == TEXT
    draft.write()  # the lock of whoever died is free
    assert "lifted" in there.read_text()


def test_secrets_are_masked(tmp_path: Path) -> None:
    draft = Draft(_open(tmp_path, secret="correct-horse-battery"))
    draft.create(FREEZE, {**SPEC, "reason": "the token correct-horse-battery leaked"})
    draft.put(FREEZE, ("lifted",), {**LIFTED, "reason": "correct-horse-battery"})
    draft.write()
    assert "horse" not in (tmp_path / PATH).read_text()


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "tree" / "changelog").mkdir(parents=True)
    (tmp_path / "tree" / "changelog" / "freezes").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="link"):
        Draft(_open(tmp_path / "tree")).create(FREEZE, SPEC)


def test_a_file_moves_as_it_is(tmp_path: Path, there: Path) -> None:
    draft = Draft(_open(tmp_path))
    draft.move(PATH, "changelog/archive/year-end.yaml")
    assert draft.write() == ("changelog/archive/year-end.yaml",)
    assert not there.exists()
    assert (tmp_path / "changelog/archive/year-end.yaml").read_text() == TEXT
    other = Draft(_open(tmp_path))
    there.write_text(TEXT)
    with pytest.raises(UsageError, match="already"):
        other.move(PATH, "changelog/archive/year-end.yaml")
