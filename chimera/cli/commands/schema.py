"""`chimera schema`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from chimera.cli.session import Session, pass_session, write_file


@click.group()
def schema() -> None:
    """Write JSON Schemas of the kinds."""


@schema.command()
@click.option(
    "--to",
    type=click.Path(file_okay=False, path_type=Path),
    show_default=".chimera/schemas of the repository",
    help="The folder to write to; it is made where it is missing.",
)
@pass_session
def export(session: Session, to: Path | None) -> None:
    """Write one schema a kind, and chimera.json, which accepts any of them.

    Name one in a document's first line for editors that speak to yaml-language-server:
    `# yaml-language-server: $schema=.chimera/schemas/Policy.json`.
    """
    from chimera.kinds import export_schemas

    workspace = session.workspace()
    schemas = export_schemas(workspace.registry)
    if to is None:
        workspace.prepare()
        to = Path(os.path.relpath(workspace.root / ".chimera" / "schemas"))
    to.mkdir(parents=True, exist_ok=True)
    for name, value in schemas.items():
        write_file(to / name, json.dumps(value, indent=2, sort_keys=True) + "\n")
    click.echo(f"wrote {len(schemas)} schemas to {to}")
