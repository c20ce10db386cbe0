"""What the modules' operations do, and that all that they produce is what the protocol states."""

from __future__ import annotations

from collections import Counter
from importlib import import_module
from typing import Any

import pytest

from chimera.builtin.coordination.hub import operations as hub
from chimera.builtin.coordination.modules import OPERATIONS as ACTIONS
from chimera.builtin.coordination.modules import types
from chimera.builtin.coordination.plugin import chimera_register_operations
from chimera.builtin.coordination.shelf import EVENTS_KEPT
from chimera.runtime import PermanentError
from chimera.runtime.topics import matches
from tests.builtin.coordination.conftest import OPERATIONS, Desk, needs_oracle
from tests.builtin.coordination.test_protocol import ID, oracle


def tour(desk: Desk) -> None:
    """Perform every operation at least once."""
    do = desk.do
    context = do("context.create", name="work", type="multi-agent", tags=["a"])["contextId"]
    draft = do("context.create", name="later", status="draft")["alias"]
    do("context.activate", contextId=draft)
    do("context.suspend", contextId=draft)
    do("context.close", contextId=draft)
    do("context.archive", contextId=draft)
    do("context.delete", contextId=draft)
    do("context.get", contextId="ctx-001")
    do("context.update", contextId=context, summary="x", constraints={"n": 1}, ttl="2h")
    do("context.query")
    tour_plans(desk, context)
    tour_roles(desk)
    tour_traces(desk, context)
    tour_extensions(desk, context)
    tour_talk(desk, context)
    tour_networks(desk, context)
    core = do("core.initialize", modules=[{"module": "plan", "required": True}])["coreId"]
    do("core.activate", coreId=core)
    do("core.deprecate", coreId=core)
    do("core.archive", coreId="core-001")
    do("core.get", coreId=core)
    do("core.query", status=["archived"])


def tour_plans(desk: Desk, context: str) -> None:
    do = desk.do
    steps = [
        {"id": "a", "description": "first", "agentRole": "planner"},
        {"id": "b", "description": "second", "operation": "context.query", "dependencies": ["a"]},
        {"description": "third"},
    ]
    plan = do("plan.create", contextId=context, steps=steps)["planId"]
    do("plan.update", planId=plan, title="t", objective="o")
    do("plan.propose", planId=plan)
    do("plan.reject", planId=plan, reason="no")
    do("plan.propose", planId=plan)
    do("plan.approve", planId="plan-001")
    do("plan.start", planId=plan)
    do("plan.startStep", planId=plan, stepId="0")
    do("plan.blockStep", planId=plan, stepId="0", reason="nobody there")
    do("plan.resetStep", planId=plan, stepId="0")
    do("plan.startStep", planId=plan, stepId="0")
    do("plan.failStep", planId=plan, stepId="0")
    do("plan.fail", planId=plan)
    do("plan.start", planId=plan)
    do("plan.startStep", planId=plan, stepId="0")
    do("plan.completeStep", planId=plan, stepId="0")
    do("plan.skipStep", planId=plan, stepId="1")
    do("plan.skipStep", planId=plan, stepId="2")
    do("plan.complete", planId=plan)
    do("plan.get", planId=plan)
    other = do("plan.create", contextId=context)["alias"]
    do("plan.cancel", planId=other, reason="not needed")
    do("plan.query", contextId=context)
    do("plan.contextUpdated", contextId="ctx-001", changes=["goals", "participants"])
    hear(desk, "plan", "context.updated", context)
    hear(desk, "confirm", "plan.deleted", plan)
    request = do("confirm.request", targetType="plan", targetId=plan, requestedByRole="author")
    do("confirm.validateRequest", requestId=request["alias"])
    do("confirm.decide", requestId=request["requestId"], approver="lead", decision="approved")
    do("confirm.get", requestId=request["requestId"])
    asked = do("confirm.request", targetType="plan", targetId="plan-001", requestedByRole="author")
    do("confirm.query")
    do("confirm.processApproval", requestId=asked["alias"], approvers=["lead"])
    do("confirm.cancel", requestId=asked["alias"])
    do("plan.delete", planId=other)


