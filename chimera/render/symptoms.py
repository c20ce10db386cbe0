"""What `doctor` found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from chimera.model import Result
from chimera.render.paint import Paint, Style, plain

if TYPE_CHECKING:
    from chimera.workspace.diagnosing import Health, Symptom

_STYLES: dict[Health, Style] = {"ok": "good", "limited": "warn", "broken": "bad"}


def symptoms_text(result: Result[tuple[Symptom, ...]], paint: Paint = plain) -> str:
    """Return one line for each thing that was looked at, with help where it lacks something."""
    return "\n".join(line for symptom in result.value for line in _lines(symptom, paint))


def _lines(symptom: Symptom, paint: Paint) -> Iterator[str]:
    word = paint(symptom.health.ljust(7), _STYLES[symptom.health])
    yield f"{word}  {symptom.subject}: {symptom.finding}"
    if symptom.help:
        yield f"         {symptom.help}"


def symptoms_json(result: Result[tuple[Symptom, ...]]) -> dict[str, Any]:
    """Return what `doctor` found as JSON."""
    return {
        "format": "chimera-doctor/1",
        "outcome": result.outcome.value,
        "symptoms": [asdict(symptom) for symptom in result.value],
    }
