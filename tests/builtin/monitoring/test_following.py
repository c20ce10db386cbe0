"""What is looked at again and again, as often as the orchestrator says, until interrupted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.monitoring import following
from chimera.builtin.monitoring.following import follow
from tests.builtin.monitoring.conftest import Chimera

ORCHESTRATOR = {"moduleHealthCheckInterval": "7s", "metricsCollectionInterval": "3s"}


class Pauses:
    """Pauses that last no time, and an interruption after so many."""

    def __init__(self, count: int) -> None:
        self.asked: list[float] = []
        self._count = count

    def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        if len(self.asked) == self._count:
            raise KeyboardInterrupt


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Pauses:
    """Have `--follow` look three times."""
    pauses, really = Pauses(3), follow
    monkeypatch.setattr(following, "follow", lambda look, every: really(look, every, pauses))
    return pauses


def test_it_looks_until_it_is_interrupted_and_returns_what_was_last() -> None:
    pauses, seen = Pauses(4), list[int]()

    def look() -> int:
        seen.append(len(seen))
        return seen[-1]

    assert follow(look, 60.0, pauses) == 3
    assert all(59 < seconds <= 60 for seconds in pauses.asked)


def test_what_takes_longer_than_the_interval_is_done_again_at_once() -> None:
    pauses = Pauses(1)
    follow(lambda: None, 0.0, pauses)
    assert pauses.asked == [0.0]


def test_health_is_looked_at_as_often_as_the_orchestrator_says(
    chimera: Chimera, write: Callable[..., None], pauses: Pauses
) -> None:
    write({"Environment/local": {"protected": False}, "Orchestrator/one": ORCHESTRATOR})
    answer = chimera("health", "--watch")
    assert answer.code == 0, answer.err
    assert answer.err.count(" healthy") == 3
    assert all(5 < seconds <= 7 for seconds in pauses.asked)


def test_metrics_are_collected_as_often_as_the_orchestrator_says(
    chimera: Chimera, write: Callable[..., None], pauses: Pauses, tmp_path: Path
) -> None:
    write({"Environment/local": {"protected": False}, "Orchestrator/one": ORCHESTRATOR})
    answer = chimera("metrics", "--follow", "--textfile", "m.prom")
    assert answer.code == 0, answer.err
    assert answer.err.count("wrote m.prom") == 3
    assert (tmp_path / "m.prom").read_text().startswith("# ")
    assert all(1 < seconds <= 3 for seconds in pauses.asked)


def test_metrics_are_followed_in_a_file_alone(chimera: Chimera, write: Any) -> None:
    write({"Environment/local": {"protected": False}})
    answer = chimera("metrics", "--follow")
    assert answer.code == 4
    assert "--textfile" in answer.err