def hear(desk: Desk, module: str, topic: str, id: str) -> list[str]:
    """Have a module hear of something as the hub delivers it."""
    payload = next((said for name, said in reversed(desk.published) if name == topic), {"id": id})
    found: list[str] = desk.do(
        f"{module}.hear",
        messageId="m",
        topic=topic,
        payload=payload,
        correlationId="run",
        timestamp="2026-11-21T12:00:00Z",
    )["changed"]
    return found


def tour_roles(desk: Desk) -> None:
    do = desk.do
    role = do("role.create", name="reviewer", capabilities=["confirm.*"])["roleId"]
    do("role.assign", roleId="reviewer", principal="ada")
    do("role.checkPermissions", approvers=["ada"], resource="confirm")
    do("role.get", roleId="role-001")
    do("role.update", roleId=role, description="reviews", capabilities=["*"])
    do("role.query", principal="ada")
    do("role.revoke", roleId=role, principal="ada")
    do("role.delete", roleId=role)


def tour_traces(desk: Desk, context: str) -> None:
    do = desk.do
    trace = do("trace.open", contextId=context, attributes={"by": "me"})["traceId"]
    segment = do("trace.append", traceId=trace, label="think")["segmentId"]
    do("trace.append", traceId=trace, label="deeper", parentId=segment, status="pending")
    do("trace.finish", traceId=trace, segmentId=segment, attributes={"n": 1})
    do("trace.close", traceId="trace-001", status="cancelled")
    do("trace.get", traceId=trace)
    do("trace.query", contextId=context)


def tour_extensions(desk: Desk, context: str) -> None:
    do = desk.do
    extension = do("extension.register", contextId=context, name="x", version="1.0.0-alpha")
    named = {"extensionId": extension["alias"]}
    do("extension.activate", **named)
    do("extension.deactivate", **named)
    do("extension.configure", **named, config={"n": 1})
    do("extension.get", **named)
    do("extension.deprecate", **named)
    do("extension.query", contextId=context)
    do("extension.unregister", **named)


def tour_talk(desk: Desk, context: str) -> None:
    do = desk.do
    dialog = do("dialog.start", contextId=context)["dialogId"]
    do("dialog.turn", dialogId=dialog, content="hello", role="user")
    do("dialog.pause", dialogId="dialog-001")
    do("dialog.resume", dialogId=dialog)
    do("dialog.close", dialogId=dialog)
    do("dialog.get", dialogId=dialog)
    do("dialog.query")
    team = [{"id": "ada"}, {"id": "bob", "kind": "human", "role": "lead", "name": "Bob"}]
    collab = do("collab.start", contextId=context, title="t", participants=team)["collabId"]
    do("collab.join", collabId=collab, participant={"id": "eve"})
    do("collab.broadcast", collabId=collab, sender="ada", payload={"n": 1})
    do("collab.leave", collabId="collab-001", participant="eve")
    do("collab.suspend", collabId=collab)
    do("collab.resume", collabId=collab)
    do("collab.get", collabId=collab)
    do("collab.close", collabId=collab)
    other = do("collab.start", contextId=context, title="u", status="draft", participants=team)
    do("collab.cancel", collabId=other["alias"])
    do("collab.query", participant="bob")


def tour_networks(desk: Desk, context: str) -> None:
    do = desk.do
    net = do("network.create", contextId=context, name="n")["networkId"]
    for name in ("a", "b", "c"):
        do("network.addNode", networkId=net, name=name)
    do("network.setStatus", networkId=net, status="active")
    do("network.setNodeStatus", networkId=net, node="b", status="degraded")
    do("network.route", networkId="net-001", source="a", target="c")
    do("network.removeNode", networkId=net, node="b")
    do("network.get", networkId=net)
    do("network.query", status=["active"])


@pytest.mark.parametrize("module", ACTIONS)
def test_what_is_declared_is_what_there_is(module: str) -> None:
    found = import_module(f"chimera.builtin.coordination.modules.{module}").OPERATIONS

    declared = [OPERATIONS[f"{module}.{action}"] for action in ACTIONS[module].split()]
    assert [one.name for one in found] == [one.name for one in declared]
    assert [one.aliases for one in found] == [one.aliases for one in declared]
    assert all(one.inputs is two.inputs for one, two in zip(found, declared, strict=True))
    assert {type.name: type.summary for type in types()}[module].endswith(".")


