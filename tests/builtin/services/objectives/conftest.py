"""Objectives, and what they are computed from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.services.kinds import KINDS
from chimera.builtin.services.objectives.measurements import Measurement
from chimera.builtin.services.spec.objective import ObjectiveSpec
from chimera.documents import dump
from chimera.kinds import Document, Metadata
from chimera.model import Address, Place

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HEALTH = {"from": "health", "subjects": ["Service/a"]}


def spec(type: str = "availability", **more: Any) -> ObjectiveSpec:
    """Return an objective of a type that is sound, unless `more` says otherwise."""
    return ObjectiveSpec.model_validate(value(type, **more))


def value(type: str = "availability", **more: Any) -> dict[str, Any]:
    """Return what its author would write."""
    sources: dict[str, Any] = {
        "latency": {**HEALTH, "measure": "latency"},
        "utilisation": {"from": "health", "subjects": ["memory"], "measure": "usage"},
        "error-rate": {"from": "runs"},
        "cadence": {"from": "applies"},
        "count": {"from": "runs", "figure": "any/generations"},
    }
    targets: dict[str, Any] = {
        "availability": {"atLeast": "99.9%"},
        "latency": {"below": "500ms"},
        "error-rate": {"below": "0.1%"},
        "utilisation": {"atLeast": "70%", "atMost": "80%"},
        "cadence": {"atLeast": 1},
        "count": {"below": 100},
    }
    indicator = {"type": type, "source": sources.get(type, HEALTH), **more.pop("indicator", {})}
    return {"summary": "s", "indicator": indicator, "target": targets[type], **more}


def document(spec: ObjectiveSpec, name: str = "o") -> Document[ObjectiveSpec]:
    """Return it as a document."""
    kind = next(one for one in KINDS if one.name == "Objective")
    place = Place("o.yaml")
    return Document(Address("Objective", name), kind, Metadata(name=name), spec, {}, place)


def measured(*values: float, every: timedelta = timedelta(minutes=1)) -> list[Measurement]:
    """Return measurements of values, the last one now."""
    count = len(values)
    return [Measurement(NOW - every * (count - 1 - i), v) for i, v in enumerate(values)]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., None]:
    """Write an Objective."""

    def make(written: Mapping[str, Any], name: str = "o") -> None:
        (tmp_path / "specs").mkdir(exist_ok=True)
        whole = {"apiVersion": "chimera/v1", "kind": "Objective", "metadata": {"name": name}}
        (tmp_path / "specs" / f"{name}.yaml").write_text(dump({**whole, "spec": dict(written)}))

    return make
