"""Operations: what a stage or a proof step can name, with typed inputs and outputs.

Plugins register them, so that one room uses another's work without importing it. Refuses inputs
and outputs that do not fit the operation's models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from chimera.context import Context
from chimera.runtime.steps import PermanentError, StepCall
from chimera.state import Json

if TYPE_CHECKING:  # the models of `kinds` bring pydantic, which readers of runs do without
    from chimera.kinds import Model

I = TypeVar("I", bound="Model")  # noqa: E741 - inputs
O = TypeVar("O", bound="Model")  # noqa: E741 - outputs


@dataclass(frozen=True, slots=True)
class OperationCall(Generic[I]):
    """What an operation is given: its inputs, and everything else that a step's work gets.

    `root` is the work tree that relative paths are meant in.
    """

    inputs: I
    key: str
    attempt: int
    in_doubt: bool
    context: Context
    root: Path
    cancelled: Callable[[], bool]
    log: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Operation(Generic[I, O]):
    """Something that a stage can do.

    `run` blocks and returns an instance of `outputs` or a mapping that makes one; it raises
    `PermanentError` where another attempt would not help. `effects` is false only for work that
    may silently be run again. `on_interrupt` is as in `Step`. `reach` says how far its work can
    reach: to files of the tree, to whatever a program that it starts does, or anywhere; a proof
    performs for itself only what stays in the tree.
    """

    name: str
    summary: str
    inputs: type[I]
    outputs: type[O]
    run: Callable[[OperationCall[I]], O | Mapping[str, Any]]
    effects: bool = True
    on_interrupt: Literal["retry", "escalate"] = "retry"
    reach: Literal["tree", "program", "anywhere"] = "anywhere"

    def perform(self, call: StepCall, root: Path) -> Json:
        """Run the operation as the work of a step and return its outputs as JSON."""
        inputs = self._fit(self.inputs, call.inputs, "inputs")
        returned = self.run(
            OperationCall(
                inputs=inputs,
                key=call.key,
                attempt=call.attempt,
                in_doubt=call.in_doubt,
                context=call.context,
                root=root,
                cancelled=call.cancelled,
                log=call.log,
            )
        )
        outputs = self._fit(self.outputs, returned, "outputs")
        return outputs.model_dump(mode="json")

    def _fit(self, model: type[Any], value: Any, what: str) -> Any:
        try:
            return model.model_validate(value)
        except ValueError as error:  # pydantic's ValidationError, without importing pydantic
            raise PermanentError(
                f"the {what} of the operation {self.name} do not fit: {error}",
                help=f"`chimera explain {self.name}` shows what the {what} are",
            ) from error
