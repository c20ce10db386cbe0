"""Operations: what a stage or a proof step can name, with typed inputs and outputs.

Plugins register them, so that one room uses another's work without importing it. Refuses inputs
and outputs that do not fit the operation's models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, NoReturn, TypeVar

from chimera.runtime.recovery import PermanentError

if TYPE_CHECKING:  # whoever judges inputs needs neither what runs operations nor the state
    from chimera.kinds import Model
    from chimera.runtime.calls import OperationCall
    from chimera.runtime.steps import Expansion, StepCall
    from chimera.state import Json

I = TypeVar("I", bound="Model")  # noqa: E741 - inputs
O = TypeVar("O", bound="Model")  # noqa: E741 - outputs


Operations = Mapping[str, "Operation[Any, Any]"]


def _refuse_as_work(call: OperationCall[Any]) -> NoReturn:
    raise PermanentError(
        "it is done as durable steps, which only a workflow's stage can be made of",
        help="write a stage with this operation",
    )


@dataclass(frozen=True, slots=True)
class Operation(Generic[I, O]):
    """Something that a stage can do.

    `run` blocks and returns an instance of `outputs` or a mapping that makes one; it raises
    `PermanentError` where another attempt would not help. `effects` is false only for work that
    may silently be run again. `on_interrupt` and `executor` are as in `Step`, unless a stage says
    otherwise; `inline` is for short work that uses the store. `reach` says how far its work can
    reach: to files of the tree, to whatever a program that it starts does, or anywhere; a proof
    performs for itself only what stays in the tree. `aliases` are other names that stages may use.
    The outputs of a `cacheable` one follow from its inputs alone. `compensate` names the operation
    that undoes it, given its `inputs` and `outputs`. `probe` looks up by the key whether an
    interrupted attempt took effect: it returns the outputs, or `None` where it did not. One
    with `expand` is not run: it says, purely, into which steps its inputs expand, given them, all
    operations by name, and the work tree.
    """

    name: str
    summary: str
    inputs: type[I]
    outputs: type[O]
    run: Callable[[OperationCall[I]], O | Mapping[str, Any]] = _refuse_as_work
    effects: bool = True
    on_interrupt: Literal["retry", "probe", "escalate"] = "retry"
    reach: Literal["tree", "program", "anywhere"] = "anywhere"
    executor: str = "thread"
    aliases: tuple[str, ...] = ()
    cacheable: bool = False
    compensate: str | None = None
    probe: Callable[[OperationCall[I]], O | Mapping[str, Any] | None] | None = None
    expand: Callable[[I, Operations, Path], Expansion] | None = None

    def perform(self, call: StepCall, root: Path) -> Json:
        """Run the operation as the work of a step and return its outputs as JSON."""
        return self._outputs(self.run(self._called(call, root)))

    def expanded(self, inputs: Json, operations: Operations, root: Path) -> Expansion:
        """Return the steps that are done in place of `run`, for an operation that has `expand`."""
        assert self.expand is not None
        return self.expand(self._fit(self.inputs, inputs, "inputs"), operations, root)

    def look_up(self, call: StepCall, root: Path) -> Json | None:
        """Return the outputs of an attempt that took effect, or `None` where none did."""
        assert self.probe is not None
        found = self.probe(self._called(call, root))
        return None if found is None else self._outputs(found)

    def _called(self, call: StepCall, root: Path) -> OperationCall[I]:
        from chimera.runtime.calls import OperationCall

        return OperationCall(
            inputs=self._fit(self.inputs, call.inputs, "inputs"),
            key=call.key,
            attempt=call.attempt,
            in_doubt=call.in_doubt,
            context=call.context,
            root=root,
            cancelled=call.cancelled,
            log=call.log,
            now=call.now,
            store=call.store,
            publish=call.publish,
            run=call.run,
            ids=call.ids,
        )

    def _outputs(self, returned: Any) -> Json:
        dumped: Json = self._fit(self.outputs, returned, "outputs").model_dump(mode="json")
        return dumped

    def _fit(self, model: type[Any], value: Any, what: str) -> Any:
        try:
            return model.model_validate(value)
        except ValueError as error:
            raise PermanentError(
                f"the {what} of the operation {self.name} do not fit: {_reasons(error)}",
                help=f"`chimera explain {self.name}` shows what the {what} are",
            ) from None  # it holds the values


def _reasons(error: ValueError) -> str:
    """Return what is wrong where, without the values: a secret that is cut is not masked."""
    if not hasattr(error, "errors"):
        return str(error)
    # pydantic's ValidationError, without importing pydantic
    found = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'all'}: {one['msg']}" for one in found)
