"""A ruling of the gate, explained: what refused first, then what passed, and what was weighed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from chimera.gate import StageRuling
from chimera.model import Finding, Outcome, Span, Verdict
from chimera.render.diagnostics import FINDING_STYLES, verdict_text
from chimera.render.markdown import code_span
from chimera.render.paint import Paint, count, plain, unbroken

if TYPE_CHECKING:
    from chimera.workspace.showing import ShownRuling

_FINDINGS = {
    Outcome.PASSED: Finding.PASS,
    Outcome.FAILED: Finding.FAIL,
    Outcome.NOT_EXERCISED: Finding.NOT_EXERCISED,
}
_MOST_NAMED = 8


def ruling_text(shown: ShownRuling, paint: Paint = plain) -> str:
    """Return a ruling stage by stage, refusals first, and the digests of what was weighed."""
    lines = [paint(_title(shown), "bold"), *(f"  {line}" for line in _facts(shown))]
    for stage in _refusing_first(shown):
        finding = _FINDINGS[stage.outcome]
        lines.append(f"{paint(finding.value, FINDING_STYLES[finding])}  at {stage.stage}")
        for verdict in _refusals_first(stage):
            lines += (f"  {line}" for line in verdict_text(verdict, paint).splitlines())
            if verdict.finding is Finding.PASS:
                lines += (f"        {unbroken(reason)}" for reason in verdict.reasons)
    lines.append(paint("weighed:", "bold"))
    lines += (f"  {line}" for line in _weighed(shown))
    return "\n".join(lines)


def _title(shown: ShownRuling) -> str:
    ruling = shown.recorded.ruling
    if ruling.outcome is Outcome.PASSED:
        return f"ruling {shown.name}: permitted"
    refusals = count(len(ruling.refusals), "refusal")
    return f"ruling {shown.name}: refused, with {refusals}"


def _facts(shown: ShownRuling) -> Iterator[str]:
    record, recorded = shown.record, shown.recorded
    kind = "protected" if recorded.protected else "unprotected"
    yield f"for {record.environment} ({kind}), at {record.at.isoformat()}, asked by {record.actor}"
    tree = f"the commit {recorded.revision}" if recorded.revision else "a work tree"
    yield f"plan {record.plan[7:19]} of {tree}: {count(len(recorded.items), 'change')}"
    for item in recorded.items[:_MOST_NAMED]:
        yield f"  {item.action} {unbroken(item.target)}"
    if len(recorded.items) > _MOST_NAMED:
        yield f"  and {len(recorded.items) - _MOST_NAMED} more"
    if recorded.trust:
        ref, revision = recorded.trust
        yield f"trusted the keys of {unbroken(ref)} at {revision}"
    else:
        yield "trusted no keys: there was no trust ref"


def _refusing_first(shown: ShownRuling) -> list[StageRuling]:
    return sorted(shown.recorded.ruling.stages, key=lambda s: s.outcome is Outcome.PASSED)


def _refusals_first(stage: StageRuling) -> list[Verdict]:
    return sorted(stage.verdicts, key=lambda v: v.finding is Finding.PASS)


def _weighed(shown: ShownRuling) -> Iterator[str]:
    weighed = shown.recorded.weighed
    for sort, found in weighed.items():
        for name, digest in list(found.items())[:_MOST_NAMED]:
            yield f"{sort}: {unbroken(name)} {digest[7:19]}"
        if len(found) > _MOST_NAMED:
            yield f"{sort}: {len(found) - _MOST_NAMED} more, which -o json lists"
    if absent := [sort for sort, found in weighed.items() if not found]:
        yield f"there were no {', '.join(absent)}"


def ruling_json(shown: ShownRuling) -> dict[str, Any]:
    """Return the ruling as it was recorded, with what is recorded beside it."""
    record = shown.record
    return {
        **record.ruling,
        "digest": record.digest,
        "at": record.at.isoformat(),
        "actor": record.actor,
    }


def ruling_markdown(shown: ShownRuling) -> str:
    """Return a ruling as a page: a table of stages, then every refusal with who asked for it."""
    lines = [
        f"### {_title(shown)}",
        "",
        *(f"- {code_span(fact.strip())}" for fact in _facts(shown)),
    ]
    lines += ["", "| stage | finding | said |", "|---|---|---|"]
    for stage in shown.recorded.ruling.stages:
        passed = sum(v.finding is Finding.PASS for v in stage.verdicts)
        said = f"{passed} passed, {len(stage.verdicts) - passed} refused"
        lines.append(f"| {stage.stage} | {_FINDINGS[stage.outcome].value} | {said} |")
    for stage in _refusing_first(shown):
        lines += ["", f"#### {stage.stage}", ""]
        for verdict in _refusals_first(stage):
            lines += _verdict_lines(verdict)
    lines += ["", "#### weighed", "", *(f"- {code_span(line)}" for line in _weighed(shown))]
    return "\n".join(lines)


def _verdict_lines(verdict: Verdict) -> Iterator[str]:
    yield f"- {verdict.finding.value} {code_span(verdict.subject)}: {code_span(verdict.judge)}"
    for diagnostic in verdict.diagnostics:
        yield f"  - {code_span(str(diagnostic.span))} {code_span(diagnostic.message)}"
        yield f"  - help: {code_span(diagnostic.help)}"
        for related in diagnostic.related:
            where = related.where if isinstance(related.where, Span) else related.where.path
            yield f"  - note: {code_span(str(where))} {code_span(related.message)}"
    if not verdict.diagnostics:
        yield from (f"  - {code_span(reason)}" for reason in verdict.reasons)
