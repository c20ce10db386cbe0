"""Semantic versions (semver.org, 2.0.0): precedence, build metadata aside."""

from __future__ import annotations

import re
from typing import Any

from chimera.policy.functions.signature import SEMVER, Function, Value, tag, untag, whole

_NUMBER = r"(0|[1-9]\d{0,18})"
_LABEL = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_FORM = rf"(?a){_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-({_LABEL}))?(?:\+{_LABEL})?"
_NUMERIC_LABEL = r"(?a)0\d+"
_LONGEST = 1000

_Precedence = tuple[int, int, int, bool, tuple[tuple[bool, int, str], ...]]


def parse(text: str, normalize: bool = False) -> Value:
    """Return a version; raises `ValueError` for what is none."""
    given = _normal(text) if normalize else text
    found = re.fullmatch(_FORM, given) if len(given) <= _LONGEST else None
    labels = (found[4] or "").split(".") if found else []
    if found is None or any(re.fullmatch(_NUMERIC_LABEL, label) for label in labels):
        raise ValueError(f"{text[:50]!r} is not a semantic version, as in 1.2.3")
    return tag(SEMVER, found[0].partition("+")[0])


def _normal(text: str) -> str:
    """Drop a leading v and leading zeros, and add the parts that are missing."""
    parts = text.removeprefix("v").split(".", 2)
    if len(parts) < 3 and set(parts[-1]) & set("+-"):
        raise ValueError("a short version cannot have a pre-release or build part")
    parts += ["0"] * (3 - len(parts))
    return ".".join(re.sub(r"^0+(?=\d)", "", part) for part in parts)


def _is_version(text: str, normalize: bool = False) -> bool:
    try:
        parse(text, normalize)
    except ValueError:
        return False
    return True


def _precedence(value: Any) -> _Precedence:
    """Return what orders versions: one with a pre-release part stands before the one without."""
    release, _, labels = untag(SEMVER, value).partition("-")
    major, minor, patch = map(int, release.split("."))
    ranks = tuple(
        (False, int(label), "") if label.isdigit() else (True, 0, label)
        for label in labels.split(".")
        if label
    )
    return major, minor, patch, not labels, ranks


def compare(left: Any, right: Any) -> int:
    """Return -1, 0 or 1."""
    one, other = _precedence(left), _precedence(right)
    return (one > other) - (one < other)


FUNCTIONS = (
    Function("semver", ((("string",), SEMVER), (("string", "bool"), SEMVER)), parse, member=False),
    Function(
        "isSemver", ((("string",), "bool"), (("string", "bool"), "bool")), _is_version, member=False
    ),
    Function("major", (((SEMVER,), "int"),), lambda v: whole(_precedence(v)[0])),
    Function("minor", (((SEMVER,), "int"),), lambda v: whole(_precedence(v)[1])),
    Function("patch", (((SEMVER,), "int"),), lambda v: whole(_precedence(v)[2])),
)
