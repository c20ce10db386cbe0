"""What an answer has to say: a text, a pattern, or a value in JSON.

Owns the fields and what is asked of them. Refuses patterns that can take more than linear time.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from chimera.kinds import AfterValidator, Field, Model, Text, refuse

_POINTER = re.compile(r"(/([^~/]|~[01])*)*")


def _check_pattern(pattern: str) -> str:
    from chimera.policy import compile_pattern

    try:
        compile_pattern(pattern)
    except ValueError as error:
        raise refuse("service-pattern-invalid", f"{pattern!r} is no pattern: {error}") from None
    return pattern


def _check_pointer(pointer: str) -> str:
    if not _POINTER.fullmatch(pointer):
        raise refuse(
            "service-pointer-invalid", f"{pointer!r} is no JSON pointer; write /models/0/status"
        )
    return pointer


class JsonMatch(Model):
    """A value in an answer of JSON; that it is there, where nothing more is asked of it."""

    pointer: Annotated[str, AfterValidator(_check_pointer)] = Field(
        description="Where the value is, as a JSON pointer (RFC 6901); an empty one is all of it."
    )
    equals: Any = Field(default=None, description="What the value has to be, exactly.")
    one_of: tuple[Any, ...] | None = Field(
        default=None, strict=False, description="What the value may be: one of these."
    )
    at_least: float | None = Field(
        default=None, strict=False, description="Least that the value may be, as a number."
    )
    at_most: float | None = Field(
        default=None, strict=False, description="Most that the value may be, as a number."
    )


class BodyMatch(Model):
    """What an answer has to say; all that is named has to hold, and something is named."""

    text: Text | None = Field(default=None, description="A text that it contains.")
    pattern: Annotated[Text, AfterValidator(_check_pattern)] | None = Field(
        default=None,
        description="A regular expression of RE2 that matches somewhere in it, in linear time.",
    )
    json_value: JsonMatch | None = Field(
        default=None, alias="json", description="A value in it, where it is JSON."
    )


def _check_named(match: BodyMatch) -> BodyMatch:
    if (match.text, match.pattern, match.json_value) == (None, None, None):
        raise refuse(
            "service-match-empty",
            "nothing is asked of the answer: name text, pattern or json, or leave it out",
        )
    return match


Match = Annotated[BodyMatch, AfterValidator(_check_named)]