def test_what_is_declared_of_the_hub_is_what_there_is() -> None:
    declared = [one for one in chimera_register_operations() if one.name.startswith("hub.")]

    assert {one.name: one.aliases for one in declared} == {
        one.name: one.aliases for one in hub.OPERATIONS
    }


def test_every_operation_but_execution_is_performed_on_the_tour(desk: Desk) -> None:
    tour(desk)

    assert desk.performed == OPERATIONS.keys() - {"core.executePlan"}


def test_tallies_are_what_counting_gives() -> None:
    class Counting(Desk):
        def do(self, name: str, /, **inputs: Any) -> Any:
            outputs = super().do(name, **inputs)
            for module in ACTIONS:
                kept = [one.get("status", "kept") for _, one in self.store.find(module)]
                tally = self.store.get("tally", module) or {}
                assert {s: n for s, n in tally.items() if n} == Counter(kept), (name, module)
            return outputs

    tour(Counting())


@needs_oracle
def test_every_object_on_the_tour_is_what_the_protocol_states() -> None:
    judged = dict.fromkeys(ACTIONS, 0)

    class Judging(Desk):
        def do(self, name: str, /, **inputs: Any) -> Any:
            outputs = super().do(name, **inputs)
            for module in ACTIONS:
                for value in self.store.values.get(module, {}).values():
                    oracle(module).validate(value)
                    judged[module] += 1
                given = outputs.get(module)
                if isinstance(given, dict):
                    oracle(module).validate(given)
            return outputs

    tour(Judging())

    assert all(judged.values())


def test_equal_runs_keep_equal_objects() -> None:
    one, two = Desk(), Desk()
    tour(one)
    tour(two)

    assert one.store.values == two.store.values
    assert one.published == two.published


def test_objects_are_found_by_id_and_by_alias(desk: Desk) -> None:
    id = desk.context()

    assert desk.do("context.get", contextId="ctx-001")["contextId"] == id
    assert desk.do("context.get", contextId=id)["alias"] == "ctx-001"
    with pytest.raises(PermanentError, match="no context ctx-002"):
        desk.do("context.get", contextId="ctx-002")


def test_alias_of_what_was_deleted_is_not_given_again(desk: Desk) -> None:
    desk.context()
    desk.do("context.delete", contextId="ctx-001")
    desk.context()

    assert desk.do("context.query")["contexts"][0]["events"][0]["data"] == {"alias": "ctx-002"}


def test_object_carries_its_last_events_and_publishes_all(desk: Desk) -> None:
    context = desk.context()
    for number in range(EVENTS_KEPT + 5):
        desk.do("context.update", contextId=context, summary=f"{number}")
    events = desk.do("context.get", contextId=context)["context"]["events"]

    assert len(events) == EVENTS_KEPT
    assert events[-1]["event_type"] == "context.updated"
    topics = [topic for topic, _ in desk.published]
    assert topics == ["context.created"] + ["context.updated"] * (EVENTS_KEPT + 5)


def test_locked_object_is_not_changed(desk: Desk) -> None:
    context = desk.context()
    value = desk.store.get("context", context)
    desk.store.put("context", context, {**value, "governance": {"locked": True}})

    with pytest.raises(PermanentError, match="ctx-001 is locked"):
        desk.do("context.update", contextId=context, summary="x")


def test_plan_without_steps_has_one_which_is_its_objective(desk: Desk) -> None:
    context = desk.context(summary="Ship it")
    plan = desk.do("plan.create", contextId=context)["plan"]

    assert (plan["title"], plan["objective"]) == ("work", "Ship it")
    assert [step["description"] for step in plan["steps"]] == ["Ship it"]


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([{"id": "a", "description": "x", "dependencies": ["a"]}], "wait for one another"),
        ([{"description": "x", "dependencies": ["b"]}], "depends on b"),
        ([{"id": "a", "description": "x"}, {"id": "a", "description": "y"}], "one name"),
    ],
)
def test_plan_whose_steps_lead_nowhere_is_refused(desk: Desk, steps: Any, reason: str) -> None:
    context = desk.context()

    with pytest.raises(PermanentError, match=reason):
        desk.do("plan.create", contextId=context, steps=steps)


