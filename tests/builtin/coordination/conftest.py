"""A desk at which operations are performed as the engine does it, over a store in memory."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.coordination.modules import operations
from chimera.context import Context
from chimera.runtime import StepCall

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

    def find(self, collection: str, **equal: Any) -> Iterable[tuple[str, Any]]:
        found = sorted(self.values.get(collection, {}).items())
        return [
            (id, copy.deepcopy(value))
            for id, value in found
            if all(value.get(name) == wanted for name, wanted in equal.items())
        ]

    def count(self, collection: str, **equal: Any) -> int:
        return len(list(self.find(collection, **equal)))

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
        self.steps += 1
        before = copy.deepcopy(self.store.values)
        said: list[tuple[str, Any]] = []
        call = StepCall(
            inputs=inputs,
            key=hashlib.sha256(f"{self.steps}".encode()).hexdigest(),
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
            outputs = OPERATIONS[name].perform(call, ROOT)
        except BaseException:
            self.store.values = before
            raise
        self.published += said
        self.performed.add(name)
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
