"""Which Genome record is meant: in the tree, or among those that runs wrote here.

Refuses what is no record: only the champion of a finished run can be found again by a proof.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from chimera.builtin.evolution.genomes.store import GenomeStore
from chimera.builtin.evolution.spec.genome import GenomeSpec
from chimera.documents import parse
from chimera.kinds import ValidationError, suggestion
from chimera.model import Address, ChimeraError, UsageError, has_errors
from chimera.workspace.naming import LATEST, is_digest_prefix
from chimera.workspace.recording import recorded

if TYPE_CHECKING:
    from chimera.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Record:
    """A Genome record and the file that it stands in; `in_tree` where Git can keep that."""

    address: Address
    spec: GenomeSpec
    path: str
    in_tree: bool


def records(workspace: Workspace) -> dict[Address, Record]:
    """Return the Genome records by address in order; those in the tree come before others."""
    found = {
        address: record
        for address, path in recorded(workspace.root).items()
        if address.kind == "Genome" and (record := _written(workspace.root, address, path))
    }
    for document in workspace.loaded.snapshot.of_model(GenomeSpec):
        path = document.place.path
        found[document.address] = Record(document.address, document.spec, path, in_tree=True)
    return dict(sorted(found.items()))


def record_named(workspace: Workspace, name: str) -> Record:
    """Return the record of a name, an address, the beginning of a digest, or `latest`.

    Raises `UsageError` where there is none, or more than one.
    """
    known = records(workspace)
    if name == LATEST:
        return _latest(workspace, known)
    exact = known.get(Address("Genome", name.removeprefix("Genome/")))
    if exact is not None:
        return exact
    if is_digest_prefix(name):
        meant = _of_champion(known, name)
        if not meant:
            entry = GenomeStore.of(workspace.root).named(name).entry
            meant = _of_champion(known, entry.champion)
            if not meant:
                raise UsageError(
                    f"{name} was the champion of generation {entry.generation} for a while, "
                    "and no run ended with it",
                    help="promote the Genome of a run that has ended: a proof can find it again",
                )
        if len(meant) > 1:
            listed = ", ".join(str(record.address) for record in meant)
            raise UsageError(f"{name} can be {listed}", help="give the address of one of them")
        return meant[0]
    raise UsageError(
        f"there is no Genome {name.removeprefix('Genome/')}",
        help=suggestion(
            f"Genome/{name.removeprefix('Genome/')}",
            map(str, known),
            "`chimera get --records` lists those that runs wrote here; an evolution run makes one",
        ),
    )


def _of_champion(known: Mapping[Address, Record], start: str) -> list[Record]:
    plain = start.removeprefix("sha256:")
    return [r for r in known.values() if r.spec.champion.removeprefix("sha256:").startswith(plain)]


def _latest(workspace: Workspace, known: Mapping[Address, Record]) -> Record:
    """Return the record that was written here last; of those in the tree nobody knows when."""
    times = {
        address: path.stat().st_mtime_ns
        for address, path in recorded(workspace.root).items()
        if address in known
    }
    if not times:
        raise UsageError(
            "no run wrote a Genome here", help="run an evolution, or give the name of a record"
        )
    return known[max(times, key=lambda address: (times[address], address))]


def _written(root: Path, address: Address, path: Path) -> Record | None:
    """Return a record that a run wrote; none that cannot be read."""
    try:
        [document] = _documents(path)
        spec = GenomeSpec.model_validate(cast("dict[str, Any]", document).get("spec"))
    except (OSError, ValueError, ValidationError, ChimeraError):
        return None
    return Record(address, spec, path.relative_to(root).as_posix(), in_tree=False)


def _documents(path: Path) -> Iterator[Mapping[str, Any]]:
    documents, diagnostics = parse(str(path), path.read_bytes())
    if not has_errors(diagnostics):
        yield from (document.value for document in documents)
