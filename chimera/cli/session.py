"""What every command shares: the folder, colour, the workspace, and how results are written."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from chimera.cli.exit_codes import EXIT_CODES
from chimera.model import Outcome, UsageError
from chimera.options.outputs import FORMATS, REPORT_FORMATS, destinations

if TYPE_CHECKING:
    from chimera.context import Progress, Secrets
    from chimera.render.paint import Brush, Paint, Style
    from chimera.render.report import Report
    from chimera.runtime.listening import Listeners
    from chimera.workspace import Workspace

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
    secrets: Secrets | None = None
    now: datetime | None = None
    """The moment that is judged as of, where it is not the present."""
    held: list[object] = field(default_factory=list)
    """What is not to be taken apart before the end."""
    listeners: Listeners | None = None
    """Those who hear what runs publish that this command executes."""

    def workspace(self, directory: Path | None = None) -> Workspace:
        """Open the repository around the folder."""
        from chimera.context import Context
        from chimera.workspace import Workspace

        context = Context.system(now=self.now, progress=self.progress())
        self.secrets = context.secrets
        workspace = Workspace.open(directory or self.directory, context)
        workspace.listeners = self.listeners
        self.held.append(workspace)
        return workspace

    def progress(self) -> Progress | None:
        """Return a progress display where a person looks on, and none otherwise."""
        if not _is_terminal(sys.stderr) or self.color is False:
            return None
        from chimera.cli.progress import TerminalProgress

        return TerminalProgress()

    def watch(self, text: Callable[[Paint], str], every: float) -> bool:
        """Show text again and again until the user interrupts it; false where nobody looks on."""
        if not _is_terminal(sys.stdout):
            return False
        from chimera.cli.watching import watch

        brush = self.brush(sys.stdout)
        watch(lambda: self._mask(brush.finish(text(brush))), every)
        return True

    def brush(self, stream: TextIO | None) -> Brush:
        """Return how text is coloured for a stream: plainly where nobody can see it."""
        from chimera.render.paint import Brush, plain

        def dress(text: str, style: Style) -> str:
            return click.style(text, **_COLOURS[style])

        wanted = _is_terminal(stream) if self.color is None else self.color
        return Brush(dress if wanted else plain)

    def tell(self, text: Callable[[Paint], str]) -> None:
        """Show what is about to be asked on standard error, where answers are given."""
        brush = self.brush(sys.stderr)
        click.echo(self._mask(brush.finish(text(brush))), err=True, color=self.color)

    def warn(self, reason: str | None) -> None:
        """Say on standard error what may not be what is wanted, before it is done."""
        if reason is not None:
            from chimera.render.paint import unbroken

            self.tell(lambda paint: f"{paint('warning', 'warn')}: {unbroken(reason)}")

    def confirm(
        self, question: str, flag: str, about: Callable[[Paint], str] | None = None
    ) -> None:
        """Show what it is `about` and ask whoever sits at the terminal; raises `UsageError` for no.

        It does where there is no terminal, too: `flag` is the answer that can be given beforehand.
        """
        if not self.is_interactive:
            raise UsageError(
                f"nobody can be asked without a terminal: {question}",
                help=f"give {flag} to answer yes",
            )
        if about is not None:
            self.tell(about)
        if not click.confirm(question, err=True):
            raise UsageError("nothing was done", help=f"answer yes, or give {flag}")

    @property
    def is_interactive(self) -> bool:
        """Whether somebody sits at a terminal who can be asked."""
        return _is_terminal(sys.stdin) and _is_terminal(sys.stderr)

    def ask(self, question: str, flag: str, choices: tuple[str, ...] = ()) -> str:
        """Return what whoever sits at the terminal answers; raises `UsageError` where nobody does.

        `flag` is how the answer can be given beforehand.
        """
        if not self.is_interactive:
            among = f", one of {', '.join(choices)}" if choices else ""
            raise UsageError(
                f"nobody can be asked without a terminal: {question}", help=f"give {flag}{among}"
            )
        options = f" ({', '.join(choices)})" if choices else ""
        answer: str = click.prompt(
            f"{question}{options}",
            value_proc=lambda text: _among(text, choices),
            prompt_suffix=" ",
            err=True,
        )
        return answer

    def emit(
        self,
        outputs: tuple[str, ...],
        text: Callable[[Paint], str],
        as_json: Callable[[], Any],
        outcome: Outcome,
        *,
        report: Callable[[], Report] | None = None,
        pictures: Mapping[str, Callable[[], str]] | None = None,
        exit_code: int | None = None,
    ) -> None:
        """Write a result in every format that was asked for, then exit with its outcome's code.

        `report` is asked for where the command takes a `report_option`, `pictures` by their format
        where it takes a `picture_option`.
        """
        code = EXIT_CODES[outcome] if exit_code is None else exit_code
        told: Report | None = None
        formats = (*FORMATS, *pictures) if pictures else REPORT_FORMATS if report else FORMATS
        for name, file in destinations(outputs, formats):
            if name == "text":
                shown = self._text(self._dated(text), to_file=file is not None)
            elif name == "json":
                shown = self._json(as_json())
            elif pictures:
                shown = self._mask(pictures[name]())
            else:
                assert report is not None
                told = told or self._told(report(), code)
                shown = _render(name, told)
            if file is None:
                _say(shown if name == "github" else for_log(shown), self.color)
            else:
                write_file(file, shown + "\n")
        click.get_current_context().exit(code)

    def _dated(self, text: Callable[[Paint], str]) -> Callable[[Paint], str]:
        """Have text say as of when it was judged, where that was asked for."""
        if self.now is None:
            return text
        line = self._as_of(self.now)
        return lambda paint: f"{paint(line, 'dim')}\n{text(paint)}"

    @staticmethod
    def _as_of(instant: datetime) -> str:
        return f"judged as of {instant.isoformat()}"

    def _text(self, text: Callable[[Paint], str], *, to_file: bool) -> str:
        from chimera.render.paint import harmless, plain

        if to_file:
            return harmless(self._mask(text(plain)))
        brush = self.brush(sys.stdout)
        return self._mask(brush.finish(text(brush)))

    def _json(self, value: Any) -> str:
        from chimera.render.paint import harmless

        if self.now is not None:
            value = {**value, "now": self.now.isoformat()}
        shown = json.dumps(value, indent=2, ensure_ascii=False)
        if self.secrets is not None and self.secrets.mask(shown) != shown:
            # In the text a secret of digits alone may be a number, without quotes around it.
            shown = json.dumps(self.secrets.mask_json(value), indent=2, ensure_ascii=False)
        return harmless(shown)

    def _told(self, report: Report, exit_code: int) -> Report:
        """Complete a report with what only the command line knows, and without secrets."""
        if self.now is not None:
            report = replace(report, notes=(self._as_of(self.now), *report.notes))
        return replace(report, exit_code=exit_code, version=version()).masked(self._mask)

    def _mask(self, text: str) -> str:
        return text if self.secrets is None else self.secrets.mask(text)


def _among(text: str, choices: tuple[str, ...]) -> str:
    """Return the choice that a text begins; Click asks again where it is none, or several."""
    if not choices:
        return text
    found = [choice for choice in choices if text and choice.startswith(text.strip().lower())]
    if len(found) != 1:
        raise click.UsageError(f"{text!r} is none of {', '.join(choices)}")
    return found[0]


def version() -> str:
    """Return the version that is installed."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as version_of

    try:
        return version_of("chimera")
    except PackageNotFoundError:
        return "unknown"


def _render(name: str, report: Report) -> str:
    """Return a report in one of the formats that render from it."""
    if name == "sarif":
        from chimera.render.sarif import sarif

        return sarif(report)
    if name == "junit":
        from chimera.render.junit import junit

        return junit(report)
    if name == "github":
        from chimera.render.github import github

        return github(report)
    from chimera.render.markdown import markdown

    return markdown(report)


def for_log(text: str) -> str:
    """Keep documents from giving commands to the runner of a GitHub job, which reads its log."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return text
    from chimera.render.paint import muted

    return muted(text)


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


def write_file(file: Path, text: str) -> None:
    """Write what was asked for into a file; raises `UsageError` where that cannot be."""
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"cannot write {file}: {error.strerror}", help="name a file in a folder that exists"
        ) from error


pass_session = click.make_pass_decorator(Session)
