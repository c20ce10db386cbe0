"""`chimera objective`: what was promised, what was measured, and how much may still go wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from chimera.model import Outcome, UsageError
from chimera.options.outputs import output_option
from chimera.options.usual import environment_option, now_option, session_of

if TYPE_CHECKING:
    from chimera.builtin.services.objectives.evaluating import Standing
    from chimera.builtin.services.spec.objective import ObjectiveSpec
    from chimera.kinds import Document
    from chimera.workspace import Workspace


@click.group()
def objective() -> None:
    """Hold what was measured to what was promised.

    NAME is the name of an Objective. What was not measured often enough is not met.
    """


@objective.command(name="list")
@environment_option
@now_option
@output_option()
def list_(environment: str, outputs: tuple[str, ...]) -> None:
    """List how all objectives stand.

    Exits 1 where one is missed, and 5 where none is and one was not measured.
    """
    from chimera.builtin.services.objectives import rendering
    from chimera.builtin.services.objectives.evaluating import outcome_of, standings
    from chimera.builtin.services.objectives.sources import Origin

    session = session_of()
    workspace = session.workspace()
    with workspace.read_state() as state:
        origin = Origin(environment, state, workspace.tree)
        found = standings(workspace.loaded.snapshot, origin, workspace.context.clock.now())
    session.emit(
        outputs,
        lambda paint: rendering.list_text(found, paint),
        lambda: {
            "format": "chimera-objectives/1",
            "environment": environment,
            "objectives": [rendering.standing_json(one) for one in found],
        },
        outcome_of(found),
    )


@objective.command()
@click.argument("name")
@environment_option
@now_option
@output_option()
def show(name: str, environment: str, outputs: tuple[str, ...]) -> None:
    """Show one objective: its value, its error budget and its burn rates.

    Exits 1 where it is missed, and 5 where it was not measured.
    """
    from chimera.builtin.services.objectives import rendering
    from chimera.builtin.services.objectives.evaluating import outcome_of

    session = session_of()
    found = _standing(session.workspace(), name, environment)
    session.emit(
        outputs,
        lambda paint: rendering.show_text(found, paint),
        lambda: {"format": "chimera-objective/1", **rendering.standing_json(found)},
        outcome_of((found,)),
    )


@objective.command()
@click.argument("name")
@click.argument("file", type=click.Path(path_type=Path))
@environment_option
@now_option
def export(name: str, file: Path, environment: str) -> None:
    """Write the measurements of a window to FILE, and print the current value that they show.

    FILE is in the tree and ends in .jsonl. What is printed goes into the Objective: it is computed
    again from the file at every check.
    """
    from chimera.builtin.services.objectives.exporting import exported
    from chimera.builtin.services.objectives.sources import Origin
    from chimera.context import write_whole

    session = session_of()
    workspace = session.workspace()
    inside = (Path.cwd() / file).resolve()
    if file.suffix != ".jsonl" or not inside.is_relative_to(workspace.root.resolve()):
        raise UsageError(f"{file} is no file for it", help="name a file in the tree: NAME.jsonl")
    path = inside.relative_to(workspace.root.resolve()).as_posix()
    with workspace.read_state() as state:
        origin = Origin(environment, state, workspace.tree)
        now = workspace.context.clock.now()
        lines, block = exported(_document(workspace, name), origin, path, now)
    write_whole(inside, lines)
    click.echo(f"wrote {path}; write this into the spec of Objective/{name}:", err=True)
    session.emit((), lambda paint: block, dict, Outcome.PASSED)


def _document(workspace: Workspace, name: str) -> Document[ObjectiveSpec]:
    from chimera.builtin.services.spec.objective import ObjectiveSpec
    from chimera.kinds import suggestion

    snapshot = workspace.loaded.snapshot
    every = snapshot.of_model(ObjectiveSpec) if "Objective" in snapshot.kinds else ()
    known = {one.address.name: one for one in every}
    wanted = name.removeprefix("Objective/")
    if wanted not in known:
        listed = "`chimera objective list` lists them; `chimera check` says what is wrong"
        raise UsageError(
            f"there is no valid Objective {wanted}", help=suggestion(wanted, known, listed)
        )
    return known[wanted]


def _standing(workspace: Workspace, name: str, environment: str) -> Standing:
    from chimera.builtin.services.objectives.evaluating import evaluate
    from chimera.builtin.services.objectives.sources import Origin

    found = _document(workspace, name)
    with workspace.read_state() as state:
        origin = Origin(environment, state, workspace.tree)
        return evaluate(found, origin, workspace.context.clock.now())