def test_plans_are_found_by_their_context_also_when_it_is_over(desk: Desk) -> None:
    context = desk.context()
    plan = desk.do("plan.create", contextId=context)["planId"]
    desk.do("context.close", contextId=context)

    (found,) = desk.do("plan.query", contextId="ctx-001", status=["draft"])["plans"]
    assert found["plan_id"] == plan
    assert desk.do("plan.query", status=["failed"])["count"] == 0


def test_step_begins_only_after_what_it_depends_on(desk: Desk) -> None:
    steps = [
        {"id": "a", "description": "x"},
        {"id": "b", "description": "y", "dependencies": ["a"]},
    ]
    plan = desk.do("plan.create", contextId=desk.context(), steps=steps)["planId"]
    with pytest.raises(PermanentError, match="is draft: none of its steps can begin"):
        desk.do("plan.startStep", planId=plan, stepId="0")
    desk.do("plan.start", planId=plan)
    with pytest.raises(PermanentError, match="cannot begin before"):
        desk.do("plan.startStep", planId=plan, stepId="1")
    desk.do("plan.startStep", planId=plan, stepId="0")
    desk.do("plan.completeStep", planId=plan, stepId="0")
    desk.do("plan.startStep", planId=plan, stepId="1")

    with pytest.raises(PermanentError, match="1 steps of the plan plan-001 are not done"):
        desk.do("plan.complete", planId=plan)


def test_plan_that_needs_approval_does_not_start_without_it(desk: Desk) -> None:
    desk.configure("plan", requireApproval=True)
    plan = desk.do("plan.create", contextId=desk.context())["planId"]
    with pytest.raises(PermanentError, match="is draft and cannot become in_progress"):
        desk.do("plan.start", planId=plan)
    desk.do("plan.propose", planId=plan)
    desk.do("plan.approve", planId=plan)

    assert desk.do("plan.start", planId=plan)["status"] == "in_progress"


@pytest.mark.parametrize(
    ("capabilities", "allowed"),
    [
        (["plan.approve"], True),
        (["plan.*"], True),
        (["*"], True),
        (["plan.approver"], False),
        (["planning.*"], False),
        (["confirm.approve"], False),
        ([], False),
    ],
)
def test_role_can_do_what_its_capabilities_say(
    desk: Desk, capabilities: list[str], allowed: bool
) -> None:
    desk.do("role.create", name="lead", capabilities=capabilities)
    desk.do("role.assign", roleId="lead", principal="ada")
    found = desk.do("role.checkPermissions", approvers=["lead", "ada"], resource="plan")

    assert found["allowed"] is allowed
    assert found["validApprovers"] == (["lead", "ada"] if allowed else [])


def test_nobody_and_strangers_are_not_allowed(desk: Desk) -> None:
    found = desk.do("role.checkPermissions", approvers=["eve"], resource="plan")

    assert not found["allowed"]
    assert "nobody of this name" in found["refused"][0]["reason"]
    assert not desk.do("role.checkPermissions", approvers=[], resource="plan")["allowed"]


def test_role_that_was_taken_away_counts_no_longer(desk: Desk) -> None:
    desk.do("role.create", name="lead", capabilities=["*"])
    desk.do("role.assign", roleId="lead", principal="ada")
    desk.do("role.revoke", roleId="lead", principal="ada")

    assert not desk.do("role.checkPermissions", approvers=["ada"], resource="plan")["allowed"]
    with pytest.raises(PermanentError, match="there is a role lead already"):
        desk.do("role.create", name="lead")


def test_name_that_could_be_an_alias_is_no_name_of_a_role(desk: Desk) -> None:
    with pytest.raises(PermanentError, match="how roles are numbered"):
        desk.do("role.create", name="role-002")
    desk.do("role.create", name="lead")
    assert desk.do("role.get", roleId="lead") == desk.do("role.get", roleId="role-001")
    desk.do("role.delete", roleId="lead")
    with pytest.raises(PermanentError, match="no role lead"):
        desk.do("role.get", roleId="lead")


