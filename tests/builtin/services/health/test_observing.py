"""What looks say of services: hysteresis, dependencies, breakers, and what may be asked at all."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.monitoring.watching import Watcher
from chimera.context import Context
from chimera.documents import dump
from chimera.model import Outcome
from chimera.runtime.health import Health
from chimera.runtime.looks import hours, looks
from chimera.workspace import Workspace
from tests.builtin.services.health.conftest import Serve, Server, answer

START = datetime(2026, 11, 21, 12, tzinfo=UTC)
GOOD, BAD = answer(), answer("no", "500 Broken")


class Clock:
    """A clock that is told what time it is."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at


def checked(server: Server, **more: Any) -> dict[str, Any]:
    """Return a service with one HTTP check."""
    check = more.pop("check", {})
    return {
        "endpoints": [{"id": "http", "host": "127.0.0.1", "port": server.port, "protocol": "http"}],
        "checks": [{"id": "up", "type": "http", "timeout": "3s", **check}],
        **more,
    }


class House:
    """A repository of services, and looks at them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.clock = Clock()
        self.names: set[str] = set()

    def write(self, **services: dict[str, Any]) -> None:
        for name, spec in services.items():
            head = {"apiVersion": "chimera/v1", "kind": "Service", "metadata": {"name": name}}
            (self.root / f"{name}.yaml").write_text(dump({**head, "spec": spec}))
            self.names.add(f"Service/{name}")

    @property
    def workspace(self) -> Workspace:
        return Workspace.open(self.root, replace(Context.system(), clock=self.clock))

    def look(self, *only: str, records: bool = True, minutes: float = 1) -> dict[str, Any]:
        """Look once, as a command of its own does, and return checks by subject."""
        self.clock.at += timedelta(minutes=minutes)
        names = frozenset(only or self.names)
        watcher = Watcher(self.workspace, "local", (), names, records=records)
        report = watcher.look()
        return {check.subject: check for check in report.checks}

    def statuses(self, *subjects: str) -> list[str]:
        found = self.look()
        return [found[f"Service/{subject}"].status.value for subject in subjects]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_a_service_and_its_checks_are_told(house: House, serve: Serve) -> None:
    house.write(web=checked(serve(GOOD)))
    found = house.look()
    assert [s for s in found if s.startswith("Service/")] == ["Service/web", "Service/web/up"]
    web, up = found["Service/web"], found["Service/web/up"]
    assert (web.status, up.status) == (Health.HEALTHY, Health.HEALTHY)
    assert web.message == "/ answered with status 200"
    assert web.latency == up.latency
    assert web.at == START + timedelta(minutes=1)
    assert web.measures == {"looked": True, "ok": True}
    assert up.measures == {"ok": True, "attempts": 1, "failures": 0, "successes": 1}


def test_so_many_failures_make_it_unhealthy_and_so_many_successes_well_again(
    house: House, serve: Serve
) -> None:
    server = serve(GOOD)
    house.write(web=checked(server, check={"unhealthyAfter": 3, "healthyAfter": 2}))
    told = []
    for script in (GOOD, BAD, BAD, GOOD, BAD, BAD, BAD, BAD, GOOD, BAD, GOOD, GOOD, GOOD):
        server.script = script
        told += house.statuses("web")
    assert told == [
        *("healthy", "degraded", "degraded", "healthy"),  # two in a row are not enough
        *("degraded", "degraded", "unhealthy", "unhealthy"),
        *("unhealthy", "unhealthy", "unhealthy", "healthy", "healthy"),
    ]
    server.script = BAD
    assert house.look()["Service/web"].message.endswith("(1 of 3 until it is unhealthy)")


def test_what_is_not_kept_counts_for_no_other_command(house: House, serve: Serve) -> None:
    house.write(web=checked(serve(BAD), check={"unhealthyAfter": 2}))
    for _ in range(3):
        found = house.look(records=False)
        assert found["Service/web"].status is Health.DEGRADED
    watcher = Watcher(house.workspace, "local", (), frozenset(), records=False)
    assert [watcher.look().status.value for _ in range(2)] == ["degraded", "unhealthy"]


def test_a_service_whose_dependency_is_down_is_not_blamed(house: House, serve: Serve) -> None:
    base, middle, top = serve(BAD), serve(BAD), serve(GOOD)
    house.write(
        base=checked(base),
        middle=checked(middle, dependsOn=["Service/base"]),
        top=checked(top, dependsOn=["Service/middle"]),
    )
    found = house.look()
    assert found["Service/base"].status is Health.UNHEALTHY
    assert "blockedBy" not in found["Service/base"].measures
    told = found["Service/middle"]
    assert told.status is Health.DEGRADED
    assert told.message == (
        "/ answered with status 500: no; it depends on Service/base, which fails"
    )
    assert told.help == "see to Service/base first"
    assert told.measures == {"looked": True, "ok": False, "blockedBy": ["Service/base"]}
    assert found["Service/middle/up"].measures["failures"] == 0
    assert found["Service/top"].message == "it answers, but depends on Service/base, which fails"
    top.script = BAD
    assert house.look()["Service/top"].measures["blockedBy"] == ["Service/base"]
    base.script = GOOD  # and now it is its own fault
    found = house.look()
    assert found["Service/middle"].status is Health.UNHEALTHY
    assert found["Service/top"].measures["blockedBy"] == ["Service/middle"]
    middle.script = top.script = GOOD
    assert house.statuses("base", "middle", "top") == ["healthy"] * 3


def test_an_open_breaker_is_not_asked_until_its_time(house: House, serve: Serve) -> None:
    server, other = serve(BAD), serve(BAD)
    breaker = {"failures": 2, "window": "10m", "coolDown": "5m", "trials": 2}
    house.write(
        base=checked(server, breaker=breaker), web=checked(other, dependsOn=["Service/base"])
    )
    house.look()
    house.look()
    assert server.connections == 2
    found = house.look()
    assert server.connections == 2
    base = found["Service/base"]
    assert base.status is Health.UNHEALTHY
    assert base.message == "it failed too often, and is left alone for another 240 s"
    assert base.measures == {"looked": False, "ok": False}
    assert found["Service/base/up"].message == "not asked: its breaker is open"
    assert found["Service/web"].measures["blockedBy"] == ["Service/base"]
    house.look(minutes=5)  # half-open: one trial, which fails
    assert server.connections == 3
    house.look()
    assert server.connections == 3
    server.script = GOOD
    for asked in (4, 5, 6):  # two trials that succeed close it
        assert house.look(minutes=5 if asked == 4 else 1)["Service/base"].measures["ok"]
        assert server.connections == asked
    server.script = BAD
    house.look()
    server.script = GOOD
    assert house.look()["Service/base"].status is Health.HEALTHY


def test_failures_for_which_it_is_not_to_blame_open_no_breaker(house: House, serve: Serve) -> None:
    base, web = serve(BAD), serve(BAD)
    house.write(
        base=checked(base),
        web=checked(web, dependsOn=["Service/base"], breaker={"failures": 1, "coolDown": "1h"}),
    )
    for looked in (1, 2, 3):
        house.look()
        assert web.connections == looked
    base.script = GOOD
    house.look()
    house.look()
    assert web.connections == 4


def test_a_cycle_that_check_refuses_ends_all_the_same(house: House, serve: Serve) -> None:
    house.write(
        one=checked(serve(BAD), dependsOn=["Service/two"]),
        two=checked(serve(BAD), dependsOn=["Service/one", "Service/two"]),
    )
    found = house.look()
    assert found["Service/one"].measures["blockedBy"] == ["Service/two"]


def test_what_runs_a_command_or_uses_a_secret_is_asked_only_as_it_was_applied(
    house: House, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEALTH_TOKEN_OF_TEST", "hunter2-and-more")
    server, mark = serve(GOOD), tmp_path / "ran"
    program = f"open({str(mark)!r}, 'a').write('.')"
    run = {"id": "run", "type": "command", "argv": [sys.executable, "-c", program]}
    secret = {"secretHeaders": {"X-Token": {"env": "HEALTH_TOKEN_OF_TEST"}}}
    house.write(batch={"checks": [run]}, web=checked(server, check=secret))
    found = house.look()
    assert not mark.exists()
    assert server.connections == 0
    for name, what in (("batch", "runs a command"), ("web", "uses a secret")):
        told = found[f"Service/{name}"]
        assert told.status is Health.DEGRADED
        assert told.message == (
            f"not asked: it {what}, and its definition is not the one that was applied here"
        )
        assert "`chimera apply --env local` applies it" in str(told.help)
        assert "ok" not in told.measures
    with house.workspace.read_state() as state:
        subjects = {look.subject for look in looks(state, "local")}
        assert not any(subject.startswith("Service/") for subject in subjects)
    assert house.workspace.apply("local").outcome is Outcome.PASSED
    assert house.statuses("batch", "web") == ["healthy", "healthy"]
    assert mark.read_text() == "."
    house.write(batch={"checks": [{**run, "exits": [0, 1]}]})
    assert house.statuses("batch") == ["degraded"]
    assert mark.read_text() == "."


def test_only_some_services_are_looked_at_with_what_they_depend_on(
    house: House, serve: Serve
) -> None:
    base, web, other = serve(GOOD), serve(GOOD), serve(GOOD)
    house.write(
        base=checked(base), web=checked(web, dependsOn=["Service/base"]), other=checked(other)
    )
    found = house.look("Service/web")
    assert [s for s in found if s.count("/") == 1] == ["Service/base", "Service/web"]
    assert other.connections == 0
    assert "memory" not in found


def test_it_is_looked_at_where_it_is_in_the_environment(house: House, serve: Serve) -> None:
    here = serve(GOOD)
    for name in ("local", "far"):
        head = {"apiVersion": "chimera/v1", "kind": "Environment", "metadata": {"name": name}}
        (house.root / f"{name}.yaml").write_text(dump({**head, "spec": {"protected": False}}))
    endpoint = {
        "id": "http",
        "host": "nowhere.invalid",
        "port": 1,
        "protocol": "http",
        "elsewhere": [{"environment": "Environment/local", "host": "127.0.0.1", "port": here.port}],
    }
    house.write(
        web={**checked(here), "endpoints": [endpoint]},
        far={**checked(here), "environments": ["Environment/far"]},
    )
    assert house.statuses("web") == ["healthy"]
    assert "Service/far" not in house.look()


def test_what_was_found_is_kept_look_by_look_and_hour_by_hour(house: House, serve: Serve) -> None:
    server = serve(GOOD)
    house.write(web=checked(server))
    for script in (GOOD, BAD, GOOD, GOOD):
        server.script = script
        house.look(minutes=25)
    with house.workspace.read_state() as state:
        found = [one for one in looks(state, "local") if one.subject == "Service/web"]
        kept = [one for one in hours(state, "local") if one.subject == "Service/web"]
        later = list(looks(state, "local", since=START + timedelta(minutes=51)))
        first = list(hours(state, "local", until=START + timedelta(minutes=59)))
    assert [one.ok for one in found] == [True, False, True, True]
    assert [one.latency is not None for one in found] == [True, False, True, True]
    assert [(one.start, one.looks, one.ok) for one in kept] == [
        (START, 2, 1),
        (START + timedelta(hours=1), 2, 2),
    ]
    assert kept[0].statuses == {Health.HEALTHY: 1, Health.UNHEALTHY: 1}
    assert kept[0].latencies.count == 1
    assert {one.at for one in later} == {START + timedelta(minutes=m) for m in (75, 100)}
    assert {one.start for one in first} == {START}
    median = kept[0].latencies.percentile(0.5)
    assert median == pytest.approx(found[0].latency, rel=0.01)
