"""Whether a contract holds together: ids, admissions, refusals, words, documentation, principles.

Judges the contract's own text against itself and the tree. Refuses to look at other documents,
except for the proofs by which an exchange between two layers is shown.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping

from chimera.contract.kinds import Exchange, Principle, Provision, Receipt
from chimera.contract.layers import Contract, ContractLayer, layers_of
from chimera.documents import Globs
from chimera.kinds import Registry, Snapshot, Subject
from chimera.model import (
    Address,
    Diagnostic,
    Finding,
    Related,
    Route,
    Severity,
    Verdict,
    is_dormant,
)

# Far below, a kind that nobody has registered yet looks like another one.
_MISSPELT = 0.8


def check_ids(contract: Contract) -> Iterator[Diagnostic]:
    """Report a second layer with the id of an earlier one."""
    first: dict[str, ContractLayer] = {}
    for layer in layers_of(contract):
        earlier = first.setdefault(layer.layer.id, layer)
        if earlier.index != layer.index:
            yield Diagnostic(
                "layer-duplicate",
                f"a second layer {layer.name}",
                layer.at("id"),
                "give each layer of a contract an id of its own",
                address=str(contract.address),
                related=(earlier.cite("the first one stands here", "id"),),
            )


def check_admissions(contract: Contract, snapshot: Snapshot) -> Iterator[Diagnostic]:
    """Report kinds and files that two layers of the contract claim, and misspelt kinds."""
    yield from _kinds_claimed_twice(contract)
    yield from _files_claimed_twice(contract, snapshot)
    for layer in layers_of(contract):
        for index, kind in enumerate(layer.layer.admits.kinds):
            yield from _misspelt(layer, ("admits", "kinds", index), kind, snapshot.registry)
        for number, refusal in enumerate(layer.layer.refuses):
            for index, kind in enumerate(refusal.kinds):
                route = ("refuses", number, "kinds", index)
                yield from _misspelt(layer, route, kind, snapshot.registry)


def _kinds_claimed_twice(contract: Contract) -> Iterator[Diagnostic]:
    claimed: dict[str, tuple[ContractLayer, int]] = {}
    for layer in layers_of(contract):
        for index, kind in enumerate(layer.layer.admits.kinds):
            first, at = claimed.setdefault(kind, (layer, index))
            if (first, at) != (layer, index):
                yield _overlap(layer, first, kind, ("kinds", index), ("kinds", at))


def _files_claimed_twice(contract: Contract, snapshot: Snapshot) -> Iterator[Diagnostic]:
    """Compare the layers' globs on the files that there are; patterns alone cannot be compared."""
    layers = [layer for layer in layers_of(contract) if layer.layer.admits.paths]
    if len(layers) < 2:
        return
    globs = [Globs(layer.layer.admits.paths) for layer in layers]
    told: set[tuple[int, int]] = set()
    for entry in snapshot.tree.entries():
        claims = [number for number, glob in enumerate(globs) if glob.matches(entry.path)]
        for number in claims[1:]:
            if (claims[0], number) not in told:
                told.add((claims[0], number))
                yield _overlap(
                    layers[number], layers[claims[0]], entry.path, ("paths",), ("paths",)
                )


def _overlap(
    layer: ContractLayer, first: ContractLayer, what: str, route: Route, earlier: Route
) -> Diagnostic:
    return Diagnostic(
        "layer-admits-overlap",
        f"{layer.name} admits {what}, which {first.name} admits already",
        layer.at("admits", *route),
        "let one layer of a contract admit it",
        address=str(layer.contract.address),
        related=(first.cite(f"{first.name} admits it here", "admits", *earlier),),
    )


def _misspelt(
    layer: ContractLayer, route: Route, kind: str, registry: Registry
) -> Iterator[Diagnostic]:
    """Warn of a kind that looks like another; one unlike any is a kind that is yet to come."""
    if kind in registry.kinds:
        return
    near = difflib.get_close_matches(kind, registry.kinds, n=1, cutoff=_MISSPELT)
    if near:
        yield Diagnostic(
            "layer-kind-unknown",
            f"{layer.name} names the kind {kind}, which no plugin registers",
            layer.at(*route),
            f"did you mean {near[0]}?",
            Severity.WARNING,
            address=str(layer.contract.address),
        )


def check_refusals(contract: Contract) -> Iterator[Diagnostic]:
    """Report what a layer refuses without saying where it goes."""
    for layer in layers_of(contract):
        for index, refusal in enumerate(layer.layer.refuses):
            if refusal.to is None:
                yield Diagnostic(
                    "layer-refusal-homeless",
                    f"{layer.name} refuses {refusal.what} and does not say where it goes",
                    layer.at("refuses", index),
                    "add to: contract/id, the layer that it belongs to",
                    address=str(contract.address),
                )


def check_words(contract: Contract, words: Collection[str]) -> Iterator[Diagnostic]:
    """Report words of `prohibits` that nobody registered: what cannot be enforced is no promise."""
    for layer in layers_of(contract):
        for index, word in enumerate(layer.layer.prohibits):
            yield from _unknown_word(layer, word, ("prohibits", index), words)
        when = layer.layer.when_active
        for index, word in enumerate(when.prohibits if when else ()):
            yield from _unknown_word(layer, word, ("whenActive", "prohibits", index), words)


def _unknown_word(
    layer: ContractLayer, word: str, route: Route, words: Collection[str]
) -> Iterator[Diagnostic]:
    if word in words:
        return
    near = difflib.get_close_matches(word, sorted(words), n=1)
    yield Diagnostic(
        "layer-prohibition-unknown",
        f"{layer.name} prohibits {word!r}, a word that nothing enforces",
        layer.at(*route),
        f"did you mean {near[0]}?" if near else f"the words are {', '.join(sorted(words))}",
        address=str(layer.contract.address),
    )


