"""Putting a genome to use, and taking it back: edits of the work tree that a person proposes.

What is written is spliced, so that comments and order stay, and a rollback leaves the bytes that
were there before. Refuses to commit, apply or approve anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from chimera.builtin.evolution.genomes.finding import Record, record_named, records
from chimera.builtin.evolution.genomes.kinds import (
    MOST_FORMER,
    FieldTarget,
    FileTarget,
    PromotionSpec,
)
from chimera.builtin.evolution.genomes.proof import keep_up, new_proof
from chimera.builtin.evolution.genomes.proposing import Proposal, require_person
from chimera.builtin.evolution.genomes.targets import put, resolve, values_of, wanted, write_file
from chimera.builtin.evolution.genomes.values import record_faults
from chimera.builtin.evolution.spec.evolution import EvolutionSpec
from chimera.documents import commits_of, dump, edit, format_text, head, open_commit, parse, splice
from chimera.gate import RoleSpec, environments
from chimera.kinds import API_VERSION, Document, suggestion
from chimera.model import Address, ChimeraError, UsageError, digest_json
from chimera.proof import ProofSpec

if TYPE_CHECKING:
    from chimera.kinds import Model
    from chimera.workspace import Workspace

Target = FieldTarget | FileTarget
FOLDER = "specs/promotions"
_MOST_COMMITS = 1000


@dataclass(frozen=True, slots=True)
class Proposed:
    """What was proposed: a Promotion, the genome in it, and the files with what they would say."""

    promotion: Address
    genome: Address
    instead_of: str | None
    proof: Address
    proposal: Proposal


def promote(
    workspace: Workspace,
    genome: str,
    targets: Sequence[Target],
    *,
    name: str | None = None,
    proof: str | None = None,
    approvers: Sequence[str] = (),
) -> Proposed:
    """Propose that a genome's values stand at `targets`, or where its Promotion has them already.

    Raises `UsageError` where that cannot be, or must not.
    """
    require_person(workspace, "to promote a genome")
    record = record_named(workspace, genome)
    name = name or Address.parse(record.spec.provenance.evolution).name
    address = Address.parse(f"Promotion/{name}")
    there = workspace.loaded.snapshot.get(address)
    if there is None:
        return _first(workspace, address, record, targets, proof, approvers)
    if targets or proof or approvers:
        raise UsageError(
            f"there is a {address} already, in {there.place.path}",
            help="leave its targets to it, edit them by hand, or give the new one a --name",
        )
    work = _Work(workspace, cast("Document[PromotionSpec]", there), record)
    if record.spec.champion == work.spec.champion and str(record.address) == work.spec.genome:
        raise UsageError(f"{record.address} is in use already", help="nothing is to be done")
    before = {"genome": work.spec.genome, "champion": work.spec.champion}

    def remember(document: Any) -> None:
        previous = document["spec"].setdefault("previous", [])
        previous.insert(0, before)
        del previous[MOST_FORMER:]

    return work.exchange(remember)


def rollback(workspace: Workspace, name: str) -> Proposed:
    """Propose the genome that a Promotion had before, which leaves its list of former ones.

    Where its Evolution has changed since, the document that found that genome is proposed, too.
    Raises `UsageError` where there was none before.
    """
    require_person(workspace, "to take a genome back")
    snapshot = workspace.loaded.snapshot
    known = [str(d.address) for d in snapshot.of_model(PromotionSpec)]
    there = snapshot.get(Address("Promotion", name.removeprefix("Promotion/")))
    if there is None or not isinstance(there.spec, PromotionSpec):
        raise UsageError(
            f"there is no Promotion {name}",
            help=suggestion(f"Promotion/{name}", known, "`chimera get Promotion` lists them"),
        )
    if not there.spec.previous:
        raise UsageError(
            f"{there.address} had no genome before {there.spec.genome}",
            help=f"what stood at its targets then is in Git: git log -p {there.place.path}",
        )
    former = there.spec.previous[0]
    record = records(workspace).get(Address.parse(former.genome))
    if record is None or record.spec.champion != former.champion:
        raise UsageError(
            f"{former.genome} is not the record that was promoted",
            help="restore it from Git: a genome that was in use stays in the tree",
        )

    def forget(document: Any) -> None:
        del document["spec"]["previous"][0]
        if not document["spec"]["previous"]:
            del document["spec"]["previous"]

    return _Work(workspace, cast("Document[PromotionSpec]", there), record).exchange(forget)


def _first(
    workspace: Workspace,
    address: Address,
    record: Record,
    targets: Sequence[Target],
    proof: str | None,
    approvers: Sequence[str],
) -> Proposed:
    """Propose a Promotion where there is none yet."""
    if not targets:
        raise UsageError(
            f"there is no {address} that says where its values go",
            help="say it: --into Kind/name:/spec/path/to/field --gene NAME, or --into-file PATH",
        )
    proposal = Proposal(workspace)
    evolution = _evolution(proposal, record)
    _put_record(proposal, record)
    _put_values(proposal, targets, _values(record, evolution), is_new=True)
    path = f"{FOLDER}/{address.name}.yaml"
    covered = [path, *_paths(workspace, targets)]
    about = _put_proof(proposal, address.name, proof, evolution, record, covered)
    approvals = [{"role": role} for role in approvers or _approvers(workspace)]
    spec = {
        "genome": str(record.address),
        "evolution": str(evolution.address),
        "champion": record.spec.champion,
        "targets": [t.model_dump(mode="json", exclude_none=True) for t in targets],
        "proof": str(about),
        **({"approvals": approvals} if approvals else {}),
    }
    value = {
        "apiVersion": API_VERSION,
        "kind": "Promotion",
        "metadata": {"name": address.name},
        "spec": spec,
    }
    modeline = "# yaml-language-server: $schema=../../.chimera/schemas/Promotion.json"
    proposal.put(path, format_text(f"{modeline}\n{dump(value)}"))
    proposal.require_sound((address, evolution.address, record.address, *_documents(targets)))
    return Proposed(address, record.address, None, about, proposal)


def _put_proof(
    proposal: Proposal,
    name: str,
    proof: str | None,
    evolution: Document[EvolutionSpec],
    record: Record,
    covered: Sequence[str],
) -> Address:
    """Propose the proof of the Promotion `name`, a new one or the one that is there or given."""
    snapshot = proposal.workspace.loaded.snapshot
    about = Address.parse(proof if proof and "/" in proof else f"Proof/{proof or name}")
    known = snapshot.get(about)
    if known is not None:
        keep_up(proposal, cast("Document[ProofSpec]", known), evolution, record.spec)
    elif proof is not None:
        raise UsageError(f"there is no {about}", help="leave --proof out to have one written")
    else:
        text = new_proof(name, evolution, record.spec, covered, snapshot)
        proposal.put(f"proofs/{about.name}.yaml", format_text(text))
    return about


class _Work:
    """A Promotion that is there, about to have another genome."""

    def __init__(
        self, workspace: Workspace, promotion: Document[PromotionSpec], record: Record
    ) -> None:
        self._workspace = workspace
        self._promotion = promotion
        self._record = record
        self.spec = promotion.spec
        if record.spec.provenance.evolution != self.spec.evolution:
            raise UsageError(
                f"{record.address} was found by {record.spec.provenance.evolution}, and "
                f"{promotion.address} is about {self.spec.evolution}",
                help="give another --name: a Promotion is about one Evolution",
            )

    def exchange(self, note: Any) -> Proposed:
        """Propose the genome at every target and in the proof; `note` edits the list of former."""
        record, spec, promotion = self._record, self.spec, self._promotion
        proposal = Proposal(self._workspace)
        evolution = _evolution(proposal, record)
        _put_record(proposal, record)
        _put_values(proposal, spec.targets, _values(record, evolution), is_new=False)
        proof = self._workspace.loaded.snapshot.get(Address.parse(spec.proof))
        if proof is None or not isinstance(proof.spec, ProofSpec):
            raise UsageError(f"there is no {spec.proof}", help="`chimera check` says more")
        keep_up(proposal, cast("Document[ProofSpec]", proof), evolution, record.spec)
        path = promotion.place.path
        text = splice(proposal.text(path), promotion.at("spec", "genome"), str(record.address))
        text = splice(text, promotion.at("spec", "champion"), record.spec.champion)
        proposal.put(path, edit(text, note, index=promotion.place.index))
        proposal.require_sound(
            (promotion.address, evolution.address, record.address, *_documents(spec.targets))
        )
        return Proposed(promotion.address, record.address, spec.genome, proof.address, proposal)


def _evolution(proposal: Proposal, record: Record) -> Document[EvolutionSpec]:
    """Return the Evolution that found a genome, from Git where it says something else by now."""
    workspace = proposal.workspace
    provenance = record.spec.provenance
    there = workspace.loaded.snapshot.get(Address.parse(provenance.evolution))
    if there is None or not isinstance(there.spec, EvolutionSpec):
        raise UsageError(
            f"{record.address} was found by {provenance.evolution}, which is not in the tree",
            help="restore the Evolution first: the proof has to run it again",
        )
    evolution = cast("Document[EvolutionSpec]", there)
    if evolution.digest == provenance.document:
        return evolution
    for data, value in _former(workspace, evolution):
        if digest_json(value) == provenance.document:
            proposal.put(evolution.place.path, data)
            spec = EvolutionSpec.model_validate(value["spec"])
            former = (evolution.address, evolution.kind, evolution.metadata, spec, value)
            return Document(*former, evolution.place)
    raise UsageError(
        f"{evolution.address} is no longer the document that found {record.address}, "
        "and no commit of it is",
        help="run it as it is now and promote what it finds, or restore the document",
    )


def _former(
    workspace: Workspace, evolution: Document[EvolutionSpec]
) -> Iterator[tuple[bytes, Mapping[str, Any]]]:
    """Yield what the file of an evolution, if it holds nothing else, said in former commits."""
    path, root = evolution.place.path, workspace.root
    if len(parse(path, workspace.tree.read(path))[0]) != 1 or head(root) is None:
        return
    for commit in commits_of(root, [path], None)[:_MOST_COMMITS]:
        try:
            data = open_commit(root, commit.id).read(path)
        except ChimeraError:
            continue
        documents, _ = parse(path, data)
        if len(documents) == 1 and documents[0].sound:
            yield data, documents[0].value


def _values(record: Record, evolution: Document[EvolutionSpec]) -> dict[str, Any]:
    """Return the genes of a sound record; raises `UsageError` where its digest is another's."""
    layout = evolution.spec.genome.genes
    faults = record_faults(layout, record.spec)
    if faults:
        raise UsageError(
            f"{record.address} is not as its run wrote it: {faults[0]}",
            help=f"restore {record.path}, or run the evolution again",
        )
    return values_of(layout, record.spec.genes)


