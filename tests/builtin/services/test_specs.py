"""The six services of seed 002, as this repository holds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from chimera.builtin.services.health.selecting import services_of, target_of
from chimera.context import Context
from chimera.kinds import Snapshot
from chimera.workspace import Workspace

TABLE = {
    "agent": (8000, "http", "/health"),
    "scheduler": (8001, "http", "/health"),
    "refinement": (8002, "http", "/health/models"),
    "evolution": (8003, "http", "/health"),
    "redis": (6379, "redis", None),
    "postgres": (5432, "postgres", None),
}
"""Its table of endpoints: port, how it is asked, and the path."""
ENVIRONMENT = "project-chimera"


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    return Workspace.open(Path(__file__).parents[3], Context.system()).loaded.snapshot


def test_the_table_of_the_seed_is_what_is_looked_at(snapshot: Snapshot) -> None:
    found = {}
    for address, service in services_of(snapshot, ENVIRONMENT, ()).items():
        (check,) = service.spec.checks
        target = target_of(None, service.spec, ENVIRONMENT)
        assert target is not None
        assert target.host == "localhost"
        name = address.removeprefix("Service/")
        found[name] = (target.port, check.type, getattr(check, "path", None))
    assert found == TABLE


def test_nobody_looks_at_them_by_default(snapshot: Snapshot) -> None:
    assert services_of(snapshot, "local", ()) == {}


def test_postgres_is_asked_as_the_seed_asks(snapshot: Snapshot) -> None:
    (check,) = services_of(snapshot, ENVIRONMENT, ())["Service/postgres"].spec.checks
    assert check.user == "chimera"  # pg_isready -U chimera
