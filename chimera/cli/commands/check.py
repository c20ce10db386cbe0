"""`chimera check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from chimera.cli.options import (
    base_option,
    compared_head,
    environment_option,
    head_option,
    now_option,
    report_option,
    work_tree_option,
)
from chimera.cli.session import Session, pass_session

if TYPE_CHECKING:
    from chimera.render.report import Report


@click.command()
@click.argument(
    "path", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--notes", is_flag=True, help="Show what is merely worth knowing, too.")
@base_option
@head_option
@work_tree_option
@now_option
@environment_option
@report_option
@pass_session
def check(
    session: Session,
    path: Path | None,
    notes: bool,
    base: str | None,
    head: str | None,
    work_tree: bool,
    environment: str,
    outputs: tuple[str, ...],
) -> None:
    """Report everything that is wrong with a tree.

    PATH is any folder with documents; no `init` is needed. All faults are reported at once, at
    their lines and columns.
    """
    from chimera.render.check import check_json, check_text

    def report() -> Report:
        from chimera.render.reports import check_report

        return check_report(result)

    result = session.workspace(path).check(environment, base, compared_head(base, head, work_tree))
    session.emit(
        outputs,
        lambda paint: check_text(result, paint, notes=notes),
        lambda: check_json(result),
        result.outcome,
        report=report,
    )