def _put_record(proposal: Proposal, record: Record) -> None:
    if not record.in_tree:
        data = (proposal.workspace.root / record.path).read_bytes()
        path = proposal.workspace.registry.path_of(record.address)
        proposal.put(path, format_text(data.decode()))


def _put_values(
    proposal: Proposal, targets: Sequence[Target], values: Mapping[str, Any], *, is_new: bool
) -> None:
    for target in targets:
        if isinstance(target, FileTarget):
            data = write_file(target.file, values)
            if is_new and proposal.before(target.file) not in (None, data):
                raise UsageError(
                    f"there is a {target.file} already",
                    help="move it away first: it would hold nothing but the genes",
                )
            proposal.put(target.file, data)
        else:
            _put_value(proposal, target, values)


def _put_value(proposal: Proposal, target: FieldTarget, values: Mapping[str, Any]) -> None:
    document = _require(proposal.workspace, target.document)
    found = resolve(document.value, target.at)
    if found is None or isinstance(found[1], dict):
        raise UsageError(
            f"{target.document} has no value at {target.at}",
            help="write any value there first, so that it stands where you want it",
        )
    if target.gene not in values:
        listed = f"its genes are {', '.join(values)}"
        raise UsageError(
            f"the genome has no gene {target.gene}", help=suggestion(target.gene, values, listed)
        )
    path = document.place.path
    where = document.at(*found[0])
    proposal.put(path, put(proposal.text(path), where, found[1], wanted(target, values)))