def documented(contract: Contract) -> Iterator[tuple[str, Route, ContractLayer | None]]:
    """Yield every documentation path with its route; the layer is `None` for the contract's own."""
    for index, path in enumerate(contract.spec.documentation):
        yield path, ("spec", "documentation", index), None
    for layer in layers_of(contract):
        for index, path in enumerate(layer.layer.documentation):
            yield path, ("spec", "layers", layer.index, "documentation", index), layer


def check_documentation(contract: Contract, snapshot: Snapshot) -> Iterator[Diagnostic]:
    """Report documentation that the tree lacks; the contract's own file is none."""
    wanted = tuple(documented(contract))
    if not wanted:
        return
    own = contract.place.path
    paths = [entry.path for entry in snapshot.tree.entries() if entry.path != own]
    for path, route, layer in wanted:
        globs = Globs((path,))
        if globs.filter(paths):
            continue
        itself = globs.matches(own)
        title = layer.name if layer else str(contract.address)
        yield Diagnostic(
            "layer-documentation-itself" if itself else "layer-documentation-missing",
            f"{path} is the contract itself, and no documentation of {title}"
            if itself
            else f"there is no {path}, the documentation of {title}",
            contract.at(*route),
            "name the pages that must change together with it, or remove the path"
            if itself
            else "write it, or correct the path",
            address=str(contract.address),
        )


def check_principles(contract: Contract, subject: Subject) -> Iterator[Diagnostic]:
    """Report principles that name no policy, or one that is dormant: nothing checks them."""
    yield from _unchecked(contract, subject, contract.spec.principles, ("spec",))
    for layer in layers_of(contract):
        route = ("spec", "layers", layer.index)
        yield from _unchecked(contract, subject, layer.layer.principles, route)


def _unchecked(
    contract: Contract, subject: Subject, principles: tuple[Principle, ...], route: Route
) -> Iterator[Diagnostic]:
    for index, principle in enumerate(principles):
        named = principle.policy
        if named is None or is_dormant(subject.placed(Address.parse(named))):
            yield Diagnostic(
                "layer-principle-unchecked",
                f"no policy checks the principle: {principle.statement}",
                contract.at(*route, "principles", index),
                "add policy: Policy/name, or keep it as a statement that people watch over",
                Severity.INFO,
                address=str(contract.address),
            )


def check_exchanges(
    contract: Contract, layers: Mapping[str, ContractLayer]
) -> Iterator[Diagnostic]:
    """Report what one layer provides and its neighbour does not receive, and the reverse."""
    for layer in layers_of(contract):
        for index, given in enumerate(layer.layer.provides):
            other = layers.get(given.to)
            if other and not any(_meets(given, r, layer.name) for r in other.layer.receives):
                yield _unmet(layer, ("provides", index), given, other, "does not receive")
        for index, taken in enumerate(layer.layer.receives):
            other = layers.get(taken.source)
            if other and not any(_meets(p, taken, other.name) for p in other.layer.provides):
                yield _unmet(layer, ("receives", index), taken, other, "does not provide")


def _meets(given: Provision, taken: Receipt, giver: str) -> bool:
    return (given.item, given.type, giver) == (taken.item, taken.type, taken.source)


def _unmet(
    layer: ContractLayer, route: Route, exchange: Exchange, other: ContractLayer, verb: str
) -> Diagnostic:
    return Diagnostic(
        "layer-exchange-unmet",
        f"{other.name} {verb} {exchange.item!r} ({exchange.type}), as {layer.name} says",
        layer.at(*route),
        f"say the same, with the same type, in {other.name}",
        address=str(layer.contract.address),
        related=(Related(f"{other.name} stands here", other.at("id")),),
    )


def exchange_verdict(contract: Contract, snapshot: Snapshot) -> Iterator[Verdict]:
    """Yield whether everything that the contract's layers provide has been shown to be provided.

    An exchange is shown by the latest record of each of its proofs. Whether that record still fits
    the content is for whoever verifies the evidence.
    """
    exchanges = [
        (layer, index, given)
        for layer in layers_of(contract)
        for index, given in enumerate(layer.layer.provides)
    ]
    if not exchanges:
        return
    reasons, faults = [], []
    for layer, index, given in exchanges:
        what = f"{layer.name} provides {given.to} with {given.item}"
        said = [_latest(Address.parse(proof), snapshot) for proof in given.evidence]
        for number, verdict in enumerate(said):
            if verdict == Finding.FAIL.value:
                proof = given.evidence[number]
                faults.append(
                    Diagnostic(
                        "layer-exchange-failed",
                        f"{proof} failed, which is to show that {what}",
                        layer.at("provides", index, "evidence", number),
                        f"mend it and run `chimera prove {proof}`",
                        address=str(contract.address),
                    )
                )
        if not said or any(verdict != Finding.PASS.value for verdict in said):
            reasons.append(f"{what}: not shown")
    finding = Finding.NOT_EXERCISED if reasons else Finding.PASS
    yield Verdict(
        f"{contract.address}#layer-exchange-shown",
        str(contract.address),
        Finding.FAIL if faults else finding,
        tuple(reasons),
        tuple(faults),
    )


def _latest(proof: Address, snapshot: Snapshot) -> str | None:
    """Return what the latest record that refers to `proof` says it found."""
    records = (
        document
        for source in {use.source for use in snapshot.referred_by(proof)}
        if (document := snapshot.get(source)) is not None and document.kind.record
    )
    latest = max(records, key=lambda d: (getattr(d.spec, "at", ""), d.address), default=None)
    return getattr(latest.spec, "verdict", None) if latest else None
