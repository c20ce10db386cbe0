"""`chimera init` and `chimera new`: say what was written, and what to do next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from chimera.model import UsageError

if TYPE_CHECKING:
    from chimera.builtin.scaffold.starting import Started


def _directory() -> Path:
    """Return the folder that the root's `-C` names."""
    given = click.get_current_context().find_root().params.get("directory")
    return Path(given) if given is not None else Path()


@click.command()
@click.option("--name", help="Name of the repository; the folder's own if left out.")
@click.option("--github", is_flag=True, help="Add a GitHub workflow that checks and proves.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
def init(name: str | None, github: bool, dry_run: bool) -> None:
    """Make a repository that passes check and applies.

    Writes a small operations contract, commented for newcomers, into the present folder. Nothing
    is overwritten; Git is welcome and not needed.
    """
    from chimera.builtin.scaffold.starting import start
    from chimera.context import Context

    today = Context.system().clock.now().date()
    done = start(_directory(), today, name=name, github=github, write=not dry_run)
    for entry in done:
        click.echo(_line(entry, dry_run=dry_run))
    if not dry_run:
        click.echo(
            "\nnext:\n"
            "  chimera check            says what is wrong, at line and column\n"
            "  chimera apply            proves what is owed and executes it; again: nothing to do\n"
            "  chimera schema export    gives your editor completion for every document"
        )


def _line(entry: Started, *, dry_run: bool) -> str:
    words = {"written": "wrote", "exists": "exists", "extended": "added"}
    if dry_run:
        words |= {"written": "would write", "extended": "would add"}
    if entry.fate == "extended":
        return f"{words[entry.fate]}  {entry.note} to {entry.path}"
    note = f" ({entry.note})" if entry.note else ""
    return f"{words[entry.fate]}  {entry.path}{note}"


@click.command()
@click.argument("kind")
@click.argument("name", required=False)
@click.option("--to", metavar="PATH", help="File or folder to write to, instead of the kind's own.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Give a field, as in --set trigger=apply or --set metadata.labels.team=ops; VALUE is "
    "text, or JSON. Repeatable.",
)
@click.option("--dry-run", is_flag=True, help="Print the document, and write nothing.")
def new(
    kind: str, name: str | None, to: str | None, settings: tuple[str, ...], dry_run: bool
) -> None:
    """Write a first document of a kind.

    Any kind will do, those of plugins too; `chimera explain` lists them. The document is valid as
    it is, and its comments say what else there is.
    """
    from chimera.builtin.scaffold.drafting import draft
    from chimera.builtin.scaffold.writing import create
    from chimera.workspace import Workspace

    directory = _directory()
    workspace = Workspace.open(directory)
    document = draft(
        workspace.loaded.snapshot,
        kind,
        name,
        today=workspace.context.clock.now().date(),
        settings=dict(_setting(text) for text in settings),
        to=_target(to, directory, workspace.root),
    )
    if dry_run:
        click.echo(document.text, nl=False)
        return
    create(workspace.root, document.path, document.text)
    click.echo(f"wrote {document.path}: {document.address}")
    click.echo("next: edit it, then run `chimera check`")


def _setting(text: str) -> tuple[str, str]:
    field, equals, value = text.partition("=")
    if not equals or not field:
        raise UsageError(f"--set {text!r} has no value", help="write --set FIELD=VALUE")
    return field, value


def _target(to: str | None, directory: Path, root: Path) -> str | None:
    """Return `--to` relative to the root; a folder keeps its final slash."""
    if to is None:
        return None
    path = directory.absolute() / to
    try:
        inside = path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        raise UsageError(
            f"{to} is outside the repository {root}", help="name a path inside it: --to PATH"
        ) from None
    return f"{inside}/" if to.endswith("/") or path.is_dir() else inside
