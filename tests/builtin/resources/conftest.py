"""A store in memory, and calls of the operations on it with a clock that is set."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.resources.holding import CLAIMS, POOLS
from chimera.builtin.resources.operations import OPERATIONS
from chimera.context import Context, FixedClock
from chimera.context.machine import Machine
from chimera.runtime import StepCall
from chimera.runtime.collections import KeepingError
from chimera.state import RunStatus, open_state

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class MemoryStore:
    """Collections as the engine gives them, without one."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}

    def get(self, collection: str, id: str) -> Any:
        return self.items.get(collection, {}).get(id)

    def find(self, collection: str, **equal: Any) -> Iterable[tuple[str, Any]]:
        rows = sorted(self.items.get(collection, {}).items())
        return [(id, v) for id, v in rows if all(v.get(k) == x for k, x in equal.items())]

    def count(self, collection: str, **equal: Any) -> int:
        return len(list(self.find(collection, **equal)))

    def put(self, collection: str, id: str, value: Any) -> None:
        self.items.setdefault(collection, {})[id] = value

    def delete(self, collection: str, id: str) -> None:
        self.items.get(collection, {}).pop(id, None)


@dataclass
class Desk:
    """An environment in which operations are called, each call as a step of a run of its own."""

    root: Path
    store: MemoryStore = field(default_factory=MemoryStore)
    now: datetime = NOW
    published: list[tuple[str, Any]] = field(default_factory=list)
    logged: list[str] = field(default_factory=list)
    began: dict[str, datetime] = field(default_factory=dict)
    numbers: Any = field(default_factory=itertools.count)

    def pool(self, name: str, resources: Mapping[str, Any], **spec: Any) -> None:
        pooled = {r: v if isinstance(v, dict) else {"capacity": v} for r, v in resources.items()}
        self.store.put(POOLS, name, {"where": "elsewhere", "resources": pooled, **spec})

    def claim(self, name: str, requests: Mapping[str, Any], **spec: Any) -> None:
        self.store.put(CLAIMS, name, {"requests": dict(requests), **spec})

    def run(self, target: str = "Workflow/w") -> str:
        """Record a run and return its uid."""
        with open_state(self.root, Context.system(), command="test") as state:
            return state.create_run("local", target, {"n": next(self.numbers)}, None).uid

    def end(self, run: str, status: RunStatus = RunStatus.SUCCEEDED) -> None:
        with open_state(self.root, Context.system(), command="test") as state:
            state.record(run, status=status)

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)

    def call(
        self, name: str, run: str = "", *, key: str = "", again: float | None = None, **inputs: Any
    ) -> Any:
        """Perform an operation; what it writes counts only where it returns.

        One that is tried `again` after so many seconds leaves what its failure keeps.
        """
        key = key or f"key-{next(self.numbers)}"
        began = self.began.setdefault(key, self.now)
        before = {name: dict(items) for name, items in self.store.items.items()}
        heard: list[tuple[str, Any]] = []
        context = replace(Context.system(), clock=FixedClock(self.now))
        call = StepCall(
            inputs=inputs,
            key=key,
            attempt=1,
            in_doubt=False,
            context=context,
            cancelled=lambda: False,
            log=self.logged.append,
            now=began,
            store=self.store,
            publish=lambda topic, payload: heard.append((topic, payload)),
            run=run,
        )
        operation = next(one for one in OPERATIONS if one.name == f"resources.{name}")
        try:
            outputs = operation.perform(call, self.root)
        except BaseException as error:
            self.store.items = before
            if isinstance(error, KeepingError):
                due = None if again is None else self.now + timedelta(seconds=again)
                error.keep(self.store, due)
            raise
        self.published += heard
        return outputs

    def free(self, pool: str) -> dict[str, str]:
        found: dict[str, str] = self.call("usage")["pools"][pool]["free"]
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return what gives this machine so many GPUs."""

    def give(count: int) -> None:
        machine = Machine(8000, 2**36, tuple(range(count)))
        monkeypatch.setattr("chimera.builtin.resources.holding.measure", lambda: machine)

    return give
