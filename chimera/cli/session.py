"""What every command shares: the folder, colour, the workspace, and how results are written."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from chimera.cli.exit_codes import EXIT_CODES
from chimera.model import Outcome, UsageError

if TYPE_CHECKING:
    from chimera.context import Progress
    from chimera.render.paint import Brush, Paint, Style
    from chimera.workspace import Workspace

FORMATS = ("text", "json")
_COLOURS: dict[str, dict[str, Any]] = {
    "good": {"fg": "green"},
    "bad": {"fg": "red", "bold": True},
    "warn": {"fg": "yellow"},
    "dim": {"dim": True},
    "bold": {"bold": True},
    "accent": {"fg": "cyan"},
}


@dataclass
class Session:
    """One invocation of the command line."""

    directory: Path
    color: bool | None = None

    def workspace(self, directory: Path | None = None) -> Workspace:
        """Open the repository around the folder."""
        from chimera.context import Context
        from chimera.workspace import Workspace

        context = Context.system(progress=self.progress())
        return Workspace.open(directory or self.directory, context)

    def progress(self) -> Progress | None:
        """Return a progress display where a person looks on, and none otherwise."""
        if not _is_terminal(sys.stderr) or self.color is False:
            return None
        from chimera.cli.progress import TerminalProgress

        return TerminalProgress()

    def brush(self) -> Brush:
        """Return how text is coloured for standard output: plainly where nobody can see it."""
        from chimera.render.paint import Brush, plain

        def dress(text: str, style: Style) -> str:
            return click.style(text, **_COLOURS[style])

        wanted = _is_terminal(sys.stdout) if self.color is None else self.color
        return Brush(dress if wanted else plain)

    def emit(
        self,
        outputs: tuple[str, ...],
        text: Callable[[Paint], str],
        as_json: Callable[[], Any],
        outcome: Outcome,
        *,
        exit_code: int | None = None,
    ) -> None:
        """Write a result in every format that was asked for, then exit with its outcome's code."""
        from chimera.render.paint import harmless, plain

        for name, file in _destinations(outputs):
            if name == "json":
                shown = harmless(json.dumps(as_json(), indent=2, ensure_ascii=False))
            elif file is not None:
                shown = harmless(text(plain))
            else:
                brush = self.brush()
                shown = brush.finish(text(brush))
            if file is None:
                _say(shown, self.color)
            else:
                write_file(file, shown + "\n")
        click.get_current_context().exit(EXIT_CODES[outcome] if exit_code is None else exit_code)


def _say(text: str, color: bool | None) -> None:
    """Write to standard output; a reader that went away changes nothing about how a command ends.

    What is still in a buffer then must go nowhere, or Python complains about it at its exit.
    """
    try:
        click.echo(text, color=color)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_terminal(stream: TextIO | None) -> bool:
    """Tell whether a person looks on; a stream that was closed (`>&-`) is `None`."""
    return stream is not None and stream.isatty()


def _destinations(outputs: tuple[str, ...]) -> list[tuple[str, Path | None]]:
    found: list[tuple[str, Path | None]] = []
    for output in outputs or ("text",):
        name, _, file = output.partition("=")
        if name not in FORMATS:
            raise UsageError(
                f"unknown output format {name!r}", help=f"there is: {', '.join(FORMATS)}"
            )
        found.append((name, Path(file) if file else None))
    if sum(file is None for _, file in found) > 1:
        raise UsageError(
            "two formats cannot both go to standard output",
            help="write one to a file: -o json=FILE",
        )
    return found


def write_file(file: Path, text: str) -> None:
    """Write what was asked for into a file; raises `UsageError` where that cannot be."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"cannot write {file}: {error.strerror}", help="name a file in a folder that exists"
        ) from error


output_option = click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT[=FILE]",
    help=f"Output format ({', '.join(FORMATS)}); repeatable with a file, as in -o json=out.json.",
)
environment_option = click.option(
    "--env",
    "environment",
    default="local",
    show_default=True,
    metavar="NAME",
    help="The environment, named by an Environment document.",
)
base_option = click.option(
    "--base",
    metavar="REF",
    help="Judge what merging into REF would leave, as a change of it; read from Git alone.",
)
head_option = click.option(
    "--head",
    metavar="REF",
    default="HEAD",
    show_default=True,
    help="The commit that would be merged into the base.",
)
work_tree_option = click.option(
    "--work-tree",
    is_flag=True,
    help="Compare the work tree, as it lies there, with the base instead of a merge.",
)
pass_session = click.make_pass_decorator(Session)