def test_object_that_the_protocol_does_not_know_is_refused_in_words(desk: Desk) -> None:
    with pytest.raises(PermanentError, match="no such request: target_id: String should match"):
        desk.do("confirm.request", targetType="other", targetId="x", requestedByRole="author")
    assert desk.store.values == {}


def asked(desk: Desk, **more: Any) -> str:
    alias: str = desk.do(
        "confirm.request", targetType="other", targetId=ID, requestedByRole="author", **more
    )["alias"]
    return alias


def test_request_is_approved_when_its_quorum_is_met(desk: Desk) -> None:
    request = asked(desk, approvers=["a", "b", "c"], quorum=2)
    first = desk.do("confirm.decide", requestId=request, approver="a", decision="approved")
    assert (first["status"], first["missing"]) == ("pending", ["b", "c"])
    second = desk.do("confirm.decide", requestId=request, approver="c", decision="approved")

    assert (second["status"], second["approvals"], second["approved"]) == ("approved", 2, True)
    with pytest.raises(PermanentError, match="is approved already"):
        desk.do("confirm.decide", requestId=request, approver="b", decision="rejected")


def test_one_who_rejects_rejects_for_all(desk: Desk) -> None:
    request = asked(desk, approvers=["a", "b"])
    desk.do("confirm.decide", requestId=request, approver="a", decision="approved")

    found = desk.do("confirm.decide", requestId=request, approver="b", decision="rejected")
    assert (found["status"], found["approved"]) == ("rejected", False)


@pytest.mark.parametrize(("approver", "reason"), [("a", "has decided"), ("eve", "was not asked")])
def test_decision_that_does_not_count_is_refused(desk: Desk, approver: str, reason: str) -> None:
    request = asked(desk, approvers=["a", "b"])
    desk.do("confirm.decide", requestId=request, approver="a", decision="approved")

    with pytest.raises(PermanentError, match=reason):
        desk.do("confirm.decide", requestId=request, approver=approver, decision="approved")


def test_who_asks_does_not_approve_unless_the_module_says_so(desk: Desk) -> None:
    request = asked(desk)
    decision = {"requestId": request, "approver": "author", "decision": "approved"}
    with pytest.raises(PermanentError, match="cannot decide it"):
        desk.do("confirm.decide", **decision)
    with pytest.raises(PermanentError, match="cannot give it"):
        asked(desk, approvers=["author"])
    desk.configure("confirm", selfApproval=True)

    assert desk.do("confirm.decide", **decision)["approved"]


def test_processing_counts_only_those_who_may_decide(desk: Desk) -> None:
    request = asked(desk, approvers=["a", "b"], quorum=2)
    given = [{"approver": "a", "decision": "approved"}]
    found = desk.do("confirm.processApproval", requestId=request, approvers=["b"], decisions=given)
    assert (found["status"], found["approvals"]) == ("pending", 0)
    with pytest.raises(PermanentError, match="nobody may decide"):
        desk.do("confirm.processApproval", requestId=request, approvers=[])


def test_request_about_what_is_not_there_is_refused(desk: Desk) -> None:
    with pytest.raises(PermanentError, match="no plan plan-009 to approve"):
        desk.do("confirm.request", targetType="plan", targetId="plan-009", requestedByRole="author")


def test_request_that_is_decided_or_lost_its_target_is_not_valid(desk: Desk) -> None:
    plan = desk.do("plan.create", contextId=desk.context())["planId"]
    request = desk.do(
        "confirm.request", targetType="plan", targetId="plan-001", requestedByRole="author"
    )["requestId"]
    assert desk.do("confirm.validateRequest", requestId=request)["targetId"] == plan
    desk.do("plan.delete", planId=plan)
    with pytest.raises(PermanentError, match="no plan"):
        desk.do("confirm.validateRequest", requestId=request)
    desk.do("confirm.cancel", requestId=request)
    with pytest.raises(PermanentError, match="is cancelled: nothing is to decide"):
        desk.do("confirm.validateRequest", requestId=request)


