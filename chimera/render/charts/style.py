"""Colours and dashes of charts, for light and dark paper.

Refuses to let colour be all that tells series apart: lines are dashed, and the parts of a bar stand
in the order in which they are named.
"""

from __future__ import annotations

_HUES = (
    ("#0072b2", "#56b4e9"),
    ("#c75100", "#f2803a"),
    ("#00795a", "#2fc79e"),
    ("#a4487f", "#d896bd"),
    ("#a06400", "#e6b04a"),
    ("#5b5b8c", "#aaa9e0"),
)
"""Okabe and Ito, Color universal design (2008), darker or lighter where the paper asks for it:
told apart by those who see colours otherwise."""
_DASHES = ("", "6 3", "2 3", "8 3 2 3", "12 4", "4 2")


def hue(number: int) -> str:
    """Return the class of the colour of a series."""
    return f"c{number % len(_HUES)}"


def dash(number: int) -> str:
    """Return the attribute by which the line of a series is dashed, with a space before it."""
    pattern = _DASHES[number % len(_DASHES)]
    return f' stroke-dasharray="{pattern}"' if pattern else ""


def _hues(index: int) -> str:
    return "".join(
        f".line.c{number}{{stroke:{pair[index]}}}.fill.c{number}{{fill:{pair[index]}}}"
        for number, pair in enumerate(_HUES)
    )


_DARK = (
    ".chart text{fill:#d5dae1}.grid{stroke:#30363f}.edge{stroke:#7a838f}.paper{fill:#16181c}"
    f".limit{{stroke:#ff8a8a}}{_hues(1)}"
)
STYLE = (
    ".chart text{font:12px system-ui,sans-serif;fill:#333}.chart .title{font-size:14px;"
    "font-weight:600}.grid{stroke:#e2e5e9}.edge{stroke:#888}.line{fill:none;stroke-width:1.8;"
    "stroke-linejoin:round}.paper{fill:#fff}.limit{fill:none;stroke:#b3261e;stroke-width:1.2;"
    f"stroke-dasharray:4 3}}{_hues(0)}"
    f"@media screen and (prefers-color-scheme:dark){{{_DARK}}}"
)
"""What a page with charts, or a picture of its own, needs once."""
