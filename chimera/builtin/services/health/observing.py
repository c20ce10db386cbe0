"""Looking at the services of an environment once, and what that says of each.

Owns how a look changes where a check, a breaker and a service stand. Refuses to blame a service for
what it depends on: it is told, and counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chimera.builtin.services.checking import Service
from chimera.builtin.services.health import telling
from chimera.builtin.services.health.asking import Answer, ask_all
from chimera.builtin.services.health.looking import Found
from chimera.builtin.services.health.selecting import blamed, services_of
from chimera.builtin.services.health.standing import (
    Standing,
    answered,
    breaker_json,
    breaker_of,
    rule_of,
)
from chimera.builtin.services.spec.checks import Check
from chimera.runtime.health import Health, HealthCheck, HealthTask, worst
from chimera.runtime.recovery import Breaker

_ORDER = list(Health)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look found of one service: an answer for each check, none where it was left alone.

    `left` is for how many seconds its breaker is open, `causes` are the services to blame.
    """

    service: Service
    breaker: Breaker | None
    left: float | None
    answers: tuple[Answer, ...] = ()
    causes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The address of the service."""
        return str(self.service.address)

    @property
    def found(self) -> tuple[Found, ...]:
        """What was found of the checks that were asked."""
        return tuple(answer for answer in self.answers if isinstance(answer, Found))

    @property
    def fails(self) -> bool:
        """Whether it is not well by this look, or was not before its breaker opened."""
        return self.left is not None or not all(found.ok for found in self.found)

    @property
    def is_excused(self) -> bool:
        """Whether it fails, and something that it depends on does."""
        return self.fails and bool(self.causes)


def observe(task: HealthTask) -> Iterator[HealthCheck]:
    """Yield how each service is, then its checks, in order of names."""
    services = services_of(task.snapshot, task.environment, task.only)
    if not task.asks:
        yield from _remembered(task, services)
        return
    now = task.context.clock.now()
    seen = [_left(task, service, now) for service in services.values()]
    answers = ask_all(task, [one.service for one in seen if one.left is None])
    seen = [replace(one, answers=answers.get(one.name, ())) for one in seen]
    causes = blamed(services, {one.name for one in seen if one.fails})
    for one in (replace(one, causes=causes[one.name]) for one in seen):
        checks = tuple(_checks(task, one, now))
        yield _service(one, checks, now)
        yield from checks


def _remembered(task: HealthTask, names: Iterable[str]) -> Iterator[HealthCheck]:
    """Yield how services were when they were looked at last."""
    for subject, kept in sorted(task.standing.items()):
        if any(subject == name or subject.startswith(f"{name}/") for name in names):
            value: Any = kept
            yield HealthCheck(subject, Health(value["status"]), "as it was when last looked at")


def _left(task: HealthTask, service: Service, now: datetime) -> Seen:
    """Return a service that is to be looked at, or is left alone because its breaker is open."""
    if service.spec.breaker is None:
        return Seen(service, None, None)
    kept: Any = task.standing.get(str(service.address)) or {}
    breaker, left = breaker_of(kept.get("breaker")).ask(rule_of(service.spec.breaker), now)
    return Seen(service, breaker, None if left is None else left.total_seconds())


def _checks(task: HealthTask, seen: Seen, now: datetime) -> Iterator[HealthCheck]:
    """Yield how each check of a service stands now."""
    for index, check in enumerate(seen.service.spec.checks):
        subject = f"{seen.name}/{check.id}"
        kept: Any = task.standing.get(subject) or {}
        before = Standing.from_json(kept.get("standing"))
        answer = seen.answers[index] if seen.answers else None
        if isinstance(answer, Found):
            answer = replace(answer, message=task.context.secrets.mask(answer.message))
            yield _check(subject, check, before, answer, seen, now)
        else:
            # Nothing was asked: it stands as it did, and nobody can call it well.
            status = max(before.health, Health.DEGRADED, key=_ORDER.index)
            yield HealthCheck(
                *(subject, status, *telling.not_asked(answer)),
                {"looked": False} if answer else {"looked": False, "ok": False},
                *(now, None, {"status": status.value, "standing": before.to_json()}),
            )


def _check(
    subject: str, check: Check, before: Standing, found: Found, seen: Seen, now: datetime
) -> HealthCheck:
    """Return how a check stands after it was asked; what is excused counts for nothing."""
    after, status = before, Health.DEGRADED
    if found.ok or not seen.is_excused:
        after = before.after(
            ok=found.ok, unhealthy=check.unhealthy_after, healthy=check.healthy_after, now=now
        )
        status = after.health
    return HealthCheck(
        subject,
        status,
        telling.found(found, check, after),
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


def _service(seen: Seen, checks: tuple[HealthCheck, ...], now: datetime) -> HealthCheck:
    """Return how a service is by its checks, its breaker and what it depends on."""
    status = worst(list(checks))
    if seen.causes:
        status = max(status, Health.DEGRADED, key=_ORDER.index)
    elif seen.left is not None:
        status = Health.UNHEALTHY
    measures: dict[str, Any] = {"looked": bool(seen.found)}
    if seen.found or seen.left is not None:
        measures["ok"] = not seen.fails
    if seen.causes:
        measures["blockedBy"] = list(seen.causes)
    kept: dict[str, Any] = {"status": status.value}
    breaker = _breaker(seen, now)
    if breaker is not None:
        kept["breaker"] = breaker_json(breaker)
    slowest = max((found.latency or 0.0 for found in seen.found), default=0.0)
    latency = slowest if seen.found and not seen.fails else None
    message, help = telling.service(checks, seen.causes, seen.left, fails=seen.fails)
    return HealthCheck(seen.name, status, message, help, measures, now, latency, kept)


def _breaker(seen: Seen, now: datetime) -> Breaker | None:
    """Return the breaker of a service after this look, if it has one."""
    rule = seen.service.spec.breaker
    if seen.breaker is None or rule is None or seen.left is not None:
        return seen.breaker
    if not seen.found or seen.is_excused:
        return seen.breaker.released()
    return answered(seen.breaker, rule_of(rule), ok=not seen.fails, now=now)
