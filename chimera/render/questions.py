"""Why the runs of proofs differ, and what became of their mutants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chimera.model import Result
from chimera.proof.diagnose import Cause, Diagnosis
from chimera.proof.mutation import Fate, Trial, Tried
from chimera.render.diagnostics import diagnostic_json, diagnostic_lines
from chimera.render.paint import Paint, Style, count, plain
from chimera.render.proof import diff_lines, divergence_json, divergence_lines
from chimera.workspace.questioning import DiagnoseReport, MutateReport

_FATE_STYLES: dict[Fate, Style] = {
    Fate.KILLED: "good",
    Fate.SURVIVED: "bad",
    Fate.UNVIABLE: "dim",
}


def diagnose_text(result: Result[DiagnoseReport], paint: Paint = plain) -> str:
    """Return the likely cause for each proof, with the difference that shows it."""
    lines = diagnostic_lines(result.diagnostics, paint, notes=True)
    for diagnosis in result.value.diagnoses:
        lines += _diagnosis_lines(diagnosis, paint)
    return "\n".join([*lines, result.outcome.value])


def _diagnosis_lines(diagnosis: Diagnosis, paint: Paint) -> Iterator[str]:
    style: Style = "bad" if diagnosis.differs else "good"
    runs = count(diagnosis.runs, "run")
    yield f"{diagnosis.proof}: {paint(diagnosis.conclusion, style)} ({runs}, no evidence written)"
    repeated = "differ" if diagnosis.repeated else "agree"
    yield f"  as `prove` repeats it, its runs {repeated}"
    for cause in diagnosis.causes:
        yield f"  {paint(cause.factor.cause, 'bold')}: {cause.shown}"
        yield from divergence_lines(cause.divergences[0], paint)
        if others := len(cause.divergences) - 1:
            yield f"      and in {count(others, 'other thing')}"
        yield f"      help: {cause.factor.help}"
    for divergence in diagnosis.unexplained[:1]:
        yield "  with everything held still:"
        yield from divergence_lines(divergence, paint)
    for name, reason in diagnosis.left_out.items():
        yield paint(f"  not varied: {name}, for {reason}", "dim")


def diagnose_json(result: Result[DiagnoseReport]) -> dict[str, Any]:
    """Return the diagnoses as JSON."""
    return {
        "format": "chimera-diagnose/1",
        "outcome": result.outcome.value,
        "diagnoses": [_diagnosis_json(diagnosis) for diagnosis in result.value.diagnoses],
        "diagnostics": [diagnostic_json(d) for d in result.diagnostics],
    }


def _diagnosis_json(diagnosis: Diagnosis) -> dict[str, Any]:
    return {
        "proof": str(diagnosis.proof),
        "conclusion": diagnosis.conclusion,
        "runs": diagnosis.runs,
        "causes": [_cause_json(cause) for cause in diagnosis.causes],
        "repeated": [divergence_json(d) for d in diagnosis.repeated],
        "unexplained": [divergence_json(d) for d in diagnosis.unexplained],
        "leftOut": dict(diagnosis.left_out),
    }


def _cause_json(cause: Cause) -> dict[str, Any]:
    return {
        "factor": cause.factor.name,
        "cause": cause.factor.cause,
        "shown": cause.shown,
        "help": cause.factor.help,
        "divergences": [divergence_json(divergence) for divergence in cause.divergences],
    }


def mutate_text(result: Result[MutateReport], paint: Paint = plain) -> str:
    """Return what became of the mutants, the survivors with their diffs."""
    lines = diagnostic_lines(result.diagnostics, paint, notes=True)
    for trial in result.value.trials:
        lines += _trial_lines(trial, paint)
    return "\n".join([*lines, result.outcome.value])


def _trial_lines(trial: Trial, paint: Paint) -> Iterator[str]:
    if trial.reasons:
        why, *more = trial.reasons
        yield f"{trial.proof}: {why}"
        yield from (f"      {line}" for reason in more for line in reason.splitlines())
        return
    killed, by_error = trial.count(Fate.KILLED), sum(tried.by_error for tried in trial.tried)
    errors = f" ({by_error} by an error)" if by_error else ""
    yield (
        f"{trial.proof}: {count(len(trial.tried), 'mutant')} from seed {trial.seed}:"
        f" {killed} killed{errors}, {trial.count(Fate.SURVIVED)} survived,"
        f" {trial.count(Fate.UNVIABLE)} unviable"
    )
    for tried in trial.survivors:
        yield f"  {paint(tried.fate.value, _FATE_STYLES[tried.fate])}  {tried.mutant.name}"
        yield from diff_lines(tried.mutant.diff, paint)


def mutate_json(result: Result[MutateReport]) -> dict[str, Any]:
    """Return what became of every mutant as JSON."""
    return {
        "format": "chimera-mutate/1",
        "outcome": result.outcome.value,
        "trials": [
            {
                "proof": str(trial.proof),
                "seed": trial.seed,
                **{fate.value: trial.count(fate) for fate in Fate},
                "reasons": list(trial.reasons),
                "mutants": [_tried_json(tried) for tried in trial.tried],
            }
            for trial in result.value.trials
        ],
        "diagnostics": [diagnostic_json(d) for d in result.diagnostics],
    }


def _tried_json(tried: Tried) -> dict[str, Any]:
    return {
        "path": tried.mutant.path,
        "line": tried.mutant.line,
        "change": tried.mutant.label,
        "fate": tried.fate.value,
        "byError": tried.by_error,
        "diff": list(tried.mutant.diff),
        "reasons": list(tried.reasons),
    }
