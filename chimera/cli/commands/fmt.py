"""`chimera fmt`."""

from __future__ import annotations

from pathlib import Path

import click

from chimera.cli.exit_codes import EXIT_CODES
from chimera.cli.session import Session, pass_session
from chimera.model import Outcome


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--check", "only_check", is_flag=True, help="Write nothing; fail where a file would change."
)
@click.option(
    "--modelines",
    is_flag=True,
    help="Instead, name each file's schema to editors in its first line.",
)
@pass_session
def fmt(session: Session, paths: tuple[Path, ...], only_check: bool, modelines: bool) -> None:
    """Format documents without changing what they say.

    PATHS are files or folders; without any, every document of the repository. Comments and values
    stay as they are.
    """
    from chimera.render.diagnostics import diagnostic_text
    from chimera.render.paint import harmless

    workspace = session.workspace()
    rewrite = workspace.add_modelines if modelines else workspace.format
    result = rewrite(paths, write=not only_check)
    told = "would change" if only_check else "changed"
    if not modelines:
        told = "would format" if only_check else "formatted"
    for path in result.value:
        click.echo(harmless(f"{told} {path}"))
    for diagnostic in result.diagnostics:
        click.echo(harmless(diagnostic_text(diagnostic)), err=True)
    if not result.value and not result.diagnostics:
        click.echo(f"every document {'names its schema' if modelines else 'is formatted'}")
    failed = only_check and result.value
    click.get_current_context().exit(
        EXIT_CODES[Outcome.worst((result.outcome, Outcome.FAILED if failed else Outcome.PASSED))]
    )
