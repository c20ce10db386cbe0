"""Stages with operations as steps: their work, how it is undone, and what comes of failures.

Owns the way of secrets: they are read when work begins, masked from then on, and part of nothing
that is kept. Refuses outputs that lack what their stage has to give.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from chimera.builtin.workflow.escalating import escalation
from chimera.builtin.workflow.handling import (
    FallbackSpec,
    InsteadSpec,
)
from chimera.builtin.workflow.kinds import WorkflowSpec
from chimera.builtin.workflow.promising import checked, promising
from chimera.builtin.workflow.references import (
    Reference,
    look_up,
    references_in,
    resolve,
)
from chimera.builtin.workflow.remote import remote_work
from chimera.builtin.workflow.secrets import secrets_in
from chimera.builtin.workflow.stages import StageSpec, full_name
from chimera.context.secrets import MASK
from chimera.model import digest_json
from chimera.runtime import (
    Expansion,
    Json,
    Operation,
    Outputs,
    RemoteWork,
    Step,
    StepCall,
)
from chimera.runtime.recovery import Fallback, Recovery, Retry, Rollback
from chimera.runtime.secrets import read_secret
from chimera.runtime.steps import OperationStep

AnyOperation = Operation[Any, Any]
Operations = Mapping[str, AnyOperation]


class Performer:
    """Makes the steps of one stage that performs an operation."""

    def __init__(self, spec: WorkflowSpec, stage: StageSpec, operations: Operations) -> None:
        self._spec = spec
        self._stage = stage
        self._operations = operations
        self._made: dict[Path, Step] = {}

    @property
    def operation(self) -> AnyOperation:
        """The operation of the stage."""
        name = self._stage.operation_name
        assert name is not None
        return self._operations[name]

    def step(self, id: str, bring: Callable[[Outputs], dict[str, Any]], root: Path) -> Step:
        """Return the step that performs it; all but id and inputs is the same in every run."""
        made = self._made.get(root)
        if made is None:
            made = self._made[root] = self._make(root)
        return replace(made, id=id, inputs=bring)

    def _make(self, root: Path) -> Step:
        stage, operation = self._stage, self.operation
        step: Step = OperationStep(
            stage.id,
            effects=operation.effects,
            timeout=stage.timeout,
            on_interrupt=stage.on_interrupt or operation.on_interrupt,
            executor=self._executor,
            remote=self._remote(root),
            compensate=self._undo(root),
            cache=self._cache,
            keys=stage.limits,
            critical=stage.critical,
            operation=operation.name,
            given=self._given,
        )
        recovery = self._recovery(root)
        if recovery is not None:
            step = replace(step, recovery=recovery)
        if operation.expand is not None:
            return replace(step, expand=lambda known: self._expanded(known, root), effects=False)
        if operation.probe is not None:
            step = replace(step, probe=lambda call: self._look_up(call, root))
        return replace(step, work=lambda call: self._perform(call, root))

    def _given(self, known: Any) -> Json:
        """Return inputs as guards see them: with their references replaced, and no secret."""
        secrets = dict.fromkeys(secrets_in(self._stage.inputs, self._spec.secrets), MASK)
        return resolve(self._stage.inputs, {**known, **secrets})

    @property
    def _executor(self) -> str:
        return self._stage.executor or self.operation.executor

    def _perform(self, call: StepCall, root: Path) -> Json:
        inputs = self.filled(self._stage.inputs, call.inputs, call, root)
        return checked(
            self.operation.perform(replace(call, inputs=inputs), root), self._stage.outputs
        )

    def _remote(self, root: Path) -> RemoteWork | None:
        """Return the work as another process can do it; most stages stay in this one."""
        if self._executor in ("thread", "inline", "loop"):
            return None
        inputs = self._stage.inputs
        secrets = secrets_in(inputs, self._spec.secrets)
        return remote_work(self.operation.name, inputs, secrets, root, self._stage.outputs)

    def _look_up(self, call: StepCall, root: Path) -> Json | None:
        inputs = self.filled(self._stage.inputs, call.inputs, call, root)
        found = self.operation.look_up(replace(call, inputs=inputs), root)
        return None if found is None else checked(found, self._stage.outputs)

    def _expanded(self, known: Json, root: Path) -> Expansion:
        assert isinstance(known, dict)
        inputs = resolve(self._stage.inputs, known)
        expansion = self.operation.expanded(inputs, self._operations, root)
        return promising(expansion, self._stage.outputs)

    def filled(
        self, template: Mapping[str, Any], known: Any, call: StepCall, root: Path
    ) -> dict[str, Any]:
        """Return inputs with their references replaced, secrets too."""
        secrets = {
            text: read_secret(text, spec, call.context, root, call.cancelled)
            for text, spec in secrets_in(template, self._spec.secrets).items()
        }
        found: dict[str, Any] = resolve(template, {**known, **secrets})
        return found

    @cached_property
    def _cache(self) -> str | None:
        """What equal outputs need besides equal values of references: the same thing done."""
        if not self._stage.cache:
            return None
        return f"{self.operation.name} {digest_json(self._stage.inputs)}"

    def _undo(self, root: Path) -> Callable[[StepCall], Json] | None:
        stage, own = self._stage, self.operation.compensate
        if stage.compensate is None:
            return None if own is None else lambda call: self._undo_itself(own, call, root)
        template = stage.compensate.inputs
        name = full_name(stage.compensate.module, stage.compensate.operation) or ""
        looked_at = [r for r in references_in(template) if _names(r, stage.id)]

        def undo(call: StepCall) -> Json:
            done: Any = call.inputs
            sources = {stage.id: done["outputs"]}
            known = {str(ref): look_up(ref, sources) for ref in looked_at}
            inputs = self.filled(template, {**done["inputs"], **known}, call, root)
            return self._operations[name].perform(replace(call, inputs=inputs), root)

        return undo

    def _undo_itself(self, name: str, call: StepCall, root: Path) -> Json:
        done: Any = call.inputs
        inputs = self.filled(self._stage.inputs, done["inputs"], call, root)
        given = {"inputs": inputs, "outputs": done["outputs"]}
        return self._operations[name].perform(replace(call, inputs=given), root)

    def _recovery(self, root: Path) -> Recovery | None:
        """Return what the stage or its workflow says of failures; `None` where neither does."""
        policy = self._stage.retry_policy or self._spec.retry_policy
        handling = self._stage.error_handling or self._spec.error_handling
        if policy is None and handling is None:
            return None
        retry = Retry() if policy is None else policy.as_retry()
        if handling is None:
            return Recovery(retry)
        rollback = handling.rollback_procedure
        return Recovery(
            retry,
            fallbacks=tuple(self._fallback(one, root) for one in handling.fallback_actions),
            escalations=tuple(
                escalation(one, self._spec.secrets) for one in handling.escalation_rules
            ),
            breaker=handling.circuit_breaker,
            bulkhead=handling.bulkhead,
            rollback=None if rollback is None else Rollback(self._instead(rollback, root)),
        )

    def _fallback(self, one: FallbackSpec, root: Path) -> Fallback:
        promised = self._stage.outputs
        step = self._instead(one, root, promised) if one.type == "alternative" else None
        return Fallback(one.type, one.conditions, one.outputs, step)

    def _instead(self, one: InsteadSpec, root: Path, promised: tuple[str, ...] = ()) -> Step | None:
        name = full_name(one.module, one.operation)
        if name is None:
            return None
        operation = self._operations[name]

        def work(call: StepCall) -> Json:
            inputs = self.filled(one.inputs, call.inputs, call, root)
            return checked(operation.perform(replace(call, inputs=inputs), root), promised)

        return Step("instead", work=work, effects=operation.effects, executor=operation.executor)


def _names(reference: Reference, source: str) -> bool:
    return any(one.source == source for one in reference.alternatives)
