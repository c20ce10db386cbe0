"""What words can show of a text: that it says nothing, or that it blames somebody.

The lists are short, so that nothing is refused which somebody could have meant.
"""

from __future__ import annotations

import re
from collections.abc import Collection

NOT_SAID = "not said in "
"""How an import begins what a record must say and its file does not."""

_EMPTY = re.compile(
    r"""[\W_]*(?:
      none | nothing | nil | null | n/?\.?a | no | yes | ok(?:ay)? | done | fixed | tbd | tba | todo
    | not\ (?:applicable|available|known|needed|necessary|required|yet|possible)
    | to\ be\ (?:defined|determined|decided|done|added|announced)
    | unknown | unclear | same | ditto | misc | other | x+ | trivial | obvious
    | (?:just\ )? (?:revert|roll\ ?back|undo) (?:\ (?:it|this|that|the\ change))?
    | as\ (?:usual|above|below|before|always)
    | (?:see|cf|check|read|ask|refer\ to|as\ per|as\ in) [\W_]+
      (?:(?:the|our|this)\ )? (?:above|below|docs?|documentation|wiki|runbooks?|readme|tickets?
      |slack|prs?|pull\ requests?|commits?|diff|code|team|someone|somebody|on-?call|internet)
    )[\W_]*""",
    re.IGNORECASE | re.VERBOSE,
)

_BLAME = re.compile(
    r"\b(?:human|operator|user|pilot)[ -]errors?\b"
    r"|\b(?:careless|negligen|inattenti|incompeten|slopp)\w*"
    r"|\b(?:some(?:one|body)|he|she|they|(?:the|an?|our) (?:[\w-]+ ){0,2}"
    r"(?:engineer|developer|operator|reviewer|administrator|admin|colleague|intern)s?)"
    r" (?:\w+ )?(?:forgot|failed|neglected|ignored|should have|did not|didn't|made)\b",
    re.IGNORECASE,
)
"""Words by which a cause is somebody, and not a condition of the system."""

_WORDS_TOO = {
    *("april", "art", "august", "bill", "chase", "dean", "drew", "faith", "frank", "gene", "grace"),
    *("grant", "guy", "hope", "jack", "joy", "june", "mark", "max", "may", "miles", "page", "pat"),
    *("ray", "rich", "rob", "rose", "sue", "will"),
}
"""Names that are words as well: they are names where they are written large."""


def is_empty(text: str) -> bool:
    """Tell whether a text says nothing that anybody could act by, such as `n/a` or `see docs`."""
    if text.startswith(NOT_SAID):
        return True
    if len(text) > 60:  # nothing so long is in the list
        return not any(map(str.isalnum, text))
    return not any(map(str.isalnum, text)) or _EMPTY.fullmatch(text) is not None


def blames(text: str) -> str | None:
    """Return the words by which a text blames somebody, if it does."""
    found = _BLAME.search(text)
    return found.group() if found else None


class People:
    """Names of people, to be looked for in texts; each as whole words, large or small."""

    def __init__(self, names: Collection[str]) -> None:
        folded = {" ".join(name.split()).casefold() for name in names} - {""}
        self._words = {name for name in folded if re.fullmatch(r"\w+", name)}
        self._others = sorted(folded - self._words)

    def named_in(self, text: str) -> str | None:
        """Return the first of them whom a text names, as the text writes it."""
        for found in re.finditer(r"\w+", text) if self._words else ():
            word = found.group()
            if word.casefold() in self._words and word not in _WORDS_TOO:
                return word
        folded = " ".join(text.split()).casefold() if self._others else ""
        return next((name for name in self._others if _stands(name, folded)), None)


def _stands(name: str, text: str) -> bool:
    """Tell whether a name stands in a text, and not as a part of a word."""
    at = text.find(name)
    while at >= 0:
        end = at + len(name)
        is_begun = at > 0 and (text[at - 1].isalnum() or text[at - 1] == "_")
        goes_on = end < len(text) and (text[end].isalnum() or text[end] == "_")
        if not is_begun and not goes_on:
            return True
        at = text.find(name, at + 1)
    return False
