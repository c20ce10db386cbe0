"""What is asked of changelog entries together: dates that have come, one entry a change."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from chimera.builtin.records.kinds import ChangelogEntrySpec
from chimera.kinds import Document, Subject
from chimera.model import Diagnostic, Finding, Place, Related, UsageError, Verdict, parse_target

Entry = Document[ChangelogEntrySpec]

# An entry is dated where its author lives, up to 14 hours ahead of UTC.
_AHEAD = timedelta(hours=14)


def judge(subject: Subject) -> Iterator[Verdict]:
    """Return one verdict for each entry, in order of name."""
    today = (subject.now + _AHEAD).date()
    recorded: dict[tuple[str, str, str], Place] = {}
    for entry in subject.snapshot.of_model(ChangelogEntrySpec):
        faults = (
            *_date_faults(entry, today),
            *_target_faults(entry),
            *_duplicate_faults(entry, recorded),
        )
        yield Verdict(
            "changelog",
            str(entry.address),
            Finding.FAIL if faults else Finding.PASS,
            tuple(fault.message for fault in faults),
            faults,
        )


def _date_faults(entry: Entry, today: date) -> Iterator[Diagnostic]:
    if date.fromisoformat(entry.spec.date) > today:
        yield Diagnostic(
            "changelog-date-future",
            f"{entry.spec.date} has not come yet",
            entry.at("spec", "date"),
            "an entry records what happened: date it on the day of the change",
            address=str(entry.address),
        )


def _target_faults(entry: Entry) -> Iterator[Diagnostic]:
    for index, answer in enumerate(entry.spec.answers):
        if not _is_target(answer.target):
            yield Diagnostic(
                "changelog-target-invalid",
                f"{answer.target!r} is neither an address nor a path set in canonical order",
                entry.at("spec", "answers", index, "target"),
                "write Kind/name or paths:GLOB,GLOB, as `chimera plan` shows it",
                address=str(entry.address),
            )


def _is_target(text: str) -> bool:
    """Only the exact text of a target can answer for it, so anything else is a mistake."""
    try:
        return text != "paths:" and str(parse_target(text)) == text
    except UsageError:
        return False


def _duplicate_faults(
    entry: Entry, recorded: dict[tuple[str, str, str], Place]
) -> Iterator[Diagnostic]:
    for index, answer in enumerate(entry.spec.answers):
        place = entry.at("spec", "answers", index)
        first = recorded.setdefault((entry.spec.environment, answer.target, answer.after), place)
        if first != place:
            yield Diagnostic(
                "changelog-duplicate",
                f"this change of {answer.target} in {entry.spec.environment} is recorded twice",
                place,
                "one entry a change: delete one of the two",
                address=str(entry.address),
                related=(Related("the first one stands here", first),),
            )
