"""`chimera runbook`: procedures found by symptom, shown, and gone through by a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from chimera.model import Outcome, UsageError
from chimera.options.outputs import FORMATS, output_option
from chimera.options.usual import environment_option, session_of

if TYPE_CHECKING:
    from chimera.builtin.services.runbooks.ledger import Ledger
    from chimera.builtin.services.runbooks.procedures import Runbook
    from chimera.builtin.services.spec.runbook import ProcedureSpec
    from chimera.workspace import Workspace


@click.group()
def runbook() -> None:
    """Find, show and go through procedures; a person starts each, and confirms what changes.

    NAME is the name of a Runbook, PROCEDURE that of one of its procedures.
    """


@runbook.command(name="list")
@click.option(
    "--symptom", metavar="TEXT", help="What you see: the procedures that fit, best first."
)
@output_option()
def list_(symptom: str | None, outputs: tuple[str, ...]) -> None:
    """List procedures; with --symptom those that fit what you see."""
    from chimera.builtin.services.runbooks import rendering
    from chimera.builtin.services.runbooks.procedures import matching, procedures_of, runbooks_of

    session = session_of()
    every = procedures_of(runbooks_of(session.workspace().loaded.snapshot))
    if symptom is not None and not symptom.strip():
        raise UsageError("nothing is no symptom", help="say what you see, as 'queue latency'")
    found = every if symptom is None else matching(every, symptom)
    session.emit(
        outputs,
        lambda paint: rendering.list_text(found, symptom, paint),
        lambda: {"format": "chimera-runbooks/1", "procedures": rendering.list_json(found)},
        Outcome.PASSED if found or symptom is None else Outcome.FAILED,
    )


@runbook.command()
@click.argument("name")
@click.argument("procedure", required=False)
@output_option((*FORMATS, "markdown", "html"), "html=page.html")
def show(name: str, procedure: str | None, outputs: tuple[str, ...]) -> None:
    """Show a runbook, or one of its procedures, with every step.

    -o html writes one page that asks nothing of the network.
    """
    from chimera.builtin.services.runbooks import pages, rendering
    from chimera.builtin.services.runbooks.procedures import procedure_named, runbook_named

    session = session_of()
    book = runbook_named(session.workspace().loaded.snapshot, name)
    chosen = book.spec.procedures if procedure is None else (procedure_named(book, procedure),)
    session.emit(
        outputs,
        lambda paint: rendering.show_text(book, chosen, paint),
        lambda: {
            "format": "chimera-runbook/1",
            "runbook": str(book.address),
            "summary": book.spec.summary,
            "procedures": [_procedure_json(one) for one in chosen],
        },
        Outcome.PASSED,
        pictures={
            "markdown": lambda: pages.markdown(book, chosen).rstrip("\n"),
            "html": lambda: pages.html(book, chosen).rstrip("\n"),
        },
    )


def _procedure_json(procedure: ProcedureSpec) -> Any:
    return procedure.model_dump(mode="json", by_alias=True, exclude_defaults=True)


@runbook.command()
@click.argument("name")
@click.argument("procedure", required=False)
@environment_option
@click.option(
    "--input",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    help="A value that the procedure asks for. Repeatable.",
)
@click.option(
    "--yes",
    is_flag=True,
    help="Do every step that changes, and say that instructions are done; not what destroys, not "
    "what is decided, and not what may have been done already.",
)
@click.option(
    "--answer",
    "answers",
    multiple=True,
    metavar="STEP=ANSWER",
    help="Answer one step: y, n (stop here), skip, abort, done (of one in doubt), or "
    "unavailable:WHY where there is nothing to keep. Repeatable.",
)
@click.option("--anew", is_flag=True, help="Cancel a run that is not over, and begin a new one.")
@click.option("--dry-run", is_flag=True, help="Show what would be done and asked, and do nothing.")
@output_option()
def run(
    name: str,
    procedure: str | None,
    environment: str,
    given: tuple[str, ...],
    yes: bool,
    answers: tuple[str, ...],
    anew: bool,
    dry_run: bool,
    outputs: tuple[str, ...],
) -> None:
    """Go through a procedure, step by step.

    What is known to only look is done at once; everything else is asked for. It can be left with
    n, Ctrl-C or a crash: the same command goes on at the step. Without a terminal answers come from
    --answer and --yes, and a missing one exits 4. Exits 1 where it failed or was aborted, and 5
    where it is not over. Automation is refused.
    """
    from chimera.builtin.services.runbooks import rendering
    from chimera.builtin.services.runbooks.asking import Asker
    from chimera.builtin.services.runbooks.procedures import procedure_named, runbook_named
    from chimera.builtin.services.runbooks.running import Going, take_up

    session = session_of()
    workspace = session.workspace()
    book = runbook_named(workspace.loaded.snapshot, name)
    chosen = procedure_named(book, procedure)
    values = _pairs(given, "--input", "NAME=VALUE")
    said = _pairs(answers, "--answer", "STEP=ANSWER")
    if dry_run:
        _show_dry(book, chosen, values, environment, outputs)
    asker = Asker.reading(session, chosen, said, yes=yes)
    ledger = take_up(workspace, environment, book, chosen, anew=anew)
    if ledger is None:
        ledger = _begin(workspace, environment, book, chosen, values)
    else:
        _tell_going_on(ledger, chosen, values)
    gone = Going(workspace, ledger, asker).go()
    session.emit(
        outputs,
        lambda paint: rendering.gone_text(gone, paint),
        lambda: {"format": "chimera-runbook-run/1", **gone.record, "record": gone.name or None},
        gone.outcome,
    )


def _pairs(texts: tuple[str, ...], flag: str, form: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise UsageError(f"{flag} {text} says nothing", help=f"write {flag} {form}")
        if name in found:
            raise UsageError(f"{flag} {name} is given twice", help="give it once")
        found[name] = value
    return found


def _begin(
    workspace: Workspace,
    environment: str,
    book: Runbook,
    chosen: ProcedureSpec,
    given: dict[str, str],
) -> Ledger:
    """Begin, with every value that the procedure asks for."""
    from chimera.builtin.services.runbooks.procedures import check_values, missing_values
    from chimera.builtin.services.runbooks.running import begin

    session = session_of()
    values = check_values(chosen, given)
    for name in missing_values(chosen, values):
        text = f"{name}: {chosen.inputs[name].asks}"
        asked = session.ask(text, f"--input {name}=VALUE")
        values |= check_values(chosen, {name: asked})
    return begin(workspace, environment, book, chosen, values)


def _tell_going_on(ledger: Ledger, chosen: ProcedureSpec, given: dict[str, str]) -> None:
    """Say that a run goes on which was begun before."""
    from chimera.builtin.services.runbooks.running import pinned_procedure, values_of

    run, held = ledger.run, values_of(ledger)
    other = {name: value for name, value in given.items() if held.get(name) != value}
    if other:
        raise UsageError(
            f"run {run.uid} was begun with another value of {', '.join(sorted(other))}",
            help="leave the values out to go on with it, or begin anew: --anew",
        )
    session = session_of()
    over = sum(entry.is_over for entry in ledger.entries.values())
    of = len(pinned_procedure(ledger).steps)
    session.tell(
        lambda paint: (
            f"goes on with run {run.uid}, begun by {run.actor} at "
            f"{run.created.isoformat(timespec='seconds')}: {over} of {of} steps are over"
        )
    )
    if pinned_procedure(ledger) != chosen:
        session.warn("the procedure has changed since; this run goes on as it was begun")


def _show_dry(
    book: Runbook,
    chosen: ProcedureSpec,
    given: dict[str, str],
    environment: str,
    outputs: tuple[str, ...],
) -> None:
    from chimera.builtin.services.runbooks import rendering
    from chimera.builtin.services.runbooks.consequences import only_looks
    from chimera.builtin.services.runbooks.procedures import check_values, steps_of

    values = {**check_values(chosen, given), "environment": environment}
    filled = chosen.model_copy(update={"steps": tuple(steps_of(chosen, values))})
    session_of().emit(
        outputs,
        lambda paint: rendering.show_text(book, (filled,), paint) + "\nnothing was done",
        lambda: {
            "format": "chimera-runbook-dry-run/1",
            "runbook": str(book.address),
            "procedure": _procedure_json(filled),
            "asked": [
                step.id
                for step in filled.steps
                if not only_looks(step) or step.instruction is not None or step.decision
            ],
        },
        Outcome.PASSED,
    )
