"""The options that several commands take, and what they mean together.

Refuses an option that would be passed over: its user would take the answer for another one's.
"""

from __future__ import annotations

import click

from chimera.model import UsageError
from chimera.options import outputs
from chimera.options.usual import environment_option, key_option, now_option

__all__ = [
    "base_option",
    "compared_head",
    "environment_option",
    "head_option",
    "key_option",
    "now_option",
    "output_option",
    "page_option",
    "picture_option",
    "report_option",
    "work_tree_option",
]

output_option = outputs.output_option()
report_option = outputs.output_option(outputs.REPORT_FORMATS, "sarif=out.sarif")
page_option = outputs.output_option((*outputs.FORMATS, "markdown"), "markdown=ruling.md")
picture_option = outputs.output_option(
    (*outputs.FORMATS, "mermaid", "dot", "svg", "html"), "svg=graph.svg"
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
