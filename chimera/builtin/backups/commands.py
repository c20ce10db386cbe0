"""`chimera backup` and `chimera restore`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from chimera.model import Outcome, UsageError
from chimera.options.outputs import output_option
from chimera.options.usual import session_of

if TYPE_CHECKING:
    from chimera.builtin.backups.choosing import Backup, Known
    from chimera.cli.session import Session
    from chimera.state import Holding
    from chimera.workspace import Workspace

FOLDER = "CHIMERA_BACKUPS"
"""The environment variable that names the folder of backups."""
F = TypeVar("F", bound=Callable[..., Any])


def _place(flag: str, what: str) -> Callable[[F], F]:
    return click.option(
        flag,
        "place",
        envvar=FOLDER,
        show_envvar=True,
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help=f"{what} A folder of yours by the repository's name if left out, as in"
        " ~/.local/share/chimera/backups/NAME.",
    )


class _WithDefault(click.Group):
    """A group that runs one of its commands where none is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `create` before what names no command, and asks for no help."""
        if not args or (args[0] not in self.commands and args[0] not in {"-h", "--help"}):
            args = ["create", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_WithDefault)
def backup() -> None:
    """Save what Chimera keeps outside Git; list and verify what was saved.

    `chimera backup` alone is `chimera backup create`. A backup has all of .chimera (state, journal,
    large values, records, evidence, genomes, checkpoints, requests, switches, outputs) and the
    ref of evidence, at one moment, while runs go on. It has no documents and no code: those are
    Git's. Secrets are masked before they reach the state; what steps wrote into files of their own
    is copied as it is.

    The folder of backups is outside the repository, because what removes or cleans that, as `git
    clean -fdx` does, removes .chimera too. It is still on this machine: give --to DIR, or set
    CHIMERA_BACKUPS, to have them on another disk or a mounted share.
    """


@backup.command()
@_place("--to", "The folder of backups.")
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    metavar="N",
    help="Remove this clone's backups but the newest N, once the new one is there.",
)
@click.option("--verify", "tries", is_flag=True, help="Verify it at once, as `backup verify` does.")
@output_option()
def create(place: Path | None, keep: int | None, tries: bool, outputs: tuple[str, ...]) -> None:
    """Save everything, at one moment, while runs go on.

    Only what is new is written: files are kept in pieces that backups share, so that one costs
    what changed since the last. It is there whole, or not at all.
    """
    from dataclasses import replace

    from chimera.builtin.backups import creating, showing
    from chimera.builtin.backups.choosing import look, store_at
    from chimera.builtin.backups.manifest import BackupError

    session, workspace = _opened()
    store = store_at(workspace.root, place)
    made = creating.create(workspace.root, workspace.context, store, creating.version())
    if tries:
        known = look(store)
        _require_sound(workspace, store, known, [b for b in known.backups if b.name == made.name])
    if keep is not None:
        try:
            removed, freed = creating.keep(store, workspace.context, workspace.root, keep)
            made = replace(made, removed=removed, freed=freed)
        except BackupError as error:
            made = replace(made, doubts=(error.message,))
    session.emit(
        *(outputs, lambda paint: showing.created_text(made, paint)),
        *(lambda: showing.created_json(made), Outcome.PASSED),
    )


@backup.command("list")
@_place("--from", "The folder of backups.")
@click.option("--run", "uid", metavar="RUN", help="Say how each has one run.")
@output_option()
def list_backups(place: Path | None, uid: str | None, outputs: tuple[str, ...]) -> None:
    """List backups, the newest first; -o json names the runs and their last events, too."""
    from chimera.builtin.backups import showing
    from chimera.builtin.backups.choosing import full_run, look, store_at

    session, workspace = _opened()
    store = store_at(workspace.root, place)
    known = look(store)
    run = None if uid is None else full_run(known.backups, uid)
    session.emit(
        *(outputs, lambda paint: showing.list_text(known, store.folder, paint, run)),
        lambda: showing.list_json(known, store.folder, runs=True),
        Outcome.FAILED if known.faults else Outcome.PASSED,
    )


@backup.command()
@click.argument("names", nargs=-1, metavar="[BACKUP]...")
@_place("--from", "The folder of backups.")
@click.option(
    "--no-trial", is_flag=True, help="Read every byte, and restore nothing to look at it."
)
@output_option()
def verify(
    names: tuple[str, ...], place: Path | None, no_trial: bool, outputs: tuple[str, ...]
) -> None:
    """Read every byte of backups, and restore into a folder of its own what is to be relied on.

    Of BACKUPs, or of all: then the newest of this clone is restored. A restored one is opened: its
    database is checked page by page, every value it names is looked for, and each room looks at its
    own files. What is damaged, missing, edited or not Chimera's is named.
    """
    from chimera.builtin.backups import showing, verifying
    from chimera.builtin.backups.choosing import choose, look, origin_of, store_at

    session, workspace = _opened()
    store = store_at(workspace.root, place)
    known, origin = look(store), origin_of(workspace.root)
    chosen = [choose(store, known, name, origin, any_origin=True) for name in names]
    tried = chosen or [*known.backups[-1:], *known.of(origin)[-1:]][-1:]
    done = verifying.verify(
        *(store, known, chosen or known.backups, () if no_trial else tried),
        *(_holdings(workspace), workspace.context.progress),
    )
    session.emit(
        *(outputs, lambda paint: showing.verified_text(done, paint)),
        *(lambda: showing.verified_json(done), done.outcome),
    )


@click.command()
@click.argument("name", required=False, metavar="[BACKUP]")
@_place("--from", "The folder of backups.")
@click.option(
    "--run",
    "uid",
    metavar="RUN",
    help="Bring back the state at which a run ended, from the first backup made after that.",
)
@click.option("--undo", is_flag=True, help="Go back to what the last restore replaced.")
@click.option(
    "--other-repository", is_flag=True, help="Let the backup be one of another repository."
)
@click.option(
    "--accept-faults",
    is_flag=True,
    help="Restore files all the same that were damaged before the backup was made.",
)
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Wait so long for whoever uses the state.",
)
@output_option()
def restore(
    name: str | None,
    place: Path | None,
    uid: str | None,
    undo: bool,
    other_repository: bool,
    accept_faults: bool,
    wait: float | None,
    outputs: tuple[str, ...],
) -> None:
    """Bring back what a backup holds; what is here now is kept.

    BACKUP is a name that `chimera backup list` says, the beginning of one, or latest. It is written
    out beside .chimera and verified before the two change places in one step: killed at any moment,
    either the old state is there or the new one, and the same command run again finishes. It is
    refused while anything runs. --undo goes back to what was here. Without arguments it finishes a
    restore that was killed.

    --run RUN takes back what came after the run's end: later events, runs, rulings and first
    applies are removed, and runs that were going on then are interrupted there. It is exact or
    refused: the state keeps no earlier values of what was applied anew or removed since, or of what
    modules keep, and then it names them. Evidence and genomes are as the backup has them.

    What stops and what was decided outlasts a restore: kill switches that are engaged here, records
    written here (freezes, rejections), and approvals that were spent stay spent.
    """
    from chimera.builtin.backups import restoring, showing

    session, workspace = _opened()
    if undo:
        done = restoring.undo(workspace.root, workspace.context, _holdings(workspace), wait)
    elif name is None and uid is None:
        kept = restoring.finish(workspace.root, workspace.context, wait)
        click.echo("the restore that was interrupted is finished", err=True)
        if kept is not None:
            click.echo(f"what was here is kept in {kept}", err=True)
        return
    else:
        store, one, run = _chosen(workspace, place, name, uid, other_repository)
        done = restoring.restore(
            *(workspace.root, workspace.context, store, one, _holdings(workspace)),
            run=run,
            accepts_faults=accept_faults,
            wait=wait,
        )
    session.emit(
        *(outputs, lambda paint: showing.restored_text(done, paint)),
        *(lambda: showing.restored_json(done), Outcome.PASSED),
    )


def _chosen(
    workspace: Workspace, place: Path | None, name: str | None, uid: str | None, any_origin: bool
) -> tuple[Any, Backup, str | None]:
    """Return the store, the backup that is meant, and the run whose end is."""
    from chimera.builtin.backups.choosing import (
        LATEST,
        choose,
        full_run,
        look,
        origin_of,
        store_at,
        with_end_of,
    )

    store = store_at(workspace.root, place)
    known, origin = look(store), origin_of(workspace.root)
    if uid is None:
        return store, choose(store, known, name or LATEST, origin, any_origin=any_origin), None
    if name is not None:
        one = choose(store, known, name, origin, any_origin=any_origin)
        return store, one, full_run((one,), uid)
    own = [b for b in known.backups if any_origin or b.manifest.origin.is_same(origin)]
    run = full_run(own, uid)
    return store, with_end_of(own, run), run


def _opened() -> tuple[Session, Workspace]:
    session = session_of()
    return session, session.workspace()


def _holdings(workspace: Workspace) -> list[Holding]:
    answers: Any = workspace.plugins.hook.chimera_contribute_backup()
    return [holding for answer in answers for holding in answer]


def _require_sound(workspace: Workspace, store: Any, known: Known, tried: list[Backup]) -> None:
    """Raise `BackupError` for a backup that was made and cannot be restored."""
    from chimera.builtin.backups.manifest import BackupError
    from chimera.builtin.backups.verifying import verify as look_at

    done = look_at(store, known, tried, tried, _holdings(workspace), workspace.context.progress)
    if done.faults:
        raise BackupError(
            f"the backup was made and cannot be relied on: {'; '.join(done.faults[:3])}",
            help="`chimera health` looks at the state; earlier backups may be sound",
        )
    if not tried:
        raise UsageError("the backup is not there any more", help="somebody removed it: try again")
