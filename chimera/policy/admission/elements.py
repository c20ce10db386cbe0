"""The element of a list at which a validation fails that asks something of every element.

Of `A || list.all(x, B)` all alternatives are false when it fails, so the elements for which `B` is
false are its fault. What does not have this form, or errs for an element, is not looked into.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from chimera.model import Route, Segment
from chimera.policy.admission.programs import NAMES, Book
from chimera.policy.places import named_routes
from chimera.policy.qualified import OPAQUE
from chimera.policy.worker import Answer, Program, Worker

_TOKEN = re.compile(rf"{OPAQUE}|\|\||\.all\s*\(|.", re.DOTALL)
_BOUND = re.compile(r"\s*([A-Za-z_]\w*)\s*,", re.ASCII)


class Elements:
    """Programs that give the elements at which validations fail, compiled when one has failed."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._known: dict[int, tuple[int, ...]] = {}

    def programs(self, book: Book, validation: int) -> tuple[int, ...]:
        """Return the numbers of the programs for a validation's number."""
        if validation not in self._known:
            self._known[validation] = tuple(self._compiled(book, validation))
        return self._known[validation]

    def _compiled(self, book: Book, validation: int) -> Iterator[int]:
        texts = list(searches(book.expression(validation)))
        first = self._worker.next
        faults = self._worker.compile([Program(t, NAMES, "any", book.values) for t in texts])
        for number, (text, wrong) in enumerate(zip(texts, faults, strict=True), first):
            if not wrong:
                book.added[number] = text
                yield number


def searches(expression: str) -> Iterator[str]:
    """Yield, for every alternative `list.all(x, B)`, an expression that gives what fails it."""
    for alternative in _alternatives(expression):
        asked = _asked_of_all(alternative)
        if asked is not None:
            items, name, body = asked
            yield f"{items}.filter({name}, !({body}\n))"


def route_to(answers: Iterable[Answer], text: str, value: Any) -> Route | None:
    """Return the route to the first element that was found, in a list or map that `text` names."""
    for answer in answers:
        for element in answer.value[:1] if isinstance(answer.value, list) else ():
            for route in named_routes(text):
                segment = _segment(element, _at(route, value))
                if segment is not None:
                    return (*route, segment)
    return None


def _segment(element: Any, items: Any) -> Segment | None:
    """Return where an element stands in a list, or a key in a map."""
    if isinstance(items, list) and element in items:
        return items.index(element)
    if isinstance(items, dict) and isinstance(element, str) and element in items:
        return element
    return None


def _alternatives(expression: str) -> Iterator[str]:
    depth, start = 0, 0
    for token in _TOKEN.finditer(expression):
        depth += _deeper(token[0])
        if token[0] == "||" and depth == 0:
            yield expression[start : token.start()]
            start = token.end()
    yield expression[start:]


def _asked_of_all(alternative: str) -> tuple[str, str, str] | None:
    """Return the list, the name of its elements and what is asked of each, if that is all."""
    depth, opened = 0, None
    text = alternative.strip()
    for token in _TOKEN.finditer(text):
        if opened is None and depth == 0 and token[0].startswith(".all"):
            opened = token
        depth += _deeper(token[0])
        if opened is not None and depth == 0 and token[0] == ")":
            name = _BOUND.match(text, opened.end())
            if name is None or token.end() != len(text):
                return None
            return text[: opened.start()], name[1], text[name.end() : token.start()]
    return None


def _deeper(piece: str) -> int:
    if piece.startswith(".all") or piece in "([{":
        return 1
    return -1 if piece in ")]}" else 0


def _at(route: Route, value: Any) -> Any:
    for segment in route:
        if not isinstance(value, dict) or segment not in value:
            return None
        value = value[segment]
    return value
