"""`chimera explain`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from chimera.cli.options import output_option
from chimera.cli.session import Session, pass_session
from chimera.model import Outcome

if TYPE_CHECKING:
    from chimera.render.paint import Paint

    Forms = tuple[Callable[[Paint], str], Callable[[], Any]]


@click.command()
@click.argument("what", required=False, metavar="[KIND[.FIELD...] | OPERATION | operations]")
@output_option
@pass_session
def explain(session: Session, what: str | None, outputs: tuple[str, ...]) -> None:
    """Say what a kind, a field or an operation is for.

    Without an argument, list the kinds; with `operations`, list what stages can do.
    """
    from chimera.render import explanations as show
    from chimera.runtime.explaining import LISTING, explain_any, explain_operations

    registry = session.workspace().registry
    if what is None:
        forms: Forms = partial(show.kinds_text, registry), partial(show.kinds_json, registry)
    elif what == LISTING:
        operations = explain_operations(registry)
        forms = partial(show.operations_text, operations), partial(show.operations_json, operations)
    else:
        found = explain_any(registry, what)
        forms = partial(show.explanation_text, found), partial(show.explanation_json, found)
    session.emit(outputs, *forms, Outcome.PASSED)
