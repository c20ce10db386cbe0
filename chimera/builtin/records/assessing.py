"""How grave something is by a severity model: by answers to its questions, or by what a text says.

When unsure, the graver level; lowering it later is always acceptable. Refuses to hide why: each
question that spoke for a level is named. It informs and decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from chimera.builtin.records.kinds import Level, SeverityModelSpec

Reply = Literal["yes", "no", "unsure"]
REPLIES: tuple[Reply, ...] = ("yes", "no", "unsure")

_WORD = re.compile(r"[a-z0-9]{3,}")
_ENDINGS = ("ation", "ion", "ing", "ed", "er", "ly", "es", "e", "s")
_SHORTEST_STEM = 3
_SAYS_NOTHING = frozenset(
    _WORD.findall(
        "any anybody are been being but can cannot could did does for from had has have how into "
        "least likely may might more must not nobody our out some somebody something such than "
        "that the their them then there they this was were what when which while who will with "
        "without would you your"
    )
)


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a model; `number` is how people name it, the gravest level's first."""

    number: int
    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its answer, if there is one, and the words of the text that speak for it."""

    question: Question
    reply: Reply | None
    words: tuple[str, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether it speaks for its level: in doubt it does."""
        return self.reply in {"yes", "unsure"} or (self.reply is None and bool(self.words))


@dataclass(frozen=True, slots=True)
class Assessed:
    """The level that answers and text come to, why, and all questions in their order."""

    level: Level
    why: str
    asked: tuple[Asked, ...]
    is_sure: bool


def questions_of(model: SeverityModelSpec) -> tuple[Question, ...]:
    """Return what a model asks, the gravest level first.

    A level without questions asks whether its meaning is true; the least grave asks nothing.
    """
    found: list[Question] = []
    for level in model.by_gravity:
        is_least = level is model.by_gravity[-1]
        texts = level.questions or (() if is_least else (f"Is this so: {level.meaning}",))
        for text in texts:
            found.append(Question(len(found) + 1, level, text))
    return tuple(found)


def assess(model: SeverityModelSpec, text: str, replies: Mapping[int, Reply]) -> Assessed:
    """Return the gravest level that an answer, or else the text, speaks for.

    `replies` are by number of question. Where the text says nothing, a question that nobody
    answered speaks for its level: when unsure, the graver one.
    """
    asked = _asked(questions_of(model), text, replies)
    # A text that says nothing of a question denies it; without one nobody did.
    is_told = any(one.words for one in asked)
    speaking = next((o for o in asked if o.counts or (o.reply is None and not is_told)), None)
    if speaking is None:
        least = model.by_gravity[-1]
        why = "every question was answered with no" if asked else "the model asks nothing"
        return Assessed(least, why, asked, is_sure=True)
    level, is_sure = speaking.question.level, speaking.reply == "yes"
    return Assessed(level, _why(speaking, text), asked, is_sure)


def _why(one: Asked, text: str) -> str:
    question = f"question {one.question.number}: {one.question.text}"
    if one.reply == "yes":
        return f"yes was answered to {question}"
    if one.reply == "unsure":
        return f"the graver level holds when nobody is sure of {question}"
    if one.words:
        return f"the text says {', '.join(map(repr, one.words))}, as {question}"
    said = "nothing in the text speaks for any level" if text.strip() else "nobody answered"
    return f"{said}, and when unsure the graver level holds, of {question}"


def _asked(
    questions: tuple[Question, ...], text: str, replies: Mapping[int, Reply]
) -> tuple[Asked, ...]:
    words = {_stem(word): word for word in reversed(_words(text))}
    stems = [frozenset(map(_stem, _words(question.text))) for question in questions]
    asking: dict[str, list[str]] = {}
    for question, found in zip(questions, stems, strict=True):
        for stem in found:
            asking.setdefault(stem, []).append(question.level.id)
    every = {question.level.id for question in questions}
    # Of levels that ask about a word the graver one is meant; of one that all ask about, none.
    meant = {stem: ids[0] for stem, ids in asking.items() if {*ids} != every or len(every) == 1}
    return tuple(
        Asked(
            question,
            replies.get(question.number),
            tuple(
                sorted(words[s] for s in found & words.keys() if meant.get(s) == question.level.id)
            ),
        )
        for question, found in zip(questions, stems, strict=True)
    )


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.lower()) if word not in _SAYS_NOTHING]


def _stem(word: str) -> str:
    """Return a word without its commonest English endings: charged and charges are one."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return _stem(word.removesuffix(ending))
    return word