def test_trace_ends_only_when_its_segments_have(desk: Desk) -> None:
    trace = desk.do("trace.open", contextId=desk.context())["traceId"]
    segment = desk.do("trace.append", traceId=trace, label="think")["segmentId"]
    with pytest.raises(PermanentError, match="have not ended: think"):
        desk.do("trace.close", traceId=trace)
    desk.do("trace.finish", traceId=trace, segmentId=segment)
    ended = desk.do("trace.close", traceId=trace)["trace"]

    assert ended["status"] == "completed"
    assert ended["segments"][0]["finished_at"] == ended["finished_at"]
    with pytest.raises(PermanentError, match="nothing is added"):
        desk.do("trace.append", traceId=trace, label="more")


def test_trace_that_failed_cancels_what_still_ran(desk: Desk) -> None:
    trace = desk.do("trace.open", contextId=desk.context())["traceId"]
    desk.do("trace.append", traceId=trace, label="think")

    ended = desk.do("trace.close", traceId=trace, status="failed")["trace"]
    assert [one["status"] for one in ended["segments"]] == ["cancelled"]


def collab(desk: Desk, mode: str, names: str = "abc") -> str:
    id: str = desk.do(
        "collab.start",
        contextId=desk.context(),
        title="t",
        mode=mode,
        participants=[{"id": name} for name in names],
    )["collabId"]
    return id


@pytest.mark.parametrize(
    ("mode", "sender", "recipients"),
    [
        ("broadcast", "b", ["a", "c"]),
        ("swarm", "b", ["a", "c"]),
        ("orchestrated", "a", ["b", "c"]),
        ("orchestrated", "b", ["a"]),
        ("round_robin", "a", ["b"]),
    ],
)
def test_mode_says_to_whom_a_message_goes(
    desk: Desk, mode: str, sender: str, recipients: list[str]
) -> None:
    id = collab(desk, mode)

    found = desk.do("collab.broadcast", collabId=id, sender=sender, payload={"n": 1})
    assert found["recipients"] == recipients
    told = [payload["to"] for topic, payload in desk.published if topic == "collab.message"]
    assert told == recipients


def test_round_robin_goes_in_turns_also_when_somebody_leaves(desk: Desk) -> None:
    id = collab(desk, "round_robin")
    with pytest.raises(PermanentError, match="it is the turn of a"):
        desk.do("collab.broadcast", collabId=id, sender="b")
    assert desk.do("collab.broadcast", collabId=id, sender="a")["turn"] == "b"
    assert desk.do("collab.leave", collabId=id, participant="a")["turn"] == "b"
    assert desk.do("collab.leave", collabId=id, participant="b")["turn"] == "c"
    with pytest.raises(PermanentError, match="the last who takes part"):
        desk.do("collab.leave", collabId=id, participant="c")


def test_pair_has_two(desk: Desk) -> None:
    with pytest.raises(PermanentError, match="more than this collaboration admits, 2"):
        collab(desk, "pair")
    id = collab(desk, "pair", "ab")

    with pytest.raises(PermanentError, match="more than this collaboration admits, 2"):
        desk.do("collab.join", collabId=id, participant={"id": "c"})


def network(desk: Desk, topology: str, **links: list[str]) -> tuple[str, dict[str, str]]:
    net = desk.do("network.create", contextId=desk.context(), name="n", topology=topology)
    ids = {
        name: desk.do("network.addNode", networkId=net["networkId"], name=name, linkedTo=linked)[
            "nodeId"
        ]
        for name, linked in links.items()
    }
    return net["networkId"], ids


@pytest.mark.parametrize(
    ("topology", "links", "path"),
    [
        ("mesh", {}, "cd"),
        ("hub_spoke", {}, "cad"),
        ("hierarchical", {"b": ["a"], "c": ["b"], "d": ["a"]}, "cbad"),
        ("hybrid", {"b": ["a"], "c": ["b"], "d": ["b"]}, "cbd"),
    ],
)
def test_topology_says_which_way_leads_where(
    desk: Desk, topology: str, links: dict[str, list[str]], path: str
) -> None:
    net, ids = network(desk, topology, **{name: links.get(name, []) for name in "abcd"})

    found = desk.do("network.route", networkId=net, source="c", target="d")
    assert found["path"] == [ids[name] for name in path]
    assert found["hops"] == len(path) - 1


