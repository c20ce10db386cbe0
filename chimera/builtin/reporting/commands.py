"""`chimera report daily|weekly|monthly|compliance|capacity`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from chimera.options.outputs import FORMATS, output_option
from chimera.options.usual import session_of

if TYPE_CHECKING:
    from datetime import datetime


@click.command()
@click.argument("kind", type=click.Choice(["daily", "weekly", "monthly", "compliance", "capacity"]))
@click.option(
    "--for",
    "named",
    metavar="TIME",
    help="A day (2026-11-21), a week (2026-W47), a month (2026-11), or `last`, the one before "
    "this; the present one if left out.",
)
@click.option("--from", "start", metavar="TIME", help="Where it begins: a date, or a moment.")
@click.option(
    "--to", "end", metavar="TIME", help="Where it ends, which is not part of it; now if left out."
)
@click.option(
    "--zone",
    default="UTC",
    show_default=True,
    metavar="NAME",
    help="The time zone in which days begin and times are shown, such as Europe/Berlin.",
)
@click.option("--env", "environment", metavar="NAME", help="Only of this environment.")
@click.option(
    "--now", "instant", metavar="TIME", help="Speak as of TIME instead of the present one."
)
@output_option((*FORMATS, "markdown", "html"), "html=report.html")
def report(
    kind: str,
    named: str | None,
    start: str | None,
    end: str | None,
    zone: str,
    environment: str | None,
    instant: str | None,
    outputs: tuple[str, ...],
) -> None:
    """Say what a day, a week or a month was like, what changes lack, or what runs out.

    compliance shows of every change its entry, proof, approvals and incidents, and exits 1 where
    something is missing. capacity says how runs, the state and pools grow. The same time and
    journal give the same bytes: a time that is over is spoken of as of its end, and compliance a
    week after that.
    """
    from chimera.builtin.reporting.gathering import make_report
    from chimera.builtin.reporting.periods import Asked
    from chimera.builtin.reporting.rendering.data import report_json
    from chimera.builtin.reporting.rendering.html import report_html
    from chimera.builtin.reporting.rendering.markdown import report_markdown
    from chimera.builtin.reporting.rendering.text import report_text
    from chimera.runtime.reporting import ReportKind

    session = session_of()
    workspace = session.workspace()
    asked = Asked(named, start, end, zone)
    found = make_report(workspace, ReportKind(kind), asked, environment, _moment(instant))
    session.emit(
        *(outputs, lambda paint: report_text(found, paint), lambda: report_json(found)),
        found.outcome,
        pictures={
            "markdown": lambda: report_markdown(found),
            "html": lambda: report_html(found),
        },
    )


def _moment(text: str | None) -> datetime | None:
    from chimera.context import parse_instant

    return None if text is None else parse_instant(text)
