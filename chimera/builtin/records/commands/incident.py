"""`chimera incident`: what people do about something that is wrong, as a record."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from chimera.builtin.records.commands.options import (
    Missing,
    answers,
    at_option,
    by_option,
    incident_option,
)
from chimera.model import Outcome
from chimera.options.outputs import output_option
from chimera.options.usual import now_option, session_of

if TYPE_CHECKING:
    from chimera.builtin.records.occasions import Response
    from chimera.builtin.records.responding import Responding
    from chimera.workspace import Workspace

_FORMAT = "chimera-incident/1"


@click.group()
def incident() -> None:
    """Open, answer, hand over and end incidents.

    They are records in changelog/incidents. What these commands write is spliced into the work
    tree, for a commit. Who and when come from you and the clock. Where only one incident is open
    it need not be named.
    """


@incident.command("open")
@click.argument("title", nargs=-1, required=True)
@click.option("--level", metavar="ID", help="How grave it is; asked for by the model's questions.")
@click.option("--reason", metavar="TEXT", help="What that was judged by; the title if left out.")
@click.option("--env", "environment", metavar="NAME", help="Where; the only production one.")
@click.option("--model", metavar="NAME", help="Severity model; the only one if left out.")
@click.option("--name", help="Name of the record; the day and the title if left out.")
@click.option("--summary", metavar="TEXT", help="What is known of it.")
@click.option("--commander", metavar="WHO", help="Who commands; you, where the level owes one.")
@click.option("--service", "services", multiple=True, help="A service that is affected.")
@click.option("--path", "paths", multiple=True, metavar="GLOB", help="Paths errors point to.")
@click.option("--layer", "layers", multiple=True, metavar="CONTRACT/ID", help="A layer affected.")
@at_option
@by_option
@output_option()
def open_(
    title: tuple[str, ...],
    level: str | None,
    reason: str | None,
    environment: str | None,
    model: str | None,
    name: str | None,
    summary: str | None,
    commander: str | None,
    services: tuple[str, ...],
    paths: tuple[str, ...],
    layers: tuple[str, ...],
    at: datetime | None,
    by: str | None,
    outputs: tuple[str, ...],
) -> None:
    """Open an incident, and declare the freeze that its level owes.

    Without --level, whoever sits at a terminal is asked the model's questions; when unsure, the
    graver level holds. Where the level owes a commander that is you, and you have answered it.
    """
    from chimera.builtin.records.finding import require_person
    from chimera.builtin.records.opening import Opening, open_incident

    workspace = session_of().workspace()
    require_person(workspace.context.actor, "to open an incident")
    what = " ".join(title)
    if level is None:
        level, said = _level(workspace, model, what)
        reason = reason or said
    opening = Opening(
        *(what, level, reason or what, model, environment, name, summary, commander),
        *(services, paths, layers),
    )
    _write(workspace, open_incident(workspace, opening, at=at, by=by), outputs)


def _level(workspace: Workspace, model: str | None, title: str) -> tuple[str, str]:
    """Return the level that the answers to the model's questions come to, and why."""
    from chimera.builtin.records.assessing import assess
    from chimera.builtin.records.commands.severity import ask_questions
    from chimera.builtin.records.finding import model_named

    found = model_named(workspace.loaded.snapshot, model).spec
    session = session_of()
    if not session.is_interactive:
        ids = tuple(level.id for level in found.by_gravity)
        session.ask("how grave is it?", "--level", ids)  # raises, and names the levels
    assessed = assess(found, title, ask_questions(found))
    return assessed.level.id, assessed.why


@incident.command()
@click.argument("name", required=False, metavar="[INCIDENT]")
@at_option
@by_option
@output_option()
def ack(name: str | None, at: datetime | None, by: str | None, outputs: tuple[str, ...]) -> None:
    """Say that somebody has answered it."""
    workspace, work = _work(name, "to acknowledge an incident", at, by)
    _write(workspace, work.acknowledge(), outputs)


@incident.command()
@click.argument("who")
@click.argument("name", required=False, metavar="[INCIDENT]")
@click.option("--for", "what", metavar="TEXT", help="Hand over this work only, not the command.")
@at_option
@by_option
@output_option()
def assign(
    who: str,
    name: str | None,
    what: str | None,
    at: datetime | None,
    by: str | None,
    outputs: tuple[str, ...],
) -> None:
    """Hand the command over: from now on WHO decides, and nobody else does.

    With --for, a piece of work; the commander decides as before.
    """
    workspace, work = _work(name, "to assign an incident", at, by)
    response = work.assign(who) if what is None else work.delegate(who, what)
    _write(workspace, response, outputs)


@incident.command()
@click.argument("text", nargs=-1, required=True)
@click.option("--level", metavar="ID", help="Assess it anew; the text is the reason.")
@click.option("--action", "is_action", is_flag=True, help="It says what was done, not seen.")
@incident_option
@at_option
@by_option
@output_option()
def update(
    text: tuple[str, ...],
    level: str | None,
    is_action: bool,
    incident: str | None,
    at: datetime | None,
    by: str | None,
    outputs: tuple[str, ...],
) -> None:
    """Note what was seen or done, short and factual; with --level, judge it anew."""
    workspace, work = _work(incident, "to update an incident", at, by)
    _write(workspace, work.update(" ".join(text), level=level, is_action=is_action), outputs)


