"""What every test shares: hypothesis profiles, and an environment without the caller's identity."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

# CI machines are slow and noisy: no deadline, and the same examples in every run. The nightly run
# looks for new ones.
settings.register_profile(
    "gate",
    deadline=None,
    derandomize=True,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("nightly", deadline=None, max_examples=1000)
settings.load_profile("gate")


@pytest.fixture(autouse=True)
def no_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may depend on whoever runs the tests, or on where."""
    for name in ("CI", "GITHUB_ACTIONS", "CHIMERA_ACTOR", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Golden files change only when somebody asks for it."""
    parser.addoption("--update-golden", action="store_true", help="write expected output anew")
