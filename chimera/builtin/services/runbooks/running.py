"""Going through a procedure: step by step, each asked where it has to be, done, and noted.

Evidence comes first at run time, too: a step after which something is gone is not done unless that
was kept in this run, or somebody said why it cannot be. Refuses automation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from chimera.builtin.services.runbooks.checking import NEEDED
from chimera.builtin.services.runbooks.consequences import losses_of, only_looks, risk_of
from chimera.builtin.services.runbooks.ledger import (
    Entry,
    Ledger,
    begin_run,
    digest_of,
    open_run,
    pinned,
)
from chimera.builtin.services.runbooks.performing import Performed, Performer
from chimera.builtin.services.runbooks.procedures import with_values
from chimera.builtin.services.spec.runbook import ProcedureSpec, StepSpec
from chimera.model import Outcome, UsageError
from chimera.state import RunStatus
from chimera.workspace.recording import Recorder

if TYPE_CHECKING:
    from chimera.builtin.services.runbooks.procedures import Runbook
    from chimera.workspace import Workspace

FOLDER = Path(".chimera") / "runbooks"
"""Where runs keep what their steps wrote, each in a folder of its own."""

Word = Literal["yes", "no", "skip", "abort", "unavailable", "done"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person says to a step: do it, not now, go on without it, or end the run.

    `unavailable` says why there is nothing to keep, `done` that a step in doubt took effect.
    """

    word: Word
    note: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a step: which answers there are, and why it is asked.

    `is_plain` says that a blanket yes covers it.
    """

    step: StepSpec
    text: str
    words: tuple[Word, ...]
    is_plain: bool


class Person(Protocol):
    """Who goes through it."""

    def answer(self, question: Question) -> Answer:
        """Return an answer; raises `UsageError` where nobody gives one."""

    def begins(self, number: int, of: int, step: StepSpec) -> None:
        """Hear which step comes now."""

    def hears(self, step: StepSpec, performed: Performed) -> None:
        """Hear what came of it."""


@dataclass(frozen=True)
class Gone:
    """How far a procedure was gone through; `record` is what is written of it once it is over."""

    ledger: Ledger
    procedure: ProcedureSpec
    status: Literal["succeeded", "failed", "aborted", "paused"]
    record: Mapping[str, Any]
    name: str = ""

    @property
    def outcome(self) -> Outcome:
        """Paused is something owed that was not done."""
        if self.status == "paused":
            return Outcome.NOT_EXERCISED
        return Outcome.PASSED if self.status == "succeeded" else Outcome.FAILED

    @property
    def has_changed(self) -> bool:
        """Tell whether a step was done that changes something."""
        steps = {step.id: step for step in self.procedure.steps}
        return any(
            one["outcome"] == "done" and risk_of(steps[one["step"]]) != "reads"
            for one in self.record["steps"]
        )


def take_up(
    workspace: Workspace,
    environment: str,
    runbook: Runbook,
    procedure: ProcedureSpec,
    *,
    anew: bool = False,
) -> Ledger | None:
    """Return the run that was begun and is not over, if any; with `anew` it is cancelled.

    Raises `UsageError` for automation.
    """
    require_person(workspace)
    ledger = open_run(workspace, environment, str(runbook.address), procedure.id)
    if ledger is not None and anew:
        ledger.close(RunStatus.CANCELLED, "begun anew")
        return None
    return ledger


def begin(
    workspace: Workspace,
    environment: str,
    runbook: Runbook,
    procedure: ProcedureSpec,
    values: Mapping[str, str],
) -> Ledger:
    """Begin to go through a procedure as it stands now."""
    require_person(workspace)
    return begin_run(workspace, environment, pinned(runbook, procedure), values)


def require_person(workspace: Workspace) -> None:
    """Raise `UsageError` unless a person goes through it."""
    actor = workspace.context.actor
    if actor.kind == "automation":
        raise UsageError(
            f"{actor.name} is automation, and a procedure is started by a person",
            help="run it yourself; automation can look at it with --dry-run",
        )


def pinned_procedure(ledger: Ledger) -> ProcedureSpec:
    """Return the procedure that a run goes through, as it was when it began."""
    definition: Any = ledger.run.definition
    return ProcedureSpec.model_validate(definition["procedure"])


def values_of(ledger: Ledger) -> dict[str, str]:
    """Return the values of a run, those that every run has among them."""
    given: Any = ledger.run.input
    folder = (FOLDER / ledger.run.uid).as_posix()
    return {**given["inputs"], "environment": ledger.run.environment, "run": folder}


class Going:
    """A procedure under way."""

    def __init__(
        self, workspace: Workspace, ledger: Ledger, person: Person, perform: Perform | None = None
    ) -> None:
        definition: Any = ledger.run.definition
        self._workspace = workspace
        self._ledger = ledger
        self._person = person
        self._procedure = pinned_procedure(ledger)
        self._values = values_of(ledger)
        folder = workspace.root / FOLDER / ledger.run.uid
        allowed = tuple(definition.get("allowEnv", ()))
        environment = ledger.run.environment
        self._perform = perform or Performer(workspace, environment, folder, allowed).perform

    def go(self) -> Gone:
        """Go on from where the journal stands, until all is done or somebody says to stop."""
        steps = self._procedure.steps
        for number, written in enumerate(steps, 1):
            entry = self._ledger.entries.get(written.id)
            if entry is not None and entry.was_aborted:
                return self._end("aborted")
            if entry is not None and entry.is_over:
                continue
            step = with_values(written, self._values)
            self._person.begins(number, len(steps), step)
            went = self._go_through(step, entry)
            if went == "aborted":
                return self._end("aborted")
            if went == "stopped":
                return self._gone("paused")
        return self._end("failed" if self._has_failed() else "succeeded")

    def _end(self, status: Literal["succeeded", "failed", "aborted"]) -> Gone:
        """Write the record, then close the run: one that is cut off between them ends again."""
        gone = self._gone(status)
        self._ledger.close(_CLOSED[status], status)
        return gone

    def _go_through(
        self, step: StepSpec, entry: Entry | None
    ) -> Literal["on", "aborted", "stopped"]:
        """Ask, do and note one step, until it is over or nobody wants to go on."""
        while True:
            question = self._question(step, entry)
            answer = self._person.answer(question) if question is not None else Answer("yes")
            if answer.word == "no":
                return "stopped"
            if answer.word == "yes":
                entry = self._do(step, is_asked=question is not None)
                if entry.is_over:
                    return "on"
                continue
            self._note(step, answer)
            return "aborted" if answer.word == "abort" else "on"

    def _question(self, step: StepSpec, entry: Entry | None) -> Question | None:
        """Return what has to be asked before a step is done, if anything."""
        risk, lost = risk_of(step), self._unkept(step)
        others: tuple[Word, ...] = ("no", "skip", "abort")
        if step.preserves:
            others = ("no", "skip", "unavailable", "abort")
        if lost:
            text = f"it is not done: nothing has kept the {' and '.join(lost)} that it takes away"
            return Question(step, text, ("no", "skip", "abort"), False)
        is_in_doubt = entry is not None and entry.came is None
        if is_in_doubt and (risk != "reads" or step.instruction is not None):
            assert entry is not None
            text = (
                f"{entry.by} began it at {entry.at}, and nobody knows whether it took effect; "
                "do it again, or is it done?"
            )
            return Question(step, text, ("yes", "done", *others), False)
        if entry is not None and entry.came is not None:
            return Question(step, "it failed; do it again?", ("yes", *others), False)
        if step.instruction is not None:
            return Question(step, "is it done?", ("yes", *others), not step.decision)
        if only_looks(step) and not step.decision:
            return None
        text = f"it {risk}; do it?" if risk != "reads" else "it says that it only reads; do it?"
        return Question(step, text, ("yes", *others), risk != "destroys" and not step.decision)

    def _unkept(self, step: StepSpec) -> tuple[str, ...]:
        """Return what would be gone after a step and is not kept by this run."""
        kept: set[str] = set()
        for other in self._procedure.steps:
            entry = self._ledger.entries.get(other.id)
            came = entry.came if entry is not None else None
            if came is not None and came["outcome"] in {"done", "unavailable"}:
                kept |= set(other.preserves)
        return tuple(sorted(lost for lost in losses_of(step) if NEEDED[lost] not in kept))

    def _do(self, step: StepSpec, *, is_asked: bool) -> Entry:
        self._ledger.begin(step.id)
        if step.instruction is not None:
            performed = Performed(True, "a person says that it is done")
        else:
            performed = self._perform(step)
            self._person.hears(step, performed)
        stops = risk_of(step) != "reads" or bool(step.preserves)
        came = {
            **self._came("yes" if is_asked else "none", "done" if performed.ok else "failed"),
            "message": performed.message,
            **({"exitCodes": list(performed.exit_codes)} if performed.exit_codes else {}),
            **({"output": performed.output} if performed.output else {}),
            **({"file": performed.file, "digest": performed.digest} if performed.file else {}),
            **({"passed": True} if not performed.ok and not stops else {}),
        }
        self._ledger.end(step.id, came)
        return self._ledger.entries[step.id]

    def _note(self, step: StepSpec, answer: Answer) -> None:
        outcomes = {"skip": "skipped", "abort": "aborted", "done": "done"}
        outcome = outcomes.get(answer.word, "unavailable")
        word = "yes" if answer.word == "done" else answer.word
        messages = {
            "skipped": "it was left out",
            "aborted": "the run was ended here",
            "done": "a person says that it took effect",
        }
        came = self._came(word, outcome)
        message = messages.get(outcome, f"unavailable: {answer.note}")
        note = {"note": answer.note} if answer.note else {}
        self._ledger.end(step.id, {**came, **note, "message": message})

    def _came(self, answer: str, outcome: str) -> dict[str, Any]:
        actor = self._workspace.context.actor.name
        return {"by": actor, "answer": answer, "outcome": outcome}

    def _has_failed(self) -> bool:
        """Tell whether a look after the last change, or any look where nothing changed, failed."""
        steps = self._procedure.steps
        outcomes = [self._ledger.entries[step.id].came or {} for step in steps]
        changed = [
            position
            for position, step in enumerate(steps)
            if risk_of(step) != "reads" and outcomes[position].get("outcome") == "done"
        ]
        since = changed[-1] + 1 if changed else 0
        return any(one.get("outcome") == "failed" for one in outcomes[since:])

    def _gone(self, status: Literal["succeeded", "failed", "aborted", "paused"]) -> Gone:
        record = self._record(status)
        name = ""
        if status != "paused":
            name = f"{str(record['runbook']).partition('/')[2]}-{self._procedure.id}"
            name = f"{name[:90]}-{self._ledger.run.uid[-12:]}".lower()
            workspace = self._workspace
            Recorder(workspace.root, workspace.context).write("RunbookRun", name, record)
        return Gone(self._ledger, self._procedure, status, record, name)

    def _record(self, status: str) -> dict[str, Any]:
        run, entries = self._ledger.run, self._ledger.entries
        definition: Any = run.definition
        steps = [
            {
                "step": step.id,
                "at": entry.at,
                **{key: value for key, value in entry.came.items() if key in _RECORDED},
            }
            for step in self._procedure.steps
            if (entry := entries.get(step.id)) is not None and entry.came is not None
        ]
        people = dict.fromkeys([run.actor, *(str(one["by"]) for one in steps)])
        inputs: Any = run.input
        return {
            "runbook": definition["runbook"],
            "procedure": self._procedure.id,
            "digest": digest_of(definition),
            "environment": run.environment,
            "run": run.uid,
            "began": run.created.isoformat(),
            "ended": max((one["at"] for one in steps), default=run.created.isoformat()),
            "by": list(people),
            "outcome": status,
            **({"inputs": inputs["inputs"]} if inputs["inputs"] else {}),
            "steps": steps,
        }


_CLOSED = {
    "succeeded": RunStatus.SUCCEEDED,
    "failed": RunStatus.FAILED,
    "aborted": RunStatus.CANCELLED,
}
_RECORDED = frozenset(
    {"by", "answer", "outcome", "note", "message", "exitCodes", "output", "file", "digest"}
)
Perform = Callable[[StepSpec], Performed]