def _require(workspace: Workspace, name: str) -> Document[Model]:
    snapshot = workspace.loaded.snapshot
    document = snapshot.get(Address.parse(name))
    if document is None:
        known = map(str, snapshot.documents)
        listed = "`chimera get` lists what there is"
        raise UsageError(f"there is no {name}", help=suggestion(name, known, listed))
    if document.kind.record:
        raise UsageError(
            f"{name} is a record, which states what happened", help="name a document in force"
        )
    return document


def _paths(workspace: Workspace, targets: Sequence[Target]) -> list[str]:
    return [
        t.file if isinstance(t, FileTarget) else _require(workspace, t.document).place.path
        for t in targets
    ]


def _documents(targets: Sequence[Target]) -> list[Address]:
    return [Address.parse(t.document) for t in targets if isinstance(t, FieldTarget)]


def _approvers(workspace: Workspace) -> list[str]:
    """Return whom to ask where something is protected: the one role that may."""
    snapshot = workspace.loaded.snapshot
    if not any(environments(snapshot).values()):
        return []
    roles = [
        str(role.address)
        for role in snapshot.of_model(RoleSpec)
        if "approve" in role.spec.capabilities
    ]
    if len(roles) != 1:
        listed = f"there is: {', '.join(roles)}" if roles else "make one: chimera new Role"
        raise UsageError(
            "an environment is protected, so that somebody has to approve the genome",
            help=f"name a role: --approver Role/NAME; {listed}",
        )
    return roles
