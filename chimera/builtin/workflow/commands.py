"""`chimera import wfformat`: say what was read, what was written, and what was left open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from chimera.model import ChimeraError, UsageError

if TYPE_CHECKING:
    from chimera.builtin.workflow.wfformat.reading import Trace
    from chimera.builtin.workflow.wfformat.writing import Written


@click.command()
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder to write to; specs/workflows if left out.",
)
@click.option(
    "--time-scale",
    default=0.001,
    metavar="FACTOR",
    help="What runtimes are multiplied by; 0 for no waits. A thousandth if left out.",
)
def wfformat(files: tuple[Path, ...], out: Path | None, time_scale: float) -> None:
    """Make Workflows of traces in WfCommons' WfFormat.

    Reads versions 1.3 to 1.6. Each task becomes a stage that waits as long as the task took, and
    hashes its name with the hashes of the tasks before it: the hash that a run gives shows that
    all was done, in order. Nothing is overwritten.
    """
    from chimera.builtin.workflow.wfformat.reading import read_trace
    from chimera.builtin.workflow.wfformat.writing import write_trace

    if not 0 <= time_scale < float("inf"):
        raise UsageError("a time scale is not negative", help="give 0 for no waits")
    directory = click.get_current_context().find_root().params.get("directory")
    folder = Path(directory or ".") / "specs" / "workflows" if out is None else out
    failed: list[ChimeraError] = []
    for file in files:
        try:
            trace = read_trace(file)
            written = write_trace(trace, time_scale)
            path = _write(folder, written)
        except ChimeraError as error:
            failed.append(error)
            click.echo(f"refused  {error.message}", err=True)
            click.echo(f"         {error.help}", err=True)
        else:
            _say(trace, written, path)
    if failed:
        raise ChimeraError(
            f"{len(failed)} of {len(files)} traces were not imported",
            help="each is named above, with what to do",
        )


def _write(folder: Path, written: Written) -> Path:
    path = folder / f"{written.name}.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(written.text)
    except FileExistsError:
        raise UsageError(
            f"{path} exists, and nothing is overwritten", help="remove it, or give another --out"
        ) from None
    except OSError as error:
        raise ChimeraError(
            f"{path} cannot be written: {error.strerror}", help="give another --out"
        ) from error
    return path


def _say(trace: Trace, written: Written, path: Path) -> None:
    edges = sum(len(task.parents) for task in trace.tasks)
    seconds = written.takes.total_seconds()
    click.echo(
        f"wrote    {path}: Workflow/{written.name}, {written.tasks} tasks, {edges} dependencies, "
        f"{seconds:g} s of waits in all"
    )
    click.echo(f"         its run gives the hash {written.hash}")
    for note in trace.notes:
        click.echo(f"         {note}")
