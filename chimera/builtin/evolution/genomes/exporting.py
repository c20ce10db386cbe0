"""Genomes for other programs: YAML, JSON and NumPy. Refuses pickles: a file holds data, no code."""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal

from chimera.documents import dump

if TYPE_CHECKING:
    from chimera.builtin.evolution.genomes.looking import Genome

Format = Literal["yaml", "json", "numpy"]


def export(genome: Genome, form: Format) -> bytes:
    """Return a genome as a file: its genes by name, its fitness, and where it came from.

    `numpy` is an .npz archive with an array for each gene, one for fitness or objectives, and the
    champion's digest; `numpy.load` reads it without pickles.
    """
    if form == "numpy":
        return _arrays(genome)
    value = exported(genome)
    if form == "yaml":
        return dump(value).encode()
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def exported(genome: Genome) -> dict[str, Any]:
    """Return what an export says, as JSON."""
    outcome: dict[str, Any] = (
        {"objectives": dict(genome.objectives)}
        if genome.fitness is None
        else {"fitness": genome.fitness}
    )
    return {
        "champion": genome.champion,
        "generation": genome.generation,
        "genes": dict(genome.values),
        **outcome,
        "provenance": genome.provenance.model_dump(mode="json", exclude_none=True),
    }


def _arrays(genome: Genome) -> bytes:
    import numpy as np

    outcomes = [v for _, v in genome.objectives] if genome.fitness is None else genome.fitness
    arrays = {f"gene.{name}": np.array(_alike(value)) for name, value in genome.values.items()}
    file = BytesIO()
    np.savez(
        file,
        allow_pickle=False,
        **arrays,
        **{"fitness" if genome.fitness is not None else "objectives": np.array(outcomes)},
        champion=np.array(genome.champion),
    )
    return file.getvalue()


def _alike(value: Any) -> Any:
    """Return values of one type: texts among truth values are written as JSON has them."""
    if isinstance(value, list) and len({type(item) for item in value} - {int, float}) > 1:
        return [item if isinstance(item, str) else json.dumps(item) for item in value]
    return value
