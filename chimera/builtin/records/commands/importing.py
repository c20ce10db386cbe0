"""`chimera import postmortems`: say what was written, and what could not be read."""

from __future__ import annotations

from pathlib import Path

import click

from chimera.model import Outcome
from chimera.options.outputs import output_option
from chimera.options.usual import session_of


@click.command()
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
@click.option(
    "--env", "environment", metavar="NAME", help="The environment, where a file names none."
)
@click.option(
    "--model", metavar="NAME", help="The severity model, where levels of several could be meant."
)
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@output_option()
def postmortems(
    files: tuple[Path, ...],
    environment: str | None,
    model: str | None,
    dry_run: bool,
    outputs: tuple[str, ...],
) -> None:
    """Make records of postmortems in Markdown.

    Front matter says incident, title, severity, environment, start, end and commander; the
    headings are Summary, Timeline, Impact, Root cause, Detection, Response, Missing guardrails,
    Action items and Follow-up. What cannot be read is told with its line, and never guessed; what
    an incident must say and nobody has said is written as such. Nothing is overwritten. Exits 1
    where a file was not imported.
    """
    from chimera.builtin.records.importing.importing import import_pages
    from chimera.builtin.records.importing.proposing import Settings
    from chimera.builtin.records.rendering.imports import imported_json, imported_text

    session = session_of()
    settings = Settings(environment, model)
    done = import_pages(session.workspace(), files, settings, write=not dry_run)
    session.emit(
        outputs,
        lambda paint: imported_text(done, paint, is_trial=dry_run),
        lambda: imported_json(done, is_trial=dry_run),
        Outcome.FAILED if any(one.refused for one in done) else Outcome.PASSED,
    )
