"""Markdown: a job's summary and the comment on a pull request.

What changes layer by layer, what is owed, what failed and what was not exercised. Whatever came
with a document stands in a code span or is escaped: it makes no tag, no link and calls nobody.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from chimera.model import Diagnostic, Finding, Outcome, Severity, Verdict
from chimera.plan import PlanItem
from chimera.render.paint import count, harmless
from chimera.render.plan import plan_summary, wanted
from chimera.render.report import OWED_ELSEWHERE, Changes, Report, is_owed_elsewhere

MOST_BYTES = 60_000
"""A comment holds 65,536 characters and a job's summary nearly 1 MiB (actions/runner#4337): what
is written once fits into both, with room for what whoever posts it adds."""
_MOST_CHARACTERS = 400
_MOST_NAMES = 5
_MOST_LINES = 40
_DIFF = (" ", "-", "+", "?", "\\")
_SIGNS = {Outcome.PASSED: "✅", Outcome.CHANGED: "✅", Outcome.NOT_EXERCISED: "⚠️"}
_MEANINGFUL = re.compile(r"[&<>`*_~\[\]\\|$@]|#(?=\d)|(?<=GH)-(?=\d)|://|(?<=www)\.", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Section:
    """A heading over lines, of which as many are shown as there is room for."""

    title: str
    lines: tuple[str, ...]
    folded: bool = False

    def text(self, room: int | None = None) -> str:
        """Return the section in at most `room` bytes, whole lines only; what is cut is counted."""
        shown = list(self.lines)
        if room is not None and _size(self.text()) > room:
            room -= _size(self._around(["", f"- and {len(self.lines)} more"]))
            shown = [line for line in self.lines if (room := room - _size(line) - 1) >= 0]
            shown.append(f"- and {len(self.lines) - len(shown)} more")
        return self._around(shown)

    def _around(self, lines: Sequence[str]) -> str:
        body = "\n".join(lines)
        if self.folded:
            head = f"<details>\n<summary>{self.title}</summary>"
            return f"{head}\n\n{body}\n\n</details>\n"
        return f"#### {self.title}\n\n{body}\n"


def markdown(report: Report) -> str:
    """Return a report that fits into a comment as well as into a job's summary."""
    head = "\n".join(_head(report)) + "\n"
    sections = [section for section in _sections(report) if section.lines]
    room = MOST_BYTES - _size(head) - len(sections)
    rooms = _share([_size(section.text()) for section in sections], room)
    texts = [section.text(share) for section, share in zip(sections, rooms, strict=True)]
    return "\n".join((head, *texts)).rstrip("\n")


def _size(text: str) -> int:
    return len(text.encode("utf-8", "replace"))


