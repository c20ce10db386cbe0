"""What proving showed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

from chimera.model import Finding, Result
from chimera.proof import Divergence, ProofReport, RunReport
from chimera.render.diagnostics import (
    FINDING_STYLES,
    diagnostic_json,
    diagnostic_lines,
)
from chimera.render.paint import Paint, Style, count, plain, unbroken
from chimera.workspace import ProveReport
from chimera.workspace.proving import Reused

_DIFF_STYLES: dict[str, Style] = {"-": "bad", "+": "good", "?": "dim", "\\": "dim"}


def prove_text(result: Result[ProveReport], paint: Paint = plain) -> str:
    """Return each proof with what it showed, and why where it did not pass."""
    lines = diagnostic_lines(result.diagnostics, paint)
    lines += proofs_lines(result.value, paint)
    lines.append(f"{_how_many(result)}: {result.outcome.value}")
    return "\n".join(lines)


def _how_many(result: Result[ProveReport]) -> str:
    """Say how many proofs there were and, where not all of them did, how many passed."""
    proven, reused = result.value.proven, result.value.reused
    total = len(proven) + len(reused)
    if not total and result.diagnostics:
        return "nothing was proven"
    passed = len(reused) + sum(proof.finding is Finding.PASS for proof in proven)
    return count(total, "proof") + (f", {passed} passed" if passed != total else "")


def proofs_lines(report: ProveReport, paint: Paint = plain) -> Iterator[str]:
    """Yield the lines about proofs run now and evidence used again."""
    for reused in report.reused:
        where = f"{_short(reused.evidence)}, {unbroken(reused.origin)}"
        yield f"{paint('reused', 'good')}  {reused.proof}: {where}"
    for proof in report.proven:
        yield from _proof_lines(proof, paint)


def _proof_lines(proof: ProofReport, paint: Paint) -> Iterator[str]:
    word = paint(proof.finding.value, FINDING_STYLES[proof.finding])
    yield (
        f"{word}  {proof.proof}: {count(len(proof.repetitions), 'repetition')},"
        f" {count(proof.exercised, 'assertion')}, {count(len(proof.controls), 'control')};"
        f" {_short(proof.evidence)}"
    )
    yield from (f"      {line}" for reason in proof.reasons for line in reason.splitlines())
    yield from (f"      note: {note}" for note in proof.notes)
    for divergence in proof.divergences:
        yield from divergence_lines(divergence, paint)
    if proof.divergences:
        yield f"      help: `chimera prove {proof.proof} --diagnose` looks for the cause"


def divergence_lines(divergence: Divergence, paint: Paint) -> Iterator[str]:
    """Yield where two runs differ, and the diff of the first region that does."""
    first, second = divergence.between
    yield f"      {divergence.place} differs between {first} (-) and {second} (+):"
    yield from diff_lines(divergence.diff, paint)


def diff_lines(diff: Iterable[str], paint: Paint) -> Iterator[str]:
    """Yield the lines of a diff, each in the colour of its sign."""
    for line in diff:
        style = _DIFF_STYLES.get(line[:1])
        yield f"        {paint(line, style) if style else line}"


def _short(digest: str | None) -> str:
    return f"evidence {digest[7:19]}" if digest else "no evidence"


def prove_json(result: Result[ProveReport]) -> dict[str, Any]:
    """Return what proving showed as JSON."""
    return {
        "format": "chimera-prove/1",
        "outcome": result.outcome.value,
        **proofs_json(result.value),
        "diagnostics": [diagnostic_json(d) for d in result.diagnostics],
    }


def proofs_json(report: ProveReport) -> dict[str, Any]:
    """Return the proofs run now and the evidence used again as JSON."""
    return {
        "proven": [_proof_json(proof) for proof in report.proven],
        "reused": [_reused_json(reused) for reused in report.reused],
    }


def _reused_json(reused: Reused) -> dict[str, Any]:
    said = reused.said
    return {
        "proof": str(reused.proof),
        "evidence": reused.evidence,
        "at": said.at,
        "actor": {"name": reused.actor.name, "kind": reused.actor.kind},
        "environment": said.environment,
        "revision": said.revision or None,
        "signedBy": [str(identity) for identity in reused.signers],
    }


def _proof_json(proof: ProofReport) -> dict[str, Any]:
    return {
        "proof": str(proof.proof),
        "finding": proof.finding.value,
        "reasons": list(proof.reasons),
        "notes": list(proof.notes),
        "evidence": proof.evidence,
        "repetitions": [_run_json(run) for run in proof.repetitions],
        "controls": [_run_json(run) for run in proof.controls],
        "divergences": [divergence_json(d) for d in proof.divergences],
    }


def divergence_json(divergence: Divergence) -> dict[str, Any]:
    """Return where two runs differ, and the diff of the first region that does."""
    return {
        "what": divergence.what,
        "between": list(divergence.between),
        "line": divergence.line,
        "column": divergence.column,
        "offset": divergence.offset,
        "diff": list(divergence.diff),
    }


def _run_json(run: RunReport) -> dict[str, Any]:
    return {
        "label": run.label,
        "finding": run.finding.value,
        "exercised": sum(step.exercised for step in run.steps),
        "isolation": asdict(run.isolation),
        "reasons": list(run.reasons),
    }
