"""The options that several commands take, and what they mean together.

Refuses an option that would be passed over: its user would take the answer for another one's.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from chimera.cli.session import (
    FORMATS,
    PAGE_FORMATS,
    PICTURE_FORMATS,
    REPORT_FORMATS,
    Session,
    destinations,
)
from chimera.model import UsageError

F = TypeVar("F", bound=Callable[..., Any])


def _output_option(formats: tuple[str, ...], example: str) -> Callable[[F], F]:
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


output_option = _output_option(FORMATS, "json=out.json")
report_option = _output_option(REPORT_FORMATS, "sarif=out.sarif")
page_option = _output_option(PAGE_FORMATS, "markdown=ruling.md")
picture_option = _output_option(PICTURE_FORMATS, "svg=graph.svg")
environment_option = click.option(
    "--env",
    "environment",
    default="local",
    show_default=True,
    metavar="NAME",
    help="The environment, named by an Environment document.",
)
key_option = click.option(
    "--key",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The SSH key to sign with, instead of CHIMERA_SIGNING_KEY or the one Git signs with.",
)
base_option = click.option(
    "--base",
    metavar="REF",
    help="Judge what merging into REF would leave, as a change of it; read from Git alone.",
)
head_option = click.option(
    "--head",
    metavar="REF",
    show_default="HEAD",
    help="The commit that would be merged into the base.",
)
work_tree_option = click.option(
    "--work-tree",
    is_flag=True,
    help="Compare the work tree, as it lies there, with the base instead of a merge.",
)


def compared_head(base: str | None, head: str | None, work_tree: bool) -> str | None:
    """Return the commit to compare with the base, or None for the work tree.

    Raises `UsageError` for an option that would be passed over: its user would take the answer for
    one about another tree.
    """
    if base is None and (work_tree or head is not None):
        option = "--head" if head is not None else "--work-tree"
        raise UsageError(
            f"{option} says what to compare, and nothing says with what", help="add --base REF"
        )
    if work_tree and head is not None:
        raise UsageError("--head and --work-tree exclude each other", help="leave one of them out")
    return None if work_tree else head or "HEAD"


def _judge_as_of(ctx: click.Context, parameter: click.Parameter, text: str | None) -> None:
    """Hold the session's clock at a moment; raises `UsageError` for what is none."""
    from chimera.context import parse_instant

    session = ctx.find_object(Session)
    if text is not None and session is not None:
        session.now = parse_instant(text)


now_option = click.option(
    "--now",
    metavar="TIME",
    callback=_judge_as_of,
    expose_value=False,
    help="Judge as of TIME, a date or an ISO 8601 time with its zone, instead of now.",
)
