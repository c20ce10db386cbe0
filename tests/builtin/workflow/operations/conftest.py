"""Operations, performed as a step performs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from chimera.context import Context
from chimera.kinds import Registry
from chimera.runtime import StepCall

Perform = Callable[..., dict[str, Any]]


@pytest.fixture
def log() -> list[str]:
    """What the operation logged."""
    return []


@pytest.fixture
def perform(tmp_path: Path, registry: Registry, log: list[str]) -> Perform:
    """Perform an operation in the folder `tree` and return its outputs."""
    root = tmp_path / "tree"
    root.mkdir()

    def run(
        name: str,
        inputs: Mapping[str, Any],
        *,
        key: str = "k" * 64,
        cancelled: Callable[[], bool] = lambda: False,
        context: Context | None = None,
        log: Callable[[str], None] = log.append,
        publish: Callable[[str, Any], None] = lambda topic, payload: None,
    ) -> dict[str, Any]:
        call = StepCall(
            inputs=dict(inputs),
            key=key,
            attempt=1,
            in_doubt=False,
            context=context or Context.system(),
            cancelled=cancelled,
            log=log,
            publish=publish,
        )
        return registry.operations[name].perform(call, root)

    return run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "tree"