@incident.command()
@click.argument("name", required=False, metavar="[INCIDENT]")
@click.option("--how", metavar="TEXT", help="What ended its effects.")
@at_option
@by_option
@output_option()
def mitigate(
    name: str | None, how: str | None, at: datetime | None, by: str | None, outputs: tuple[str, ...]
) -> None:
    """Say what ended its effects, for now; it stays open."""
    workspace, work = _work(name, "to mitigate an incident", at, by)
    (text,) = answers(Missing(how, "what ended its effects?", "--how TEXT"))
    _write(workspace, work.mitigate(text), outputs)


@incident.command()
@click.argument("name", required=False, metavar="[INCIDENT]")
@click.option("--impact", metavar="TEXT", help="That users are no longer affected, and how known.")
@click.option("--risk", metavar="TEXT", help="How the risk is mitigated.")
@click.option("--monitoring", metavar="TEXT", help="What confirms that it stays so.")
@at_option
@by_option
@output_option()
def resolve(
    name: str | None,
    impact: str | None,
    risk: str | None,
    monitoring: str | None,
    at: datetime | None,
    by: str | None,
    outputs: tuple[str, ...],
) -> None:
    """Declare that it is over, and lift the freeze that stands for it.

    That means three things, and each has to be stated: user impact is gone, the risk is mitigated,
    monitoring confirms stability. Its commander declares it, once its rollback was watched.
    """
    workspace, work = _work(name, "to resolve an incident", at, by)
    work.require_resolvable()
    said = answers(
        Missing(impact, "how is it known that users are no longer affected?", "--impact TEXT"),
        Missing(risk, "how is the risk mitigated?", "--risk TEXT"),
        Missing(monitoring, "what confirms that it stays so?", "--monitoring TEXT"),
    )
    _write(workspace, work.resolve(*said), outputs)


@incident.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that are over, too.")
@now_option
@output_option()
def list_(everything: bool, outputs: tuple[str, ...]) -> None:
    """List incidents, the gravest first, and what is late."""
    from chimera.builtin.records.finding import incidents_by_gravity
    from chimera.builtin.records.rendering.incidents import incident_json, list_text

    session = session_of()
    workspace = session.workspace()
    snapshot, now = workspace.loaded.snapshot, workspace.context.clock.now()
    every = incidents_by_gravity(snapshot, now)
    found = [one for one in every if everything or one.spec.is_open(now)]
    session.emit(
        outputs,
        lambda paint: list_text(found, snapshot, now, paint, len(every) - len(found)),
        lambda: {
            "format": "chimera-incidents/1",
            "incidents": [incident_json(one, snapshot, now) for one in found],
        },
        Outcome.PASSED,
    )


@incident.command()
@click.argument("name", required=False, metavar="[INCIDENT]")
@now_option
@output_option()
def show(name: str | None, outputs: tuple[str, ...]) -> None:
    """Show all that is known of one incident, and what it owes."""
    from chimera.builtin.records.finding import incident_named
    from chimera.builtin.records.rendering.incidents import incident_json, show_text

    session = session_of()
    workspace = session.workspace()
    snapshot, now = workspace.loaded.snapshot, workspace.context.clock.now()
    found = incident_named(snapshot, name, now, or_latest=True)
    session.emit(
        outputs,
        lambda paint: show_text(found, snapshot, now, paint),
        lambda: {"format": _FORMAT, **incident_json(found, snapshot, now)},
        Outcome.PASSED,
    )


@incident.command()
@click.argument("name", required=False, metavar="[INCIDENT]")
@now_option
@output_option()
def timeline(name: str | None, outputs: tuple[str, ...]) -> None:
    """Show what was seen and done, in order of time."""
    from chimera.builtin.records.finding import incident_named
    from chimera.builtin.records.rendering.incidents import timeline_text

    session = session_of()
    workspace = session.workspace()
    now = workspace.context.clock.now()
    found = incident_named(workspace.loaded.snapshot, name, now, or_latest=True)
    session.emit(
        outputs,
        lambda paint: timeline_text(found, paint),
        lambda: {
            "format": "chimera-timeline/1",
            "incident": str(found.address),
            "timeline": found.value["spec"].get("timeline", []),
        },
        Outcome.PASSED,
    )


def _work(
    name: str | None, what: str, at: datetime | None, by: str | None
) -> tuple[Workspace, Responding]:
    from chimera.builtin.records.responding import Responding

    workspace = session_of().workspace()
    return workspace, Responding(workspace, name, what, at, by)


def _write(workspace: Workspace, response: Response, outputs: tuple[str, ...]) -> None:
    """Write what was proposed, and say what is owed of the incident as it is now."""
    from chimera.builtin.records.finding import incident_named
    from chimera.builtin.records.rendering.incidents import incident_json, response_text
    from chimera.builtin.records.standing import dues

    paths = response.draft.write()
    snapshot, now = workspace.reopened().loaded.snapshot, workspace.context.clock.now()
    found = incident_named(snapshot, response.address.name, now)
    owed = dues(found, snapshot, now)
    session_of().emit(
        outputs,
        lambda paint: response_text(response, paths, owed, now, paint),
        lambda: {
            "format": _FORMAT,
            **incident_json(found, snapshot, now),
            "done": response.done,
            "written": list(paths),
        },
        Outcome.PASSED,
    )
