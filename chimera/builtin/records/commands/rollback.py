"""`chimera rollback`: a change is taken back by a person, step by step, and then watched."""

from __future__ import annotations

import click

from chimera.builtin.records.commands import rollback_records, rollback_road


@click.group()
def rollback() -> None:
    """Take changes back: suggested, planned, approved, run and watched; a person decides.

    The road is `suggest`, `plan --write`, `preserve`, `approve` where it is protected, `run`, and
    `watch`. ROLLBACK is the name of a record, or the beginning of one.
    """


for command in (*rollback_road.COMMANDS, *rollback_records.COMMANDS):
    rollback.add_command(command)
