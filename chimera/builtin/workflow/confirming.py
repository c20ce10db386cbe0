"""Questions to humans: the steps that ask, wait for an answer, judge it, and close what was asked.

Where the module `confirm` is registered, a question is one of its requests, too: who may decide
finds it there, and sees what was decided. Its operations are looked up by name; without them it is
a plain wait. Refuses what is no answer, the answer of somebody who was not asked, and automation's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from chimera.builtin.workflow.references import resolve
from chimera.builtin.workflow.stages import ConfirmSpec, StageSpec
from chimera.runtime import (
    Expansion,
    Json,
    Operation,
    Outputs,
    PermanentError,
    Step,
    StepCall,
    Wait,
)
from chimera.runtime.steps import derived_uuid

AnyOperation = Operation[Any, Any]
_MODULE = ("confirm.request", "confirm.get", "confirm.decide", "confirm.cancel")
_AGAIN = "`chimera runs retry` with --from and the stage asks again"


@dataclass(frozen=True, slots=True)
class _Desk:
    """The operations by which requests are kept, and the tree that they are performed in."""

    operations: Mapping[str, AnyOperation]
    root: Path

    def perform(self, action: str, call: StepCall, **inputs: Any) -> dict[str, Any]:
        """Perform an operation of the module, as part of the step that is called."""
        done: Any = self.operations[action].perform(replace(call, inputs=inputs), self.root)
        return dict(done)


def confirmation(
    id: str,
    stage: StageSpec,
    bring: Callable[[Outputs], dict[str, Any]],
    path: str,
    operations: Mapping[str, AnyOperation],
    root: Path,
) -> Step:
    """Return the step that asks what the stage asks; the answer is the signal `path`."""
    confirm = stage.confirm
    assert confirm is not None
    desk = _Desk(operations, root) if operations.keys() >= set(_MODULE) else None

    def inputs(outputs: Outputs) -> Json:
        asked: Any = resolve(
            {"question": confirm.question, "approvers": list(confirm.approvers)}, bring(outputs)
        )
        if not all(isinstance(one, str) and one for one in asked["approvers"]):
            raise PermanentError(
                "one of the approvers is no name", help="name them one by one, as texts"
            )
        return {"question": str(asked["question"]), "approvers": asked["approvers"]}

    def expand(asked: Json) -> Expansion:
        answer = _answer(stage, asked, path, is_told=desk is not None)
        if desk is None:
            steps = [answer, _decision(confirm, asked, "answer")]
        else:
            decision = _decision(confirm, asked, "request", "answer", "close")
            steps = [_request(desk, asked), answer, _closing(desk, asked), decision]
        return Expansion(steps=steps, collect=lambda outputs: outputs["decision"])

    return Step(id, inputs=inputs, expand=expand, effects=False)


def _request(desk: _Desk, asked: Json) -> Step:
    """Return the step that opens a request about the run."""
    return _inline("request", partial(_open, desk), inputs=lambda outputs: asked)


def _open(desk: _Desk, call: StepCall) -> Json:
    asked: Any = call.inputs
    made = desk.perform(
        "confirm.request",
        call,
        targetType="other",
        targetId=derived_uuid(call.run, 0),  # the same for all that a run asks
        requestedByRole=f"run {call.run}",
        reason=asked["question"],
        approvers=list(dict.fromkeys(asked["approvers"])),
        quorum=1,
    )
    return {"requestId": made["requestId"], "alias": made["alias"]}


def _answer(stage: StageSpec, asked: Json, path: str, *, is_told: bool) -> Step:
    """Return the step that waits; where a request is to be closed, too late is an answer too."""
    needs = ("request",) if is_told else ()
    wait = Wait(signal=path, asks=asked)
    step = Step("answer", wait=wait, effects=False, timeout=stage.wait_timeout)
    if not is_told or stage.wait_timeout is None:
        return replace(step, needs=needs, inputs=lambda outputs: asked)

    def expand(asked: Json) -> Expansion:
        inside = replace(step, id="signal", inputs=lambda outputs: asked)
        return Expansion(steps=(inside,), collect=_in_time, keep_going=True)

    return Step("answer", needs=needs, inputs=lambda outputs: asked, expand=expand, effects=False)


def _in_time(outputs: Outputs) -> Json:
    return outputs.get("signal", {"late": True})


def _closing(desk: _Desk, asked: Json) -> Step:
    """Return the step that writes the answer into the request, or gives the request up."""
    return _inline(
        "close",
        partial(_close, desk),
        needs=("request", "answer"),
        inputs=lambda outputs: {**outputs, "asked": asked},
    )


def _close(desk: _Desk, call: StepCall) -> Json:
    given: Any = call.inputs
    id = given["request"]["requestId"]
    held = desk.perform("confirm.get", call, requestId=id)
    if held["status"] != "pending":
        return {"status": held["status"]}  # somebody decided it there
    said = _judged(given["asked"], given["answer"])
    if isinstance(said, PermanentError):
        held = desk.perform("confirm.cancel", call, requestId=id, reason=said.message)
    else:
        held = desk.perform(
            "confirm.decide",
            call,
            requestId=id,
            approver=said["by"],
            decision="approved" if said["approved"] else "rejected",
            reason=said["comment"] or None,
        )
    return {"status": held["status"]}


def _decision(confirm: ConfirmSpec, asked: Json, *needs: str) -> Step:
    """Return the step that judges the answer."""
    return _inline(
        "decision",
        partial(_decide, fails=confirm.on_reject == "fail"),
        needs=needs,
        inputs=lambda outputs: {**outputs, "asked": asked},
    )


def _decide(call: StepCall, *, fails: bool) -> Json:
    """Return what a human said; raises where it is a no that fails the stage, or no answer."""
    given: Any = call.inputs
    said = _judged(given["asked"], given["answer"])
    if isinstance(said, PermanentError):
        raise said
    request, status = given.get("request") or {}, (given.get("close") or {}).get("status")
    if said["approved"] and status in ("rejected", "cancelled"):
        raise PermanentError(f"the request {request['alias']} was {status} meanwhile", help=_AGAIN)
    if fails and not said["approved"]:
        comment = f": {said['comment']}" if said["comment"] else ""
        raise PermanentError(f"{said['by']} said no{comment}", help=_AGAIN)
    return {**said, "at": call.now.isoformat(), "request": request.get("alias", "")}


def _judged(asked: Any, signal: Any) -> dict[str, Any] | PermanentError:
    """Return the answer that a signal is, or why it is none."""
    answer = signal if isinstance(signal, dict) else {}
    approved, by, comment = answer.get("approved"), answer.get("by"), answer.get("comment")
    if answer.get("late") is True and approved is None:
        return PermanentError("nobody answered in time", help=_AGAIN)
    if not isinstance(approved, bool) or not isinstance(by, str):
        return PermanentError(
            "the signal is no answer: it says neither approved: true nor approved: false, or not "
            "by whom",
            help=f"signal it with approved in the data; {_AGAIN}",
        )
    if answer.get("kind") != "human":
        return PermanentError(f"{by} is automation, and a human is asked", help=_AGAIN)
    approvers = asked["approvers"]
    if approvers and by not in approvers:
        return PermanentError(f"{by} was not asked: {', '.join(approvers)} can answer", help=_AGAIN)
    return {"approved": approved, "by": by, "comment": comment if isinstance(comment, str) else ""}


def _inline(id: str, work: Callable[[StepCall], Json], **more: Any) -> Step:
    return Step(id, work=work, executor="inline", effects=False, **more)
