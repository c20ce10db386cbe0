"""Switches of this machine: all of one or nothing, whatever is killed when; damaged ones stop."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.builtin.guards import switches
from chimera.builtin.guards.kinds import GuardScope
from chimera.builtin.guards.running import RunningGuard
from chimera.builtin.guards.switches import engage, read_switches, release
from chimera.context import Context
from chimera.model import StateError

CONTEXT = Context.system()
NARROW = GuardScope(kinds=("Workflow",))


def engage_one(root: Path, scope: GuardScope = NARROW) -> Path:
    return engage(root, CONTEXT, "pay.ments", scope, "why").path


def test_what_is_engaged_is_read_back_with_who_when_and_why(tmp_path: Path) -> None:
    assert read_switches(tmp_path) == ()
    made = engage(tmp_path, CONTEXT, "pay.ments", NARROW, "it is wrong")
    assert read_switches(tmp_path) == (made,)
    assert (made.guard, made.reason, made.scope, made.by, made.is_damaged) == (
        *("Guard/pay.ments", "it is wrong", NARROW),
        *(CONTEXT.actor.name, False),
    )
    release(tmp_path, read_switches(tmp_path))
    assert read_switches(tmp_path) == ()
    assert not (tmp_path / ".chimera" / "guards").exists(), "what is not there costs nothing"


def test_engaging_twice_stops_both_scopes_and_releasing_takes_both_back(tmp_path: Path) -> None:
    engage_one(tmp_path)
    engage_one(tmp_path, GuardScope(kinds=("Evolution",)))
    assert {s.scope.kinds for s in read_switches(tmp_path)} == {("Workflow",), ("Evolution",)}
    release(tmp_path, read_switches(tmp_path))
    assert read_switches(tmp_path) == ()


def in_fork(act: Callable[[], None]) -> int:
    """Return the signal that ended a fork which does something."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    return status & 0x7F


@pytest.mark.parametrize("is_before", [True, False])
@pytest.mark.parametrize("call", ["fsync", "replace", "unlink", "rmdir"])
def test_kill_9_around_engaging_and_releasing_leaves_all_or_nothing(
    tmp_path: Path, call: str, is_before: bool
) -> None:
    owner: Any = Path if call in ("replace", "unlink", "rmdir") else os
    usual = getattr(owner, call)

    def deadly(*given: Any, **named: Any) -> Any:
        if is_before:
            os.kill(os.getpid(), signal.SIGKILL)
        usual(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    def act() -> None:
        setattr(owner, call, deadly)
        engage_one(tmp_path)
        release(tmp_path, read_switches(tmp_path))

    assert in_fork(act) == signal.SIGKILL
    found = read_switches(tmp_path)
    assert not any(one.is_damaged for one in found)
    is_engaged = {("replace", False): 1, ("unlink", True): 1, ("fsync", False): 0}
    assert len(found) == is_engaged.get((call, is_before), 0)
    guard = RunningGuard(tmp_path, CONTEXT)
    guard.look(CONTEXT.clock.now())
    halt = guard.halt("local", "Workflow/x")
    assert (halt is not None) == bool(found), "a draft that a crash left engages nothing"
    engage_one(tmp_path)
    release(tmp_path, read_switches(tmp_path))
    assert read_switches(tmp_path) == ()


@given(data=st.data())
def test_a_flipped_bit_never_releases(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    root = tmp_path_factory.mktemp("flipped")
    path = engage_one(root)
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(content) * 8 - 1))
    content[at // 8] ^= 1 << at % 8
    path.write_bytes(bytes(content))
    (found,) = read_switches(root)
    assert found.is_damaged or found.scope == NARROW
    assert not found.is_damaged or found.scope == GuardScope()


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 100_000, b"{}", b"1" * 5000),
        json.dumps({"format": "chimera-switch/9"}).encode(),
    ],
)
def test_a_file_that_is_no_switch_stops_everything(tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / ".chimera" / "guards"
    folder.mkdir(parents=True)
    (folder / "odd.json").write_bytes(content)
    (found,) = read_switches(tmp_path)
    assert (found.is_damaged, found.scope) == (True, GuardScope())
    guard = RunningGuard(tmp_path, CONTEXT)
    assert guard.look(CONTEXT.clock.now())
    assert guard.halt("production", "Workflow/x") is not None
    release(tmp_path, (found,))
    assert read_switches(tmp_path) == ()


def test_links_folders_pipes_and_others_names_stop_everything(tmp_path: Path) -> None:
    path = engage_one(tmp_path)
    other = path.with_name("other.1.json")
    path.rename(other)
    (moved,) = read_switches(tmp_path)
    assert (moved.name, moved.is_damaged) == ("other", True)
    other.unlink()
    other.symlink_to(tmp_path / "nowhere")
    (tmp_path / ".chimera" / "guards" / "pipe").mkdir()
    os.mkfifo(tmp_path / ".chimera" / "guards" / "fifo.1.json")
    assert [one.is_damaged for one in read_switches(tmp_path)] == [True, True, True]


def test_a_folder_that_is_none_stops_everything(tmp_path: Path) -> None:
    (tmp_path / ".chimera").mkdir()
    folder = tmp_path / ".chimera" / "guards"
    folder.symlink_to(tmp_path / "nowhere")
    guard = RunningGuard(tmp_path, CONTEXT)
    for _ in range(2):
        assert [one.is_damaged for one in read_switches(tmp_path)] == [True]
        assert guard.look(CONTEXT.clock.now())
        assert guard.halt("local", "Thing/a") is not None
        folder.unlink()
        folder.write_text("no folder")


def test_engaging_while_others_release_is_never_lost(tmp_path: Path, monkeypatch: Any) -> None:
    usual, calls = switches.write_whole, []

    def gone(path: Path, data: bytes) -> None:
        calls.append(path)
        if len(calls) < 3:
            raise FileNotFoundError(path)
        usual(path, data)

    monkeypatch.setattr(switches, "write_whole", gone)
    engage_one(tmp_path)
    assert len(read_switches(tmp_path)) == 1


def test_a_switch_that_cannot_be_written_says_that_nothing_is_engaged(tmp_path: Path) -> None:
    (tmp_path / ".chimera").mkdir()
    (tmp_path / ".chimera" / "guards").write_text("in the way")
    with pytest.raises(StateError, match="the guard is not engaged"):
        engage_one(tmp_path)


def test_secrets_reach_no_switch(tmp_path: Path) -> None:
    from dataclasses import replace

    from chimera.context import Secrets

    context = replace(CONTEXT, secrets=Secrets(["hunter2-hunter2"]))
    made = engage(tmp_path, context, "x", GuardScope(), "leaked hunter2-hunter2")
    assert "hunter2" not in made.path.read_text()
    assert made.reason == "leaked ***"
