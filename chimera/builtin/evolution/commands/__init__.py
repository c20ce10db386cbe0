"""`chimera evolve`: runs of evolutions, the genomes that they found, and putting these to use."""

from __future__ import annotations

import click

from chimera.builtin.evolution.commands import genomes, runs


@click.group()
def evolve() -> None:
    """Watch evolutions, and put what they found to use.

    RUN is the id of a run, the beginning of one, or latest. GENOME is the name of a Genome, the
    beginning of a digest, or latest.
    """


for command in (*runs.COMMANDS, *genomes.COMMANDS):
    evolve.add_command(command)
