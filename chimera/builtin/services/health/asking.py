"""How each check is asked, by its type, and which may be asked at all.

Refuses to run a command, or to use a secret, of a definition that nobody vouches for: a tree is
anybody's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from chimera.builtin.services.checking import Service
from chimera.builtin.services.health import command, http, postgres, redis, sockets
from chimera.builtin.services.health.looking import Found, Probe, look
from chimera.builtin.services.health.probing import Ask, Deadline, Tools
from chimera.builtin.services.health.selecting import Target, target_of
from chimera.builtin.services.spec.checks import (
    Check,
    CommandCheck,
    HttpCheck,
    PostgresCheck,
    RedisCheck,
)
from chimera.runtime.health import HealthTask


@dataclass(frozen=True, slots=True)
class NotAsked:
    """Why a check was not asked, and what to do about it."""

    why: str
    help: str


Answer = Found | NotAsked


def ask_all(task: HealthTask, services: list[Service]) -> dict[str, tuple[Answer, ...]]:
    """Ask every check of some services at once; return the answers by service, as it lists them."""
    tools = Tools(task.context, task.root)
    made = {
        (str(service.address), index): _probe(task, service, check, tools)
        for service in services
        for index, check in enumerate(service.spec.checks)
    }
    probes = {key: probe for key, probe in made.items() if isinstance(probe, Probe)}
    answers: dict[tuple[str, int], Answer] = {
        key: probe for key, probe in made.items() if not isinstance(probe, Probe)
    }
    answers.update(zip(probes, look(list(probes.values())), strict=True))
    return {
        name: tuple(answers[name, index] for index in range(len(service.spec.checks)))
        for service in services
        for name in (str(service.address),)
    }


def _probe(task: HealthTask, service: Service, check: Check, tools: Tools) -> Probe | NotAsked:
    if _is_trusting(check) and not task.vouches(service):
        what = "runs a command" if isinstance(check, CommandCheck) else "uses a secret"
        return NotAsked(
            f"it {what}, and its definition is not the one that was applied here",
            f"`chimera apply --env {task.environment}` applies it, "
            "or name a ref to trust that has it: CHIMERA_TRUST_REF",
        )
    ask: Ask
    if isinstance(check, CommandCheck):
        ask = partial(command.ask, check, tools)
    else:
        target = target_of(check.endpoint, service.spec, task.environment)
        if target is None:
            return NotAsked("it names no endpoint that there is", "`chimera check` says more")
        ask = _over_network(check, target, tools)
    return Probe(
        ask,
        check.timeout.total_seconds(),
        check.attempts,
        check.pause.total_seconds(),
        abandonable=not isinstance(check, CommandCheck),
    )


def _is_trusting(check: Check) -> bool:
    """Tell whether asking does more than to ask: it runs something, or gives a secret away."""
    match check:
        case CommandCheck():
            return True
        case HttpCheck():
            return bool(check.secret_headers)
        case RedisCheck():
            return check.password is not None
        case _:
            return False


def _over_network(check: Check, target: Target, tools: Tools) -> Ask:
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
