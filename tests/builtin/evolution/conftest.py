"""Specs of small searches, and the naive reference that kernels are held against."""

from typing import Any

import pytest

from chimera.builtin.evolution.kinds import EvolutionSpec

SPHERE = {
    "genome": {"genes": [{"name": "x", "min": -5.12, "max": 5.12, "count": 4}]},
    "fitness": {"function": "sphere"},
    "algorithm": "genetic",
    "population": 20,
    "termination": {"generations": 30},
    "seed": "c0ffee",
}


def spec_value(**changes: Any) -> dict[str, Any]:
    """Return the value of a small search with `changes`; a fitness may be given as text."""
    value = SPHERE | changes
    if isinstance(value["fitness"], str):
        value["fitness"] = {"expression": value["fitness"]}
    return value


@pytest.fixture
def make_spec():
    """Make the spec of a small search with changes."""
    return lambda **changes: EvolutionSpec.model_validate(spec_value(**changes))


@pytest.fixture
def value_of():
    """Make the value of a small search with changes, as its author writes it."""
    return spec_value
