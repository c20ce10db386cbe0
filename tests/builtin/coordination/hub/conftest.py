"""A desk that performs operations of several steps, one step after the other, over a store."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from chimera.context import Context
from chimera.kinds import Registry
from chimera.plugin import load_plugins
from chimera.runtime import Expansion, Operation, Step, StepCall
from chimera.runtime.recovery import Again, Facts, classify, decide
from tests.builtin.coordination.conftest import NOW, ROOT, Memory

REGISTERED = Registry.collect(load_plugins()).operations


@dataclass
class Hub:
    """Performs operations as a run does: ids, times and order are the same in every one."""

    operations: dict[str, Operation[Any, Any]]
    store: Memory = field(default_factory=Memory)
    now: datetime = NOW
    before: dict[str, Any] = field(default_factory=dict)
    """What happens before steps whose ids end so: a function of no arguments."""
    order: list[str] = field(default_factory=list)
    attempts: list[str] = field(default_factory=list)
    runs: int = 0
    number: int = 0

    def do(self, name: str, /, **inputs: Any) -> Any:
        """Perform an operation in a run of its own."""
        self.runs += 1
        operation = self.operations[name]
        step = self._step("do", operation, inputs)
        return self._execute(step, {}, f"run-{self.runs}")

    def _step(self, id: str, operation: Operation[Any, Any], inputs: Any) -> Step:
        if operation.expand is not None:
            return Step(
                id,
                inputs=lambda _: inputs,
                expand=lambda given: operation.expanded(given, self.operations, ROOT),
            )
        return Step(
            id,
            lambda call: operation.perform(call, ROOT),
            inputs=lambda _: inputs,
            executor=operation.executor,
        )

    def _execute(self, step: Step, outputs: Mapping[str, Any], path: str) -> Any:
        inputs = copy.deepcopy(step.inputs(outputs))
        if step.expand is not None:
            return self._expand(step.expand(inputs), path)
        for suffix, happen in list(self.before.items()):
            if path.endswith(suffix):
                del self.before[suffix]
                happen()
        self.order.append(path)
        return self._attempt(step, inputs, path)

    def _expand(self, expansion: Expansion, path: str) -> Any:
        outputs: dict[str, Any] = {}
        for id, step in _in_order(expansion):
            try:
                given = {need: outputs[need] for need in step.needs if need in outputs}
                inner = f"{path}[{id}]" if expansion.count is not None else f"{path}/{id}"
                outputs[id] = self._execute(step, given, inner)
            except Exception:
                if not expansion.keep_going:
                    raise
        return expansion.collect(outputs)

    def _attempt(self, step: Step, inputs: Any, path: str, attempt: int = 1) -> Any:
        self.attempts.append(path)
        values, said = copy.deepcopy(self.store.values), []
        call = StepCall(
            inputs=inputs,
            key=hashlib.sha256(path.encode()).hexdigest(),
            attempt=attempt,
            in_doubt=False,
            context=Context.system(now=self.now),
            cancelled=lambda: False,
            log=lambda line: None,
            now=self.now,
            store=self.store,
            publish=lambda topic, payload: said.append((topic, payload)),
            run=path.partition("/")[0],
        )
        try:
            output = step.work(call)
        except Exception as error:
            self.store.values = values
            if step.recovery is None:
                raise
            failure = classify(error)
            if isinstance(decide(step.recovery, failure, attempt, "key", Facts()), Again):
                return self._attempt(step, inputs, path, attempt + 1)
            raise
        for topic, payload in said:
            self._publish(topic, payload, call.run)
        return copy.deepcopy(output)

    def _publish(self, topic: str, payload: Any, run: str) -> None:
        self.number += 1
        at = self.now.isoformat()
        value = {"topic": topic, "payload": payload, "at": at, "run": run, "step": "s"}
        self.store.put("outbox", f"{at}/{self.number:06}", value)

    def wait(self, **time: float) -> None:
        """Let time pass."""
        self.now += timedelta(**time)

    def settings(self, **settings: Any) -> None:
        """Apply an orchestrator."""
        said = {"messageQueueSize": 10_000, "messageTimeout": "30s", **settings}
        self.store.put("settings", "system", said)

    def letters(self) -> list[Any]:
        """Return the dead letters."""
        return list(self.do("hub.deadLetters")["letters"])

    def published(self, topic: str) -> list[Any]:
        """Return what was published under a topic."""
        return [v["payload"] for _, v in self.store.find("outbox") if v["topic"] == topic]


def _in_order(expansion: Expansion) -> Iterator[tuple[str, Step]]:
    """Yield the steps of an expansion: those that are ready, by priority, as they come."""
    if expansion.make is not None:
        for number in range(expansion.count or 0):
            yield str(number), expansion.make(number)
        return
    waiting, done = list(expansion.steps), set[str]()
    while waiting:
        ready = [step for step in waiting if done.issuperset(step.needs)]
        step = max(ready, key=lambda one: one.priority)
        waiting.remove(step)
        done.add(step.id)
        yield step.id, step


@pytest.fixture
def hub() -> Hub:
    return Hub(dict(REGISTERED))
