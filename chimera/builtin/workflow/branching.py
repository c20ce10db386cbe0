"""What a predicate tells before it is evaluated: outputs that may be missing, and unknown cases.

An output of a skipped stage is null. To compare it with `==` is well defined; with anything else
CEL errs, and the stage fails where it was to be skipped. So that is refused unless the predicate
asks first whether it is there. Refuses to guess: what it cannot read it lets pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from chimera.builtin.workflow.references import INPUT
from chimera.builtin.workflow.scope import Scope
from chimera.builtin.workflow.wording import Suggestions, names
from chimera.model import Diagnostic, Place

_STRING = r"'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\""
_OPAQUE = re.compile(rf"{_STRING}|//[^\n]*")
_COMPARED_AFTER = re.compile(r"\s*(?:==|!=|in\b)")
_COMPARED_BEFORE = re.compile(r"(?:==|!=)\s*$")
_TESTED = re.compile(r"has\s*\(\s*$")


def judge_text(
    scope: Scope, index: int, text: str, sources: Sequence[Sequence[str]], place: Place
) -> Iterator[Diagnostic]:
    """Yield what is wrong with a predicate of the stage at `index`, which looks at these sources.

    A source is the name of a stage, an item or the input, and the member that is looked at, if the
    predicate sees no more of it.
    """
    bare = _OPAQUE.sub(lambda match: " " * len(match[0]), text)
    whole = {source: len(path) for source, *path in sources}
    for source, members in whole.items():
        first = scope.position.get(source)
        if source == INPUT or first is None:
            continue
        if scope.presence.may_miss(first, index) and (at := _unguarded(bare, source, members)):
            yield Diagnostic(
                "workflow-reference-missing",
                f"{at} may be missing: the stage {source!r} may be skipped",
                place,
                f"ask first whether it is there: has({at}) && …, or compare it with ==",
            )
        switch = scope.spec.stages[first].switch
        if switch and scope.spec.stages[first].for_each is None:
            yield from _misspelt(text, bare, source, [one.case for one in switch], place)


def _unguarded(bare: str, source: str, members: int) -> str | None:
    """Return the first use of an output that errs where there is none, unless one asks for it."""
    name = re.escape(source)
    path = rf"(?<![\w.-]){name}(?P<path>(?:\s*\.\s*[A-Za-z_]\w*)*)(?![\w-])"
    asks = rf"has\s*\(\s*{name}\s*\.|{path}\s*[!=]=\s*null\b|\bnull\s*[!=]=\s*{name}(?![\w-])"
    if re.search(asks, bare):
        return None
    for use in re.finditer(path, bare):
        is_deeper = use["path"].count(".") > members
        is_compared = _COMPARED_AFTER.match(bare, use.end()) or _COMPARED_BEFORE.search(
            bare[: use.start()]
        )
        if is_deeper or not (is_compared or _TESTED.search(bare[: use.start()])):
            return re.sub(r"\s", "", use[0])
    return None


def _misspelt(
    text: str, bare: str, source: str, cases: Sequence[str], place: Place
) -> Iterator[Diagnostic]:
    """Yield texts that a switch's case is compared with and never is."""
    chosen = rf"(?<![\w.-]){re.escape(source)}\s*\.\s*case\b"
    forms = (
        rf"{chosen}\s*[!=]=\s*(?P<said>{_STRING})",
        rf"(?P<said>{_STRING})\s*[!=]=\s*{chosen}",
        rf"{chosen}\s+in\s*\[\s*(?P<said>(?:{_STRING})(?:\s*,\s*(?:{_STRING}))*)\s*,?\s*\]",
    )
    meant = Suggestions()
    for form in forms:
        for match in re.finditer(form, text):
            if source not in bare[match.start() : match.end()]:
                continue  # inside of a string
            for literal in re.findall(_STRING, match["said"]):
                said = literal[1:-1]
                if said not in cases and "\\" not in said:
                    yield Diagnostic(
                        "workflow-case-unknown",
                        f"the stage {source!r} never chooses a case {said!r}",
                        place,
                        meant(said, cases, f"there is: {names(cases)}"),
                    )
