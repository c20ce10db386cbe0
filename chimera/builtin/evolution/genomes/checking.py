"""Whether each Promotion says what is true: a sound genome, whose values stand where it says.

Every change of a promoted value that is not a promotion shows up here, at the value. Refuses to run
the evolution again: that is its proof's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from chimera.builtin.evolution.genomes.kinds import FieldTarget, FileTarget, PromotionSpec
from chimera.builtin.evolution.genomes.targets import agrees, read_file, resolve, values_of, wanted
from chimera.builtin.evolution.genomes.values import record_faults, same_value
from chimera.builtin.evolution.spec.evolution import EvolutionSpec
from chimera.builtin.evolution.spec.genome import GenomeSpec
from chimera.documents import Globs
from chimera.gate import environments
from chimera.kinds import Document, Subject, shown, suggestion
from chimera.model import (
    Address,
    ChimeraError,
    Diagnostic,
    Finding,
    Place,
    Related,
    Segment,
    Severity,
    Span,
    Verdict,
    has_errors,
)
from chimera.proof import ProofSpec
from chimera.proof.steps.models import EvolutionStep

if TYPE_CHECKING:
    from chimera.kinds import Model, Snapshot

Promotion = Document[PromotionSpec]


def judge(subject: Subject) -> Iterator[Verdict]:
    """Yield one verdict for each Promotion, in order of name."""
    if "Promotion" not in subject.snapshot.kinds:
        return
    taken: dict[tuple[str, str], Place] = {}
    for promotion in subject.snapshot.of_model(PromotionSpec):
        found = tuple(_Check(promotion, subject, taken).faults())
        finding = Finding.FAIL if has_errors(found) else Finding.PASS
        yield Verdict("promotion", str(promotion.address), finding, diagnostics=found)


class _Check:
    """Everything that can be wrong with one Promotion whose references lead somewhere."""

    def __init__(
        self, promotion: Promotion, subject: Subject, taken: dict[tuple[str, str], Place]
    ) -> None:
        self._promotion = promotion
        self._spec = promotion.spec
        self._snapshot: Snapshot = subject.snapshot
        self._protected = [
            n for n, protected in environments(subject.snapshot).items() if protected
        ]
        self._taken = taken

    def faults(self) -> Iterator[Diagnostic]:
        """Yield every fault; what does not lead anywhere is reported as a dangling reference."""
        genome = self._document(self._spec.genome)
        evolution = self._document(self._spec.evolution)
        values: dict[str, Any] | None = None
        if genome is not None and isinstance(genome.spec, GenomeSpec):
            yield from self._origin(genome.spec, evolution)
            if evolution is not None and isinstance(evolution.spec, EvolutionSpec):
                layout = evolution.spec.genome.genes
                unsound = tuple(self._unsound(genome, genome.spec, evolution.spec))
                yield from unsound
                values = None if unsound else values_of(layout, genome.spec.genes)
        yield from self._targets(values)
        yield from self._proof()
        if self._protected and not self._spec.approvals:
            yield self._fault(
                "promotion-without-approval",
                f"Environment/{self._protected[0]} is protected, and nobody is asked to approve "
                "the genome",
                "name a Role under spec.approvals, as in: - role: Role/maintainers",
            )

    def _document(self, address: str) -> Document[Model] | None:
        return self._snapshot.get(Address.parse(address))

    def _origin(
        self, genome: GenomeSpec, evolution: Document[Model] | None
    ) -> Iterator[Diagnostic]:
        provenance = genome.provenance
        if provenance.evolution != self._spec.evolution:
            yield self._fault(
                "promotion-genome-foreign",
                f"{self._spec.genome} was found by {provenance.evolution}, "
                f"not by {self._spec.evolution}",
                "promote a genome that this Evolution found",
                "genome",
            )
        elif evolution is not None and provenance.document != evolution.digest:
            yield self._fault(
                "promotion-evolution-changed",
                f"{evolution.address} is no longer the document that found {self._spec.genome}, "
                f"so that {self._spec.proof} cannot pass any more",
                "run it and promote what it finds now, before anything that the proof covers "
                "changes; or restore the document",
                "evolution",
                related=(Related("it says something else here", evolution.place),),
                severity=Severity.WARNING,
            )
        if not provenance.reproducible:
            yield self._fault(
                "promotion-not-reproducible",
                f"{self._spec.genome} cannot be found again: "
                f"{provenance.caveat or 'its run was not reproducible'}",
                "promote a genome of a run that the same document gives again",
                "genome",
            )
        if genome.champion != self._spec.champion:
            yield self._fault(
                "promotion-champion-differs",
                f"the champion of {self._spec.genome} is {genome.champion}",
                "promote it anew: `chimera evolve promote` writes both",
                "champion",
            )

    def _unsound(
        self, document: Document[Model], genome: GenomeSpec, evolution: EvolutionSpec
    ) -> Iterator[Diagnostic]:
        """Say why the record's values cannot be what the digest of its champion stands for."""
        for reason in record_faults(evolution.genome.genes, genome):
            yield Diagnostic(
                "promotion-genome-unsound",
                f"{document.address} was changed by hand: {reason}",
                document.at("spec", "genes"),
                "restore the record as the run wrote it: a record states what happened",
                address=str(document.address),
                related=(Related("it is promoted here", self._at("genome")),),
            )

    def _targets(self, values: Mapping[str, Any] | None) -> Iterator[Diagnostic]:
        for index, target in enumerate(self._spec.targets):
            place = self._at("targets", index)
            key = (
                (target.file, "")
                if isinstance(target, FileTarget)
                else (target.document, target.at)
            )
            first = self._taken.setdefault(key, place)
            if first != place:
                yield self._fault(
                    "promotion-target-twice",
                    "two promotions put a value into the same place",
                    "leave one of them",
                    *("targets", index),
                    related=(Related("the first one is here", first),),
                )
            elif isinstance(target, FileTarget):
                yield from self._file(index, target, values)
            elif reason := self._unfit(target.document):
                yield self._fault(
                    "promotion-target-unfit",
                    f"{target.document} {reason}",
                    "name a document that is in force without this promotion",
                    *("targets", index, "document"),
                )
            else:
                yield from self._field(index, target, values)

    def _unfit(self, target: str) -> str | None:
        """Say why a document cannot take values: they would change what they follow from."""
        document = self._document(target)
        if target in (self._spec.evolution, self._spec.proof, str(self._promotion.address)):
            return "is what the genome was found, proven or promoted by"
        is_record = document is not None and document.kind.record
        return "is a record, which states what happened" if is_record else None

    def _field(
        self, index: int, target: FieldTarget, values: Mapping[str, Any] | None
    ) -> Iterator[Diagnostic]:
        document = self._document(target.document)
        if document is None:
            return
        found = resolve(document.value, target.at)
        if found is None:
            yield self._fault(
                "promotion-target-missing",
                f"{target.document} has no field {target.at}",
                "name a field that is written there, as in /spec/inputs/size/default",
                *("targets", index, "at"),
            )
        if values is not None and target.gene not in values:
            yield self._fault(
                "promotion-gene-unknown",
                f"{self._spec.genome} has no gene {target.gene}",
                suggestion(target.gene, values, f"its genes are {', '.join(values)}"),
                *("targets", index, "gene"),
            )
        elif values is not None and found is not None:
            try:
                meant = wanted(target, values)
            except ChimeraError as error:
                route = ("targets", index, "unit")
                help = error.help or ""
                yield self._fault("promotion-unit-unfit", error.message, help, *route)
                return
            if not agrees(found[1], meant, target.unit):
                yield self._differs(document.at(*found[0]), target.document, found[1], meant, index)

    def _file(
        self, index: int, target: FileTarget, values: Mapping[str, Any] | None
    ) -> Iterator[Diagnostic]:
        paths = {entry.path for entry in self._snapshot.tree.entries()}
        if target.file not in paths:
            yield self._fault(
                "promotion-target-missing",
                f"there is no file {target.file}",
                "`chimera evolve promote` writes it",
                *("targets", index, "file"),
            )
            return
        try:
            found = read_file(target.file, self._snapshot.tree.read(target.file))
        except ChimeraError:
            found = {}
        if values is None:
            return
        for name in dict.fromkeys((*values, *found)):
            here = found.get(name, "nothing")
            if name not in values or name not in found or not same_value(here, values[name]):
                meant = values.get(name, "nothing")
                place = (
                    Span(target.file)
                    if target.file.endswith(".json")
                    else Place(target.file, 0, (name,))
                )
                yield self._differs(place, f"{target.file}: {name}", here, meant, index)

    def _differs(
        self, where: Place | Span, what: str, found: Any, meant: Any, index: int
    ) -> Diagnostic:
        return Diagnostic(
            "promotion-value-differs",
            f"{what} holds {shown(found)} here, and {self._spec.genome} says {shown(meant)}",
            where,
            f"restore {shown(meant)}, or promote another genome: `chimera evolve promote`",
            address=str(self._promotion.address),
            related=(Related("it is promoted here", self._at("targets", index)),),
        )

    def _proof(self) -> Iterator[Diagnostic]:
        """Say what the proof does not show: that this champion comes of this very document."""
        document = self._document(self._spec.proof)
        if document is None or not isinstance(document.spec, ProofSpec):
            return
        proof, evolution = document.spec, self._document(self._spec.evolution)
        about = (self._spec.evolution, self._spec.champion)
        # Any other step may write what a later one reads its evolution from.
        first = takewhile(lambda step: isinstance(step, EvolutionStep), proof.steps)
        found = [(s.evolution, s.champion) for s in first if isinstance(s, EvolutionStep)]
        is_input = evolution is None or Globs(proof.inputs).matches(evolution.place.path)
        if about not in found or not is_input:
            yield self._fault(
                "promotion-unproven",
                f"{document.address} does not run {about[0]} again and find {about[1]}",
                f"let it begin with a step with run: evolution, evolution: {about[0]} and "
                f"champion: {about[1]}, and have the Evolution's file among its inputs",
                "proof",
                related=(Related("its steps are here", document.at("spec", "steps")),),
            )

    def _at(self, *route: Segment) -> Place:
        return self._promotion.at("spec", *route)

    def _fault(
        self,
        rule: str,
        message: str,
        help: str,
        *route: Segment,
        severity: Severity = Severity.ERROR,
        related: tuple[Related, ...] = (),
    ) -> Diagnostic:
        address = str(self._promotion.address)
        return Diagnostic(rule, message, self._at(*route), help, severity, address, related)
