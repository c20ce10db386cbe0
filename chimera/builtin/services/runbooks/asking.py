"""Who answers for a step: flags that were given beforehand, or whoever sits at the terminal.

Refuses a blanket yes to what destroys, to what is decided, and to what may have been done already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from chimera.builtin.services.runbooks.performing import Performed
from chimera.builtin.services.runbooks.rendering import step_text
from chimera.builtin.services.runbooks.running import Answer, Question, Word
from chimera.kinds import suggestion
from chimera.model import UsageError

if TYPE_CHECKING:
    from chimera.builtin.services.spec.runbook import ProcedureSpec, StepSpec
    from chimera.cli.session import Session

_SHORT: dict[str, Word] = {
    "y": "yes",
    "yes": "yes",
    "n": "no",
    "no": "no",
    "skip": "skip",
    "abort": "abort",
    "done": "done",
    "unavailable": "unavailable",
}
_SHOWN: dict[Word, str] = {"yes": "y", "no": "n"}
_MOST_LINES = 40
_MEANINGS = (
    "y does it; n stops here, and the same command goes on; skip leaves it out; abort ends the run"
)


@dataclass
class Asker:
    """Answers for one invocation; an answer that was given for a step serves once."""

    session: Session
    given: dict[str, Answer] = field(default_factory=dict)
    yes: bool = False
    has_explained: bool = False

    @staticmethod
    def reading(
        session: Session, procedure: ProcedureSpec, said: Mapping[str, str], *, yes: bool
    ) -> Asker:
        """Return one with answers as they were typed; raises `UsageError` for what is none."""
        names = [step.id for step in procedure.steps]
        for name in said:
            if name not in names:
                listed = f"there is: {', '.join(names)}"
                raise UsageError(f"there is no step {name}", help=suggestion(name, names, listed))
        return Asker(session, {name: _read(text, name) for name, text in said.items()}, yes)

    def answer(self, question: Question) -> Answer:
        """Return an answer to a question about a step."""
        step, words = question.step, question.words
        found = self.given.pop(step.id, None)
        if found is None and self.yes and question.is_plain:
            return Answer("yes")
        shown = tuple(_SHOWN.get(word, word) for word in words)
        if found is None:
            flag = f"--answer {step.id}=ANSWER" + (" or --yes" if question.is_plain else "")
            self._explain()
            found = _read(self.session.ask(f"{step.id}: {question.text}", flag, shown), step.id)
        if found.word not in words:
            raise UsageError(
                f"{found.word} is no answer to {step.id}: {question.text}",
                help=f"answer one of {', '.join(shown)}",
            )
        if found.word == "unavailable" and not found.note:
            why = self.session.ask("why is there nothing to keep?", _unavailable(step.id))
            found = Answer("unavailable", why)
        return found

    def _explain(self) -> None:
        """Say once what the answers mean, to whoever sits there."""
        if self.session.is_interactive and not self.has_explained:
            self.has_explained = True
            self.session.tell(lambda paint: paint(_MEANINGS, "dim"))

    def begins(self, number: int, of: int, step: StepSpec) -> None:
        """Show a step before it is asked for or done."""
        self.session.tell(lambda paint: step_text(number, of, step, paint))

    def hears(self, step: StepSpec, performed: Performed) -> None:
        """Show what came of a step."""
        lines = performed.output.splitlines()
        cut = [f"... {len(lines) - _MOST_LINES} lines before"] if len(lines) > _MOST_LINES else []
        shown = [*cut, *lines[-_MOST_LINES:]]
        self.session.tell(
            lambda paint: "\n".join(
                (
                    *(f"       {paint('|', 'dim')} {line}" for line in shown),
                    "       "
                    + (paint("ok", "good") if performed.ok else paint("failed", "bad"))
                    + f"  {performed.message}",
                )
            )
        )


def _unavailable(step: str) -> str:
    return f"--answer {step}=unavailable:WHY"


def _read(text: str, step: str) -> Answer:
    word, _, note = text.partition(":")
    found = _SHORT.get(word.strip().lower())
    if found is None:
        raise UsageError(
            f"{text!r} is no answer to {step}",
            help=f"answer y, n, skip, abort, done, or {_unavailable(step)[9:]}",
        )
    return Answer(found, note.strip())
