"""Looking at the services of an environment once, and what that says of each.

Owns what is told: a check by itself, then its service, with whom it depends on taken into account.
Refuses to run a command, or to use a secret, of a definition that nobody has applied here: a tree
is anybody's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from chimera.builtin.services.checking import Service
from chimera.builtin.services.health import command, http, postgres, redis, sockets
from chimera.builtin.services.health.looking import Found, Probe, look
from chimera.builtin.services.health.probing import Ask, Deadline, Tools
from chimera.builtin.services.health.selecting import (
    Target,
    blamed,
    services_of,
    target_of,
)
from chimera.builtin.services.health.standing import (
    Standing,
    answered,
    breaker_json,
    breaker_of,
    rule_of,
)
from chimera.builtin.services.spec.checks import (
    Check,
    CommandCheck,
    HttpCheck,
    PostgresCheck,
    RedisCheck,
)
from chimera.runtime.health import Health, HealthCheck, HealthTask, worst
from chimera.runtime.recovery import Breaker


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a look found of one service, by its checks; nothing was asked while `open_until`."""

    service: Service
    found: tuple[Found | str, ...]
    breaker: Breaker | None
    left: float | None = None

    @property
    def fails(self) -> bool:
        """Whether it is not well by this look, or was not by the last one before its breaker."""
        return self.left is not None or any(
            isinstance(one, Found) and not one.ok for one in self.found
        )


def observe(task: HealthTask) -> Iterator[HealthCheck]:
    """Yield how each service is, then its checks, in order of names."""
    services = services_of(task.snapshot, task.environment, task.only)
    now = task.context.clock.now()
    if not task.asks:
        yield from _remembered(task, [str(one.address) for one in services.values()])
        return
    seen = _look(task, list(services.values()), now)
    causes = blamed(services, {name for name, one in seen.items() if one.fails})
    for name, one in seen.items():
        checks = tuple(_checks(task, one, bool(causes[name]), now))
        yield _service(one, checks, causes[name], now)
        yield from checks


def _remembered(task: HealthTask, names: list[str]) -> Iterator[HealthCheck]:
    for subject, kept in sorted(task.standing.items()):
        if any(subject == name or subject.startswith(f"{name}/") for name in names):
            value: Any = kept
            yield HealthCheck(subject, Health(value["status"]), "as it was when last looked at")


def _look(task: HealthTask, services: list[Service], now: datetime) -> dict[str, _Seen]:
    """Look at all checks at once, but for those of services whose breakers are open."""
    tools = Tools(task.context, task.root)
    breakers = {str(one.address): _breaker(task, one, now) for one in services}
    asked: list[tuple[str, int]] = []
    probes: list[Probe] = []
    found: dict[tuple[str, int], Found | str] = {}
    for service in services:
        name = str(service.address)
        for index, check in enumerate(service.spec.checks):
            made = "" if breakers[name][1] is not None else _probe(task, service, check, tools)
            if isinstance(made, str):
                found[name, index] = made
            else:
                asked.append((name, index))
                probes.append(made)
    found.update(zip(asked, look(probes), strict=True))
    return {
        (name := str(one.address)): _Seen(
            one,
            tuple(found[name, index] for index in range(len(one.spec.checks))),
            *breakers[name],
        )
        for one in services
    }


def _breaker(
    task: HealthTask, service: Service, now: datetime
) -> tuple[Breaker | None, float | None]:
    """Return the breaker of a service, and for how many seconds nothing is to be asked."""
    if service.spec.breaker is None:
        return None, None
    kept: Any = task.standing.get(str(service.address)) or {}
    breaker, left = breaker_of(kept.get("breaker")).ask(rule_of(service.spec.breaker), now)
    return breaker, None if left is None else left.total_seconds()


def _probe(task: HealthTask, service: Service, check: Check, tools: Tools) -> Probe | str:
    """Return how to look at a check, or why it is not looked at."""
    if _is_trusting(check):
        held = task.state.held(task.environment, str(service.address))
        if held is None or held.digest != service.digest:
            what = "runs a command" if isinstance(check, CommandCheck) else "uses a secret"
            return f"it {what}, and this definition of it is not the one that was applied here"
    ask: Ask
    if isinstance(check, CommandCheck):
        ask = partial(command.ask, check, tools)
    else:
        target = target_of(check.endpoint, service.spec, task.environment)
        if target is None:
            return "it names no endpoint that there is"
        ask = _over_network(check, target, tools)
    return Probe(
        ask,
        check.timeout.total_seconds(),
        check.attempts,
        check.pause.total_seconds(),
        abandonable=not isinstance(check, CommandCheck),
    )


def _is_trusting(check: Check) -> bool:
    match check:
        case CommandCheck():
            return True
        case HttpCheck():
            return bool(check.secret_headers)
        case RedisCheck():
            return check.password is not None
        case _:
            return False


