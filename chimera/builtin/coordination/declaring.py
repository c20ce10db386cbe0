"""How the modules declare what they can do, and how they learn their configuration.

Their operations run in the engine's turn and touch nothing but the store, so that what they write
is committed with the step's end. Refuses effects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from chimera.builtin.coordination.shelf import Call
from chimera.kinds import Model
from chimera.runtime import Operation, OperationCall

I = TypeVar("I", bound=Model)  # noqa: E741 - inputs
O = TypeVar("O", bound=Model)  # noqa: E741 - outputs
C = TypeVar("C", bound=Model)

MODULES = "module"
"""Collection of the modules that were applied, by type: their state and configuration."""


def stored(
    name: str,
    summary: str,
    inputs: type[I],
    outputs: type[O],
    run: Callable[[OperationCall[I]], O | Mapping[str, Any]],
    *aliases: str,
) -> Operation[I, O]:
    """Return an operation that touches only the store."""
    module = name.partition(".")[0]
    return Operation(
        name=name,
        summary=summary,
        inputs=inputs,
        outputs=outputs,
        run=run,
        effects=False,
        executor="inline",
        reach="tree",
        aliases=tuple(f"{module}.{alias}" for alias in aliases),
    )


def configured(call: Call, module: str, model: type[C]) -> C:
    """Return the configuration that the applied Module of a type gives, else the defaults."""
    applied = call.store.get(MODULES, module)
    return model.model_validate(applied["configuration"] if applied else {})
