"""Each word refuses what it names and nothing else, on kinds that nobody has written."""

from __future__ import annotations

import pytest

from chimera.contract import PROHIBITIONS, Prohibition
from chimera.model import Action, Actor, Address, Change

OFFENCES = [
    ("automation", {"trigger": "schedule"}, "trigger"),
    ("automation", {"trigger": "event"}, "trigger"),
    ("background-execution", {"background": True}, "background"),
    ("cadence", {"review": "7d"}, "review"),
    ("cadence", {"trigger": "schedule"}, "trigger"),
    ("enforcement", {"denies": True}, "denies"),
    ("enforcement", {"action": "deny"}, "action"),
    ("auto-approval", {"autoApproves": True}, "autoApproves"),
    ("automatic-policy-change", {"writes": ["Policy"]}, "writes"),
    ("automatic-guardrail-change", {"writes": ["Gate"]}, "writes"),
    ("ownership", {"owner": "ada"}, "owner"),
    ("participation", {"participants": ["ada"]}, "participants"),
    ("interpretation", {"threshold": 3}, "threshold"),
]
INNOCENT = [
    ("automation", {"trigger": "human", "review": "7d"}),
    ("background-execution", {"background": False, "owner": "ada"}),
    ("cadence", {"trigger": "event"}),
    ("enforcement", {"denies": False}),
    ("enforcement", {"action": "warn"}),
    ("auto-approval", {"autoApproves": False, "denies": True}),
    ("automatic-policy-change", {"writes": ["Gate", "out/*.txt"]}),
    ("automatic-guardrail-change", {"writes": ["Policy", "out/**"]}),
    ("ownership", {"participants": ["ada"]}),
    ("participation", {"owner": "ada"}),
    ("interpretation", {"denies": True}),
    ("decision-making", {"denies": True, "trigger": "schedule"}),
    ("tooling", {"trigger": "schedule"}),
    ("required-outputs", {"denies": True}),
]


def rule(word):
    return f"layer-prohibits-{word}"


def test_vocabulary_is_the_designs():
    assert {prohibition.word for prohibition in PROHIBITIONS} == {
        "automation",
        "background-execution",
        "cadence",
        "enforcement",
        "auto-approval",
        "automatic-policy-change",
        "automatic-guardrail-change",
        "decision-making",
        "tooling",
        "ownership",
        "required-outputs",
        "participation",
        "interpretation",
    }


@pytest.mark.parametrize(("word", "spec", "field"), OFFENCES)
def test_document_of_the_layer_is_refused_at_its_field(repository, build, word, spec, field):
    repository.write(
        build.contract(build.layer("a", prohibits=[word])),
        build.thing("one", "ops/a", **spec),
    )
    found = repository.only(rule(word))
    assert found.address == "Thing/one"
    assert found.span.path == "specs/thing-one.yaml"
    line = repository.line(found)
    assert field in line or line.startswith("- ")
    assert repository.cited(found) == f"- {word}"


@pytest.mark.parametrize(("word", "spec", "field"), OFFENCES)
@pytest.mark.parametrize("how", [{"refers": ["Thing/note"]}, {"about": "ops/a"}])
def test_document_that_refers_to_the_layer_is_refused(repository, build, word, spec, field, how):
    repository.write(
        build.contract(build.layer("a", prohibits=[word])),
        build.thing("note", "ops/a"),
        build.thing("other", **spec, **how),
    )
    found = repository.only(rule(word))
    assert found.address == "Thing/other"
    assert "refers to" in found.message


@pytest.mark.parametrize(("word", "spec", "field"), OFFENCES)
def test_document_of_another_layer_may_do_it(repository, build, word, spec, field):
    repository.write(
        build.contract(build.layer("a", prohibits=[word]), build.layer("b")),
        build.thing("one", "ops/a"),
        build.thing("two", "ops/b", **spec),
    )
    assert repository.rules() == set()


@pytest.mark.parametrize(("word", "spec"), INNOCENT)
def test_document_that_does_something_else_is_not_refused(repository, build, word, spec):
    repository.write(
        build.contract(build.layer("a", prohibits=[word])), build.thing("one", "ops/a", **spec)
    )
    assert repository.rules() == set()


def test_record_that_refers_to_the_layer_makes_nothing_act(repository, build):
    repository.write(
        build.contract(build.layer("a", prohibits=["ownership", "automation"])),
        build.thing("note", "ops/a"),
        build.document("Record", "seen", {"refers": ["Thing/note"], "owner": "ada"}),
    )
    assert repository.rules() == set()


def test_contract_that_names_the_layer_makes_nothing_act(repository, build):
    sends = {"refuses": [{"what": "reflection", "to": "ops/a"}]}
    aims = {"objectives": [{"name": "speed", "target": "fast", "due": "2027-01-01"}]}
    repository.write(
        build.contract(build.layer("a", prohibits=["cadence"]), build.layer("b", **sends, **aims))
    )
    assert repository.rules() == set()


def test_automation_refuses_an_apply_by_automation(repository, build):
    repository.write(
        build.contract(build.layer("a", prohibits=["automation"])),
        build.thing("one", "ops/a", trigger="apply"),
    )

    def change(name, action):
        return (Change(Address("Thing", name), action, "sha256:1", "sha256:2", "differs"),)

    repository.changes = change("one", Action.CREATE)
    assert repository.rules() == set()
    repository.actor = Actor("ci", "automation")
    assert "ci" in repository.only(rule("automation")).message
    for changes in (None, change("one", Action.NO_OP), change("other", Action.UPDATE)):
        repository.changes = changes
        assert repository.rules() == set()


