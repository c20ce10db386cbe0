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
@click.option(
    "--url",
    metavar="BASE",
    show_default="the folder itself",
    help="Where the catalog says that the schemas are, for a folder that is served or committed.",
)
@pass_session
def export(session: Session, to: Path | None, url: str | None) -> None:
    """Write one schema a kind, chimera.json, which accepts any of them, and a catalog.

    Editors that speak to yaml-language-server take a schema by a document's first line, which
    `chimera fmt --modelines` writes; or for every document by the setting `yaml.schemas`, which
    names chimera.json, or `yaml.schemaStore.url`, which names catalog.json where it is served.
    """
    from chimera.kinds import export_schemas, schema_catalog
    from chimera.state import Layout

    workspace = session.workspace()
    schemas = export_schemas(workspace.registry)
    if to is None:
        workspace.prepare()
        to = Path(os.path.relpath(Layout(workspace.root).schemas))
    to.mkdir(parents=True, exist_ok=True)
    base = url or to.resolve().as_uri()
    catalog = schema_catalog(workspace.registry, workspace.source.roots, base)
    for name, value in {**schemas, "catalog.json": catalog}.items():
        write_file(to / name, json.dumps(value, indent=2, sort_keys=True) + "\n")
    click.echo(f"wrote a catalog and {len(schemas)} schemas to {to}")
