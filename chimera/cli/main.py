"""The root of the command line: lazy commands, and the one handler of failures.

Failures come in three classes: expected (`ChimeraError`, usage), interrupted, and bugs, which leave
a report behind.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import gc
import importlib
import os
import sys
import tempfile
import threading
import traceback
from pathlib import Path
from typing import Any, NoReturn

import click

from chimera.cli.exit_codes import EXIT_CODES
from chimera.cli.index import COMMANDS
from chimera.cli.session import Session, for_log
from chimera.model import ChimeraError, Outcome


class Root(click.Group):
    """A group that imports a command only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the shipped commands, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a shipped command, or one that a plugin of this repository registered."""
        entry = COMMANDS.get(cmd_name)
        target = entry.target if entry else _plugin_command(ctx, cmd_name)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by section, from the table alone."""
        for section in dict.fromkeys(entry.section for entry in COMMANDS.values()):
            rows = [(n, e.help) for n, e in COMMANDS.items() if e.section == section]
            with formatter.section(section):
                formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Suggest the nearest command for one that does not exist."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            if near and "No such command" in error.message:
                raise click.UsageError(f"{error.message} Did you mean {near[0]!r}?", ctx) from error
            raise


def _plugin_command(ctx: click.Context, name: str) -> str | None:
    """Look a command up among those that the repository's own plugins register."""
    directory = ctx.params.get("directory") or Path()  # the root itself has not run yet
    return Session(directory).workspace().registry.commands.get(name)


def _print_version(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if not wanted or ctx.resilient_parsing:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        click.echo(version("chimera"))
    except PackageNotFoundError:
        click.echo("unknown: this is a checkout that was not installed")
    ctx.exit()


@click.command(cls=Root, name="chimera", context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-C",
    "--directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    help="Work in this folder instead of the present one.",
)
@click.option("--color/--no-color", default=None, help="Colour always, or never.")
@click.option(
    "--no-cache", is_flag=True, help="Read and judge everything anew; the result is the same."
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
@click.pass_context
def root(ctx: click.Context, directory: Path, color: bool | None, no_cache: bool) -> None:
    """Keep an operations contract in Git: check it, prove it, and apply what was proven.

    Start with `chimera init` in an empty folder, or `chimera check` in any folder with documents.
    """
    if color is None and os.environ.get("NO_COLOR"):
        color = False
    if no_cache:
        os.environ["CHIMERA_CACHE"] = "off"  # for the processes that are started here, too
    ctx.obj = Session(directory, color, held=[] if ctx.obj is None else ctx.obj)
    ctx.color = color


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    # A snapshot is many values that live long, without cycles: looking through them for cycles at
    # the interpreter's own pace took a third of the time of a large check.
    gc.set_threshold(1_000_000, 20, 50)
    held: list[object] = []
    _leave(run(arguments, held))


def _leave(code: int) -> NoReturn:
    """Exit without taking apart what was made: of 5,000 documents that took a tenth of a check."""
    if threading.active_count() == 1:
        atexit._run_exitfuncs()  # as the interpreter does before it
        with contextlib.suppress(OSError):  # which the interpreter has its own way of telling
            for stream in filter(None, (sys.stdout, sys.stderr)):
                stream.flush()
            os._exit(code)
    sys.exit(code)


def run(arguments: list[str] | None = None, held: list[object] | None = None) -> int:
    """Run the command line and return its exit code; what is large lives as long as `held`."""
    try:
        answer: Any = root.main(arguments, prog_name="chimera", standalone_mode=False, obj=held)
        return answer if isinstance(answer, int) else 0
    except click.exceptions.Exit as error:
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _complain("interrupted", "nothing that was finished is lost; run the same command again")
        return EXIT_CODES[Outcome.INTERRUPTED]
    except click.ClickException as error:
        command = (
            error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
        )
        _complain(error.format_message(), f"`{command or 'chimera'} --help` says what it takes")
        return EXIT_CODES[Outcome.USAGE]
    except ChimeraError as error:
        _complain(error.message, error.help)
        return EXIT_CODES[error.outcome]
    except SystemExit:  # Click's answer where the reader of a pipe went away before all was said
        return EXIT_CODES[Outcome.FAILED]
    except OSError as error:
        return _complain_of_system(error)
    except Exception:  # noqa: BLE001 - the last handler: a bug becomes a report, not a traceback
        return _report_bug()


def _complain(message: str, help: str | None) -> None:
    from chimera.render.paint import harmless

    plain = os.environ.get("NO_COLOR") or "--no-color" in sys.argv
    color = False if plain else None  # else Click looks whether anybody can see it
    error = click.style("error", fg="red", bold=True)
    click.echo(f"{error}: {for_log(harmless(message))}", err=True, color=color)
    if help:
        written = for_log(harmless(help))
        click.echo(f"{click.style(' help', fg='cyan')}: {written}", err=True, color=color)


_ROOM = "make room on the disk, and run the same command again"
_RIGHTS = "check its permissions and those of its folder"
_SYSTEM_FAULTS = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: _ROOM,
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: _RIGHTS,
    errno.EIO: "see what is wrong with the disk",
    errno.EMFILE: "allow more open files: `ulimit -n`",
}
"""What a machine can lack; whatever else it refuses is for Chimera to have foreseen."""


def _complain_of_system(error: OSError) -> int:
    help = _SYSTEM_FAULTS.get(error.errno or 0)
    if help is None:
        return _report_bug()
    _complain(f"{error.filename or 'the output'} cannot be used: {error.strerror}", help)
    return EXIT_CODES[Outcome.FAILED]


def _report_bug() -> int:
    trace = traceback.format_exc()
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="chimera-report-", suffix=".txt", delete=False, encoding="utf-8"
        ) as file:
            file.write(f"arguments: {sys.argv[1:]!r}\npython: {sys.version}\n\n{trace}")
        help = f"the report {file.name} says where"
    except OSError:
        click.echo(trace, err=True)
        help = "the lines above say where"
    _complain(f"this is a bug in Chimera: {trace.strip().splitlines()[-1]}", help)
    return EXIT_CODES[Outcome.INTERNAL]
