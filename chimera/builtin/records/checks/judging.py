"""All rules of records together: what is looked at once, and a verdict for each record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from chimera.builtin.records.checks.changelog import Changelog, judge_entry, judge_reviews
from chimera.builtin.records.checks.faults import Filed, verdicts
from chimera.builtin.records.checks.freezes import judge_freeze, scopes
from chimera.builtin.records.checks.incidents import judge_duplicates, judge_incident
from chimera.builtin.records.checks.index import filed, index_of
from chimera.builtin.records.checks.postmortems import judge_postmortem, judge_repeated
from chimera.builtin.records.checks.proofs import judge_result
from chimera.builtin.records.checks.rollbacks import judge_rollback, judge_together
from chimera.builtin.records.checks.severities import judge_model
from chimera.builtin.records.checks.withdrawals import judge_withdrawals
from chimera.builtin.records.checks.wording import People
from chimera.builtin.records.kinds import ChangelogEntrySpec
from chimera.gate import EnvironmentSpec, IdentitySpec, environments
from chimera.kinds import Model, Snapshot, Subject
from chimera.model import Diagnostic, Verdict
from chimera.proof import ReleaseProofSpec

S = TypeVar("S", bound=Model)
Rule = Callable[[Filed[S]], Iterator[Diagnostic]]


def judge(subject: Subject) -> Iterator[Verdict]:
    """Yield what is wrong with each record, and how many of a kind are as they should be."""
    changelog = Changelog()
    yield from _entries(subject, changelog)
    yield from _incidents(subject)
    snapshot, now = subject.snapshot, subject.now
    index = index_of(snapshot)
    machines = _identities(snapshot)[1]
    yield from _judged(
        "rollbacks",
        "Rollback",
        index.rollbacks,
        lambda one: judge_rollback(one, changelog.entered, machines, now),
        judge_together(index.rollbacks),
    )
    there = scopes(snapshot) if index.freezes else {}
    yield from _judged(
        "freezes",
        "Freeze",
        index.freezes,
        lambda one: judge_freeze(one, index.incident(one.spec.incident), there, now),
    )
    if subject.former is not None:
        found = judge_withdrawals(subject.former, snapshot, now)
        yield from verdicts("withdrawals", "records", found)


def _entries(subject: Subject, changelog: Changelog) -> Iterator[Verdict]:
    """Judge entries as they are read, and then what they say together."""
    snapshot, now = subject.snapshot, subject.now
    production = _production(snapshot)
    yield from _judged(
        "changelog",
        "ChangelogEntry",
        filed(snapshot, ChangelogEntrySpec),
        lambda one: judge_entry(one, changelog, production, now),
    )
    yield from verdicts("changelog", "ChangelogEntry", judge_reviews(changelog))
    results = filed(snapshot, ReleaseProofSpec) if production else ()
    yield from _judged(
        "changelog",
        "ReleaseProof",
        (one for one in results if one.spec.environment in production),
        lambda one: judge_result(one, changelog, now),
    )


def _incidents(subject: Subject) -> Iterator[Verdict]:
    """Judge severity models, incidents and their reviews."""
    snapshot, now = subject.snapshot, subject.now
    index, known = index_of(snapshot), environments(snapshot)
    people = _identities(snapshot)[0]
    yield from _judged("severities", "SeverityModel", index.models, judge_model)
    yield from _judged(
        "incidents",
        "Incident",
        index.incidents,
        lambda one: judge_incident(one, index, known, now),
        judge_duplicates(index.incidents, now),
    )
    yield from _judged(
        "postmortems",
        "Postmortem",
        index.postmortems,
        lambda one: judge_postmortem(one, index, people, now),
        judge_repeated(index.postmortems),
    )


def _judged(
    judge: str,
    kind: str,
    records: Iterable[Filed[S]],
    rule: Rule[S],
    together: Mapping[str, Diagnostic] | None = None,
) -> Iterator[Verdict]:
    """Judge each record by itself; `together` holds what was found of some among all others."""
    more = together or {}

    def faults(record: Filed[Any]) -> tuple[Diagnostic, ...]:
        also = more.get(record.name)
        return (*rule(record), also) if also else tuple(rule(record))

    return verdicts(judge, kind, ((record, faults(record)) for record in records))


def _production(snapshot: Snapshot) -> frozenset[str]:
    found = snapshot.of_model(EnvironmentSpec)
    return frozenset(document.address.name for document in found if document.spec.production)


def _identities(snapshot: Snapshot) -> tuple[People, frozenset[str]]:
    """Return the people whom identities name, and the names of machines."""
    people: list[str] = []
    machines: list[str] = []
    for document in snapshot.of_model(IdentitySpec):
        spec = document.spec
        if spec.kind == "human":
            people += (document.address.name, *spec.emails)
        else:
            machines.append(document.address.name)
    return People(people), frozenset(machines)