def test_automation_refuses_a_run_by_automation_of_what_people_start(repository, build):
    repository.write(
        build.contract(build.layer("a", prohibits=["automation"])),
        build.thing("one", "ops/a", trigger="human"),
    )
    one = Address("Thing", "one")
    for action, expected in ((Action.RUN, {rule("automation")}), (Action.UPDATE, set())):
        repository.changes = (Change(one, action, "sha256:1", "sha256:1", "was asked for"),)
        repository.actor = Actor("ci", "automation")
        assert repository.rules() == expected
        repository.actor = Actor("ada", "human")
        assert repository.rules() == set()


@pytest.mark.parametrize(
    "target",
    [
        "policies/**",
        "policies/policy-old.yaml",
        "policies/new-*.yaml",
        "**/*.yaml",
        "**",
        "${input.path}",
        "policies/${input.name}.yaml",
        "../elsewhere",
    ],
)
def test_globs_that_can_name_a_policy_are_refused(repository, build, target):
    repository.write(
        build.contract(build.layer("a", prohibits=["automatic-policy-change"])),
        build.thing("old", kind="Policy"),
        build.thing("one", "ops/a", writes=[target]),
    )
    assert repository.rules() == {rule("automatic-policy-change")}


@pytest.mark.parametrize("target", ["out/**", "*.md", "policies.md", "out/${input.name}.txt"])
def test_globs_that_cannot_name_a_policy_are_not_refused(repository, build, target):
    repository.write(
        build.contract(build.layer("a", prohibits=["automatic-policy-change"])),
        build.thing("old", kind="Policy"),
        build.thing("one", "ops/a", writes=[target]),
    )
    assert repository.rules() == set()


@pytest.mark.parametrize("target", ["specs/gate-*.yaml", "specs/${input.name}", "Guard"])
def test_what_can_name_a_gate_or_guard_is_refused(repository, build, target):
    repository.write(
        build.contract(build.layer("a", prohibits=["automatic-guardrail-change"])),
        build.thing("payments", kind="Gate"),
        build.thing("one", "ops/a", writes=[target]),
    )
    assert repository.rules() == {rule("automatic-guardrail-change")}


def test_placeholder_below_policies_names_no_gate(repository, build):
    repository.write(
        build.contract(build.layer("a", prohibits=["automatic-guardrail-change"])),
        build.thing("payments", kind="Gate"),
        build.thing("one", "ops/a", writes=["policies/${input.name}"]),
    )
    assert repository.rules() == set()


@pytest.mark.parametrize(
    "how",
    [
        {"decides": "Thing/note"},
        {"condition": "snapshot.get('Thing/note').spec.ok"},
        {"condition": 'layer == "ops/a"'},
    ],
)
def test_choosing_by_a_document_of_the_layer_is_refused(repository, build, how):
    repository.write(
        build.contract(build.layer("a", prohibits=["decision-making"])),
        build.thing("note", "ops/a"),
        build.thing("gate", **how),
    )
    found = repository.only(rule("decision-making"))
    assert found.address == "Thing/gate"
    assert repository.line(found).startswith(next(iter(how)))
    assert repository.cited(found) == "- decision-making"


def test_mentioning_a_document_of_the_layer_chooses_nothing(repository, build):
    repository.write(
        build.contract(build.layer("a", prohibits=["decision-making", "required-outputs"])),
        build.thing("note", "ops/a"),
        build.thing("other", refers=["Thing/note"], condition="'Thing/other' == 'Thing/other'"),
    )
    assert repository.rules() == set()


@pytest.mark.parametrize("how", [{"needs": "Thing/note"}, {"owes": ["Thing"]}])
def test_owing_what_stands_in_the_layer_is_refused(repository, build, how):
    admits = {"kinds": ["Thing"]} if "owes" in how else {}
    repository.write(
        build.contract(build.layer("a", prohibits=["required-outputs"], admits=admits)),
        build.thing("note", *([] if admits else ["ops/a"])),
        build.thing("gate", kind="Gate", **how),
    )
    found = repository.only(rule("required-outputs"))
    assert found.address == "Gate/gate"
    assert repository.cited(found) == "- required-outputs"


@pytest.mark.parametrize(
    ("kind", "tool"),
    [("Machine", "executable by the plugin machines"), ("Served", "command serve")],
)
def test_tools_for_what_the_layer_admits_are_refused(repository, build, kind, tool):
    repository.write(
        build.contract(build.layer("a", prohibits=["tooling"], admits={"kinds": ["Thing", kind]}))
    )
    found = repository.only(rule("tooling"))
    assert tool in found.message
    assert found.address == "LayerContract/ops"
    assert repository.line(found) == f"- {kind}"


def test_operation_of_the_kinds_plugin_is_tooling(repository, build):
    repository = repository.with_plugins(rooms={"spin": "things", "serve": "served"})
    repository.write(
        build.contract(build.layer("a", prohibits=["tooling"])), build.thing("one", "ops/a")
    )
    found = repository.only(rule("tooling"))
    assert "operation spin" in found.message
    assert repository.line(found) == "- ops/a"


def test_words_of_other_plugins_are_enforced(repository, build):
    def refuses(facts):
        for member in facts.members:
            yield facts.refuse(f"{member.address} is here", member, ("metadata",), "move it")

    word = Prohibition("presence", "nothing stands here", refuses)
    repository = repository.with_plugins(prohibitions={"presence": word})
    repository.write(
        build.contract(build.layer("a", prohibits=["presence"])), build.thing("one", "ops/a")
    )
    assert repository.only(rule("presence")).address == "Thing/one"
