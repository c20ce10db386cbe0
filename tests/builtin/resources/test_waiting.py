"""Waiting for resources: nobody overtakes who came before, and nothing is kept for who is gone."""

from __future__ import annotations

from typing import Any

import pytest

from chimera.builtin.resources.holding import ResourcesHeldError
from chimera.builtin.resources.waiting import WAITING
from chimera.state import RunStatus


def waits(desk: Any, key: str, again: float = 10, **inputs: Any) -> str:
    """Ask for what is not free and go on asking; return why it is not."""
    with pytest.raises(ResourcesHeldError) as it:
        desk.call("allocate", key=key, again=again, **inputs)
    return it.value.message


@pytest.fixture
def busy(desk: Any) -> Any:
    """A pool of which a half is held, and somebody who waits for the whole of it."""
    desk.pool("p", {"cpu": 4, "memory": "4Gi"})
    desk.lease = desk.call("allocate", requests={"cpu": 2})["lease"]["id"]
    waits(desk, "large", requests={"cpu": 4})
    desk.later(seconds=1)
    return desk


def test_a_small_claim_does_not_overtake_a_large_one_that_waits(busy: Any) -> None:
    why = waits(busy, "small", requests={"cpu": 1})
    assert why == (
        "there is not enough free: request: p lacks 1 of cpu"
        " (it keeps 4 of cpu for who comes first)"
    )
    busy.call("release", leases=[busy.lease])
    waits(busy, "small", requests={"cpu": 1})
    assert busy.call("allocate", key="large", requests={"cpu": 4})["lease"]["amounts"] == {
        "cpu": "4"
    }
    assert list(busy.store.items[WAITING]) == ["small"]


def test_one_of_a_higher_priority_does_and_waits_before_those_of_a_lower(busy: Any) -> None:
    assert busy.call("allocate", requests={"cpu": 1}, priority=1)["lease"]
    waits(busy, "high", requests={"cpu": 3}, priority=1)
    waits(busy, "low", requests={"cpu": 1}, priority=-1)
    waiting = busy.call("usage")["waiting"]
    assert [one["priority"] for one in waiting] == [1, 0, -1]
    busy.call("release", leases=[busy.lease])
    waits(busy, "large", requests={"cpu": 4})
    assert busy.call("allocate", key="high", requests={"cpu": 3}, priority=1)["lease"]


def test_what_nobody_ahead_asks_for_is_had_at_once(busy: Any) -> None:
    assert busy.call("allocate", requests={"memory": "4Gi"})["lease"]
    busy.pool("q", {"cpu": 1})
    assert busy.call("allocate", requests={"cpu": 1})["lease"]["pool"] == "q"


def test_a_claim_that_several_pools_can_serve_keeps_one_of_them(desk: Any) -> None:
    for name in "pq":
        desk.pool(name, {"cpu": 4})
        desk.call("allocate", requests={"cpu": 1}, pools=[name])
    waits(desk, "large", requests={"cpu": 4})
    desk.later(seconds=1)
    assert desk.call("allocate", requests={"cpu": 1})["lease"]["pool"] == "q"


def test_who_gives_up_or_does_not_ask_again_waits_no_more(busy: Any) -> None:
    with pytest.raises(ResourcesHeldError):
        busy.call("allocate", key="large", requests={"cpu": 4})
    assert busy.store.items[WAITING] == {}
    waits(busy, "large", requests={"cpu": 4})
    busy.later(seconds=39)
    waits(busy, "small", requests={"cpu": 1})
    busy.later(seconds=2)
    assert busy.call("allocate", key="small", requests={"cpu": 1})["lease"]
    assert busy.store.items[WAITING] == {}


def test_who_waits_does_not_outlast_its_run(desk: Any) -> None:
    desk.pool("p", {"cpu": 2})
    desk.call("allocate", requests={"cpu": 1})
    run = desk.run()
    waits(desk, "large", again=1e6, run=run, requests={"cpu": 2})
    desk.later(seconds=1)
    waits(desk, "small", requests={"cpu": 1})
    desk.end(run, RunStatus.CANCELLED)
    assert desk.call("allocate", key="small", requests={"cpu": 1})["lease"]


def test_a_claim_whose_own_leases_are_all_held_keeps_nothing_from_others(desk: Any) -> None:
    desk.pool("p", {"cpu": 4})
    desk.claim("one", {"cpu": 2})
    desk.call("allocate", claims=["one"])
    assert "all 1 of its leases are held" in waits(desk, "again", claims=["one"])
    desk.later(seconds=1)
    assert desk.call("allocate", requests={"cpu": 2})["lease"]


def test_nobody_takes_back_what_is_kept_for_another(desk: Any) -> None:
    desk.pool("p", {"cpu": 4}, preemption="newest")
    desk.call("allocate", requests={"cpu": 3}, priority=5)
    desk.call("allocate", requests={"cpu": 1})
    waits(desk, "large", requests={"cpu": 4}, priority=5)
    desk.later(seconds=1)
    waits(desk, "small", requests={"cpu": 1}, priority=5)
