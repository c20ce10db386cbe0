"""In which formats a command answers, and to which files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from chimera.model import UsageError

FORMATS = ("text", "json")
"""What every command can write."""
REPORT_FORMATS = (*FORMATS, "junit", "sarif", "github", "markdown")
"""What a command can write whose result is diagnostics and verdicts."""

Command = TypeVar("Command", bound=Callable[..., Any])


def output_option(
    formats: tuple[str, ...] = FORMATS, example: str = "json=out.json"
) -> Callable[[Command], Command]:
    """Return the option `-o` of a command that writes `formats`."""

    def known(
        ctx: click.Context, parameter: click.Parameter, outputs: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Refuse what cannot be written before any work is done."""
        destinations(outputs, formats)
        return outputs

    return click.option(
        "-o",
        "--output",
        "outputs",
        multiple=True,
        metavar="FORMAT[=FILE]",
        callback=known,
        help=f"Output format ({', '.join(formats)}); repeatable with a file, as in -o {example}.",
    )


def destinations(
    outputs: tuple[str, ...], formats: tuple[str, ...]
) -> list[tuple[str, Path | None]]:
    """Return each format that is asked for, with its file; raises `UsageError` for any other."""
    found: list[tuple[str, Path | None]] = []
    for output in outputs or ("text",):
        name, equals, file = output.partition("=")
        if name not in formats:
            what = "this command has no" if name in REPORT_FORMATS else "unknown"
            import difflib

            near = difflib.get_close_matches(name.lower(), formats, n=1)
            meant = f"did you mean {near[0]}? " if near else ""
            raise UsageError(
                f"{what} output format {name!r}", help=f"{meant}there is: {', '.join(formats)}"
            )
        if equals and not file:
            raise UsageError(
                f"{output!r} names no file", help=f"write -o {name}=FILE, or -o {name}"
            )
        found.append((name, Path(file) if file else None))
    if sum(file is None for _, file in found) > 1:
        raise UsageError(
            "two formats cannot both go to standard output",
            help="write one to a file: -o json=FILE",
        )
    return found
