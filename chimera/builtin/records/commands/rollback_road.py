"""What `chimera rollback` plans and carries out: plan, prove, approve, run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from chimera.builtin.records.commands.options import by_option
from chimera.builtin.records.commands.rolling import (
    only_option,
    pair,
    preserved_option,
    unavailable_option,
)
from chimera.builtin.records.spec.rollback import RollbackType
from chimera.model import Outcome, UsageError
from chimera.options.outputs import output_option
from chimera.options.usual import environment_option, key_option, session_of

if TYPE_CHECKING:
    from chimera.builtin.records.rolling.named import Rollback
    from chimera.plan import Plan
    from chimera.workspace import Workspace
    from chimera.workspace.going_back import Back
    from chimera.workspace.planning import PlanReport


@click.command()
@click.option("--to", required=True, metavar="REV", help="The commit whose content is restored.")
@only_option
@environment_option
@click.option("--write", is_flag=True, help="Write the record that a rollback takes.")
@click.option("--reason", metavar="TEXT", help="Why, such as which errors match which change.")
@click.option("--incident", metavar="NAME", help="The incident that it is to end.")
@click.option("--type", "type_", type=click.Choice(get_args(RollbackType)), help="What goes back.")
@click.option("--name", metavar="NAME", help="What the record is called.")
@preserved_option
@unavailable_option
@by_option
@output_option()
def plan(
    to: str,
    only: tuple[str, ...],
    environment: str,
    write: bool,
    reason: str | None,
    by: str | None,
    outputs: tuple[str, ...],
    **given: Any,
) -> None:
    """Show what going back to a commit would change, and what that takes.

    With --write, propose the record: it names what is taken back and restored by its digests, and
    the incident names it. Nothing is applied.
    """
    from chimera.builtin.records.rolling import rendering
    from chimera.builtin.records.rolling.named import is_committed
    from chimera.model import parse_target
    from chimera.render.changes import plan_report_json, plan_report_text
    from chimera.workspace.going_back import Back, plan_back
    from chimera.workspace.planning import plan_result

    session = session_of()
    workspace = session.workspace()
    back = Back(to, tuple(map(parse_target, only)))
    report = plan_back(workspace, environment, back)
    paths: tuple[str, ...] = ()
    if write:
        paths = _write(workspace, back, report, reason, by, given)
        workspace = workspace.reopened()
        report = plan_back(workspace, environment, back)
    elif reason is not None or any(given.values()):
        raise UsageError("that is said in the record, and none is written", help="add --write")
    record = _record_of(workspace, report)
    is_there = record is not None and is_committed(workspace, record)
    result = plan_result(report)
    written = "".join(f"wrote {path}\n" for path in paths)
    session.emit(
        outputs,
        lambda paint: (
            f"{written}{plan_report_text(result, paint)}\n"
            + rendering.proposal_text(back, report.plan, record, paint, is_there=is_there)
        ),
        lambda: {
            **plan_report_json(result),
            "rollback": str(record.address) if record else None,
            "written": list(paths),
        },
        result.outcome,
    )


def _write(
    workspace: Workspace,
    back: Back,
    report: PlanReport,
    reason: str | None,
    by: str | None,
    given: dict[str, Any],
) -> tuple[str, ...]:
    from chimera.builtin.records.occasions import Occasion
    from chimera.builtin.records.rolling.proposing import Proposal, propose

    if reason is None:
        raise UsageError(
            "a rollback says why", help="give --reason, such as which errors match which change"
        )
    proposal = Proposal(
        reason,
        given["name"],
        given["type_"],
        given["incident"],
        dict(map(pair, given["preserved"])),
        dict(map(pair, given["unavailable"])),
    )
    occasion = Occasion.of(workspace, "propose a rollback", None, by)
    return propose(workspace, back, report, proposal, occasion)[1]


def _record_of(workspace: Workspace, report: PlanReport) -> Rollback | None:
    """Return the record that covers all that a plan changes, if there is one."""
    from chimera.builtin.records.gating.binding import restores
    from chimera.builtin.records.kinds import RollbackSpec

    changing, name = report.plan.changing, report.plan.environment
    for found in workspace.loaded.snapshot.of_model(RollbackSpec):
        if changing and all(restores(found.spec, item.change, name) for item in changing):
            return found
    return None


@click.command()
@click.argument("name", metavar="ROLLBACK")
@click.option("--sign", is_flag=True, help="Sign the evidence, also what is used again.")
@key_option
@output_option()
def prove(name: str, sign: bool, key: Path | None, outputs: tuple[str, ...]) -> None:
    """Run the proofs of what a rollback restores, over that content.

    Evidence of when it was applied still fits, and is used again.
    """
    from chimera.builtin.records.rolling.carrying import prove as prove_rollback
    from chimera.builtin.records.rolling.named import rollback_named
    from chimera.render.proof import prove_json, prove_text

    session = session_of()
    workspace = session.workspace()
    if key is not None and not sign:
        raise UsageError("--key says what to sign with, and nothing is signed", help="add --sign")
    signer = workspace.evidence.signer(key) if sign else None
    result = prove_rollback(workspace, rollback_named(workspace, name))
    if signer is not None:
        workspace.evidence.sign_report(signer, result.value)
    session.emit(
        outputs,
        lambda paint: prove_text(result, paint),
        lambda: prove_json(result),
        result.outcome,
    )


@click.command()
@click.argument("name", metavar="ROLLBACK")
@key_option
@click.option("--yes", is_flag=True, help="Sign without asking.")
@output_option()
def approve(name: str, key: Path | None, yes: bool, outputs: tuple[str, ...]) -> None:
    """Sign that a rollback may be carried out, where its environment is protected."""
    from chimera.builtin.records.rolling.carrying import proposal_of
    from chimera.builtin.records.rolling.named import rollback_named
    from chimera.render.approval import proposal_text, signature_json, signature_text
    from chimera.signatures import ensure_ready, open_signer
    from chimera.workspace.approving import doubts, sign, signatory

    session = session_of()
    workspace = session.workspace()
    proposal = proposal_of(workspace, rollback_named(workspace, name))
    signer = open_signer(workspace.context, key)
    ensure_ready(signer)
    owner = signatory(workspace, signer)
    session.tell(lambda paint: proposal_text(proposal, paint))
    for doubt in doubts(workspace, proposal, owner):
        session.warn(doubt)
    if not yes:
        session.confirm("approve all of it?", "--yes")
    signature = sign(workspace, proposal, "approve", signer)
    session.emit(
        outputs,
        lambda paint: signature_text(signature, paint),
        lambda: signature_json(signature),
        Outcome.PASSED,
    )


@click.command()
@click.argument("name", required=False, metavar="[ROLLBACK]")
@click.option("--to", metavar="REV", help="The commit whose content is restored.")
@only_option
@click.option("--env", "environment", metavar="NAME", help="Where, if several go to one commit.")
@click.option("--wait", type=click.FloatRange(min=0), default=0.0, help="Seconds to wait, at most.")
@click.option("--auto-approve", is_flag=True, help="Do not ask. It approves nothing.")
@output_option()
def run(
    name: str | None,
    to: str | None,
    only: tuple[str, ...],
    environment: str | None,
    wait: float,
    auto_approve: bool,
    outputs: tuple[str, ...],
) -> None:
    """Carry a rollback out: planned, weighed and applied like any change.

    Named by its record, or by the commit that it goes back to. What was interrupted goes on when
    it is run again. It counts only when it was watched.
    """
    from chimera.builtin.records.rolling import rendering
    from chimera.builtin.records.rolling.carrying import carry_out
    from chimera.builtin.records.rolling.named import rollback_named, rollback_to
    from chimera.render.apply import apply_json, apply_text

    session = session_of()
    workspace = session.workspace()
    if (name is None) == (to is None):
        raise UsageError("a rollback is named by its record or by --to", help="give one of them")
    if name is not None and (only or environment):
        raise UsageError("the record says what and where", help="leave out --only and --env")
    found = (
        rollback_named(workspace, name)
        if name is not None
        else rollback_to(workspace, to or "", only, environment)
    )
    confirm = None if auto_approve else _ask
    result, watched = carry_out(workspace, found, wait=wait, confirm=confirm)
    session.emit(
        outputs,
        lambda paint: (
            f"{apply_text(result, paint)}\n{rendering.watched_text(watched, paint)}"
            if result.outcome is Outcome.PASSED
            else apply_text(result, paint)
        ),
        lambda: {**apply_json(result), "rollback": rendering.watched_json(watched)},
        result.outcome,
    )


def _ask(plan: Plan) -> None:
    from chimera.render.plan import plan_text

    question = f"roll it back in {plan.environment}, which is protected?"
    session_of().confirm(question, "--auto-approve", lambda paint: plan_text(plan, paint))


COMMANDS = (plan, prove, approve, run)
