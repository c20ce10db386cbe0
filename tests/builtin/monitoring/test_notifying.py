"""Notifications: once for each change, by file or webhook, and never instead of the finding."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.monitoring.plugin import chimera_check_document
from chimera.context import Context
from chimera.kinds import Registry
from chimera.plugin import hookimpl, load_plugins
from chimera.runtime.health import Health, HealthCheck, HealthTask
from chimera.workspace import Workspace
from tests.builtin.monitoring.conftest import Answer, Chimera

Write = Callable[..., None]
TOKEN = "hunter2-and-more"


class Parts:
    """A plugin whose parts are as a test says."""

    def __init__(self) -> None:
        self.now: dict[str, tuple[Health, dict[str, Any]]] = {}

    def set(self, subject: str, status: Health, **measures: Any) -> None:
        self.now[subject] = status, measures

    @hookimpl
    def chimera_observe_health(self, task: HealthTask) -> list[HealthCheck]:
        return [
            HealthCheck(subject, status, f"{status.value} now", None, measures)
            for subject, (status, measures) in self.now.items()
        ]


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Parts:
    made = Parts()
    real = Workspace.__dict__["plugins"].func

    def plugins(workspace: Workspace) -> Any:
        found = real(workspace)
        if not found.has_plugin("parts"):
            found.register(made, "parts")
        return found

    monkeypatch.setattr(Workspace, "plugins", property(plugins))
    return made


class Hook:
    """A webhook that answers with statuses, the last of them again and again."""

    def __init__(self) -> None:
        self.statuses = [200]
        self.posts: list[tuple[dict[str, str], Any]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                hook.posts.append((dict(self.headers), json.loads(body)))
                status = hook.statuses.pop(0) if len(hook.statuses) > 1 else hook.statuses[0]
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/alerts"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    yield made
    made.server.shutdown()
    made.server.server_close()


def lines(tmp_path: Path) -> list[list[tuple[str, str, str]]]:
    """Return the changes that each message in the file told, as subject, was and is."""
    file = tmp_path / ".chimera" / "out" / "told.jsonl"
    if not file.exists():
        return []
    told = [json.loads(line)["details"]["changes"] for line in file.read_text().splitlines()]
    return [[(c["subject"], c["was"], c["status"]) for c in changes] for changes in told]


def look(chimera: Chimera, *more: str) -> Answer:
    return chimera("health", *more)


FILE = {"Notification/told": {"file": "told.jsonl", "subjects": ["part-*"]}}


def test_each_change_is_told_once_and_not_at_each_look(
    chimera: Chimera, write: Write, parts: Parts, tmp_path: Path
) -> None:
    write(FILE)
    for status in "healthy", "unhealthy", "unhealthy", "degraded", "healthy", "unhealthy":
        parts.set("part-a", Health(status))
        parts.set("part-b", Health.HEALTHY)
        parts.set("other", Health(status))
        look(chimera)
    assert lines(tmp_path) == [
        [("part-a", "healthy", "unhealthy")],
        [("part-a", "unhealthy", "healthy")],  # degraded is not bad enough
        [("part-a", "healthy", "unhealthy")],
    ]


def test_changes_of_one_look_are_one_message_and_its_text_says_them(
    chimera: Chimera, write: Write, parts: Parts, tmp_path: Path
) -> None:
    spec = {"file": "told.jsonl", "least": "degraded", "subjects": ["part-*"], "to": "night"}
    write({"Notification/told": spec})
    parts.set("part-a", Health.DEGRADED)
    parts.set("part-b", Health.UNHEALTHY)
    answer = look(chimera, "-o", "json")
    text = (tmp_path / ".chimera" / "out" / "told.jsonl").read_text()
    (message,) = [json.loads(line) for line in text.splitlines()]
    assert message["message"] == (
        "local: part-a is degraded: degraded now; part-b is unhealthy: unhealthy now"
    )
    assert (message["to"], message["severity"]) == ("night", "high")
    (notice,) = json.loads(answer.out)["notices"]
    assert (notice["notification"], notice["sent"]) == ("Notification/told", True)
    parts.set("part-a", Health.UNHEALTHY)
    look(chimera)
    assert lines(tmp_path)[1:] == [[("part-a", "degraded", "unhealthy")]]


def test_recoveries_parts_of_a_whole_and_who_is_not_to_blame_may_be_left_out(
    chimera: Chimera, write: Write, parts: Parts, tmp_path: Path
) -> None:
    spec = {"file": "told.jsonl", "recoveries": False, "subjects": ["Part/*"], "least": "degraded"}
    write({"Notification/told": spec})
    for status in Health.UNHEALTHY, Health.HEALTHY, Health.UNHEALTHY:
        parts.set("Part/a", status)
        parts.set("Part/a/b", status)
        parts.set("Part/c", Health.DEGRADED, blockedBy=["Part/a"])
        look(chimera)
    assert lines(tmp_path) == [[("Part/a", "healthy", "unhealthy")]] * 2


def test_a_look_that_keeps_nothing_tells_nobody(
    chimera: Chimera, write: Write, parts: Parts, tmp_path: Path
) -> None:
    write(FILE)
    parts.set("part-a", Health.UNHEALTHY)
    assert look(chimera, "--no-record").code == 1
    assert lines(tmp_path) == []


def test_other_environments_are_not_told(
    chimera: Chimera, write: Write, parts: Parts, tmp_path: Path
) -> None:
    spec = {**FILE["Notification/told"], "environments": ["Environment/far"]}
    write({"Environment/far": {"protected": False}, "Notification/told": spec})
    parts.set("part-a", Health.UNHEALTHY)
    look(chimera)
    assert lines(tmp_path) == []
    look(chimera, "--env", "far")
    assert len(lines(tmp_path)) == 1


def test_alerts_are_told_when_they_are_passed_and_when_they_are_not_any_longer(
    ran: Chimera, write: Write, tmp_path: Path
) -> None:
    alert = {"measure": "completedWorkflows", "threshold": 0, "message": "m"}
    write({"Alert/done": alert, "Notification/told": {"file": "told.jsonl"}})
    look(ran)
    write({"Alert/done": {**alert, "threshold": 5}})
    look(ran)
    assert lines(tmp_path) == [
        [("Alert/done", "healthy", "unhealthy")],
        [("Alert/done", "unhealthy", "healthy")],
    ]


def test_of_what_is_gone_nobody_is_told_that_it_is_well(
    chimera: Chimera, write: Write, parts: Parts, tmp_path: Path
) -> None:
    write(FILE)
    parts.set("part-a", Health.UNHEALTHY)
    look(chimera, "--alert", "storageUsage>0")  # which is of this command alone
    parts.now.clear()
    look(chimera)
    parts.set("part-a", Health.HEALTHY)
    look(chimera)
    assert lines(tmp_path) == [[("part-a", "healthy", "unhealthy")]]


def test_where_nobody_knows_what_was_told_nobody_is_told_again(
    chimera: Chimera, write: Write, parts: Parts, tmp_path: Path
) -> None:
    write(FILE)
    parts.set("part-a", Health.UNHEALTHY)
    look(chimera)
    database = sqlite3.connect(tmp_path / ".chimera" / "state.db")
    damaged = "UPDATE item SET value = '@sha256:' || ? WHERE collection = 'health-told'"
    database.execute(damaged, ("ab" * 32,))
    database.commit()
    database.close()
    answer = look(chimera)
    assert answer.code == 1
    assert "nobody is told of anything: " in answer.err
    assert "part-a" in answer.out
    assert len(lines(tmp_path)) == 1


def webhook(hook: Hook, **more: Any) -> dict[str, Any]:
    secret = {"X-Token": {"env": "HOOK_TOKEN_OF_TEST"}}
    called = {"url": hook.url, "secretHeaders": secret}
    return {"Notification/hook": {"webhook": called, "subjects": ["part-*"], **more}}


def test_a_webhook_is_called_with_its_secret_as_it_was_applied(
    chimera: Chimera, write: Write, parts: Parts, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_TOKEN_OF_TEST", TOKEN)
    write(webhook(hook))
    parts.set("part-a", Health.UNHEALTHY)
    answer = look(chimera)
    assert answer.code == 1
    assert "its definition was not applied here: `chimera apply --env local`" in answer.err
    assert hook.posts == []
    assert chimera("apply").code == 0
    answer = look(chimera, "-o", "json")
    ((headers, body),) = hook.posts
    assert headers["X-Token"] == TOKEN
    assert body["details"]["environment"] == "local"
    assert TOKEN not in answer.out + answer.err
    look(chimera)
    assert len(hook.posts) == 1


def test_a_webhook_that_fails_is_told_tried_again_and_hides_nothing(
    chimera: Chimera, write: Write, parts: Parts, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_TOKEN_OF_TEST", TOKEN)
    write(webhook(hook, attempts=2))
    assert chimera("apply").code == 0
    parts.set("part-a", Health.UNHEALTHY)
    hook.statuses = [503]
    answer = look(chimera, "-o", "json")
    assert answer.code == 1
    assert "part-a" in answer.out
    assert "Notification/hook told nobody: http://127.0.0.1" in answer.err
    assert len(hook.posts) == 2
    keys = {headers["Idempotency-Key"] for headers, _ in hook.posts}
    assert len(keys) == 1
    hook.statuses = [503, 200]
    assert "told nobody" not in look(chimera).err
    assert len(hook.posts) == 4
    hook.statuses = [403]
    parts.set("part-a", Health.HEALTHY)
    answer = look(chimera)
    assert "answered with status 403" in answer.err
    assert answer.code == 0
    assert len(hook.posts) == 5  # nothing would change by asking again at once


def test_a_secret_that_is_not_there_is_told_without_its_neighbours(
    chimera: Chimera, write: Write, parts: Parts, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_URL_OF_TEST", hook.url)
    spec = webhook(hook)
    spec["Notification/hook"]["webhook"].pop("url")
    spec["Notification/hook"]["webhook"]["secretUrl"] = {"env": "HOOK_URL_OF_TEST"}
    write(spec)
    assert chimera("apply").code == 0
    parts.set("part-a", Health.UNHEALTHY)
    assert "HOOK_TOKEN_OF_TEST is not set" in look(chimera).err
    monkeypatch.setenv("HOOK_TOKEN_OF_TEST", TOKEN)
    hook.statuses = [500]
    answer = look(chimera)
    assert "*** answered with status 500" in answer.err
    assert hook.url not in answer.err


def test_without_who_sends_messages_it_is_told(
    chimera: Chimera, write: Write, parts: Parts
) -> None:
    write({**FILE, "Repository/it": {"plugins": {"disable": ["workflow"]}}})
    parts.set("part-a", Health.UNHEALTHY)
    answer = look(chimera)
    assert "no plugin registers the operation notify" in answer.err
    assert answer.code == 1


@pytest.mark.parametrize(
    ("rules", "spec"),
    [
        (["notification-channel-unclear"], {}),
        (["notification-channel-unclear"], {"file": "f", "webhook": {"url": "http://h/"}}),
        ([], {"file": "f"}),
        ([], {"webhook": {"url": "https://h/"}}),
    ],
)
def test_a_notification_has_one_channel(
    tmp_path: Path, write: Write, rules: list[str], spec: dict[str, Any]
) -> None:
    write({"Notification/n": spec})
    workspace = Workspace.open(tmp_path, Context.system())
    (document,) = workspace.loaded.snapshot.of_kinds({"Notification"})
    (verdict,) = chimera_check_document(document, Registry.collect(load_plugins()))
    assert [fault.rule for fault in verdict.diagnostics] == rules


@pytest.mark.parametrize(
    ("rule", "spec"),
    [
        ("notification-url", {"webhook": {}}),
        ("notification-timeout", {"file": "f", "timeout": "2m"}),
        ("notification-timeout", {"file": "f", "timeout": "0s"}),
        (None, {"file": "f", "timeout": "1m"}),
    ],
)
def test_what_a_notification_cannot_be_is_refused(
    chimera: Chimera, write: Write, rule: str | None, spec: dict[str, Any]
) -> None:
    write({"Notification/n": spec})
    answer = chimera("check")
    assert answer.code == (1 if rule else 0)
    assert rule is None or rule in answer.out
