"""`chimera health` of services: a table to read, filters, a watch, and a history of each."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.monitoring import following
from chimera.builtin.monitoring.rendering import watched_text
from chimera.builtin.monitoring.watching import Watcher
from chimera.context import Context
from chimera.render.paint import plain
from chimera.workspace import Workspace
from tests.builtin.monitoring.conftest import Chimera
from tests.builtin.monitoring.test_following import Pauses

Write = Callable[..., None]


@pytest.fixture
def port() -> Iterator[int]:
    """A port on which something listens."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed() -> Iterator[int]:
    """A port on which nothing does, and that nobody else is given meanwhile."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def tcp(port: int, *names: str, **more: Any) -> dict[str, Any]:
    return {
        "endpoints": [{"id": "it", "host": "127.0.0.1", "port": port}],
        "checks": [{"id": name, "type": "tcp"} for name in names or ("up",)],
        **more,
    }


@pytest.fixture
def services(write: Write, port: int, closed: int) -> None:
    write(
        {
            "Environment/local": {"protected": False},
            "Environment/far": {"protected": False},
            "Service/base": tcp(closed),
            "Service/web": tcp(port, "first", "second", dependsOn=["Service/base"]),
            "Service/far": tcp(port, environments=["Environment/far"]),
        }
    )


def test_the_table_has_a_line_for_each_service_and_says_what_to_do(
    chimera: Chimera, services: None, closed: int
) -> None:
    answer = chimera("health", "--service", "web", "--service", "Service/base", "--no-record")
    assert answer.code == 1
    lines = [line.partition(", in ")[0] for line in answer.out.splitlines()]
    assert lines == [
        f"unhealthy  Service/base  nothing listens at 127.0.0.1:{closed}",
        "                         start the service, or correct its endpoint",
        "degraded   Service/web   it answers, but depends on Service/base, which fails",
        "                         see to Service/base",
        "healthy      first       it took a connection",
        "healthy      second      it took a connection",
        "local is unhealthy",
    ]


def test_an_environment_that_is_not_there_is_told_and_looked_at(
    chimera: Chimera, services: None
) -> None:
    answer = chimera("health", "--env", "fra", "--no-record")
    assert "warning: there is no Environment fra; did you mean far?" in answer.err
    assert "Service/web" in answer.out
    assert "warning" not in chimera("health", "--env", "far", "--no-record").err


def test_a_service_that_cannot_be_read_is_told(
    chimera: Chimera, services: None, tmp_path: Path
) -> None:
    file = next(file for file in (tmp_path / "specs").iterdir() if "web" in file.name)
    file.write_text(file.read_text().replace("checks:", "cheks:"))
    answer = chimera("health", "--no-record")
    assert f"Service/web is not looked at: specs/{file.name} is not valid" in answer.err
    assert "Service/base" in answer.out


def test_one_service_is_looked_at_with_what_it_depends_on(chimera: Chimera, services: None) -> None:
    found = json.loads(chimera("health", "--service", "web", "-o", "json").out)
    subjects = [check["subject"] for check in found["checks"]]
    assert subjects == [
        *("Service/base", "Service/base/up"),
        *("Service/web", "Service/web/first", "Service/web/second"),
    ]
    web = found["checks"][2]
    assert web["measures"] == {"looked": True, "ok": True, "blockedBy": ["Service/base"]}
    assert 0 < web["latency"] < 5
    assert found["alerts"] == []


def test_an_environment_has_its_own_services(chimera: Chimera, services: None) -> None:
    found = json.loads(chimera("health", "--env", "far", "--no-record", "-o", "json").out)
    subjects = {check["subject"] for check in found["checks"]}
    assert {"Service/base", "Service/far", "Service/web"} <= subjects
    assert "Service/far" not in chimera("health", "--no-record").out


@pytest.mark.parametrize(
    ("name", "said", "help"),
    [
        ("wep", "there is no Service/wep", "did you mean Service/web?"),
        ("Module/plan", "there is no Module/plan", "Service/base"),
        ("far", "Service/far is not looked at in local", "--env far"),
    ],
)
def test_a_service_that_is_not_there_to_look_at_is_refused(
    chimera: Chimera, services: None, name: str, said: str, help: str
) -> None:
    answer = chimera("health", "--service", name)
    assert answer.code == 4
    assert said in answer.err
    assert help in answer.err


def test_the_history_of_a_service_is_a_table_of_its_own(chimera: Chimera, services: None) -> None:
    chimera("health", "--service", "web")
    chimera("health", "--service", "base")
    lines = chimera("health", "--history", "--service", "web").out.splitlines()
    assert lines[0].split() == ["AT", "SUBJECT", "STATUS", "TOOK", "FOUND"]
    assert [line.split()[1:3] for line in lines[1:]] == [["Service/web", "degraded"]]
    whole = chimera("health", "--history").out
    assert "Service/base, Service/web" in whole
    assert "Service/web/first" not in whole


def test_a_watch_looks_again_and_tells_a_line_each(
    chimera: Chimera, services: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses, really = Pauses(3), following.follow
    monkeypatch.setattr(following, "follow", lambda look, every: really(look, every, pauses))
    answer = chimera("health", "--watch", "--every", "7", "--service", "base")
    assert answer.code == 1
    told = [line.partition("  ")[2] for line in answer.err.splitlines()]
    assert told == ["unhealthy  Service/base is unhealthy"] * 3
    assert all(5 < seconds <= 7 for seconds in pauses.asked)
    assert len(chimera("health", "--history").out.splitlines()) == 4


def test_a_watch_on_a_terminal_is_a_picture_with_its_warnings(
    tmp_path: Path, services: None
) -> None:
    workspace = Workspace.open(tmp_path, Context.system())
    only = frozenset({"Service/base"})
    watcher = Watcher(workspace, "local", (), only, records=True)
    with workspace.open_state("busy"):
        watcher.look()
    first, *rest = watched_text(watcher.found, watcher.warnings, plain).splitlines()
    assert first.endswith("  local")
    assert rest[0].startswith("unhealthy  Service/base  nothing listens at ")
    assert rest[-1].startswith("warning: this is not kept in the history: the state is in use by")
    watcher.look()
    assert watcher.warnings == ()
    assert len(health_history(workspace)) == 2  # what could not be kept was kept with the next


def health_history(workspace: Workspace) -> list[Any]:
    from chimera.builtin.monitoring.keeping import history

    return history(workspace, "local")


def test_metrics_ask_nobody_and_tell_what_was_found_last(
    chimera: Chimera, write: Write, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    program = f"open({str(asked)!r}, 'a').write('.')"
    check = {"id": "run", "type": "command", "argv": [sys.executable, "-c", program]}
    write({"Service/batch": {"checks": [check]}})
    assert chimera("apply").code == 0
    assert 'subject="Service/batch"' not in chimera("metrics").out
    assert chimera("health", "--service", "batch").code == 0
    out = chimera("metrics").out
    assert 'chimera_health{status="healthy",subject="Service/batch"} 1.0' in out
    assert asked.read_text() == "."


def test_a_look_at_many_services_is_kept_in_small_pieces_and_shown_whole(
    tmp_path: Path, write: Write, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chimera.builtin.monitoring import keeping
    from chimera.runtime.looks import hours, looks

    monkeypatch.setattr(keeping, "_CHECKS", 4)
    monkeypatch.setattr(keeping, "KEPT", 7)
    names = [f"s{number}" for number in range(5)]
    write({f"Service/{name}": tcp(port) for name in names})
    only = frozenset(f"Service/{name}" for name in names)
    workspace = Workspace.open(tmp_path, Context.system())
    watcher = Watcher(workspace, "local", (), only, records=True)
    for _ in range(4):
        watcher.look()  # ten checks each, in three pieces
    kept = health_history(workspace)
    assert [len(report["checks"]) for report in kept] == [10, 10]
    assert not list((tmp_path / ".chimera").glob("objects/??/*"))
    with workspace.read_state() as state:
        assert len(list(looks(state, "local"))) == 20
        assert {hour.looks for hour in hours(state, "local")} == {4}


def test_a_definition_of_a_ref_that_somebody_trusts_is_asked(
    chimera: Chimera, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*arguments: str) -> None:
        who = ("-c", "user.name=ada", "-c", "user.email=ada@example.org")
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True)

    write({"Service/batch": {"checks": [{"id": "run", "type": "command", "argv": ["true"]}]}})
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-q", "-m", "one")
    # Every clone has an origin/HEAD: that is whoever it was cloned from, and nobody named it.
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    look = ("health", "--service", "batch", "--no-record")
    assert "CHIMERA_TRUST_REF" in chimera(*look).out
    monkeypatch.setenv("CHIMERA_TRUST_REF", "refs/heads/main")
    assert "true ended with exit code 0" in chimera(*look).out
    write({"Service/batch": {"checks": [{"id": "run", "type": "command", "argv": ["false"]}]}})
    assert "not asked: it runs a command" in chimera(*look).out
