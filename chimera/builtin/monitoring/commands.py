"""`chimera metrics`, `chimera health`, `chimera runs top` and `chimera runs trace`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from chimera.model import Outcome, UsageError
from chimera.options.outputs import output_option
from chimera.options.usual import environment_option, session_of

if TYPE_CHECKING:
    from chimera.builtin.monitoring.health import Report
    from chimera.builtin.monitoring.measures import Metrics
    from chimera.builtin.monitoring.watching import Watcher
    from chimera.cli.session import Session
    from chimera.render.paint import Paint

_follow = click.option(
    "--follow",
    is_flag=True,
    help="Do it again and again, as often as the Orchestrator says, until Ctrl-C.",
)


@click.command()
@environment_option
@click.option(
    "--textfile",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write for node_exporter's textfile collector; a file that ends in .prom.",
)
@click.option(
    "--runs",
    "newest",
    type=click.IntRange(min=1),
    help="Measure steps of so many of the newest runs; of all if left out.",
)
@click.option(
    "--watch",
    "interval",
    type=click.FloatRange(0.01, 60),
    default=0.1,
    show_default=True,
    metavar="SECONDS",
    help="For how long the use of the CPU is watched.",
)
@_follow
@output_option()
def metrics(
    environment: str,
    textfile: Path | None,
    newest: int | None,
    interval: float,
    follow: bool,
    outputs: tuple[str, ...],
) -> None:
    """Measure runs, operations, modules and the machine.

    The text is what Prometheus reads; -o json has the names of the system metrics of MPLP.
    """
    from chimera.builtin.monitoring import following
    from chimera.builtin.monitoring.exposition import exposition, metrics_json
    from chimera.builtin.monitoring.health import observe, task_of
    from chimera.builtin.monitoring.measures import gather
    from chimera.context import write_whole

    if follow and textfile is None:
        raise UsageError("--follow writes a file again and again", help="name one: --textfile")
    if textfile is not None and textfile.suffix != ".prom":
        raise UsageError(
            f"node_exporter does not read {textfile.name}", help="name it something.prom"
        )
    session = session_of()
    workspace = session.workspace()

    def measure() -> Metrics:
        with workspace.read_state() as state:
            checks = list(observe(workspace, task_of(workspace, state, environment, asks=False)))
            found = gather(
                *(state, workspace.registry, environment, checks), newest=newest, interval=interval
            )
        if textfile is not None:
            write_whole(textfile, exposition(found))
            click.echo(f"wrote {textfile}", err=True)
        return found

    if follow:
        every = following.system_of(workspace, environment).metrics_interval
        found = following.follow(measure, every.total_seconds())
    else:
        found = measure()
    if textfile is not None and not outputs:
        return
    session.emit(
        *(outputs, lambda paint: exposition(found).decode().rstrip("\n")),
        *(lambda: metrics_json(found), Outcome.PASSED),
    )


@click.command()
@environment_option
@click.option(
    "--alert",
    "thresholds",
    multiple=True,
    metavar="MEASURE>NUMBER",
    help="Fail when a measure is past a threshold, as in --alert 'cpuUsage>0.9'. Repeatable.",
)
@click.option(
    "--service",
    "names",
    multiple=True,
    metavar="NAME",
    help="Look at this service, and at what it depends on, alone. Repeatable.",
)
@click.option("--history", is_flag=True, help="Show what was found before, and look at nothing.")
@click.option("--no-record", is_flag=True, help="Keep nothing of what is found, and tell nobody.")
@click.option("--watch", is_flag=True, help="Look again and again, until Ctrl-C.")
@click.option(
    "--every",
    type=click.FloatRange(0.1, 3600),
    metavar="SECONDS",
    help="How often it is looked; as often as the Orchestrator says if left out.",
)
@output_option()
def health(
    environment: str,
    thresholds: tuple[str, ...],
    names: tuple[str, ...],
    history: bool,
    no_record: bool,
    watch: bool,
    every: float | None,
    outputs: tuple[str, ...],
) -> None:
    """Look whether system, state, journal, modules and services are well.

    Exits 1 where something is unhealthy; what is degraded is told. What is found is kept in the
    history, unless another process is writing, and Notifications tell of what has changed.
    """
    from chimera.builtin.monitoring import following, watching
    from chimera.builtin.monitoring.alerts import parse_alert
    from chimera.builtin.monitoring.keeping import history as kept
    from chimera.builtin.monitoring.rendering import history_text, report_text

    session = session_of()
    workspace = session.workspace()
    for doubt in watching.doubts(workspace, environment):
        session.warn(doubt)
    only = watching.named(workspace, environment, names)
    if history:
        found = kept(workspace, environment)
        session.emit(
            *(outputs, lambda paint: history_text(found, paint, only)),
            *(lambda: {"format": "chimera-health-history/1", "reports": found}, Outcome.PASSED),
        )
    alerts = [parse_alert(text) for text in thresholds]
    watcher = watching.Watcher(workspace, environment, alerts, only, records=not no_record)

    def look() -> Report:
        report = watcher.look()
        for reason in watcher.warnings:
            session.warn(reason)
        return report

    if watch:
        interval = following.system_of(workspace, environment).health_interval.total_seconds()
        report = _watched(session, watcher, look, every or interval, outputs)
    else:
        report = look()
    session.emit(
        *(outputs, lambda paint: report_text(report, paint)),
        *(lambda: watcher.to_json(report), _outcome(report)),
    )


def _watched(
    session: Session,
    watcher: Watcher,
    look: Callable[[], Report],
    every: float,
    outputs: tuple[str, ...],
) -> Report:
    """Look until the user interrupts it; on a terminal as a picture, elsewhere a line each."""
    from chimera.builtin.monitoring import following
    from chimera.builtin.monitoring.rendering import look_text, watched_text

    def frame(paint: Paint) -> str:
        watcher.look()
        return watched_text(watcher.found, watcher.warnings, paint)

    if not outputs and session.watch(frame, every):
        return watcher.found

    def told() -> Report:
        report = look()
        click.echo(look_text(report), err=True)
        return report

    return following.follow(told, every)


def _outcome(report: Report) -> Outcome:
    from chimera.runtime.health import Health

    return Outcome.FAILED if report.status is Health.UNHEALTHY else Outcome.PASSED


@click.command()
@click.option(
    "--sort",
    "order",
    type=click.Choice(["busy", "duration", "age"]),
    default="busy",
    show_default=True,
    help="What comes first: the run whose steps took most, that took longest, or that is oldest.",
)
@click.option("--all", "ended", is_flag=True, help="Show runs that have ended, too.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Runs at most."
)
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
def top(
    order: Literal["busy", "duration", "age"],
    ended: bool,
    limit: int,
    every: float,
    once: bool,
    outputs: tuple[str, ...],
) -> None:
    """Show the runs that go on, again and again on a terminal.

    Nothing is written, so that it can be watched while something runs. Ctrl-C ends it.
    """
    from chimera.builtin.monitoring import top as room

    session = session_of()
    workspace = session.workspace()

    def look() -> room.Table:
        with workspace.read_state() as state:
            now = workspace.context.clock.now()
            return room.table(state, now, order, ended=ended, limit=limit)

    if not once and not outputs and session.watch(lambda p: room.table_text(look(), p), every):
        return
    found = look()
    session.emit(
        *(outputs, lambda paint: room.table_text(found, paint)),
        *(lambda: room.table_json(found), Outcome.PASSED),
    )


@click.command()
@click.argument("uid", metavar="RUN")
@click.option("--otlp", "url", metavar="URL", help="Send it there by OTLP over HTTP.")
@output_option()
def trace(uid: str, url: str | None, outputs: tuple[str, ...]) -> None:
    """Show a run as a trace, or send it to a collector.

    -o json is OTLP's own. Ids come from the run: sent again, it is the same trace. Of a run that
    goes on, what has ended is there.
    """
    from chimera.builtin.monitoring.rendering import trace_text
    from chimera.builtin.monitoring.traces import engine_version, otlp_json, spans_of

    session = session_of()
    with session.workspace().read_state() as state:
        run = state.run(uid)
        spans = spans_of(run, state.events(uid))
    if url is not None:
        from chimera.builtin.monitoring.exporting import export

        export(spans, url, engine_version())
        click.echo(f"sent {len(spans)} spans of run {uid}", err=True)
        if not outputs:
            return
    session.emit(
        *(outputs, lambda paint: trace_text(spans, paint)),
        *(lambda: otlp_json(spans, engine_version()), Outcome.PASSED),
    )
