"""One Schema that acts, and what its files and it itself come to. Refuses to read or validate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chimera.kinds import Document, Memo
from chimera.model import Diagnostic, Finding, Place, Verdict, digest_json, has_errors
from chimera.policy.schemas.answers import Answer
from chimera.policy.schemas.checker import Checker, UndecidedError
from chimera.policy.schemas.definition import Definition
from chimera.policy.schemas.faults import schema_faults
from chimera.policy.schemas.keywords import misspelt
from chimera.policy.schemas.kinds import SchemaSpec

Schema = Document[SchemaSpec]
_COMPILED = "schema-compiled/1"


@dataclass
class Holder:
    """A Schema, what it holds documents to, and what is wrong with it.

    Nothing is held to a Schema with errors. `stopped` is the position of the first file that could
    not be decided, and why: from there on none is. The last three say what it met.
    """

    schema: Schema
    definition: Definition | None
    faults: tuple[Diagnostic, ...]
    stopped: tuple[int, Diagnostic] | None = None
    files: int = 0
    is_met: bool = False

    @property
    def name(self) -> str:
        """What verdicts call the Schema."""
        return str(self.schema.address)

    @property
    def is_sound(self) -> bool:
        """Whether anything can be held to it."""
        return not has_errors(self.faults)

    @property
    def key(self) -> str:
        """What an answer about a file depends on, besides the Schema's own digest."""
        if not self.is_sound:
            return "broken"
        return self.definition.digest if self.definition else "none"

    def stop(self, position: int, place: Place, error: UndecidedError) -> None:
        """Note that from the file at `position` on nothing is decided."""
        self.stopped = (position, undecided(place, error, self.name))

    def take(self, position: int, answer: Answer) -> Iterator[Verdict]:
        """Yield the verdict on a file that the Schema claims, if there is anything to say."""
        self.files += 1
        said = answer.said.get(self.name)
        self.is_met |= said is not None
        if said is not None and self.stopped is not None and position >= self.stopped[0]:
            is_first = position == self.stopped[0]
            said = (*(said if is_first else ()), self.stopped[1])
        diagnostics = (*answer.faults, *(said or ()))
        if (said is not None and self.is_sound) or has_errors(diagnostics):
            yield verdict(self.name, answer.path, diagnostics)
        elif diagnostics:
            reasons = tuple(diagnostic.message for diagnostic in diagnostics)
            yield Verdict(self.name, answer.path, Finding.NOT_EXERCISED, reasons, diagnostics)

    def close(self) -> Iterator[Verdict]:
        """Yield what there is to say of the Schema itself, once all files are known."""
        if not self.is_sound or (self.faults and self.is_met):
            yield verdict(self.name, self.name, self.faults)
        elif not self.is_met:
            why = (
                f"it selects no document of {self.files} files"
                if self.files
                else "its paths match no file"
            )
            yield idle(self.schema, why, self.faults)


def holder_of(
    schema: Schema,
    found: tuple[Definition | None, tuple[Diagnostic, ...]],
    checker: Checker,
    memo: Memo,
) -> Holder:
    """Return the holder of a Schema, given its definition and what is wrong with that."""
    definition, faults = found
    if definition is None:
        return Holder(schema, None, faults)
    key = digest_json([_COMPILED, definition.digest])
    try:
        facts = () if memo.get(key) is True else checker.compile(definition)
    except UndecidedError as error:
        fault = undecided(schema.at("spec"), error, str(schema.address))
        return Holder(schema, definition, (*faults, fault))
    if not facts:
        memo.put(key, True)
    misspellings = misspelt(definition.files, definition.places)
    every = (*faults, *schema_faults(schema, definition, facts), *misspellings)
    return Holder(schema, definition, every)


def verdict(judge: str, subject: str, diagnostics: Sequence[Diagnostic]) -> Verdict:
    """Return the verdict that diagnostics come to."""
    finding = Finding.FAIL if has_errors(diagnostics) else Finding.PASS
    reasons = tuple(dict.fromkeys(diagnostic.message for diagnostic in diagnostics))
    return Verdict(judge, subject, finding, reasons, tuple(diagnostics))


def idle(schema: Schema, why: str, diagnostics: tuple[Diagnostic, ...] = ()) -> Verdict:
    """Return the verdict on a Schema that held nothing to anything."""
    name = str(schema.address)
    return Verdict(name, name, Finding.NOT_EXERCISED, (why,), diagnostics)


def undecided(place: Place, error: UndecidedError, who: str) -> Diagnostic:
    """Return the fault of what a Schema cannot be applied to in time."""
    return Diagnostic(
        "schema-undecided",
        f"{who} could not be judged and so refuses: {error.message}",
        place,
        "simplify the schema, or make the file smaller",
    )
