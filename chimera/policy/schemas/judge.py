"""Judging foreign files by the Schemas that claim them: a verdict for each file and Schema.

A file that cannot be read or decided fails. A Schema that meets no document is not exercised, and
neither is a document that no Schema selects.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chimera.kinds import Document, Subject
from chimera.model import Diagnostic, Finding, Place, Verdict, has_errors, is_dormant
from chimera.policy.foreign import Foreign, ForeignDocument, read_foreign
from chimera.policy.schemas.checker import Checker, Found, UndecidedError
from chimera.policy.schemas.definition import Definition, define
from chimera.policy.schemas.faults import schema_faults
from chimera.policy.schemas.keywords import misspelt
from chimera.policy.schemas.kinds import SchemaSpec
from chimera.policy.schemas.selecting import selects, unselected
from chimera.policy.schemas.wording import Speaker
from chimera.policy.worker import Bounds

Schema = Document[SchemaSpec]
_BOUNDS = Bounds()


def judge_schemas(subject: Subject, bounds: Bounds = _BOUNDS) -> list[Verdict]:
    """Return the verdicts of every Schema of the subject's snapshot."""
    schemas = subject.snapshot.of_model(SchemaSpec)
    if not schemas:
        return []
    foreign = read_foreign(subject.snapshot)
    dormant = {s.address for s in schemas if is_dormant(subject.placed(s.address))}
    acting = [schema for schema in schemas if schema.address not in dormant]
    why = "it stands in a dormant layer, for which nothing acts"
    verdicts = [_idle(schema, why) for schema in schemas if schema.address in dormant]
    with Checker(subject.context.processes, bounds) as checker:
        for schema in acting:
            verdicts += _judge(_Claim.of(schema, foreign), subject, checker)
    return [*verdicts, *unselected(foreign, {schema.address for schema in acting})]


@dataclass(frozen=True, slots=True)
class _Claim:
    """A Schema, the files that it claims with their faults, and the documents that it means."""

    schema: Schema
    files: Mapping[str, tuple[Diagnostic, ...]]
    documents: tuple[ForeignDocument, ...]

    @staticmethod
    def of(schema: Schema, foreign: Foreign) -> _Claim:
        """Return what a Schema claims of all foreign files."""
        files = {
            path: foreign.faults.get(path, ())
            for path, schemas in foreign.claims.items()
            if any(one.address == schema.address for one in schemas)
        }
        meant = (d for d in foreign.documents if d.path in files and selects(schema.spec, d))
        return _Claim(schema, files, tuple(meant))

    @property
    def name(self) -> str:
        """What verdicts call the Schema."""
        return str(self.schema.address)


def _judge(claim: _Claim, subject: Subject, checker: Checker) -> Iterator[Verdict]:
    """Yield what a Schema says of each of its files, and of itself where there is anything."""
    definition, faults = define(claim.schema, subject.snapshot.tree)
    if definition is not None:
        try:
            facts = checker.compile(definition)
            misspellings = misspelt(definition.files, definition.places)
            faults = (*faults, *schema_faults(claim.schema, definition, facts), *misspellings)
        except UndecidedError as error:
            faults = (*faults, _undecided(claim.schema.at("spec"), error, claim.name))
    if has_errors(faults) or (faults and claim.documents):
        yield _verdict(claim.name, claim.name, faults)
    if definition is None or has_errors(faults):
        found: Mapping[str, list[Diagnostic]] = {}
    else:
        found = _faults_of(claim, definition, checker)
    exercised = set() if has_errors(faults) else {d.path for d in claim.documents}
    for path, unread in claim.files.items():
        diagnostics = (*unread, *found.get(path, ()))
        if path in exercised or has_errors(diagnostics):
            yield _verdict(claim.name, path, diagnostics)
        elif diagnostics:
            reasons = tuple(diagnostic.message for diagnostic in diagnostics)
            yield Verdict(claim.name, path, Finding.NOT_EXERCISED, reasons, diagnostics)
    if not claim.documents and not has_errors(faults):
        count = len(claim.files)
        why = f"it selects no document of {count} files" if count else "its paths match no file"
        yield _idle(claim.schema, why, faults)


def _faults_of(
    claim: _Claim, definition: Definition, checker: Checker
) -> Mapping[str, list[Diagnostic]]:
    """Return, by path, what is wrong with the documents that a Schema means.

    From one that cannot be decided on, no file is.
    """
    found: dict[str, list[Diagnostic]] = defaultdict(list)
    answers = checker.judge([document.value for document in claim.documents])
    undecided: Diagnostic | None = None
    for document in claim.documents:
        if undecided is None:
            try:
                found[document.path] += _said(claim, definition, document, next(answers))
                continue
            except UndecidedError as error:
                undecided = _undecided(document.place, error, claim.name)
        found[document.path].append(undecided)
    return found


def _said(
    claim: _Claim, definition: Definition, document: ForeignDocument, found: Found
) -> Iterator[Diagnostic]:
    speaker = Speaker(claim.name, document.value, document.place, definition)
    for fact in found.errors:
        yield from speaker.diagnostics(fact)
    if found.more:
        yield Diagnostic(
            "schema-violated",
            f"the document has more faults than the {len(found.errors)} that are told",
            document.place,
            "mend these first",
        )


def _verdict(judge: str, subject: str, diagnostics: Sequence[Diagnostic]) -> Verdict:
    finding = Finding.FAIL if has_errors(diagnostics) else Finding.PASS
    reasons = tuple(dict.fromkeys(diagnostic.message for diagnostic in diagnostics))
    return Verdict(judge, subject, finding, reasons, tuple(diagnostics))


def _idle(schema: Schema, why: str, diagnostics: tuple[Diagnostic, ...] = ()) -> Verdict:
    name = str(schema.address)
    return Verdict(name, name, Finding.NOT_EXERCISED, (why,), diagnostics)


def _undecided(place: Place, error: UndecidedError, who: str) -> Diagnostic:
    return Diagnostic(
        "schema-undecided",
        f"{who} could not be judged and so refuses: {error.message}",
        place,
        "simplify the schema, or make the file smaller",
    )