def _share(sizes: Sequence[int], room: int) -> list[int]:
    """Give each what it asks for, and an equal part of what is left where that is less."""
    given = [0] * len(sizes)
    smallest_first = sorted(range(len(sizes)), key=sizes.__getitem__)
    for done, index in enumerate(smallest_first):
        given[index] = min(sizes[index], room // (len(sizes) - done))
        room -= given[index]
    return given


def _head(report: Report) -> Iterator[str]:
    sign = _SIGNS.get(report.outcome, "❌")
    yield f"### {sign} chimera {report.command}: {report.outcome.value}"
    yield ""
    nouns = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
    faults = ", ".join(count(n, nouns[s]) for s, n in report.severities.items() if n)
    yield f"**{faults or 'no faults'}**"
    if report.verdicts:
        found = report.findings
        verdicts = f"{count(found[Finding.PASS], 'verdict')} passed, {found[Finding.FAIL]} failed,"
        waived = f", {len(report.waived)} waived" if report.waived else ""
        yield f"· {verdicts} {found[Finding.NOT_EXERCISED]} not exercised{waived}"
    if report.owed:
        yield f"· {count(report.owed, 'obligation')} before it may be applied"
    yield from (f"· {prose(note)}" for note in report.notes)


def _sections(report: Report) -> Iterator[_Section]:
    if report.changes is not None:
        yield from _changes(report.changes)
    errors = [_fault(d) for d in report.diagnostics if d.severity is Severity.ERROR]
    failures = map(_verdict, report.unexplained)
    yield _Section("What failed", (*errors, *failures))
    for severity, noun in ((Severity.WARNING, "warning"), (Severity.INFO, "note")):
        lines = tuple(_fault(d) for d in report.diagnostics if d.severity is severity)
        yield _Section(count(len(lines), noun), lines, folded=True)
    yield _Section("Not exercised", tuple(_idle(report.idle)))
    yield _Section("Waived", tuple(map(_verdict, report.waived)))
    passed: Counter[str] = Counter()
    for verdict in report.verdicts:
        if verdict.finding is Finding.PASS:
            passed[verdict.judge] += verdict.count
    lines = tuple(f"- {code_span(judge)}: {number}" for judge, number in passed.items())
    yield _Section(f"{count(passed.total(), 'verdict')} passed", lines, folded=True)


def _changes(changes: Changes) -> Iterator[_Section]:
    plan = changes.plan
    summary = f"{plan_summary(plan)} ({changes.compared}, for {plan.environment})"
    lines = [prose(summary), ""]
    for layers, items in changes.by_layer.items():
        lines.append(f"- **in {', '.join(map(code_span, layers)) or 'no layer'}**")
        lines += (f"  {_item(item, changes)}" for item in items)
    for change in changes.cosmetic:
        lines.append(f"- cosmetic, and owes nothing: {code_span(str(change.target))}")
    yield _Section("What changes", tuple(lines))
    yield _Section("What that touches", tuple(_touches(changes)))
    yield _Section("What is owed", tuple(_owed(changes)))
    yield _Section("Drafted for what is owed", tuple(_drafted(changes)), folded=True)


def _drafted(changes: Changes) -> Iterator[str]:
    """Yield drafts as blocks that are indented, so that nothing in one can end its block."""
    for number, draft in enumerate(changes.drafts):
        yield from ("",) * (number > 0)
        yield f"{code_span(draft.path)}:"
        yield ""
        yield from (f"    {harmless(line)}" for line in draft.text.splitlines())


def _item(item: PlanItem, changes: Changes) -> str:
    change = item.change
    action = "no-op (dormant)" if item.dormant and not item.changes else change.action.value
    category = f" **{change.category.value}**" if change.category else ""
    line = f"- {action}{category} {code_span(str(change.target))}: {prose(change.reason)}"
    if change.breaks:
        line += f"; breaks: {'; '.join(map(prose, change.breaks[:_MOST_NAMES]))}"
    leaning = [
        a for address, found in changes.affected.items() if address == change.target for a in found
    ]
    if leaning:
        line += f"; affects {_names(map(str, leaning))}"
    return line + (f"; in {_names(change.paths)}" if change.paths else "")


def _touches(changes: Changes) -> Iterator[str]:
    by_name: dict[str, list[int]] = {}
    for number, touch in enumerate(changes.touches):
        by_name.setdefault(touch.name, []).append(number)
    for name, numbers in by_name.items():
        touched = [changes.touches[number] for number in numbers]
        causes = dict.fromkeys(path for t in touched for path in (t.paths or (str(t.target),)))
        asks = dict.fromkeys(ask for touch in touched for ask in touch.asks)
        asking = f", which asks for {'; '.join(map(prose, asks))}" if asks else ""
        yield f"- {code_span(name)} by {_names(causes)}{asking}"


def _owed(changes: Changes) -> Iterator[str]:
    asked: dict[tuple[str, str, str], list[str]] = {}
    for o in changes.plan.obligations:
        asked.setdefault((o.kind, wanted(o), str(o.source)), []).append(str(o.target))
    if is_owed_elsewhere(changes.plan, changes.touches):
        yield f"- nothing in {code_span(changes.plan.environment)}, {OWED_ELSEWHERE}"
    for (kind, subject, source), targets in asked.items():
        by = code_span(source)
        yield f"- {prose(kind)} {code_span(subject)} for {_names(targets)}, asked by {by}"


def _fault(diagnostic: Diagnostic) -> str:
    """Return one fault, where it stands and what to do about it."""
    where = code_span(str(diagnostic.span))
    text = f"- {where} {code_span(diagnostic.rule)}: {prose(diagnostic.message)}"
    return f"{text} *{prose(diagnostic.help)}*"


def _verdict(verdict: Verdict) -> str:
    judge = f" of {code_span(verdict.judge)}" if verdict.judge != verdict.subject else ""
    said = [reason for reason in verdict.reasons if "\n" not in reason.strip()]
    blocks = [_block(reason) for reason in verdict.reasons if "\n" in reason.strip()]
    reasons = f": {prose('; '.join(said))}" if said else ""
    return "\n".join((f"- {code_span(verdict.subject)}{judge}{reasons}", *blocks))


def _block(reason: str) -> str:
    """Return a reason of several lines as one block of code that nothing in it can end."""
    first, *rest = harmless(reason.strip()).split("\n")
    lines = [f"{line[: _MOST_CHARACTERS - 1]}…"[: len(line)] for line in rest[:_MOST_LINES]]
    longest = max((len(ticks) for ticks in re.findall("`+", "\n".join(lines))), default=0)
    fence = "`" * max(3, longest + 1)
    language = "diff" if all(line[:1] in _DIFF for line in lines) else ""
    block = ("", prose(first), "", fence + language, *lines, fence)
    return "\n".join(f"  {line}".rstrip() for line in block)


def _idle(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """Yield what was not exercised, once for each judge and reason."""
    found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for verdict in verdicts:
        found.setdefault((verdict.judge, verdict.reasons), []).append(verdict.subject)
    for (judge, reasons), subjects in found.items():
        others = [subject for subject in subjects if not judge.startswith(subject)]
        of = f" of {_names(others)}" if others else ""
        yield f"- {code_span(judge)}{of}: {prose('; '.join(reasons) or 'nothing to judge')}"


def _names(names: Iterable[str]) -> str:
    every = list(names)
    more = len(every) - _MOST_NAMES
    return ", ".join(map(code_span, every[:_MOST_NAMES])) + (
        f" and {more} more" if more > 0 else ""
    )


def code_span(text: str) -> str:
    """Return text in a code span that nothing in it can end."""
    text = _line(text)
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence, pad = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{pad}{text or '-'}{pad}{fence}"


def prose(text: str) -> str:
    """Return text that Markdown, HTML and GitHub's own links and mentions leave alone."""
    return _MEANINGFUL.sub(_entity, _line(text))


def _entity(found: re.Match[str]) -> str:
    # A mention and a reference are looked for after entities are resolved: a zero width space
    # after the sign keeps them from being found.
    apart = "&#8203;" if found[0] in "@#-" else ""
    return "".join(f"&#{ord(character)};" for character in found[0]) + apart


def _line(text: str) -> str:
    line = " ".join(harmless(text).split())
    return f"{line[: _MOST_CHARACTERS - 1]}…" if len(line) > _MOST_CHARACTERS else line
