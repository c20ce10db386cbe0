"""`chimera evolve genomes` and what is done with genomes: looked at, promoted, rolled back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from chimera.model import Outcome, UsageError
from chimera.options.outputs import output_option
from chimera.options.usual import session_of

if TYPE_CHECKING:
    from chimera.builtin.evolution.genomes.kinds import FieldTarget, FileTarget
    from chimera.builtin.evolution.genomes.promoting import Proposed

_dry_run = click.option("--dry-run", is_flag=True, help="Say what would change, and write nothing.")


@click.command()
@click.argument("evolution", required=False)
@click.option(
    "--best",
    type=click.IntRange(min=1),
    metavar="N",
    help="The N best of each evolution, the best first; all in order of generation if left out.",
)
@click.option(
    "--since",
    type=click.IntRange(min=0),
    default=0,
    metavar="GENERATION",
    help="Those that were found in this generation or later.",
)
@output_option()
def genomes(evolution: str | None, best: int | None, since: int, outputs: tuple[str, ...]) -> None:
    """List the champions that runs left in the genome store.

    Of one EVOLUTION, or of all.
    """
    from chimera.builtin.evolution.genomes import rendering
    from chimera.builtin.evolution.genomes.looking import genomes as look

    session = session_of()
    found, store = look(session.workspace(), evolution, best=best, since=since)
    session.emit(
        outputs,
        lambda paint: rendering.genomes_text(found, store.damaged, paint),
        lambda: {
            "format": "chimera-genomes/1",
            "genomes": [rendering.genome_json(genome) for genome in found],
            "damaged": [one.reason for one in store.damaged],
        },
        Outcome.PASSED,
    )


@click.command()
@click.argument("genome")
@output_option()
def show(genome: str, outputs: tuple[str, ...]) -> None:
    """Show one genome: its genes, how good it is, and where it came from."""
    from chimera.builtin.evolution.genomes import rendering
    from chimera.builtin.evolution.genomes.looking import genome_named

    session = session_of()
    found = genome_named(session.workspace(), genome)
    session.emit(
        outputs,
        lambda paint: rendering.genome_text(found, paint),
        lambda: {"format": "chimera-genome/1", **rendering.genome_json(found)},
        Outcome.PASSED,
    )


@click.command()
@click.argument("genome")
@output_option()
def lineage(genome: str, outputs: tuple[str, ...]) -> None:
    """Show what a genome came from: the champions before it, and their parents."""
    from chimera.builtin.evolution.genomes import rendering
    from chimera.builtin.evolution.genomes.looking import line_of

    session = session_of()
    _, links = line_of(session.workspace(), genome)
    session.emit(
        outputs,
        lambda paint: rendering.line_text(links, paint),
        lambda: {"format": "chimera-lineage/1", "line": rendering.line_json(links)},
        Outcome.PASSED,
    )


@click.command()
@click.argument("genome")
@click.option(
    "--format",
    "form",
    type=click.Choice(["yaml", "json", "numpy"]),
    default="yaml",
    show_default=True,
    help="What to write; numpy is an .npz archive with an array for each gene.",
)
@click.option(
    "--output",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write to; standard output if left out.",
)
def export(genome: str, form: Literal["yaml", "json", "numpy"], file: Path | None) -> None:
    """Write a genome for other programs."""
    from chimera.builtin.evolution.genomes.exporting import export as made
    from chimera.builtin.evolution.genomes.looking import genome_named
    from chimera.context import write_whole

    if form == "numpy" and file is None:
        raise UsageError("an archive is nothing to read", help="give it a file: --output FILE.npz")
    data = made(genome_named(session_of().workspace(), genome), form)
    if file is None:
        click.echo(data.decode(), nl=False)
        return
    try:
        write_whole(file, data)
    except OSError as error:
        raise UsageError(
            f"cannot write {file}: {error.strerror}", help="name a file in a folder that exists"
        ) from error
    click.echo(f"wrote {file}", err=True)


@click.command()
@output_option()
def verify(outputs: tuple[str, ...]) -> None:
    """Check every file of the genome store.

    Exits 1 where one is damaged; it is named, and nothing uses it.
    """
    from chimera.builtin.evolution.genomes import rendering
    from chimera.builtin.evolution.genomes.store import GenomeStore

    session = session_of()
    found = GenomeStore.of(session.workspace().root).find(ancestors=True)
    session.emit(
        outputs,
        lambda paint: rendering.verified_text(len(found.kept), found.damaged, paint),
        lambda: {
            "format": "chimera-genomes-verified/1",
            "sound": len(found.kept),
            "damaged": [{"path": str(d.path), "reason": d.reason} for d in found.damaged],
        },
        Outcome.FAILED if found.damaged else Outcome.PASSED,
    )


@click.command()
@click.argument("genome")
@click.option(
    "--into",
    "fields",
    multiple=True,
    metavar="KIND/NAME:/PATH",
    help="Field of a document that takes the value of a gene, as in "
    "Workflow/build:/spec/inputs/size/default. Repeatable.",
)
@click.option(
    "--gene",
    "genes",
    multiple=True,
    metavar="NAME[:UNIT]",
    help="The gene for each --into, in the same order; not needed where there is one gene. With a "
    "unit (ms, s, m, h, d) for a field that is a duration.",
)
@click.option(
    "--into-file",
    "files",
    multiple=True,
    metavar="PATH",
    help="YAML or JSON file that takes all genes. Repeatable.",
)
@click.option("--name", help="Name of the Promotion; the Evolution's own if left out.")
@click.option(
    "--proof", metavar="NAME", help="Proof that runs it again; one is written if left out."
)
@click.option(
    "--approver",
    "approvers",
    multiple=True,
    metavar="Role/NAME",
    help="Role whose approval it owes in protected environments; the only one if left out.",
)
@_dry_run
@output_option()
def promote(
    genome: str,
    fields: tuple[str, ...],
    genes: tuple[str, ...],
    files: tuple[str, ...],
    name: str | None,
    proof: str | None,
    approvers: tuple[str, ...],
    dry_run: bool,
    outputs: tuple[str, ...],
) -> None:
    """Put a genome to use: edit the work tree for a pull request.

    Writes its values where they go, its record, a Promotion and the proof that it owes. Where there
    is a Promotion of the name already, its targets get the new values. Nothing is committed,
    applied or approved.
    """
    from chimera.builtin.evolution.genomes import promoting
    from chimera.builtin.evolution.genomes.finding import record_named

    workspace = session_of().workspace()
    record = record_named(workspace, genome)
    targets = _targets(fields, genes, files, [gene.name for gene in record.spec.genes])
    proposed = promoting.promote(
        workspace, genome, targets, name=name, proof=proof, approvers=approvers
    )
    _propose(proposed, outputs, dry_run=dry_run)


@click.command()
@click.argument("name", metavar="PROMOTION")
@_dry_run
@output_option()
def rollback(name: str, dry_run: bool, outputs: tuple[str, ...]) -> None:
    """Take a promotion back to the genome before: edit the work tree for a pull request.

    Done again, it goes further back, as long as the Promotion lists former genomes; to go forth,
    promote again. Where the Evolution has changed since, the document that found the former genome
    is restored from Git, so that its proof can run.
    """
    from chimera.builtin.evolution.genomes import promoting

    _propose(promoting.rollback(session_of().workspace(), name), outputs, dry_run=dry_run)


def _propose(proposed: Proposed, outputs: tuple[str, ...], *, dry_run: bool) -> None:
    from chimera.builtin.evolution.genomes import rendering

    if not dry_run:
        proposed.proposal.write()
    session_of().emit(
        outputs,
        lambda paint: rendering.proposed_text(proposed, paint, written=not dry_run),
        lambda: {**rendering.proposed_json(proposed), "written": not dry_run},
        Outcome.PASSED,
    )


def _targets(
    fields: tuple[str, ...], genes: tuple[str, ...], files: tuple[str, ...], known: list[str]
) -> list[FieldTarget | FileTarget]:
    """Return what `--into`, `--gene` and `--into-file` say; raises `UsageError` for a mistake."""
    from chimera.builtin.evolution.genomes.kinds import FieldTarget, FileTarget
    from chimera.kinds import ValidationError

    if not genes and len(known) == 1:
        genes = (known[0],) * len(fields)
    if len(genes) != len(fields):
        raise UsageError(
            f"there are {len(fields)} fields and {len(genes)} genes for them",
            help=f"give a --gene for each --into, in the same order; there is: {', '.join(known)}",
        )
    found: list[FieldTarget | FileTarget] = []
    for field, gene in zip(fields, genes, strict=True):
        document, _, at = field.partition(":")
        name, _, unit = gene.partition(":")
        value = {"document": document, "at": at, "gene": name} | ({"unit": unit} if unit else {})
        try:
            found.append(FieldTarget.model_validate(value))
        except ValidationError as error:
            raise UsageError(
                f"--into {field} --gene {gene} names no field: {error.errors()[0]['msg'].lower()}",
                help="write Kind/name:/path/to/field, as in "
                "Workflow/build:/spec/inputs/size/default, and units as ms, s, m, h or d",
            ) from error
    for file in files:
        try:
            found.append(FileTarget.model_validate({"file": file}))
        except ValidationError as error:
            raise UsageError(
                f"--into-file {file} is no YAML or JSON file inside the tree",
                help="write its path relative to the root, ending in .yaml, .yml or .json",
            ) from error
    return found


COMMANDS = (genomes, show, lineage, export, verify, promote, rollback)
