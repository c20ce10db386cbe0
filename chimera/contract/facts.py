"""What judges of a layer are given: its documents, those that refer to it, and what fields do.

Fields are read by the roles that they declare, so that kinds nobody has written yet are judged too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from chimera.contract.layers import ContractLayer, is_contract
from chimera.kinds import (
    Document,
    Expression,
    LayerReference,
    Marked,
    Model,
    Plays,
    Reference,
    Role,
    Snapshot,
    Subject,
)
from chimera.model import (
    KIND_PATTERN,
    NAME_PATTERN,
    Action,
    Address,
    Diagnostic,
    Place,
    Related,
    Route,
)

_ADDRESS = re.compile(f"{KIND_PATTERN}/{NAME_PATTERN}")
_QUOTED = re.compile(r"'([^'\n]+)'|\"([^\"\n]+)\"")


@dataclass(frozen=True, slots=True)
class Use:
    """A value by which one document names a layer or another document."""

    document: Document[Model]
    route: Route


@dataclass(frozen=True, slots=True)
class Concerned:
    """A document that a prohibition is about, and why it is: `stands in operations/5`."""

    document: Document[Model]
    how: str


@dataclass(frozen=True)
class Marks:
    """The marked values of a snapshot's documents, read once."""

    snapshot: Snapshot

    @cached_property
    def _by_document(self) -> Mapping[Address, tuple[Marked, ...]]:
        return {address: document.marks for address, document in self.snapshot.documents.items()}

    def playing(self, document: Document[Model], *roles: Role) -> Iterator[Marked]:
        """Yield the values of `document` that play one of `roles` and are not empty."""
        for found in self._by_document[document.address]:
            if isinstance(found.mark, Plays) and found.mark.role in roles and _says(found):
                yield found

    def plays_at(self, use: Use, *roles: Role) -> bool:
        """Tell whether the value at `use`, or a field around it, plays one of `roles`."""
        return any(
            use.route[: len(found.route)] == found.route
            for found in self.playing(use.document, *roles)
        )

    @cached_property
    def _uses(self) -> Mapping[str, tuple[Use, ...]]:
        uses: dict[str, list[Use]] = {}
        for address, values in self._by_document.items():
            document = self.snapshot.documents[address]
            for found in values:
                if isinstance(found.mark, (Reference, LayerReference)):
                    uses.setdefault(found.value, []).append(Use(document, found.route))
        return {name: tuple(found) for name, found in uses.items()}

    def uses(self, name: str) -> tuple[Use, ...]:
        """Return where typed fields name the address or the layer `name`."""
        return self._uses.get(name, ())

    @cached_property
    def _calls(self) -> Mapping[str, tuple[Use, ...]]:
        uses: dict[str, list[Use]] = {}
        for address, values in self._by_document.items():
            document = self.snapshot.documents[address]
            if document.kind.record:
                continue
            typed = [found for found in values if isinstance(found.mark, Reference)]
            cited = {found.route for found in typed if getattr(found.mark, "cites", False)}
            written = texts(("spec",), document.value.get("spec"))
            named = dict.fromkeys([*((f.route, str(f.value)) for f in typed), *written])
            for route, name in named:
                if route not in cited and _ADDRESS.fullmatch(name):
                    uses.setdefault(name, []).append(Use(document, route))
        return {name: tuple(found) for name, found in uses.items()}

    def calls(self, name: str) -> tuple[Use, ...]:
        """Return where desired documents name the address `name` and do not only cite it.

        Besides typed references that is every value or key of a spec that is an address: the
        inputs of an operation have no types here, and hold references all the same.
        """
        return self._calls.get(name, ())

    @cached_property
    def _quotations(self) -> Mapping[str, tuple[Use, ...]]:
        uses: dict[str, list[Use]] = {}
        for address, values in self._by_document.items():
            for found in values:
                if isinstance(found.mark, Expression):
                    use = Use(self.snapshot.documents[address], found.route)
                    for single, double in _QUOTED.findall(found.value):
                        uses.setdefault(single or double, []).append(use)
        return {name: tuple(found) for name, found in uses.items()}

    def quotations(self, name: str) -> tuple[Use, ...]:
        """Return the expressions that quote the address or the layer `name`."""
        return self._quotations.get(name, ())

    @cached_property
    def owing(self) -> tuple[tuple[Document[Model], Marked], ...]:
        """Every value by which a gate or a proof owes something."""
        return tuple(
            (document, found)
            for document in self.snapshot.documents.values()
            for found in self.playing(document, Role.OWES)
        )


