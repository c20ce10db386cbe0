"""Leasing: what is granted, refused, told, taken back, given back, and when it ends by itself."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chimera.builtin.resources import ledger, optimizing
from chimera.builtin.resources.holding import ResourcesHeldError
from chimera.builtin.resources.ledger import ENDED, LEASES
from chimera.builtin.resources.optimizing import Limits
from chimera.builtin.resources.quantities import all_units, fits, total
from chimera.runtime import PermanentError
from chimera.runtime.recovery import Category, StepError, classify
from chimera.runtime.system import SETTINGS
from chimera.state import RunStatus


def ids(outputs: Any) -> list[str]:
    return [lease["id"] for lease in outputs["leases"]]


def test_what_is_leased_is_not_free_until_it_is_released(desk: Any) -> None:
    desk.pool("p", {"cpu": 4, "memory": "8Gi"})
    lease = desk.call("allocate", requests={"cpu": 1.5, "memory": "2Gi"})["lease"]
    assert lease["amounts"] == {"cpu": "1500m", "memory": "2Gi"}
    assert lease["pool"] == "p"
    assert desk.free("p") == {"cpu": "2500m", "memory": "6Gi"}
    assert desk.call("release", leases=[lease["id"]]) == {"released": [lease["id"]], "ended": {}}
    assert desk.free("p") == {"cpu": "4", "memory": "8Gi"}


def test_releasing_twice_is_told_and_is_no_failure(desk: Any) -> None:
    desk.pool("p", {"cpu": 4})
    lease = desk.call("allocate", requests={"cpu": 1})["lease"]["id"]
    desk.call("release", leases=[lease])
    again = desk.call("release", leases=[lease, lease])
    assert again == {"released": [], "ended": {lease: "released: it was given back"}}
    with pytest.raises(PermanentError, match="there is no lease nobody"):
        desk.call("release", leases=["nobody"])


def test_a_lease_ends_with_its_time_unless_it_is_renewed(desk: Any) -> None:
    desk.pool("p", {"cpu": 2})
    first = desk.call("allocate", requests={"cpu": 1}, lease="10m")["lease"]["id"]
    second = desk.call("allocate", requests={"cpu": 1}, lease="10m")["lease"]["id"]
    desk.later(minutes=9)
    assert desk.call("renew", lease=second, **{"for": "10m"})["lease"]["until"].startswith(
        "2026-11-21T12:19"
    )
    desk.later(minutes=1)
    assert desk.free("p") == {"cpu": "1"}
    assert desk.call("release", leases=[first, second]) == {
        "released": [second],
        "ended": {first: "expired: its time has passed"},
    }
    with pytest.raises(PermanentError, match="is expired: its time has passed"):
        desk.call("renew", lease=first)


@pytest.mark.parametrize("status", [RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED])
def test_a_lease_ends_with_its_run(desk: Any, status: RunStatus) -> None:
    desk.pool("p", {"cpu": 1})
    run = desk.run()
    lease = desk.call("allocate", run, requests={"cpu": 1})["lease"]["id"]
    with pytest.raises(StepError, match="p lacks 1 of cpu"):
        desk.call("allocate", desk.run(), requests={"cpu": 1})
    desk.end(run, status)
    assert desk.call("allocate", desk.run(), requests={"cpu": 1})["lease"]["pool"] == "p"
    assert "its run" in desk.store.get(ENDED, lease)["reason"]


@pytest.mark.parametrize("status", [RunStatus.PAUSED, RunStatus.INTERRUPTED])
def test_a_run_that_can_go_on_keeps_what_it_holds(desk: Any, status: RunStatus) -> None:
    desk.pool("p", {"cpu": 1})
    run = desk.run()
    desk.call("allocate", run, requests={"cpu": 1})
    desk.end(run, status)
    assert desk.free("p") == {"cpu": "0"}


def test_what_is_not_free_now_may_be_asked_for_again(desk: Any) -> None:
    desk.pool("p", {"cpu": 2})
    desk.call("allocate", requests={"cpu": 2}, lease="90s")
    with pytest.raises(
        StepError, match="there is not enough free: request: p lacks 1 of cpu"
    ) as it:
        desk.call("allocate", requests={"cpu": 1})
    failure = classify(it.value)
    assert (failure.category, failure.transient) == (Category.RESOURCE, True)
    assert "90 s" in (it.value.help or "")


def test_what_can_never_be_served_is_refused_with_what_is_lacking(desk: Any) -> None:
    desk.pool("p", {"cpu": 2})
    desk.pool("q", {"cpu": 3, "licence": 1})
    with pytest.raises(PermanentError) as it:
        desk.call("allocate", requests={"cpu": 3, "licence": 2})
    assert "p is too small by 1 of cpu and 2 of licence" in it.value.message
    assert "q is too small by 1 of licence" in it.value.message
    assert classify(it.value).category is Category.RESOURCE
    with pytest.raises(PermanentError, match="none of the pools that it allows was applied"):
        desk.call("allocate", requests={"cpu": 1}, pools=["other"])


def test_a_gpu_is_refused_with_a_reason_where_there_is_none(
    desk: Any, gpus: Callable[[int], None]
) -> None:
    gpus(0)
    desk.pool("auto", {"gpu": "auto"}, where="here")
    desk.pool("boast", {"gpu": 2}, where="here")
    with pytest.raises(PermanentError) as it:
        desk.call("allocate", requests={"gpu": 1})
    assert it.value.message.count("there is no GPU here: no /dev/nvidia*") == 2
    assert "no GPU" in desk.call("usage")["pools"]["boast"]["absent"]["gpu"]


def test_gpus_are_the_holders_own(desk: Any, gpus: Callable[[int], None]) -> None:
    gpus(3)
    desk.pool("auto", {"gpu": "auto"}, where="here")
    first = desk.call("allocate", requests={"gpu": 2})["lease"]
    assert (first["gpus"], first["environment"]) == ([0, 1], {"CUDA_VISIBLE_DEVICES": "0,1"})
    second = desk.call("allocate", requests={"gpu": 1})["lease"]
    assert second["gpus"] == [2]
    desk.call("release", leases=[first["id"]])
    assert desk.call("allocate", requests={"gpu": 1})["lease"]["gpus"] == [0]


def test_two_pools_of_one_machine_do_not_lease_one_gpu_twice(
    desk: Any, gpus: Callable[[int], None]
) -> None:
    gpus(1)
    desk.pool("a", {"gpu": 1}, where="here")
    desk.pool("b", {"gpu": 1}, where="here")
    desk.call("allocate", requests={"gpu": 1}, pools=["a"])
    with pytest.raises(StepError, match="b has no GPU left"):
        desk.call("allocate", requests={"gpu": 1}, pools=["b"])


def test_a_pool_that_promises_more_gpus_than_there_are_shares_them(
    desk: Any, gpus: Callable[[int], None]
) -> None:
    gpus(2)
    desk.pool("a", {"gpu": "auto"}, where="here", maximumUtilisation=2)
    given = [desk.call("allocate", requests={"gpu": 1})["lease"]["gpus"] for _ in range(4)]
    assert given == [[0], [1], [0], [1]]


def test_a_pool_here_promises_no_more_than_is_measured(
    desk: Any, gpus: Callable[[int], None]
) -> None:
    gpus(0)
    desk.pool("here", {"cpu": 16}, where="here", maximumUtilisation=0.5)
    found = desk.call("usage")["pools"]["here"]
    assert found["capacity"] == {"cpu": "4"}
    assert found["absent"] == {"cpu": "it says 16 of cpu, and here there is 8"}


def test_claims_are_served_together_or_not_at_all(desk: Any) -> None:
    desk.pool("p", {"cpu": 3})
    desk.claim("a", {"cpu": 2})
    desk.claim("b", {"cpu": 2})
    with pytest.raises(StepError, match="b: p lacks 1 of cpu"):
        desk.call("allocate", claims=["a", "b"])
    assert desk.free("p") == {"cpu": "3"}
    outputs = desk.call("allocate", claims=["a", "b"], partial=True)
    assert [lease["claim"] for lease in outputs["leases"]] == ["a"]
    assert outputs["refused"] == [{"claim": "b", "reason": "p lacks 1 of cpu"}]


def test_fair_claims_share_what_there_is(desk: Any) -> None:
    desk.pool("p", {"cpu": 9, "memory": "18Gi"})
    desk.claim("a", {"cpu": 9, "memory": "36Gi"}, minimum={"cpu": 0, "memory": 0})
    desk.claim("b", {"cpu": 27, "memory": "9Gi"}, minimum={"cpu": 0, "memory": 0})
    outputs = desk.call("allocate", claims=["b", "a"], strategy="fair")
    assert {lease["claim"]: lease["amounts"]["cpu"] for lease in outputs["leases"]} == {
        "a": "3",
        "b": "6",
    }


def test_the_claims_own_strategy_holds_and_two_of_them_are_refused(desk: Any) -> None:
    desk.pool("slow", {"cpu": 2})
    desk.pool("fast", {"cpu": {"capacity": 2, "cost": 1}}, speed=2)
    desk.claim("a", {"cpu": 1}, strategy="performance")
    desk.claim("b", {"cpu": 1}, strategy="priority")
    assert desk.call("allocate", claims=["a"])["lease"]["pool"] == "fast"
    with pytest.raises(PermanentError, match="different strategies: performance, priority"):
        desk.call("allocate", claims=["a", "b"])


def test_what_the_orchestrator_says_holds_where_no_claim_says_otherwise(desk: Any) -> None:
    desk.pool("slow", {"cpu": 2})
    desk.pool("fast", {"cpu": {"capacity": 2, "cost": 1}}, speed=2)
    said = {"resourceAllocationStrategy": "performance", "maxResourceUtilization": 0.5}
    desk.store.put(SETTINGS, "system", said)
    assert desk.call("allocate", requests={"cpu": 1})["lease"]["pool"] == "fast"
    assert desk.call("usage")["pools"]["slow"]["capacity"] == {"cpu": "1"}


def test_of_leases_that_ended_the_newest_are_kept(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "KEPT", 3)
    desk.pool("p", {"cpu": 1})
    leases = []
    for _ in range(7):
        leases.append(desk.call("allocate", requests={"cpu": 1})["lease"]["id"])
        desk.call("release", leases=[leases[-1]])
    assert {id for id, _ in desk.store.find(ENDED)} == {*leases[-3:]}
    assert desk.store.count(LEASES) == 0


def test_a_claim_is_leased_as_often_as_it_counts(desk: Any) -> None:
    desk.pool("p", {"cpu": 9})
    desk.claim("a", {"cpu": 1}, count=2)
    for _ in range(2):
        desk.call("allocate", claims=["a"])
    with pytest.raises(StepError, match="all 2 of its leases are held"):
        desk.call("allocate", claims=["a"])


@pytest.mark.parametrize(
    ("policy", "taken"), [("newest", ["new", "middle"]), ("largest", ["large"])]
)
def test_leases_of_lower_priority_give_way_as_the_pool_says(
    desk: Any, policy: str, taken: list[str]
) -> None:
    desk.pool("p", {"cpu": 6}, preemption=policy)
    names = {}
    for name, cpu in (("large", 3), ("middle", 1), ("new", 2)):
        desk.claim(name, {"cpu": cpu})
        names[desk.call("allocate", claims=[name])["lease"]["id"]] = name
        desk.later(seconds=1)
    desk.claim("urgent", {"cpu": 3}, priority=5)
    outputs = desk.call("allocate", claims=["urgent"])
    assert [names[id] for id in outputs["preempted"]] == taken
    for id in outputs["preempted"]:
        kept = desk.store.get(ENDED, id)
        assert kept["status"] == "preempted"
        assert kept["reason"] == "urgent, of priority 5, needed what it held"
        with pytest.raises(PermanentError, match="is preempted: urgent"):
            desk.call("renew", lease=id)
    assert [(topic, names[payload["id"]]) for topic, payload in desk.published] == [
        ("resources.preempted", name) for name in taken
    ]
    assert len(desk.logged) == len(taken)


def test_who_gives_way_in_vain_keeps_what_it_holds(desk: Any, gpus: Callable[[int], None]) -> None:
    """Two pools promise one GPU: to take the lease in one does not free what the other holds."""
    gpus(1)
    desk.pool("a", {"gpu": 1, "cpu": 1}, where="here", preemption="newest")
    desk.pool("b", {"gpu": 1}, where="here")
    held = desk.call("allocate", requests={"gpu": 1}, pools=["b"], priority=9)["lease"]["id"]
    cpu = desk.call("allocate", requests={"cpu": 1}, pools=["a"])["lease"]["id"]
    wanted = {"gpu": 1, "cpu": 1}
    with pytest.raises(StepError, match="not enough free"):
        desk.call("allocate", requests=wanted, pools=["a"], priority=5)
    desk.claim("other", {"cpu": 1}, pools=["ResourcePool/c"])
    desk.pool("c", {"cpu": 1})
    desk.claim("big", wanted, pools=["ResourcePool/a"], priority=5)
    outputs = desk.call("allocate", claims=["big", "other"], partial=True)
    assert [lease["claim"] for lease in outputs["leases"]] == ["other"]
    assert outputs["preempted"] == []
    assert {lease["id"] for lease in desk.call("usage")["leases"]} >= {held, cpu}
    assert desk.store.count(ENDED) == 0


def test_nothing_gives_way_where_the_pool_says_never_or_priority_is_not_lower(desk: Any) -> None:
    desk.pool("p", {"cpu": 1})
    desk.pool("q", {"licence": 1}, preemption="newest")
    desk.call("allocate", requests={"cpu": 1})
    desk.call("allocate", requests={"licence": 1}, priority=3)
    with pytest.raises(StepError, match="not enough free"):
        desk.call("allocate", requests={"cpu": 1}, priority=9)
    with pytest.raises(StepError, match="not enough free"):
        desk.call("allocate", requests={"licence": 1}, priority=3)
    assert desk.published == []


def test_a_lease_that_turns_out_not_to_be_needed_is_left_alone(desk: Any) -> None:
    desk.pool("p", {"cpu": 4}, preemption="newest")
    desk.claim("old", {"cpu": 3})
    desk.claim("new", {"cpu": 1})
    old = desk.call("allocate", claims=["old"])["lease"]["id"]
    desk.later(seconds=1)
    desk.call("allocate", claims=["new"])
    assert desk.call("allocate", requests={"cpu": 3}, priority=1)["preempted"] == [old]


def test_a_claim_is_only_for_whom_it_names(desk: Any) -> None:
    desk.pool("p", {"cpu": 9})
    desk.claim("w", {"cpu": 1}, **{"for": {"workflows": ["Workflow/w"]}}, count=9)
    desk.claim("m", {"cpu": 1}, **{"for": {"modules": ["plan"]}})
    assert desk.call("allocate", desk.run("Workflow/w"), claims=["w"])["lease"]
    with pytest.raises(PermanentError, match="ResourceClaim/w is not for Workflow/other"):
        desk.call("allocate", desk.run("Workflow/other"), claims=["w"])
    assert desk.call("allocate", claims=["m"], module="plan")["lease"]
    with pytest.raises(PermanentError, match="ResourceClaim/m is not for"):
        desk.call("allocate", desk.run(), claims=["m"], module="role")


def test_names_that_nobody_applied_are_refused_with_those_that_are(desk: Any) -> None:
    desk.pool("p", {"cpu": 1})
    desk.claim("a", {"cpu": 1})
    with pytest.raises(PermanentError, match="no ResourceClaim/b was applied here") as it:
        desk.call("allocate", claims=["b"])
    assert it.value.help == "there is: a"
    with pytest.raises(PermanentError, match="no ResourcePool/b was applied here"):
        desk.call("usage", pools=["b"])
    with pytest.raises(PermanentError, match="neither or both"):
        desk.call("allocate")
    with pytest.raises(PermanentError, match="not a whole number"):
        desk.call("allocate", requests={"gpu": 0.5})


def test_usage_says_who_holds_what_and_what_it_costs(desk: Any) -> None:
    desk.pool("p", {"cpu": {"capacity": 4, "cost": 0.25}, "memory": {"capacity": "4Gi", "cost": 1}})
    desk.claim("a", {"cpu": 1, "memory": "512Mi"})
    desk.call("allocate", claims=["a"])
    outputs = desk.call("usage")
    assert outputs["pools"]["p"]["utilisation"] == {"cpu": 0.25, "memory": 0.125}
    assert outputs["pools"]["p"]["cost"] == outputs["leases"][0]["cost"] == 0.75
    found = desk.call("optimize", **outputs["problem"])
    assert (found["status"], found["cost"]) == ("optimal", 0.75)
    assert found["placements"] == [{"claim": "a", "pool": "p", "count": 1, "cost": 0.75}]


def test_an_optimum_that_there_is_not_names_the_claims_that_conflict(desk: Any) -> None:
    found = desk.call(
        "optimize",
        pools={"p": {"capacity": {"cpu": 3, "memory": "1Gi"}}},
        claims={n: {"requests": {"cpu": 2}} for n in ("a", "b")}
        | {"c": {"requests": {"memory": "1Gi"}}},
    )
    assert (found["status"], found["conflict"], found["irreducible"]) == (
        "infeasible",
        ["a", "b"],
        True,
    )
    assert found["shortages"] == [{"resource": "cpu", "asked": "4", "there": "3"}]
    assert found["cost"] is None


@pytest.mark.parametrize(
    ("said", "limits"),
    [({}, Limits()), ({"nodeLimit": 7, "timeLimit": "2s"}, Limits(nodes=7, seconds=2.0))],
)
def test_an_optimum_is_searched_for_within_the_limits_that_are_given(
    desk: Any, monkeypatch: pytest.MonkeyPatch, said: dict[str, Any], limits: Limits
) -> None:
    seen: list[Limits] = []
    search = optimizing.optimize
    monkeypatch.setattr(
        optimizing, "optimize", lambda *given: (seen.append(given[2]), search(*given))[1]
    )
    desk.call("optimize", pools={}, claims={}, **said)
    assert seen == [limits]


ASKED = st.tuples(st.just("ask"), st.integers(1, 6), st.integers(0, 3), st.booleans())
GIVEN = st.tuples(st.just("give"), st.integers(0, 20))
PASSED = st.tuples(st.just("wait"), st.integers(1, 40))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.one_of(ASKED, GIVEN, PASSED), max_size=25))
def test_whatever_happens_live_leases_never_exceed_a_pool(desk: Any, happens: list[Any]) -> None:
    """What is free is what no live lease holds: released or expired, it is there again."""
    desk.store.items.clear()
    desk.pool("p", {"cpu": 8}, preemption="newest")
    given_out: list[str] = []
    for what, *how in happens:
        if what == "ask":
            inputs = {"requests": {"cpu": how[0]}, "priority": how[1], "lease": "20s"}
            if how[2]:
                inputs["minimum"] = {"cpu": 1}
            with suppress(ResourcesHeldError):
                given_out += ids(desk.call("allocate", **inputs))
        elif what == "give" and given_out:
            desk.call("release", leases=[given_out[how[0] % len(given_out)]])
        elif what == "wait":
            desk.later(seconds=how[0])
        usage = desk.call("usage")
        held = total(all_units(lease["amounts"]) for lease in usage["leases"])
        assert fits(held, {"cpu": 8000})
        free = all_units(usage["pools"]["p"]["free"])
        assert free == {"cpu": 8000 - held.get("cpu", 0)}
        assert all(lease["until"] > desk.now.isoformat() for lease in usage["leases"])
