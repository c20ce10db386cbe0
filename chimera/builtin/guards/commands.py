"""`chimera guard`: engage a guard on this machine, release it, and list what is engaged."""

from __future__ import annotations

import click

from chimera.model import Outcome
from chimera.options.outputs import output_option
from chimera.options.usual import session_of


@click.group()
def guard() -> None:
    """Stop what is executed on this machine, release it, and see what is stopped.

    NAME is the name of a Guard document, or any other: a switch needs no document to be engaged.
    """


@guard.command()
@click.argument("name")
@click.option("--reason", required=True, metavar="TEXT", help="Why nothing may be executed.")
@click.option(
    "--env",
    "environments",
    multiple=True,
    metavar="NAME",
    help="Stop what is executed in this environment; all if left out.",
)
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Stop documents of this kind.")
@click.option(
    "--layer", "layers", multiple=True, metavar="LAYER", help="Stop this layer, contract/id."
)
@click.option(
    "--address", "addresses", multiple=True, metavar="ADDRESS", help="Stop this one document."
)
@click.option("--path", "paths", multiple=True, metavar="GLOB", help="Stop changes of these paths.")
@output_option()
def engage(
    name: str,
    reason: str,
    environments: tuple[str, ...],
    kinds: tuple[str, ...],
    layers: tuple[str, ...],
    addresses: tuple[str, ...],
    paths: tuple[str, ...],
    outputs: tuple[str, ...],
) -> None:
    """Stop runs and applies in a scope at once, between two steps.

    The scope is that of the Guard document NAME unless options name another; without either,
    everything. What is stopped can be resumed once the guard is released. It works where documents
    or the state cannot be read, and counts for every later plan, apply, run and resume of this work
    tree. Write it into the tree afterwards.
    """
    from chimera.builtin.guards.rendering import engaged_json, engaged_text
    from chimera.builtin.guards.steering import engage_here, scope_of

    scope = scope_of(
        {
            "environments": tuple(_environment(name) for name in environments),
            "kinds": kinds,
            "layers": layers,
            "addresses": addresses,
            "paths": paths,
        }
    )
    session = session_of()
    engaged = engage_here(session.workspace(), name, scope, reason)
    session.emit(
        outputs,
        lambda paint: engaged_text(engaged, paint),
        lambda: engaged_json(engaged),
        Outcome.PASSED,
    )


@guard.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Release it without asking.")
@output_option()
def release(name: str, yes: bool, outputs: tuple[str, ...]) -> None:
    """Release what was engaged on this machine; a human has to.

    Says who engaged it and why. What a document has engaged stays so until the document says
    otherwise, and what the trust ref has engaged cannot be released here at all.
    """
    from chimera.builtin.guards.rendering import released_json, released_text, switches_text
    from chimera.builtin.guards.steering import release_here

    session = session_of()
    released = release_here(
        session.workspace(),
        name,
        lambda switches: (
            None
            if yes
            else session.confirm(
                f"release Guard/{name}?", "--yes", lambda paint: switches_text(switches, paint)
            )
        ),
    )
    session.emit(
        outputs,
        lambda paint: released_text(released, paint),
        lambda: released_json(released),
        Outcome.PASSED,
    )


@guard.command(name="list")
@click.argument("name", required=False)
@output_option()
def list_(name: str | None, outputs: tuple[str, ...]) -> None:
    """Show what is engaged, where and why.

    Guards that stop nothing now stand below, and switches of this machine that no document records
    are named.
    """
    from chimera.builtin.guards.rendering import listed_json, listed_text
    from chimera.builtin.guards.steering import list_here

    session = session_of()
    listed = list_here(session.workspace(), name)
    session.emit(
        outputs,
        lambda paint: listed_text(listed, paint),
        lambda: listed_json(listed),
        Outcome.PASSED,
    )


def _environment(name: str) -> str:
    return name if "/" in name else f"Environment/{name}"