def _over_network(check: Any, target: Target, tools: Tools) -> Ask:
    match check:
        case HttpCheck():
            return partial(http.ask, check, target, tools)
        case RedisCheck():
            return partial(redis.ask, check, target, tools)
        case PostgresCheck():
            return partial(postgres.ask, check, target, tools)
        case _:
            return partial(_connect, target, tools)


def _connect(target: Target, tools: Tools, deadline: Deadline) -> str:
    with sockets.connected(tools, target.host, target.port, deadline):
        return "it took a connection"


def _checks(
    task: HealthTask, seen: _Seen, is_excused: bool, now: datetime
) -> Iterator[HealthCheck]:
    """Yield how each check of a service stands now."""
    for check, found in zip(seen.service.spec.checks, seen.found, strict=True):
        subject = f"{seen.service.address}/{check.id}"
        before = Standing.from_json(_standing(task, subject))
        if isinstance(found, str):
            yield _unasked(subject, before, found, seen.left, now)
            continue
        after = before
        if found.ok or not is_excused:
            after = before.after(
                ok=found.ok,
                unhealthy=check.unhealthy_after,
                healthy=check.healthy_after,
                now=now,
            )
        status = after.health if found.ok or not is_excused else Health.DEGRADED
        yield HealthCheck(
            subject,
            status,
            _counted(task.context.secrets.mask(found.message), check, after, found),
            None if status is Health.HEALTHY else found.help,
            {
                "ok": found.ok,
                "attempts": found.attempts,
                "failures": after.failures,
                "successes": after.successes,
            },
            now,
            found.latency,
            {"status": status.value, "standing": after.to_json()},
        )


def _standing(task: HealthTask, subject: str) -> Any:
    kept: Any = task.standing.get(subject) or {}
    return kept.get("standing")


def _counted(message: str, check: Check, after: Standing, found: Found) -> str:
    """Add how often it was found so, where more than once is asked for."""
    if found.ok and not after.is_well:
        return f"{message} ({after.successes} of {check.healthy_after} times until it is well)"
    if not found.ok and after.is_well and after.failures:
        return f"{message} ({after.failures} of {check.unhealthy_after} times until it is not well)"
    return message


def _unasked(
    subject: str, before: Standing, why: str, left: float | None, now: datetime
) -> HealthCheck:
    """Return a check of which nothing is asked: its breaker is open, or it may not be."""
    status = before.health if left is not None else Health.DEGRADED
    if left is not None and status is Health.HEALTHY:
        status = Health.DEGRADED
    measures = {"looked": False} if left is None else {"looked": False, "ok": False}
    return HealthCheck(
        subject,
        status,
        f"not asked: {why}" if left is None else "not asked: its breaker is open",
        "`chimera apply` applies the definition" if left is None and "applied" in why else None,
        measures,
        now,
        None,
        {"status": status.value, "standing": before.to_json()},
    )


def _service(
    seen: _Seen, checks: tuple[HealthCheck, ...], causes: tuple[str, ...], now: datetime
) -> HealthCheck:
    """Return how a service is by its checks, its breaker and what it depends on."""
    status = worst(list(checks))
    name = str(seen.service.address)
    breaker = seen.breaker
    spec = seen.service.spec.breaker
    asked = [one for one in seen.found if isinstance(one, Found)]
    if breaker is not None and spec is not None and seen.left is None and asked:
        if causes and seen.fails:
            breaker = breaker.released()  # what it depends on is down: that says nothing of it
        else:
            breaker = answered(breaker, rule_of(spec), ok=not seen.fails, now=now)
    message, help = _said(seen, checks, causes)
    if seen.left is not None and not causes:
        status = Health.UNHEALTHY
    elif causes:
        status = max(status, Health.DEGRADED, key=list(Health).index)
    measures: dict[str, Any] = {"looked": bool(asked)}
    if asked or seen.left is not None:
        measures["ok"] = not seen.fails
    if causes:
        measures["blockedBy"] = list(causes)
    latencies = [one.latency for one in asked if one.latency is not None]
    kept: dict[str, Any] = {"status": status.value}
    if breaker is not None:
        kept["breaker"] = breaker_json(breaker)
    return HealthCheck(
        name,
        status,
        message,
        help,
        measures,
        now,
        max(latencies) if latencies and not seen.fails else None,
        kept,
    )


def _said(
    seen: _Seen, checks: tuple[HealthCheck, ...], causes: tuple[str, ...]
) -> tuple[str, str | None]:
    """Return what is told of a service, and what to do."""
    below = " and ".join(causes)
    if causes and seen.fails:
        return f"it cannot be well without {below}, on which it depends", f"see to {below}"
    if causes:
        return f"it answers, but depends on {below}, which fails", f"see to {below}"
    if seen.left is not None:
        return (
            f"it failed too often, and is left alone for another {seen.left:.0f} s",
            "its breaker lets it be looked at again then",
        )
    bad = [one for one in checks if one.status is not Health.HEALTHY]
    if bad:
        return "; ".join(f"{one.subject.rpartition('/')[2]}: {one.message}" for one in bad), None
    return "all checks succeed" if len(checks) > 1 else checks[0].message, None
