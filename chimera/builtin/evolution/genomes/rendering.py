"""Genomes, lines and promotions as text and as JSON."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from chimera.builtin.evolution.genomes.exporting import exported
from chimera.kinds import shown
from chimera.render.paint import count, table

if TYPE_CHECKING:
    from chimera.builtin.evolution.genomes.lineage import Link
    from chimera.builtin.evolution.genomes.looking import Genome
    from chimera.builtin.evolution.genomes.promoting import Proposed
    from chimera.builtin.evolution.genomes.store import Damaged
    from chimera.render.paint import Paint

_SHORT = 12
_WORDS = {"itself": "", "parent": "parent of", "before": "champion before"}


def short(digest: str) -> str:
    """Return the beginning of a digest by which people call it."""
    return digest.removeprefix("sha256:")[:_SHORT]


def genomes_text(genomes: Sequence[Genome], damaged: Sequence[Damaged], paint: Paint) -> str:
    """Return champions, a line each, and what is damaged."""
    if not genomes and not damaged:
        return "no run has left a genome here yet"
    rows = [
        (
            short(genome.digest or genome.champion),
            genome.provenance.evolution,
            str(genome.generation),
            _fitness(genome) + ("" if genome.feasible else " (infeasible)"),
            _values(genome.values),
            genome.address or "",
        )
        for genome in genomes
    ]
    header = ("GENOME", "EVOLUTION", "GENERATION", "FITNESS", "GENES", "RECORD")
    lines = [table(rows, header, paint)] if rows else []
    return "\n".join([*lines, *(f"{paint('damaged', 'bad')}  {one.reason}" for one in damaged)])


def genome_text(genome: Genome, paint: Paint) -> str:
    """Return everything that is known of one genome."""
    provenance = genome.provenance
    where = f"generation {genome.generation}" + (
        f", island {genome.island}" if genome.island else ""
    )
    name = paint(genome.address or f"genome {short(genome.champion)}", "bold")
    lines = [
        f"{name}  {_fitness(genome)}{'' if genome.feasible else ' (not every constraint is met)'}",
        *(f"  {name}: {shown(value)}" for name, value in genome.values.items()),
        f"found in {where} of {provenance.evolution}, seed {provenance.seed}",
        *([f"made by {', '.join(genome.operators)}"] if genome.operators else []),
        *(f"parent {parent}" for parent in genome.parents),
        *([f"champion before it {genome.previous}"] if genome.previous else []),
        f"champion {genome.champion}",
        *([f"entry {genome.digest}"] if genome.digest else []),
        f"document {provenance.document}",
        f"kernels {provenance.kernels}, {provenance.random_scheme}",
        f"numba {provenance.numba}, NumPy {provenance.numpy}, {provenance.platform}",
    ]
    if not provenance.reproducible:
        lines.append(f"{paint('not reproducible', 'warn')}: {provenance.caveat or 'it says so'}")
    return "\n".join(lines)


def genome_json(genome: Genome) -> dict[str, Any]:
    """Return one genome as JSON."""
    return {
        "digest": genome.digest,
        "record": genome.address,
        **exported(genome),
        "feasible": genome.feasible,
        "island": genome.island,
        "operators": list(genome.operators),
        "parents": list(genome.parents),
        "previous": genome.previous,
    }


def line_text(links: Sequence[Link], paint: Paint) -> str:
    """Return a line, the genome first, then what it came from."""
    rows = []
    for link in links:
        relation = f"{_WORDS[link.relation]} {short(link.of)}" if link.of else ""
        if link.kept is None:
            rows.append((short(link.digest), "", "", relation, "no longer kept"))
            continue
        entry = link.kept.entry
        fitness = ", ".join(f"{value:.6g}" for value in entry.outcomes)
        made = ", ".join(entry.operators)
        rows.append((short(link.digest), str(entry.generation), fitness, relation, made))
    return table(rows, ("GENOME", "GENERATION", "FITNESS", "IS", "MADE BY"), paint)


def line_json(links: Sequence[Link]) -> list[dict[str, Any]]:
    """Return a line as JSON."""
    return [
        {
            "digest": link.digest,
            "relation": link.relation,
            "of": link.of,
            "kept": link.kept is not None,
            **(
                {}
                if link.kept is None
                else {
                    "role": link.kept.entry.role,
                    "generation": link.kept.entry.generation,
                    "outcomes": list(link.kept.entry.outcomes),
                    "operators": list(link.kept.entry.operators),
                    "genes": link.kept.entry.values,
                }
            ),
        }
        for link in links
    ]


def verified_text(sound: int, damaged: Sequence[Damaged], paint: Paint) -> str:
    """Return what a look at all of the store found."""
    lines = [f"{paint('damaged', 'bad')}  {one.reason}" for one in damaged]
    lines += ["remove them: nothing uses them, and a run writes its own anew"] if damaged else []
    return "\n".join([*lines, f"{count(sound, 'genome')} sound, {len(damaged)} damaged"])


def proposed_text(proposed: Proposed, paint: Paint, *, written: bool) -> str:
    """Return what is proposed: each file, what changes in it, and what to do next."""
    lines = []
    for path, after in proposed.proposal.changed.items():
        before = proposed.proposal.former[path]
        word = "edit" if before is not None else "write"
        done = {"edit": "edited", "write": "wrote"}[word]
        lines.append(f"{done if written else f'would {word}'}  {path}")
        if before is not None:
            lines += [f"  {line}" for line in _difference(before, after, paint)]
    instead = f" instead of {proposed.instead_of}" if proposed.instead_of else ""
    lines.append(f"{proposed.promotion} puts {proposed.genome} to use{instead}")
    if written:
        lines.append(f"next: git diff, chimera prove {proposed.proof.name}, and a pull request")
    return "\n".join(lines)


def proposed_json(proposed: Proposed) -> dict[str, Any]:
    """Return what was proposed as JSON."""
    return {
        "format": "chimera-promotion/1",
        "promotion": str(proposed.promotion),
        "genome": str(proposed.genome),
        "insteadOf": proposed.instead_of,
        "proof": str(proposed.proof),
        "files": list(proposed.proposal.changed),
    }


def _difference(before: bytes, after: bytes, paint: Paint) -> Iterator[str]:
    """Yield the lines that go and come."""
    old, new = (data.decode("utf-8", "replace").splitlines() for data in (before, after))
    for line in difflib.unified_diff(old, new, n=0, lineterm=""):
        if line.startswith(("-", "+")) and not line.startswith(("---", "+++")):
            yield paint(line, "bad" if line[0] == "-" else "good")


def _fitness(genome: Genome) -> str:
    if genome.fitness is not None:
        return f"{genome.fitness:.6g}"
    return ", ".join(f"{name} {value:.6g}" for name, value in genome.objectives)


def _values(values: Mapping[str, Any]) -> str:
    found = ", ".join(f"{name}={_short_value(value)}" for name, value in values.items())
    return found if len(found) <= 60 else found[:59] + "…"


def _short_value(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else shown(value)
