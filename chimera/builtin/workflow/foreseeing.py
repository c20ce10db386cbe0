"""What is known of a run before anything runs: which stages will, and with which inputs.

What depends on outputs is left as its author wrote it, and a predicate on them is not decided.
Secrets are never read. Refuses to run anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chimera.builtin.workflow.expressions import Stated, predicates_of, state, values_for
from chimera.builtin.workflow.references import (
    INPUT,
    SECRET,
    Reference,
    look_up,
    parse,
    references_in,
    replace_strings,
    write_out,
)
from chimera.builtin.workflow.scope import Scope
from chimera.builtin.workflow.stages import StageSpec
from chimera.model import ChimeraError
from chimera.policy import PredicateError, Predicates

_MASK = "***"


def foresee(scope: Scope, given: Any) -> dict[str, dict[str, Any]]:
    """Return for each stage its `fate` (`runs`, `skipped`, `unknown`) and the `inputs` it gets.

    A stage that goes through a list has `items`, where their number is known. One whose results are
    kept is `determined` where nothing of its inputs is left open.
    """
    found: dict[str, dict[str, Any]] = {}
    with Predicates() as predicates:
        for index in scope.order.started:
            stage = scope.spec.stages[index]
            fate = _fate(scope, index, given, found, predicates)
            found[stage.id] = {"fate": fate}
            if fate != "skipped":
                found[stage.id] |= _asked(stage, given, found)
    return {stage.id: found[stage.id] for stage in scope.spec.stages if stage.id in found}


def _fate(
    scope: Scope,
    index: int,
    given: Any,
    found: Mapping[str, Mapping[str, Any]],
    predicates: Predicates,
) -> str:
    stage = scope.spec.stages[index]
    fates = [found[id]["fate"] for id in stage.dependencies if id in found]
    if scope.spec.mode == "conditional" and fates and "runs" not in fates:
        return "skipped" if set(fates) == {"skipped"} else "unknown"
    if stage.when is None:
        return "runs"
    route, text, _ = next(predicates_of(stage, index))
    stated = state(scope, index, route, text, item=False)
    if not _is_known(stated, found):
        return "unknown"
    try:
        holds = predicates.holds(stated.predicate, values_for(stated, {INPUT: given}))
    except PredicateError:
        return "unknown"
    return "runs" if holds else "skipped"


def _is_known(stated: Stated, found: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether a predicate looks at inputs alone, and at stages that are skipped."""
    sources = {path[0] for path in stated.sources.values()}
    return all(
        source == INPUT or found.get(source, {}).get("fate") == "skipped" for source in sources
    )


def _asked(stage: StageSpec, given: Any, found: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    skipped = {id for id, about in found.items() if about["fate"] == "skipped"}

    def filled(text: str) -> Any:
        parts = parse(text)
        values = [_value(part, given, skipped) for part in parts]
        if len(values) == 1:
            return values[0]
        return "".join(write_out(value) for value in values)

    about: dict[str, Any] = {}
    confirm = stage.confirm
    values = stage.inputs
    if confirm:
        values = {"question": confirm.question, "approvers": list(confirm.approvers)}
    if values:
        about["inputs"] = replace_strings(values, filled)
    if stage.cache:
        sources = {
            one.source
            for ref in references_in([stage.inputs, stage.for_each and stage.for_each.items])
            for one in ref.alternatives
        }
        item = stage.for_each.as_ if stage.for_each else INPUT
        about["determined"] = sources <= {INPUT, SECRET, item, *skipped}
    if stage.for_each is not None:
        items = replace_strings(stage.for_each.items, filled)
        if isinstance(items, (list, int)):
            about["items"] = items if isinstance(items, int) else len(items)
    return about


def _value(part: Any, given: Any, skipped: set[str]) -> Any:
    """Return what a part of a string will be, or how it is written where that is not known."""
    if not isinstance(part, Reference):
        return part if isinstance(part, str) else part.text
    sources = {one.source for one in part.alternatives}
    if SECRET in sources:
        return _MASK
    if sources <= {INPUT, *skipped}:
        try:
            return look_up(part, {INPUT: given})
        except ChimeraError:
            pass
    return f"${{{part}}}"
