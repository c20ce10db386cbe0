"""A desk at which operations are performed as the engine does it, over a store in memory."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.coordination.modules import operations
from chimera.context import Context
from chimera.runtime import PermanentError, Step, StepCall, Wait

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
OPERATIONS = {operation.name: operation for operation in operations()}
ORACLE = next(
    (p for p in (ROOT.parent / "shared" / "mplp-v1", ROOT / "shared" / "mplp-v1") if p.is_dir()),
    None,
)
needs_oracle = pytest.mark.skipif(ORACLE is None, reason="the schemas of MPLP v1.0 are not here")


@dataclass
class Memory:
    """Collections in memory; what comes out cannot change what is in."""

    values: dict[str, dict[str, Any]] = field(default_factory=dict)

    def get(self, collection: str, id: str) -> Any:
        return copy.deepcopy(self.values.get(collection, {}).get(id))

    def find(self, collection: str, **equal: Any) -> list[tuple[str, Any]]:
        found = sorted(self.values.get(collection, {}).items())
        return [
            (id, copy.deepcopy(value))
            for id, value in found
            if all(value.get(name) == wanted for name, wanted in equal.items())
        ]

    def count(self, collection: str, **equal: Any) -> int:
        return len(self.find(collection, **equal))

    def put(self, collection: str, id: str, value: Any) -> None:
        self.values.setdefault(collection, {})[id] = json.loads(json.dumps(value))

    def delete(self, collection: str, id: str) -> None:
        self.values.get(collection, {}).pop(id, None)


@dataclass
class Desk:
    """Performs operations one after the other; one that fails has written nothing."""

    store: Memory = field(default_factory=Memory)
    now: datetime = NOW
    published: list[tuple[str, Any]] = field(default_factory=list)
    performed: set[str] = field(default_factory=set)
    steps: int = 0

    def do(self, name: str, /, **inputs: Any) -> Any:
        outputs = self.perform(lambda call: OPERATIONS[name].perform(call, ROOT), inputs, name)
        self.performed.add(name)
        return outputs

    def perform(self, work: Callable[[StepCall], Any], inputs: Any, path: str) -> Any:
        self.steps += 1
        before = copy.deepcopy(self.store.values)
        said: list[tuple[str, Any]] = []
        call = StepCall(
            inputs=inputs,
            key=hashlib.sha256(f"{self.steps} {path}".encode()).hexdigest(),
            attempt=1,
            in_doubt=False,
            context=Context.system(now=self.now),
            cancelled=lambda: False,
            log=lambda line: None,
            now=self.now,
            store=self.store,
            publish=lambda topic, payload: said.append((topic, payload)),
        )
        try:
            outputs = work(call)
        except BaseException:
            self.store.values = before
            raise
        self.published += said
        return outputs

    def wait(self, **time: float) -> None:
        self.now += timedelta(**time)

    def configure(self, module: str, **configuration: Any) -> None:
        self.store.put("module", module, {"state": "started", "configuration": configuration})

    def context(self, **more: Any) -> str:
        id: str = self.do("context.create", name="work", **more)["contextId"]
        return id


@pytest.fixture
def desk() -> Desk:
    return Desk()


@dataclass
class Interpreter:
    """Carries out steps one by one, as the engine does it, where a test needs no journal."""

    desk: Desk
    signals: dict[str, Any] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)

    def run(self, steps: Iterable[Step], path: str = "", *, keep_going: bool = False) -> Any:
        """Return the outputs by id; with `keep_going`, those of steps that failed are not there."""
        outputs: dict[str, Any] = {}
        over: set[str] = set()
        for step in steps:
            assert over.issuperset(step.needs)
            over.add(step.id)
            if step.when is not None and not step.when(outputs):
                continue
            try:
                outputs[step.id] = self._perform(step, step.inputs(outputs), f"{path}{step.id}")
            except PermanentError:
                if not keep_going:
                    raise
        return outputs

    def _perform(self, step: Step, inputs: Any, path: str) -> Any:
        if step.expand is not None:
            inner = step.expand(inputs)
            found = self.run(inner.steps, f"{path}/", keep_going=inner.keep_going)
            return inner.collect(found)
        self.done.append(path)
        if step.wait is not None:
            assert isinstance(step.wait, Wait)
            return self.signals[step.wait.signal or ""]
        return self.desk.perform(step.work, inputs, path)


@pytest.fixture
def interpreter(desk: Desk) -> Interpreter:
    return Interpreter(desk)
