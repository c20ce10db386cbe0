"""Named formats: `format.dns1123Label().validate(name)` gives what is wrong, or nothing.

That is an optional, which no function of ours can make. What stands for it has `hasValue` and
`value`; the engine's other functions of optionals refuse it, and so the expression errs.
"""

from __future__ import annotations

import re
from binascii import Error, a2b_base64
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import partial
from typing import Any

from chimera.policy.functions.signature import FORMAT, Function, Value, tag, untag
from chimera.policy.functions.urls import is_url

_LABEL = r"(?a)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_LABEL_1035 = r"(?a)[a-z](?:[a-z0-9-]*[a-z0-9])?"
_NAME = r"(?a)[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?"
_UUID = r"(?ai)[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}"
_DATE = r"(?a)\d{4}-\d{2}-\d{2}"
_TIME = r"(?a)\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})"
_OPTIONAL = "optional"
_LABEL_LENGTH, _SUBDOMAIN_LENGTH = 63, 253


def _label(text: str, form: str = _LABEL, *, prefix: bool = False) -> Iterator[str]:
    """Yield what is wrong with a DNS label; one that is a prefix may end in a dash."""
    if len(text) > _LABEL_LENGTH:
        yield f"must be no more than {_LABEL_LENGTH} characters"
    if re.fullmatch(form, _completed(text, prefix)) is None:
        first = "letter" if form is _LABEL_1035 else "letter or digit"
        yield f"must be lower-case letters, digits and '-', begin with a {first}, not end in '-'"


def _completed(text: str, prefix: bool) -> str:
    return text[:-1] + "a" if prefix and text.endswith("-") else text


def _subdomain(text: str, *, prefix: bool = False) -> Iterator[str]:
    if len(text) > _SUBDOMAIN_LENGTH:
        yield f"must be no more than {_SUBDOMAIN_LENGTH} characters"
    if not all(re.fullmatch(_LABEL, part) for part in _completed(text, prefix).split(".")):
        yield "must be lower-case letters, digits and '-' in parts that '.' separates"


def _name(text: str) -> Iterator[str]:
    if len(text) > _LABEL_LENGTH:
        yield f"must be no more than {_LABEL_LENGTH} characters"
    if re.fullmatch(_NAME, text) is None:
        yield "must be letters, digits, '-', '_' and '.', and begin and end with a letter or digit"


def _qualified_name(text: str) -> Iterator[str]:
    prefix, slash, name = text.rpartition("/")
    if slash:
        yield from _subdomain(prefix)
    yield from _name(name)


def _label_value(text: str) -> Iterator[str]:
    return _name(text) if text else iter(())


def _unless(holds: Callable[[str], bool], message: str, text: str) -> Iterator[str]:
    if not holds(text):
        yield message


def _is_base64(text: str) -> bool:
    try:
        a2b_base64(text.encode(), strict_mode=True)
    except (Error, ValueError):
        return False
    return True


def _is_date(text: str) -> bool:
    try:
        return re.fullmatch(_DATE, text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    try:
        return re.fullmatch(_TIME, text) is not None and bool(datetime.fromisoformat(text.upper()))
    except ValueError:
        return False


_FORMATS: dict[str, Callable[[str], Iterator[str]]] = {
    "dns1123Label": _label,
    "dns1123LabelPrefix": partial(_label, prefix=True),
    "dns1123Subdomain": _subdomain,
    "dns1123SubdomainPrefix": partial(_subdomain, prefix=True),
    "dns1035Label": partial(_label, form=_LABEL_1035),
    "dns1035LabelPrefix": partial(_label, form=_LABEL_1035, prefix=True),
    "qualifiedName": _qualified_name,
    "labelValue": _label_value,
    "uri": partial(_unless, is_url, "must be a URL, absolute or an absolute path"),
    "uuid": partial(_unless, lambda t: bool(re.fullmatch(_UUID, t)), "must be a UUID"),
    "byte": partial(_unless, _is_base64, "must be base64"),
    "date": partial(_unless, _is_date, "must be a date, as in 2021-01-01"),
    "datetime": partial(_unless, _is_time, "must be a time, as in 2021-01-01T00:00:00Z"),
}


def _optional(*held: Any) -> dict[str, list[Any]]:
    return {_OPTIONAL: list(held)}


def _held(optional: Any) -> list[Any]:
    if not isinstance(optional, dict) or list(optional) != [_OPTIONAL]:
        raise TypeError("no such overload: this is no optional")
    found: list[Any] = optional[_OPTIONAL]
    return found


def _validate(format: Any, text: str) -> dict[str, list[Any]]:
    faults = list(_FORMATS[untag(FORMAT, format)](text))
    return _optional(faults) if faults else _optional()


def _named(name: str) -> dict[str, list[Any]]:
    return _optional(tag(FORMAT, name)) if name in _FORMATS else _optional()


def _value(optional: Any) -> Any:
    held = _held(optional)
    if not held:
        raise ValueError("optional.none() dereference")
    return held[0]


def _format(name: str) -> Function:
    def make() -> Value:
        return tag(FORMAT, name)

    return Function(f"format.{name}", (((), FORMAT),), make, member=False)


_HELD = "map(string, dyn)"
FUNCTIONS = (
    *map(_format, _FORMATS),
    Function("format.named", ((("string",), _HELD),), _named, member=False),
    Function("validate", (((FORMAT, "string"), _HELD),), _validate),
    Function("hasValue", (((_HELD,), "bool"),), lambda o: bool(_held(o)), shared=True),
    Function("value", (((_HELD,), "dyn"),), _value, shared=True),
)
