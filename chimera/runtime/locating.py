"""The step of an id that the journal names, and the inputs that it had.

Steps inside others are made again, as they were: what a step expands to is a pure function of its
inputs, and these of the outputs that the journal has. Refuses to execute anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chimera.runtime.fold import RunState, StepStatus
from chimera.runtime.steps import Graph, Step
from chimera.state import Json

_SEPARATORS = "/["


def locate(graph: Graph, state: RunState, id: str) -> tuple[Step | None, Json]:
    """Return the step that `id` names and its inputs; `None` where the graph has none such."""
    steps: Mapping[str, Step] = graph.by_id
    prefix, rest = "", id
    while True:
        end = min((at for s in _SEPARATORS if (at := rest.find(s)) >= 0), default=len(rest))
        step = steps.get(rest[:end])
        if step is None:
            return None, None
        inputs = step.inputs(_outputs(state, prefix, step.needs))
        here, rest = prefix + rest[:end], rest[end:]
        while rest.startswith("["):
            number, _, rest = rest[1:].partition("]")
            step = _element(step, inputs, int(number))
            if step is None:
                return None, None
            here, inputs = f"{here}[{number}]", step.inputs({})
        if not rest:
            return step, inputs
        steps, prefix, rest = _inside(step, inputs), f"{here}/", rest[1:]


def _outputs(state: RunState, prefix: str, needs: Sequence[str]) -> dict[str, Json]:
    known = {need: state.steps.get(prefix + need) for need in needs}
    return {
        need: step.output
        for need, step in known.items()
        if step is not None and step.status is StepStatus.DONE
    }


def _element(step: Step, inputs: Json, number: int) -> Step | None:
    expansion = step.expand(inputs) if step.expand is not None else None
    if expansion is None or expansion.make is None or number >= (expansion.count or 0):
        return None
    return expansion.make(number)


def _inside(step: Step, inputs: Json) -> Mapping[str, Step]:
    expansion = step.expand(inputs) if step.expand is not None else None
    return {inner.id: inner for inner in expansion.steps} if expansion is not None else {}
