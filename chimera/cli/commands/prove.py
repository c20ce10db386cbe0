"""`chimera prove`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chimera.cli.commands.questions import answer, questions
from chimera.cli.options import (
    base_option,
    compared_head,
    environment_option,
    head_option,
    key_option,
    report_option,
    work_tree_option,
)
from chimera.cli.session import Session, pass_session
from chimera.model import UsageError

if TYPE_CHECKING:
    from chimera.model import Result
    from chimera.signatures import Signer
    from chimera.workspace import ProveReport, Workspace

_ALL = ("clock", "timezone", "locale", "umask", "listing", "cpus", "threads", "home")
_VARIED = (*_ALL, "network", "all")


@click.command()
@click.argument("names", nargs=-1, metavar="[PROOF...]")
@click.option("--fresh", is_flag=True, help="Prove anew what has evidence already.")
@click.option(
    "--vary",
    "varied",
    multiple=True,
    type=click.Choice(_VARIED),
    help="Prove anew, with repetitions that differ in this, too; repeatable. `all` is all but the"
    " network, which would let steps reach it.",
)
@click.option(
    "--shuffle",
    is_flag=True,
    help="Prove anew, with the tests of pytest steps in another order in each repetition.",
)
@click.option(
    "--update-snapshots",
    is_flag=True,
    help="Write the golden files of snapshot steps anew, and prove nothing.",
)
@questions
@click.option("--sign", is_flag=True, help="Sign the evidence, also what is used again.")
@key_option
@base_option
@head_option
@work_tree_option
@environment_option
@report_option
@pass_session
def prove(
    session: Session,
    /,
    names: tuple[str, ...],
    fresh: bool,
    shuffle: bool,
    varied: tuple[str, ...],
    update_snapshots: bool,
    sign: bool,
    key: Path | None,
    base: str | None,
    head: str | None,
    work_tree: bool,
    environment: str,
    outputs: tuple[str, ...],
    **question: Any,
) -> None:
    """Run proofs and keep the evidence.

    Without names, every proof of the repository; with --base, those that the change owes, on what
    merging it would leave. Each is run at least twice in fresh processes on clean copies of its
    inputs; evidence that still fits the content is used again.
    """
    from chimera.render.proof import prove_json, prove_text
    from chimera.render.reports import prove_report

    proving = {
        "fresh": fresh,
        "shuffle": shuffle,
        "vary": varied,
        "update_snapshots": update_snapshots,
        "sign": sign,
        "key": key,
    }
    compared = {"base": base, "head": head, "work_tree": work_tree}
    if answer(session, names, environment, outputs, question, {**proving, **compared}):
        return
    if update_snapshots:
        _update_snapshots(session, names, base, outputs)
        return
    head = compared_head(base, head, work_tree)
    if key is not None and not sign:
        raise UsageError("--key says what to sign with, and nothing is signed", help="add --sign")
    workspace = session.workspace()
    signer = workspace.evidence.signer(key) if sign else None  # no proof runs for a missing key
    vary = _ALL if "all" in varied else tuple(dict.fromkeys(varied))
    how = {"environment": environment, "fresh": fresh, "shuffle": shuffle, "vary": vary}
    if signer is not None:
        session.warn(workspace.evidence.doubt(signer))
    result = _prove(workspace, names, base, head, how)
    if signer is not None:
        _sign(workspace, signer, result.value)
    session.emit(
        outputs,
        lambda paint: prove_text(result, paint),
        lambda: prove_json(result),
        result.outcome,
        report=lambda: prove_report(result),
    )


def _prove(
    workspace: Workspace,
    names: tuple[str, ...],
    base: str | None,
    head: str | None,
    how: Mapping[str, Any],
) -> Result[ProveReport]:
    if base is None:
        return workspace.prove(names, **how)
    if names:
        raise UsageError("--base says which proofs are run", help="leave out the names, or --base")
    return workspace.prove_change(base, head, **how)


def _sign(workspace: Workspace, signer: Signer, report: ProveReport) -> None:
    from chimera.render.paint import count

    signed = workspace.evidence.sign_report(signer, report)
    total = count(len(signed.signed), "piece")
    click.echo(f"signed {total} of evidence with {signed.fingerprint}", err=True)


def _update_snapshots(
    session: Session, names: tuple[str, ...], base: str | None, outputs: tuple[str, ...]
) -> None:
    from chimera.render.updating import update_json, update_text

    if base is not None:
        raise UsageError(
            "golden files are written into the work tree, from what is in it",
            help="leave out --base, or --update-snapshots",
        )
    result = session.workspace().update_snapshots(names)
    session.emit(
        outputs,
        lambda paint: update_text(result, paint),
        lambda: update_json(result),
        result.outcome,
    )
