"""How messages are carried, laid out as durable steps.

    send → carry (deliver → settle) → outcome

`send` has the message wait in the queue, or finds at once that it has nowhere to go. `deliver` does
the operation that is asked for, unless its deadline has passed when an attempt begins: what came of
that is recorded, and no replay judges again. `settle` takes it off the queue, and makes a dead
letter of it where it could not be delivered; only then `outcome` fails, so that the letter is kept.
Refuses to carry out what nobody registered, and what a module that is shut down would have to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from chimera.builtin.coordination.declaring import MODULES
from chimera.builtin.coordination.hub.held import Held
from chimera.builtin.coordination.hub.messages import RANKS, Message, plain
from chimera.builtin.coordination.hub.waiting import bury, discard, leave
from chimera.kinds import nearest
from chimera.runtime import (
    Expansion,
    Json,
    Operation,
    Outputs,
    PermanentError,
    Recovery,
    Retry,
    Step,
    StepCall,
)
from chimera.runtime.recovery import classify

Operations = Mapping[str, Operation[Any, Any]]

ATTEMPTS = 4
"""How often a message is tried to be delivered, where failures are transient."""

RECOVERY = Recovery(Retry(ATTEMPTS, on="transient"))

EXECUTORS = {"inline", "loop", "thread"}
"""Where work can be executed that is not a function of a module by its name."""


def inline(id: str, work: Any, **more: Any) -> Step:
    """Return a step that touches only the store."""
    return Step(id, work, effects=False, executor="inline", **more)


def route(call: StepCall, operations: Operations, message: Message) -> str | None:
    """Return why a message has nowhere to go, or `None` where it has."""
    module = call.store.get(MODULES, message.target_module)
    if module is not None and module["state"] != "started":
        return f"the module {message.target_module} is {module['state']}"
    if message.name not in operations:
        prefix = f"{message.target_module}."
        own = [name for name in operations if name.startswith(prefix)]
        if not own:
            return f"there is no module {message.target_module}"
        near = nearest(message.name, own)
        meant = f": did you mean {near}?" if near else ""
        return f"nobody registered the operation {message.name}{meant}"
    return None


@dataclass(frozen=True, slots=True)
class Carrier:
    """Lays out how one message is delivered, whoever sent it.

    What is carried is JSON: the `message`, and as `dead` the reason why it has nowhere to go.
    `recognised` tells a message that was delivered before; `delivered` is called with the store
    when one has been, where what it writes is committed with the operation's own.
    """

    operations: Operations
    root: Path
    recognised: Callable[[StepCall, Message], bool] = lambda call, message: False
    delivered: Callable[[StepCall, Message], None] = lambda call, message: None

    def carry(self, sent: Json) -> Expansion:
        """Return the steps by which a message that was sent is delivered."""
        assert isinstance(sent, dict)
        message = Message.model_validate(sent["message"])
        steps = [] if sent["dead"] else [self._deliver(message)]
        settle = inline(
            "settle",
            self._settle,
            needs=tuple(step.id for step in steps),
            inputs=lambda outputs: {"sent": sent, "came": outputs.get("deliver")},
        )
        return Expansion(steps=(*steps, settle), collect=lambda outputs: outputs["settle"])

    def _deliver(self, message: Message) -> Step:
        operation, rank = self.operations[message.name], RANKS[message.priority]
        if operation.expand is not None:
            return Step(
                "deliver",
                inputs=lambda outputs: message.payload,
                expand=lambda payload: self._expanded(operation, payload),
                effects=False,
                priority=rank,
            )
        return Step(
            "deliver",
            lambda call: self._perform(operation, message, call),
            inputs=lambda outputs: plain(message),
            effects=operation.effects,
            executor=operation.executor if operation.executor in EXECUTORS else "thread",
            on_interrupt=operation.on_interrupt,
            probe=None if operation.probe is None else self._prober(operation, message),
            recovery=RECOVERY,
            priority=rank,
        )

    def _prober(self, operation: Operation[Any, Any], message: Message) -> Any:
        def probe(call: StepCall) -> Json | None:
            found = operation.look_up(replace(call, inputs=message.payload), self.root)
            return None if found is None else {"reply": found}

        return probe

    def _expanded(self, operation: Operation[Any, Any], payload: Json) -> Expansion:
        """Return the steps of an operation that has several, of which one may fail."""
        work = Step(
            "work",
            inputs=lambda outputs: payload,
            expand=lambda given: operation.expanded(given, self.operations, self.root),
            effects=operation.effects,
        )

        def collect(outputs: Outputs) -> Json:
            if "work" in outputs:
                return {"reply": outputs["work"]}
            return {"dead": f"{operation.name} failed: `chimera runs show` says in which step"}

        return Expansion(steps=(work,), collect=collect, keep_going=True)

    def _perform(self, operation: Operation[Any, Any], message: Message, call: StepCall) -> Json:
        """Do what is asked for; a failure that is no use retrying is an answer."""
        is_inline = operation.executor == "inline"
        if message.is_late(call.context.clock.now()):
            return {"dead": f"its deadline, {message.deadline}, passed before it was delivered"}
        if is_inline and self.recognised(call, message):
            return {"reply": None, "again": True}
        held, said = Held(call.store), []
        inner = replace(
            call,
            inputs=message.payload,
            store=held if is_inline else call.store,
            publish=lambda topic, payload: said.append((topic, payload)),
        )
        try:
            reply = operation.perform(inner, self.root)
        except Exception as error:
            failure = classify(error)
            if failure.transient and not failure.permanent and call.attempt < ATTEMPTS:
                raise
            return {"dead": f"{operation.name} failed: {failure.message}"}
        if is_inline:
            self.delivered(replace(call, store=held), message)
            held.release()
        for topic, payload in said:
            call.publish(topic, payload)
        return {"reply": reply}

    def _settle(self, call: StepCall) -> Json:
        """Take the message off the queue; keep it as a dead letter where it was not delivered."""
        assert isinstance(call.inputs, dict)
        sent, came = call.inputs["sent"], call.inputs["came"] or {}
        message = Message.model_validate(sent["message"])
        dead = sent["dead"] or came.get("dead")
        leave(call, message.id)
        if dead:
            bury(call, message, dead)
        else:
            discard(call, message.id)
        if not self.recognised(call, message):
            self.delivered(call, message)
        return {
            "messageId": message.id,
            "correlationId": message.correlation_id,
            "module": message.target_module,
            "status": "dead" if dead else "delivered",
            "reply": came.get("reply"),
            "reason": dead,
        }


def outcome(call: StepCall) -> Json:
    """Fail where the message is a dead letter."""
    came = call.inputs
    assert isinstance(came, dict)
    if came["status"] == "dead":
        raise PermanentError(
            f"the message {came['messageId']} could not be delivered: {came['reason']}",
            help="it is kept: hub.deadLetters shows it, and hub.replay sends it again",
        )
    return None
