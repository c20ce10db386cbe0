"""Why the gate refused, once for each thing that is owed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from chimera.model import Diagnostic, Finding, Verdict, has_errors
from chimera.render.diagnostics import severities_text, verdict_text
from chimera.render.paint import Paint, count, plain
from chimera.render.plan import some_of


def refusal_lines(
    refusals: Sequence[Verdict],
    diagnostics: Sequence[Diagnostic],
    paint: Paint = plain,
    *,
    what: str = "applied",
) -> Iterator[str]:
    """Yield why nothing was `what`.

    Where the documents have errors, those are the reason, and what else is owed can wait; they
    have been shown already.
    """
    if has_errors(diagnostics):
        faults = severities_text((d for d in diagnostics if has_errors((d,))), paint)
        yield f"{paint(f'refused: nothing was {what}', 'bad')}: {faults} in the documents"
        return
    groups = _by_judge(refusals)
    for verdicts in groups:
        yield verdict_text(verdicts[0], paint)
        if len(verdicts) > 1:
            others = some_of(verdict.subject for verdict in verdicts[1:])
            yield f"      the same for {others}"
    reasons = count(len(groups), "reason")
    yield paint(f"refused: nothing was {what}, for {reasons}", "bad")


def _by_judge(refusals: Iterable[Verdict]) -> list[list[Verdict]]:
    groups: dict[tuple[str, Finding], list[Verdict]] = {}
    for verdict in refusals:
        groups.setdefault((verdict.judge, verdict.finding), []).append(verdict)
    return list(groups.values())
