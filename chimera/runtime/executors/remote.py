"""Work that is done elsewhere: what is sent there, and what comes back, as JSON.

One form for processes and for other machines. What is logged or written elsewhere is bounded
there and here; what is published waits for the result. Refuses work that has no remote form, and
a result larger than may be sent.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from chimera.context import Context, FixedClock
from chimera.runtime.flights import AttemptLostError
from chimera.runtime.recovery import Category, Failure, PermanentError, classify
from chimera.runtime.steps import StepCall

if TYPE_CHECKING:
    from chimera.runtime.executors import Landed
    from chimera.runtime.flights import Flight
    from chimera.state import Json

RESULT_BYTES = 64 << 20
"""What one attempt may give back."""

STOP = b"stop"
"""The line that tells a worker to stop what it does."""


def request_of(flight: Flight) -> bytes:
    """Return what another process needs to do the work of `flight`, on one line.

    Raises `PermanentError` where the work can only be done here.
    """
    step, call = flight.step, flight.call
    clock = call.context.clock
    if step.remote is None:
        raise PermanentError(
            f"the work of {step.id} cannot be done in another process",
            category=Category.WORKFLOW,
            help="have it done by the executor thread",
        )
    return line_of(
        {
            "entry": step.remote.entry,
            "argument": step.remote.argument,
            "inputs": call.inputs,
            "key": call.key,
            "attempt": call.attempt,
            "inDoubt": call.in_doubt,
            "now": call.now.isoformat(),
            "instant": clock.now().isoformat() if isinstance(clock, FixedClock) else None,
        }
    )


def line_of(value: Any) -> bytes:
    """Return a JSON value on one line, without its end."""
    return json.dumps(value, separators=(",", ":"), check_circular=False).encode()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What work that is done elsewhere has there of its call."""

    context: Context
    cancelled: Callable[[], bool]
    log: Callable[[str], None]


def answer(request: bytes, around: Surroundings) -> bytes:
    """Do what a request asks for, in whatever process this is, and return what came of it."""
    asked = json.loads(request)
    context = around.context
    if asked["instant"] is not None:  # the clock stands still there, and so it does here
        context = replace(context, clock=FixedClock(datetime.fromisoformat(asked["instant"])))
    published: list[tuple[str, Json]] = []
    call = StepCall(
        inputs=asked["inputs"],
        key=asked["key"],
        attempt=asked["attempt"],
        in_doubt=asked["inDoubt"],
        context=context,
        cancelled=around.cancelled,
        log=around.log,
        now=datetime.fromisoformat(asked["now"]),
        publish=lambda topic, payload: published.append((topic, payload)),
    )
    try:
        value = _entry(asked["entry"])(asked["argument"], call)
        line = _result({"done": value, "published": published})
    except BaseException as error:  # noqa: BLE001 - the step runner: SystemExit too is the work's
        failed = {"failed": classify(error).to_json(), "help": getattr(error, "help", None)}
        return line_of(around.context.secrets.mask_json(failed))
    return line


def settle(flight: Flight, landed: Landed, said: Mapping[str, Any]) -> None:
    """Let `flight` land with what an answer says."""
    if "failed" in said:
        error = Failure.from_json(said["failed"]).as_error()
        error.help = said["help"]
        landed(flight, None, error)
        return
    for topic, payload in said["published"]:
        flight.call.publish(topic, payload)
    landed(flight, said["done"], None)


def lost(what: str, how: str) -> AttemptLostError:
    """Return what became of an attempt whose process is gone: another may well succeed."""
    return AttemptLostError(f"{what} {how}", help="see whether the machine ran out of memory")


@cache
def _entry(name: str) -> Callable[[Json, StepCall], Json]:
    module, _, function = name.partition(":")
    try:
        found: Callable[[Json, StepCall], Json] = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise PermanentError(
            f"there is no {name!r} to execute where it was sent: {error}",
            help="have the same packages installed there",
        ) from error
    return found


def _result(value: Any) -> bytes:
    try:
        line = line_of(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise PermanentError(f"what it returned is not JSON: {error}") from error
    if len(line) > RESULT_BYTES:
        raise PermanentError(
            f"what it returned takes {len(line)} bytes, more than {RESULT_BYTES}",
            category=Category.RESOURCE,
            help="write it to a file, and return its path and digest",
        )
    return line