def field_of(found: Marked) -> str:
    """Return the name of the field, for a value that may stand in a list below it."""
    return next((s for s in reversed(found.route) if isinstance(s, str)), "field")


def texts(route: Route, value: Any) -> Iterator[tuple[Route, str]]:
    """Yield every text of a value as its author wrote it, keys of mappings too, with its route."""
    if isinstance(value, str):
        yield route, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts((*route, key), key)
            yield from texts((*route, key), item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts((*route, index), item)


def _says(found: Marked) -> bool:
    """Tell whether a value does what its role says: `warn` is an action that denies nothing."""
    if found.mark == Plays(Role.DENIES) and isinstance(found.value, str):
        return found.value == "deny"
    return bool(found.value)


@dataclass(frozen=True)
class LayerFacts:
    """One layer under judgement: the word that is judged, and the documents it is about.

    `line` is the place of the word in the contract; diagnostics cite it.
    """

    subject: Subject
    layer: ContractLayer
    marks: Marks
    members: tuple[Document[Model], ...]
    word: str
    line: Place

    @cached_property
    def referrers(self) -> tuple[Concerned, ...]:
        """Desired documents that name the layer or one of its members.

        A record states what happened and a contract defines: neither makes anything act.
        """
        found: dict[Address, Concerned] = {}
        inside = {member.address for member in self.members}
        for name in self.names:
            meant = name if name == self.layer.name else f"{name} of {self.layer.name}"
            for use in self.marks.uses(name):
                other = use.document
                if other.address not in inside and not other.kind.record and not is_contract(other):
                    found.setdefault(other.address, Concerned(other, f"refers to {meant}"))
        return tuple(found[address] for address in sorted(found))

    @cached_property
    def concerned(self) -> tuple[Concerned, ...]:
        """The layer's documents, and those that refer to them."""
        stands = f"stands in {self.layer.name}"
        return (*(Concerned(member, stands) for member in self.members), *self.referrers)

    def playing(self, *roles: Role) -> Iterator[tuple[Concerned, Marked]]:
        """Yield what plays one of `roles` in the documents concerned."""
        for one in self.concerned:
            for found in self.marks.playing(one.document, *roles):
                yield one, found

    def uses(self, *roles: Role) -> Iterator[tuple[Use, str]]:
        """Yield where a field that plays one of `roles` names the layer or a member, and which."""
        for name in self.names:
            for use in self.marks.uses(name):
                if self.marks.plays_at(use, *roles) and not is_contract(use.document):
                    yield use, name

    @property
    def names(self) -> tuple[str, ...]:
        """The layer's name and the addresses of its documents."""
        return (self.layer.name, *(str(member.address) for member in self.members))

    def is_changed(self, document: Document[Model]) -> bool:
        """Tell whether the change under judgement creates or updates `document`."""
        return self._is_planned(document, Action.CREATE, Action.UPDATE)

    def is_run(self, document: Document[Model]) -> bool:
        """Tell whether `document` is asked to be executed now, whatever starts it otherwise."""
        return self._is_planned(document, Action.RUN)

    def _is_planned(self, document: Document[Model], *actions: Action) -> bool:
        return any(
            change.target == document.address and change.action in actions
            for change in self.subject.changes or ()
        )

    def refuse(
        self, message: str, document: Document[Model], route: Route, help: str
    ) -> Diagnostic:
        """Return the diagnostic of the word under judgement, which cites the contract's line."""
        return Diagnostic(
            f"layer-prohibits-{self.word}",
            f"{message}; {self.layer.name} prohibits {self.word}",
            document.at(*route),
            help,
            address=str(document.address),
            related=(Related(f"{self.layer.name} prohibits {self.word} here", self.line),),
        )
