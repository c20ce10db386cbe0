"""`chimera evolve status`, `watch`, `plot` and `compare`: runs of evolutions, looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import click

from chimera.model import Outcome, UsageError
from chimera.options.outputs import FORMATS, output_option
from chimera.options.usual import session_of

if TYPE_CHECKING:
    from chimera.builtin.evolution.kinds import EvolutionSpec
    from chimera.builtin.evolution.watching.histories import History

_env = click.option(
    "--env", "environment", default="local", show_default=True, help="The environment."
)
_run = click.argument("run", metavar="EVOLUTION|RUN", default="latest")


@click.command()
@click.argument("evolution", required=False)
@_env
@output_option()
def status(evolution: str | None, environment: str, outputs: tuple[str, ...]) -> None:
    """Show how far the newest run of each evolution is.

    With EVOLUTION: every run of that one, the newest first.
    """
    from chimera.builtin.evolution.watching import rendering
    from chimera.builtin.evolution.watching.histories import newest, runs_of

    session = session_of()
    workspace = session.workspace()
    if evolution is None:
        found = newest(workspace, environment)
    else:
        found = runs_of(workspace, environment, evolution)
    session.emit(
        outputs,
        lambda paint: rendering.status_text(found, paint),
        lambda: {
            "format": "chimera-evolution-status/1",
            "runs": [rendering.history_json(history, columns=False) for history in found],
        },
        Outcome.PASSED,
    )


@click.command()
@_run
@_env
@click.option(
    "--every",
    type=click.FloatRange(0.1, 3600),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="How often it is looked at on a terminal.",
)
@click.option("--once", is_flag=True, help="Show it once, also on a terminal.")
@output_option()
def watch(run: str, environment: str, every: float, once: bool, outputs: tuple[str, ...]) -> None:
    """Show a run as it goes on, again and again on a terminal.

    Of an evolution its newest run. It shows what was observed up to the last checkpoint, and
    nothing is written, so that it can be watched from anywhere. Ctrl-C ends it.
    """
    from chimera.builtin.evolution.watching import rendering
    from chimera.builtin.evolution.watching.histories import history_named

    session = session_of()
    workspace = session.workspace()

    def look() -> History:
        return history_named(workspace, environment, run)

    shown = not once and not outputs
    if shown and session.watch(lambda paint: rendering.watch_text(look(), paint), every):
        return
    found = look()
    session.emit(
        outputs,
        lambda paint: rendering.watch_text(found, paint),
        lambda: {"format": "chimera-evolution-run/1", **rendering.history_json(found)},
        Outcome.PASSED,
    )


@click.command()
@click.argument("runs", nargs=-1, metavar="[EVOLUTION|RUN]...")
@_env
@output_option((*FORMATS, "svg", "html"), "svg=run.svg")
def plot(runs: tuple[str, ...], environment: str, outputs: tuple[str, ...]) -> None:
    """Draw how runs converged, and what became of their diversity.

    Of an evolution its newest run; of all evolutions the latest where none is named. Several are
    drawn over one another. An html page holds the picture, the facts and, of one run, the numbers.
    """
    from chimera.builtin.evolution.watching import pictures, rendering
    from chimera.builtin.evolution.watching.histories import history_named

    session = session_of()
    workspace = session.workspace()
    found = [history_named(workspace, environment, run) for run in runs or ("latest",)]
    session.emit(
        outputs,
        lambda paint: "\n\n".join(rendering.watch_text(history, paint) for history in found),
        lambda: {
            "format": "chimera-evolution-runs/1",
            "runs": [rendering.history_json(history) for history in found],
        },
        Outcome.PASSED,
        pictures={
            "svg": lambda: pictures.picture(found),
            "html": lambda: pictures.picture_page(found),
        },
    )


@click.command()
@click.argument("first", metavar="EVOLUTION")
@click.argument("second", metavar="EVOLUTION")
@click.option(
    "--seeds",
    type=click.IntRange(2, 10_000),
    default=21,
    show_default=True,
    metavar="N",
    help="Run each with the seeds 1 to N, in place of its own.",
)
@click.option(
    "--target",
    "targets",
    type=float,
    multiple=True,
    metavar="FITNESS",
    help="Also compare how soon they reach it; repeatable. Their own targets are compared anyway.",
)
@click.option(
    "--test",
    type=click.Choice(["mann-whitney", "wilcoxon"]),
    default="mann-whitney",
    show_default=True,
    help="wilcoxon pairs runs of equal seeds.",
)
@click.option(
    "--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="Runs at a time."
)
@output_option((*FORMATS, "svg", "html"), "svg=runs.svg")
def compare(
    first: str,
    second: str,
    seeds: int,
    targets: tuple[float, ...],
    test: Literal["mann-whitney", "wilcoxon"],
    workers: int,
    outputs: tuple[str, ...],
) -> None:
    """Compare two evolutions of the tree over many seeds.

    Which finds better candidates in the end, and which reaches each target sooner: with effect
    sizes, tests that are corrected for the number of questions, and expected running times. The
    same documents and seeds give the same answer. Nothing is recorded.
    """
    from chimera.builtin.evolution.comparing.comparison import compare as compared
    from chimera.builtin.evolution.comparing.pictures import picture, picture_page
    from chimera.builtin.evolution.comparing.rendering import comparison_text
    from chimera.builtin.evolution.search.opening import open_search
    from chimera.context import stream

    session = session_of()
    workspace = session.workspace()
    names = (_name(first), _name(second))
    a, b = (_spec(session, name) for name in names)
    found = compared(
        a,
        b,
        range(1, seeds + 1),
        targets,
        stream=stream("compare", *names),
        names=names,
        test=test,
        workers=workers,
        opener=lambda spec: open_search(spec, workspace.root, workspace.context),
    )
    session.emit(
        outputs,
        lambda paint: comparison_text(found, paint),
        lambda: {"format": "chimera-evolution-comparison/1", **found.as_json()},
        Outcome.PASSED,
        pictures={"svg": lambda: picture(found), "html": lambda: picture_page(found)},
    )


def _name(named: str) -> str:
    return named if "/" in named else f"Evolution/{named}"


def _spec(session: Any, name: str) -> EvolutionSpec:
    from chimera.builtin.evolution.kinds import EvolutionSpec
    from chimera.kinds import suggestion
    from chimera.model import Address

    snapshot = session.workspace().loaded.snapshot
    document = snapshot.get(Address.parse(name))
    if document is None or not isinstance(document.spec, EvolutionSpec):
        known = [str(each.address) for each in snapshot.of_model(EvolutionSpec)]
        listed = f"there is: {', '.join(known)}" if known else "chimera new Evolution NAME"
        raise UsageError(
            f"there is no valid {name} in the tree", help=suggestion(name, known, listed)
        )
    return document.spec


COMMANDS = (status, watch, plot, compare)
