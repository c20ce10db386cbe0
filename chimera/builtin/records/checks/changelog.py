"""What is asked of changelog entries: usable, in time, reviewed and archived, and one a change."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from chimera.builtin.records.checks.faults import Filed, contradiction, omission, remark
from chimera.builtin.records.checks.times import to_come
from chimera.builtin.records.checks.wording import is_empty
from chimera.builtin.records.kinds import ChangelogEntrySpec, after
from chimera.kinds import format_duration, when
from chimera.model import Diagnostic, Place, Related, UsageError, parse_target

Entry = Filed[ChangelogEntrySpec]

_AHEAD = timedelta(hours=14)
"""An entry is dated where its author lives, up to 14 hours ahead of UTC."""
_BEHIND = timedelta(hours=12)

WITHIN = timedelta(hours=24)
"""How soon an entry is written."""
KEPT = timedelta(days=90)
"""How old an entry grows outside the archive."""
REVIEWED_WITHIN = timedelta(days=7)
"""How long entries of production wait for the weekly review at most."""
ARCHIVE = "archive"
"""The folder, wherever it is, that makes what lies below it an archive."""


@dataclass
class Changelog:
    """What entries say together, gathered while one after another is judged."""

    recorded: dict[tuple[str, str, str, str | None], Place] = field(default_factory=dict)
    """Where each change is recorded: by environment, target and digest, and by its rollback.

    A rollback leaves what was there before, which has an entry of its own.
    """
    entered: set[str] = field(default_factory=set)
    """The rollbacks that have an entry."""
    cited: set[str] = field(default_factory=set)
    """The results of proofs that entries name."""
    digests: set[str] = field(default_factory=set)
    """What entries answer for, by digest."""
    waiting: dict[str, tuple[int, Entry]] = field(default_factory=dict)
    """How many entries of an environment wait for the weekly review, and the oldest of them."""


def judge_entry(
    entry: Entry, changelog: Changelog, production: Collection[str], now: datetime
) -> Iterator[Diagnostic]:
    """Report everything that is wrong with an entry."""
    _gather(entry, changelog, production, now)
    yield from _dates(entry, now)
    yield from _times(entry, production, now)
    yield from _words(entry)
    yield from _targets(entry)
    yield from _duplicates(entry, changelog)


def _gather(entry: Entry, changelog: Changelog, production: Collection[str], now: datetime) -> None:
    spec = entry.spec
    if spec.rollback_of is not None:
        changelog.entered.add(spec.rollback_of)
    if production:  # others ask for nothing more
        changelog.cited.update(name for name in spec.refs if name.startswith("ReleaseProof/"))
        changelog.digests.update(answer.after for answer in spec.answers)
    if spec.environment not in production or spec.reviewed is not None or is_archived(entry):
        return
    if spec.date < after(now, -REVIEWED_WITHIN - _BEHIND).date().isoformat():
        count, oldest = changelog.waiting.get(spec.environment, (0, entry))
        older = min(entry, oldest, key=lambda one: (one.spec.date, one.name))
        changelog.waiting[spec.environment] = (count + 1, older)


def _dates(entry: Entry, now: datetime) -> Iterator[Diagnostic]:
    day = date.fromisoformat(entry.spec.date)
    if day > after(now, _AHEAD).date():
        yield contradiction(
            entry,
            "changelog-date-future",
            f"{entry.spec.date} has not come yet",
            ("date",),
            "an entry records what happened: date it on the day of the change",
        )
    elif day < after(now, -KEPT - _BEHIND).date() and not is_archived(entry):
        yield omission(
            entry,
            "changelog-unarchived",
            f"it is of {entry.spec.date}, and entries older than {KEPT.days} days are archived",
            ("date",),
            "move them to the archive: `chimera changelog archive`",
        )


def is_archived(entry: Entry) -> bool:
    """Tell whether an entry lies in an archive."""
    return ARCHIVE in entry.document.place.path.split("/")[:-1]


def _times(entry: Entry, production: Collection[str], now: datetime) -> Iterator[Diagnostic]:
    spec = entry.spec
    if spec.recorded is None:
        if spec.environment in production:
            yield omission(
                entry,
                "changelog-recorded-missing",
                f"{spec.environment} is production, and nothing says when the entry was written",
                ("date",),
                "write recorded, as a time with its zone: `chimera changelog add` does",
            )
        return
    yield from to_come(entry, "changelog-time-future", ((("recorded",), spec.recorded),), now)
    late = when(spec.recorded) - _effective(spec)
    if late > WITHIN:
        yield remark(
            entry,
            "changelog-entry-late",
            f"it was written {format_duration(late - WITHIN)} late: entries are written within"
            f" {format_duration(WITHIN)}",
            ("recorded",),
            "it stays true; write the next one when the change takes effect",
        )


def _effective(spec: ChangelogEntrySpec) -> datetime:
    """Return when the change took effect: where only its day is known, the end of that anywhere."""
    if spec.effective is not None:
        return when(spec.effective)
    day = datetime.combine(date.fromisoformat(spec.date), time(), UTC)
    return after(day, timedelta(days=1) + _BEHIND)


def _words(entry: Entry) -> Iterator[Diagnostic]:
    spec = entry.spec
    if is_empty(spec.rollback):
        yield omission(
            entry,
            "changelog-rollback-unusable",
            f"nobody can undo the change by {spec.rollback!r}",
            ("rollback",),
            "say what is done, so that it can be done at once: which commit, value or command",
        )
    if is_empty(spec.verification):
        yield omission(
            entry,
            "changelog-verification-unusable",
            f"nobody can confirm that the change is active by {spec.verification!r}",
            ("verification",),
            "say what is looked at, and what is seen there",
        )
    if len(spec.summary.strip().splitlines()) > 1:
        yield omission(
            entry,
            "changelog-summary-long",
            "the summary has several lines",
            ("summary",),
            "say it in one line; if it takes more, these are several changes",
        )


def _targets(entry: Entry) -> Iterator[Diagnostic]:
    digests: dict[str, str] = {}
    for index, answer in enumerate(entry.spec.answers):
        if not _is_target(answer.target):
            yield contradiction(
                entry,
                "changelog-target-invalid",
                f"{answer.target!r} is neither an address nor a path set in canonical order",
                ("answers", index, "target"),
                "write Kind/name or paths:GLOB,GLOB, as `chimera plan` shows it",
            )
        elif digests.setdefault(answer.target, answer.after) != answer.after:
            yield omission(
                entry,
                "changelog-several-changes",
                f"it records two changes of {answer.target}",
                ("answers", index),
                "one entry a change: write another entry for this one",
            )


def _is_target(text: str) -> bool:
    """Only the exact text of a target can answer for it, so anything else is a mistake."""
    try:
        return text != "paths:" and str(parse_target(text)) == text
    except UsageError:
        return False


def _duplicates(entry: Entry, changelog: Changelog) -> Iterator[Diagnostic]:
    for index, answer in enumerate(entry.spec.answers):
        place = entry.at("answers", index)
        change = (entry.spec.environment, answer.target, answer.after, entry.spec.rollback_of)
        first = changelog.recorded.setdefault(change, place)
        if first != place:
            yield contradiction(
                entry,
                "changelog-duplicate",
                f"this change of {answer.target} in {entry.spec.environment} is recorded twice",
                ("answers", index),
                "one entry a change: delete one of the two",
                Related("the first one stands here", first),
            )


def judge_reviews(changelog: Changelog) -> Iterator[tuple[Entry, tuple[Diagnostic]]]:
    """Yield the oldest entry of each production that no weekly review has seen, and say so."""
    for environment, (count, oldest) in changelog.waiting.items():
        more = f", and {count - 1} more of {environment}" if count > 1 else ""
        yield (
            oldest,
            (
                remark(
                    oldest,
                    "changelog-unreviewed",
                    f"nobody has reviewed it{more}, and entries are reviewed weekly for"
                    " completeness",
                    ("date",),
                    "compare them with what was applied, then write reviewed: {at, by}",
                ),
            ),
        )