def test_way_avoids_what_is_degraded_and_does_not_pass_what_is_gone(desk: Desk) -> None:
    links: dict[str, list[str]] = {"a": [], "b": ["a"], "c": ["a"], "d": ["c"], "e": ["b", "d"]}
    net, ids = network(desk, "other", **links)
    asked = {"networkId": net, "source": "a", "target": "e"}
    assert desk.do("network.route", **asked)["path"] == [ids[one] for one in "abe"]
    desk.do("network.setNodeStatus", networkId=net, node="b", status="degraded")
    assert desk.do("network.route", **asked)["path"] == [ids[one] for one in "acde"]
    desk.do("network.setNodeStatus", networkId=net, node="d", status="unreachable")
    detour = desk.do("network.route", **asked)
    assert (detour["path"], detour["degraded"]) == ([ids[one] for one in "abe"], True)
    desk.do("network.removeNode", networkId=net, node="b")

    nowhere = desk.do("network.route", **asked)
    assert (nowhere["reachable"], nowhere["path"], nowhere["hops"]) == (False, [], 0)


def test_topology_refuses_nodes_that_it_has_no_place_for(desk: Desk) -> None:
    net, _ = network(desk, "single_node", a=[])
    with pytest.raises(PermanentError, match="as many nodes as it admits, 1"):
        desk.do("network.addNode", networkId=net)
    net, _ = network(desk, "hierarchical", a=[])
    with pytest.raises(PermanentError, match="its parent"):
        desk.do("network.addNode", networkId=net)


def test_core_lists_what_was_applied(desk: Desk) -> None:
    with pytest.raises(PermanentError, match="no module has been applied"):
        desk.do("core.initialize")
    for name, state in (("plan", "started"), ("role", "configured"), ("own", "started")):
        desk.store.put("module", name, {"state": state, "version": "1.2.3"})

    listed = desk.do("core.initialize")["core"]["modules"]
    assert listed == [{"module_id": "plan", "version": "1.2.3", "status": "enabled"}]


def test_plans_of_a_context_hear_that_it_changed(desk: Desk) -> None:
    context = desk.context()
    plan = desk.do("plan.create", contextId=context)["planId"]
    over = desk.do("plan.create", contextId=context)["planId"]
    desk.do("plan.cancel", planId=over)
    desk.do("context.update", contextId=context, summary="another")

    assert hear(desk, "plan", "context.updated", context) == [plan]
    event = desk.do("plan.get", planId=plan)["plan"]["events"][-1]
    assert event["event_type"] == "plan.context.updated"
    assert event["data"]["changes"] == ["summary"]
    told = desk.do("plan.contextUpdated", contextId="ctx-001", changes=["participants", "goals"])
    assert told == {"changed": [plan]}


@pytest.mark.parametrize("topic", ["context.closed", "context.expired", "context.deleted"])
def test_plans_that_have_not_begun_are_given_up_with_their_context(desk: Desk, topic: str) -> None:
    context = desk.context()
    plans = [desk.do("plan.create", contextId=context)["planId"] for _ in range(3)]
    desk.do("plan.start", planId=plans[1])

    assert sorted(hear(desk, "plan", topic, context)) == sorted([plans[0], plans[2]])
    states = [desk.do("plan.get", planId=plan)["status"] for plan in plans]
    assert states == ["cancelled", "in_progress", "cancelled"]
    assert hear(desk, "plan", topic, context) == []


def test_requests_about_what_is_gone_are_given_up(desk: Desk) -> None:
    plan = desk.do("plan.create", contextId=desk.context())["planId"]
    request = desk.do(
        "confirm.request", targetType="plan", targetId=plan, requestedByRole="author"
    )["requestId"]
    desk.do("plan.cancel", planId=plan)

    assert hear(desk, "confirm", "plan.cancelled", plan) == [request]
    assert desk.do("confirm.get", requestId=request)["status"] == "cancelled"
    assert hear(desk, "confirm", "plan.cancelled", "") == []


def test_types_subscribe_to_topics_that_are_published(desk: Desk) -> None:
    tour(desk)
    published = {topic for topic, _ in desk.published}
    for type in types():
        for pattern, operation in type.subscriptions.items():
            assert operation in OPERATIONS
            expired = (
                pattern == "context.expired"
            )  # closed by time, which the tour does not wait for
            assert expired or any(matches(pattern, topic) for topic in published), pattern
