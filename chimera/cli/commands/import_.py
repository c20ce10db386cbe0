"""`chimera import`; plugins add what can be imported."""

from __future__ import annotations

import click

from chimera.cli.groups import Group


@click.group(name="import", cls=Group)
def import_() -> None:
    """Make documents of what other systems wrote."""
