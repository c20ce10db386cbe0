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
from chimera.builtin.records.checks.rollbacks import judge_rollback, judge_together
from chimera.builtin.records.checks.severities import judge_model
from chimera.builtin.records.checks.wording import People
from chimera.builtin.records.kinds import ChangelogEntrySpec
from chimera.gate import EnvironmentSpec, IdentitySpec, environments
from chimera.kinds import Model, Snapshot, Subject
from chimera.model import Diagnostic, Verdict

S = TypeVar("S", bound=Model)
Rule = Callable[[Filed[S]], Iterator[Diagnostic]]


def judge(subject: Subject) -> Iterator[Verdict]:
    """Yield what is wrong with each record, and how many of a kind are as they should be."""
    snapshot, now = subject.snapshot, subject.now
    index = index_of(snapshot)
    known, production = environments(snapshot), _production(snapshot)
    people, machines = _identities(snapshot)
    there = scopes(snapshot) if index.freezes else {}
    changelog = Changelog()
    yield from _judged(
        "changelog",
        "ChangelogEntry",
        filed(snapshot, ChangelogEntrySpec),
        lambda one: judge_entry(one, changelog, production, now),
    )
    yield from verdicts("changelog", "ChangelogEntry", judge_reviews(changelog))
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
    yield from _judged(
        "rollbacks",
        "Rollback",
        index.rollbacks,
        lambda one: judge_rollback(one, changelog.entered, machines, now),
        judge_together(index.rollbacks),
    )
    yield from _judged(
        "freezes", "Freeze", index.freezes, lambda one: judge_freeze(one, there, now)
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
