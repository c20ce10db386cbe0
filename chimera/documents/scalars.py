"""How YAML 1.2's core schema reads a plain scalar, and where YAML 1.1 reads another value.

YAML 1.1 is what PyYAML makes of it. Refuses to guess: where the two differ, the author is told.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

Scalar = str | int | float | bool | None

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
# Beyond this many digits Python refuses to convert, and no reader would agree anyway.
_LONGEST_NUMBER = 4000


def core_value(text: str) -> Scalar:
    """Return what YAML 1.2's core schema makes of the plain scalar `text` (YAML 1.2.2 §10.3.2)."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _LONGEST_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if _HEXADECIMAL.fullmatch(text):
        return int(text[2:], 16)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", "", 1))
    return text


@cache
def _legacy_loader() -> Any:
    from yaml import SafeLoader

    return SafeLoader("")


@lru_cache(maxsize=4096)
def legacy_reading(text: str) -> str | None:
    """Return what YAML 1.1 makes of the plain scalar `text` where 1.2 reads another value.

    `None` where both agree. A date is left out: 1.1 makes a date of it and 1.2 its text, and both
    mean the same day.
    """
    from yaml import ScalarNode, YAMLError

    loader = _legacy_loader()
    tag = loader.resolve(ScalarNode, text, (True, False))
    if tag == "tag:yaml.org,2002:timestamp":
        return None
    kind = tag.rpartition(":")[2]
    try:
        value = loader.construct_object(ScalarNode(tag, text))
    except (YAMLError, ValueError, OverflowError):
        return f"no valid {kind}"
    finally:
        loader.constructed_objects.clear()
    core = core_value(text)
    if type(value) is type(core) and repr(value) == repr(core):
        return None
    names = {bool: "the truth value", int: "the number", float: "the number", str: "the text"}
    return f"{names.get(type(value), kind)} {value!r}".lower() if kind != "str" else "text"
