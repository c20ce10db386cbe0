"""One genome as people ask for it, from the store or from a record; and all of the store, checked.

Refuses to mix the two up: what the store says comes from the store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chimera.builtin.evolution.genomes.finding import record_named, records
from chimera.builtin.evolution.genomes.lineage import Link, lineage
from chimera.builtin.evolution.genomes.store import GenomeStore, Kept
from chimera.builtin.evolution.spec.evolution import EvolutionSpec
from chimera.kinds import suggestion
from chimera.model import Address, UsageError
from chimera.workspace.naming import LATEST, is_digest_prefix

if TYPE_CHECKING:
    from chimera.builtin.evolution.genomes.finding import Record
    from chimera.builtin.evolution.genomes.store import Found
    from chimera.builtin.evolution.spec.genome import Provenance
    from chimera.model import Digest
    from chimera.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Genome:
    """A genome: its genes by name, how good it is, and where it came from.

    `digest` is its entry's in the store, `address` its record's, each where there is one.
    """

    champion: Digest
    digest: Digest | None
    address: str | None
    values: Mapping[str, Any]
    fitness: float | None
    objectives: Sequence[tuple[str, float]]
    feasible: bool
    generation: int
    island: int
    operators: Sequence[str]
    parents: Sequence[Digest]
    previous: Digest | None
    provenance: Provenance


def genomes(
    workspace: Workspace, evolution: str | None, *, best: int | None, since: int
) -> tuple[tuple[Genome, ...], Found]:
    """Return the champions that the store keeps, of one Evolution or of all, and what is damaged.

    Raises `UsageError` for an Evolution that there is not, and that never was.
    """
    address = None
    if evolution is not None:
        address = str(Address.parse(evolution if "/" in evolution else f"Evolution/{evolution}"))
    store = GenomeStore.of(workspace.root)
    found = store.find(evolution=address, best=best, since=since)
    if address is not None and not found.kept:
        ran = {kept.entry.provenance.evolution for kept in store.find().kept}
        known = {*ran, *(str(d.address) for d in workspace.loaded.snapshot.of_model(EvolutionSpec))}
        if address not in known:
            listed = "`chimera get Evolution` lists them"
            raise UsageError(f"there is no {address}", help=suggestion(address, known, listed))
    named = _names(records(workspace))
    return tuple(_of_entry(kept, named.get(kept.entry.champion)) for kept in found.kept), found


def genome_named(workspace: Workspace, name: str) -> Genome:
    """Return a genome by its record's name or the beginning of a digest, or the `latest`.

    What the store knows of a record's champion is told, too.
    """
    store, known = GenomeStore.of(workspace.root), records(workspace)
    record = known.get(Address("Genome", name.removeprefix("Genome/")))
    if record is None:
        is_kept = name == LATEST or is_digest_prefix(name)
        kept = store.search(name) if is_kept else None
        if kept is not None:
            return _of_entry(kept, _names(known).get(kept.entry.champion))
        record = record_named(workspace, name)
    for kept in store.find(evolution=record.spec.provenance.evolution).kept:
        if kept.entry.champion == record.spec.champion:
            return _of_entry(kept, str(record.address))
    return _of_record(record)


def line_of(workspace: Workspace, name: str) -> tuple[Genome, tuple[Link, ...]]:
    """Return a genome and its line, as far as the store keeps it."""
    genome = genome_named(workspace, name)
    if genome.digest is None:
        raise UsageError(
            f"the store here knows nothing of where {genome.address} came from",
            help="run its evolution here: the same document finds it again, step by step",
        )
    every = GenomeStore.of(workspace.root).find(ancestors=True).kept
    return genome, lineage(genome.digest, {kept.digest: kept for kept in every})


def _names(known: Mapping[Address, Record]) -> dict[Digest, str]:
    """Return the addresses of records by their champions' digests."""
    return {record.spec.champion: str(address) for address, record in known.items()}


def _of_entry(kept: Kept, address: str | None) -> Genome:
    entry = kept.entry
    return Genome(
        champion=entry.champion,
        digest=kept.digest,
        address=address,
        values=entry.values,
        fitness=entry.fitness,
        objectives=tuple((one.name, one.value) for one in entry.objectives),
        feasible=entry.feasible,
        generation=entry.generation,
        island=entry.island,
        operators=entry.operators,
        parents=entry.parents,
        previous=entry.previous,
        provenance=entry.provenance,
    )


def _of_record(record: Record) -> Genome:
    """Return the genome of a record; a gene of one value is that value: its layout is not known."""
    spec = record.spec
    values = {g.name: g.values[0] if len(g.values) == 1 else list(g.values) for g in spec.genes}
    return Genome(
        champion=spec.champion,
        digest=None,
        address=str(record.address),
        values=values,
        fitness=spec.fitness,
        objectives=tuple((one.name, one.value) for one in spec.objectives),
        feasible=spec.feasible,
        generation=spec.generation,
        island=spec.island,
        operators=(),
        parents=(),
        previous=None,
        provenance=spec.provenance,
    )
