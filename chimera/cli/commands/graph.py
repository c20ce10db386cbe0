"""`chimera graph`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from chimera.cli.options import (
    base_option,
    compared_head,
    environment_option,
    head_option,
    picture_option,
    work_tree_option,
)
from chimera.cli.session import Session, pass_session
from chimera.model import Outcome

if TYPE_CHECKING:
    from chimera.workspace.graphing import Graph


@click.command()
@click.argument("address", required=False, metavar="[KIND/NAME]")
@click.option(
    "--depth",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    metavar="N",
    help="How many references far to look around KIND/NAME.",
)
@environment_option
@base_option
@head_option
@work_tree_option
@picture_option
@pass_session
def graph(
    session: Session,
    address: str | None,
    depth: int,
    environment: str,
    base: str | None,
    head: str | None,
    work_tree: bool,
    outputs: tuple[str, ...],
) -> None:
    """Draw references, layers and what a change reaches.

    With KIND/NAME: what it leans on, and what leans on it. With --base: what a change of that ref
    changes, what it reaches downstream, and the gates, proofs and policies that ask something of
    it. Text is for a terminal; mermaid is drawn by GitHub, html can be searched.
    """
    from chimera.render.graph.tree import graph_json, graph_text

    drawn = session.workspace().graph(
        address,
        depth,
        environment=environment,
        base=base,
        head=compared_head(base, head, work_tree),
    )
    session.emit(
        outputs,
        lambda paint: graph_text(drawn, paint),
        lambda: graph_json(drawn),
        Outcome.PASSED,
        pictures=_pictures(drawn),
    )


def _pictures(drawn: Graph) -> dict[str, Callable[[], str]]:
    def mermaid() -> str:
        from chimera.render.graph.mermaid import graph_mermaid

        return graph_mermaid(drawn)

    def dot() -> str:
        from chimera.render.graph.dot import graph_dot

        return graph_dot(drawn)

    def svg() -> str:
        from chimera.render.graph.svg import graph_svg

        return graph_svg(drawn)

    def html() -> str:
        from chimera.render.graph.html import graph_html

        return graph_html(drawn)

    return {"mermaid": mermaid, "dot": dot, "svg": svg, "html": html}
