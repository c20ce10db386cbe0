"""Verdicts over documents and changes: which rules judge what, and what they say."""

import pytest

from chimera.context import Processes
from chimera.model import Finding, Place, Severity, Span
from chimera.policy import plugin

from .conftest import Bench, document, findings, rule, rules_of, thing
from .test_worker import BOMB

SMALL = rule("object.spec.size < 10")


def test_every_rule_judges_every_document_that_it_matches_and_counts_those_in_order(
    bench: Bench,
) -> None:
    bench.policy(SMALL, rule("object.spec.note != ''", "noted"))
    bench.write(
        thing("a", size=1, note="x"), thing("b", size=11, note="x"), thing("c", size=1, note="")
    )
    assert findings(bench.judge()) == {
        ("Policy/p#small", "2 matches"): "pass",
        ("Policy/p#small", "Thing/b"): "fail",
        ("Policy/p#noted", "2 matches"): "pass",
        ("Policy/p#noted", "Thing/c"): "fail",
    }
    assert sum(verdict.count for verdict in bench.judge()) == 6


def test_a_denial_stands_at_the_narrowest_field_and_cites_the_rule(bench: Bench) -> None:
    bench.policy(SMALL)
    bench.write(thing("a", size=11))
    (denial,) = bench.located(bench.judge())
    assert (denial.rule, denial.message) == ("policy-denied", "Policy/p#small: small must hold")
    assert denial.severity is Severity.ERROR
    assert denial.address == "Thing/a"
    text = (bench.root / denial.span.path).read_text().splitlines()[denial.span.line - 1]
    assert text[denial.span.column - 1 :] == "11"
    (related,) = denial.related
    assert isinstance(related.where, Span)
    assert related.where.path == "specs/Policy-p.yaml"
    line = (bench.root / related.where.path).read_text().splitlines()[related.where.line - 1]
    assert "object.spec.size < 10" in line


@pytest.mark.parametrize(
    ("action", "severity", "finding"),
    [
        ("deny", Severity.ERROR, Finding.FAIL),
        ("warn", Severity.WARNING, Finding.PASS),
        ("audit", Severity.INFO, Finding.PASS),
    ],
)
def test_action_decides_what_a_broken_rule_does(
    bench: Bench, action: str, severity: Severity, finding: Finding
) -> None:
    bench.policy(rule("object.spec.size < 10", action=action))
    bench.write(thing("a", size=11))
    (verdict,) = bench.judge()
    assert verdict.finding is finding
    assert [d.severity for d in verdict.diagnostics] == [severity]
    assert verdict.reasons


@pytest.mark.parametrize(
    ("action", "expression"),
    [
        ("deny", "object.spec.absent == 1"),
        ("warn", "object.spec.absent == 1"),
        ("audit", "1 / object.spec.size == 1"),
        ("deny", "dyn(object.spec.size)"),
        ("deny", f"{BOMB} != ''"),
    ],
)
def test_a_rule_that_errs_denies(bench: Bench, action: str, expression: str) -> None:
    bench.policy(rule(expression, action=action), rule("true", "other"))
    bench.write(thing("a", size=0))
    verdicts = bench.judge()
    assert findings(verdicts) == {
        ("Policy/p#small", "Thing/a"): "fail",
        ("Policy/p#other", "1 match"): "pass",
    }
    assert rules_of(verdicts) == ["policy-rule-error"]


def test_a_rule_that_overruns_its_worker_denies_and_the_rest_is_judged(bench: Bench) -> None:
    bench.policy(
        rule("object.spec.parts.all(x, !object.spec.note.matches('a.*b.*c'))", "slow"), SMALL
    )
    bench.write(thing("a", size=1, note="ab" * 100_000, parts=[{}] * 9000), thing("b", size=11))
    verdicts = bench.judge(seconds=0.5)
    found = findings(verdicts)
    assert found["Policy/p#slow", "Thing/a"] == "fail"
    assert found["Policy/p#small", "1 match"] == "pass"
    assert found["Policy/p#small", "Thing/b"] == "fail"
    assert "longer than 0.5 seconds" in str(verdicts)


def test_a_worker_that_cannot_even_start_denies_everything(bench: Bench) -> None:
    bench.policy(rule("true"), rule("true", "other"))
    bench.write(thing("a"), thing("b"))
    verdicts = bench.judge(memory_bytes=1 << 20)
    assert set(findings(verdicts).values()) == {"fail"}
    assert len(verdicts) == 4
    assert set(rules_of(verdicts)) == {"policy-rule-error"}


def test_message_expression_puts_values_into_the_message(bench: Bench) -> None:
    more = {"messageExpression": "variables.what + ' is ' + string(object.spec.size)"}
    bench.policy(
        rule("object.spec.size < 10", **more), variables=[{"name": "what", "expression": "'size'"}]
    )
    bench.write(thing("a", size=11), thing("b", size=12))
    assert [v.reasons[0] for v in bench.judge()] == [
        "Policy/p#small: size is 11",
        "Policy/p#small: size is 12",
    ]


@pytest.mark.parametrize("expression", ["object.absent", "''", "'a'.substring(9)"])
def test_message_expression_that_gives_nothing_leaves_the_message(
    bench: Bench, expression: str
) -> None:
    bench.policy(rule("object.spec.size < 10", messageExpression=expression))
    bench.write(thing("a", size=11))
    assert bench.judge()[0].reasons == ("Policy/p#small: small must hold",)


def test_a_document_cannot_put_control_characters_or_a_flood_into_a_message(bench: Bench) -> None:
    bench.policy(rule("object.spec.size < 10", messageExpression="object.spec.note"))
    bench.policy(rule("object[object.spec.note] == 1"), name="errs")
    bench.write(thing("a", size=11, note="\x1b[31mred\n" + "x" * 10_000))
    for verdict in bench.judge():
        (message,) = verdict.reasons
        assert message.isprintable()
        assert len(message) < 700


def test_variables_are_shared_and_may_read_those_before_them(bench: Bench) -> None:
    bench.policy(
        rule("variables.double == 4", "double"),
        rule("variables.size == 2", "size"),
        variables=[
            {"name": "size", "expression": "object.spec.size"},
            {"name": "double", "expression": "variables.size * 2"},
        ],
    )
    bench.write(thing("a", size=2))
    assert set(findings(bench.judge()).values()) == {"pass"}


def test_variable_of_one_policy_does_not_reach_another(bench: Bench) -> None:
    broken = [{"name": "v", "expression": "object.spec.absent"}]
    bench.policy(rule("variables.v == 1"), name="a", variables=[{"name": "v", "expression": "1"}])
    bench.policy(rule("variables.v == 1"), name="b", variables=broken)
    bench.write(thing("x"))
    found = findings(bench.judge())
    assert found["Policy/a#small", "1 match"] == "pass"
    assert found["Policy/b#small", "Thing/x"] == "fail"


def test_variable_that_errs_denies_only_where_it_is_read(bench: Bench) -> None:
    bench.policy(
        rule("variables.v == 1", "reads"),
        rule("true", "ignores"),
        rule("object.spec.size == 0 || variables.v == 1", "need-not"),
        variables=[{"name": "v", "expression": "object.spec.absent"}],
    )
    bench.write(thing("a", size=0))
    assert findings(bench.judge()) == {
        ("Policy/p#reads", "Thing/a"): "fail",
        ("Policy/p#ignores", "1 match"): "pass",
        ("Policy/p#need-not", "1 match"): "pass",
    }


def test_variable_about_a_change_makes_a_rule_inapplicable_without_one(bench: Bench) -> None:
    bench.policy(
        rule("variables.former < 3"),
        variables=[{"name": "former", "expression": "before.spec.size"}],
    )
    bench.write(thing("a"))
    (verdict,) = bench.judge()
    assert verdict.finding is Finding.NOT_EXERCISED
    assert "'before'" in verdict.reasons[0]


# What a rule may read, and when it is there.


@pytest.mark.parametrize(
    "expression", ["before.spec.size > 0", "change.action == 'x'", "actor.name == 'x'"]
)
def test_a_rule_about_a_change_is_inapplicable_where_nothing_is_compared(
    bench: Bench, expression: str
) -> None:
    bench.policy(rule(expression))
    bench.write(thing("a"))
    (verdict,) = bench.judge()
    assert (verdict.finding, verdict.diagnostics) == (Finding.NOT_EXERCISED, ())


def test_a_document_that_did_not_change_has_no_change(bench: Bench) -> None:
    bench.policy(rule("change.action == 'update'"))
    bench.write(thing("a", size=2), thing("b"))
    subject = bench.changed((thing("a", size=1), thing("a", size=2)))
    assert findings(bench.judge(subject)) == {
        ("Policy/p#small", "1 match"): "pass",
        ("Policy/p#small", "Thing/b"): "not-exercised",
    }


def test_an_update_has_before_and_object(bench: Bench) -> None:
    bench.policy(rule("object.spec.size <= before.spec.size", "shrinks"))
    bench.write(thing("a", size=1), thing("b", size=3), thing("c", size=5))
    subject = bench.changed(
        (thing("a", size=2), thing("a", size=1)),
        (thing("b", size=2), thing("b", size=3)),
        (None, thing("c", size=5)),
    )
    assert findings(bench.judge(subject)) == {
        ("Policy/p#shrinks", "1 match"): "pass",
        ("Policy/p#shrinks", "Thing/b"): "fail",
        ("Policy/p#shrinks", "Thing/c"): "not-exercised",
    }


def test_a_delete_has_before_only_and_stands_at_the_rule(bench: Bench) -> None:
    bench.policy(
        rule("before.spec.size == 0", "empty"),
        rule("object.spec.size < 10"),
        rule("change.action != 'delete'", "kept"),
        rule("!('ops/1' in layer)", "layered"),
    )
    subject = bench.changed((thing("gone", size=1), None))
    verdicts = bench.judge(subject)
    assert findings(verdicts) == {
        ("Policy/p#empty", "Thing/gone"): "fail",
        ("Policy/p#small", "Thing/gone"): "not-exercised",
        ("Policy/p#kept", "Thing/gone"): "fail",
        ("Policy/p#layered", "Thing/gone"): "not-exercised",
    }
    places = {d.span.path for d in bench.located(verdicts)}
    assert places == {"specs/Policy-p.yaml"}


def test_actor_environment_layer_and_now_are_bound(bench: Bench) -> None:
    bench.policy(
        rule(
            "actor.kind == 'human' && actor.name == 'ann' && !environment.protected"
            " && environment.name == 'local' && 'ops/1' in layer && !layer['ops/1'].dormant"
            " && now == timestamp('2026-11-21T00:00:00Z') && change.reason == 'it differs'"
        )
    )
    bench.layers["Thing/a"] = ("ops/1",)
    bench.write(thing("a"))
    assert [v.finding for v in bench.judge(bench.changed((None, thing("a"))))] == [Finding.PASS]


# What a policy is about.


def test_match_selects_by_kind_label_and_layer(bench: Bench) -> None:
    bench.policy(
        rule("false"),
        match={"kinds": ["Thing"], "labels": {"team": "x"}, "layers": []},
        name="labelled",
    )
    bench.write(document("Thing", "a", {}, labels={"team": "x"}), thing("b"))
    assert set(findings(bench.judge())) == {("Policy/labelled#small", "Thing/a")}


def test_match_selects_by_layer(bench: Bench) -> None:
    bench.policy(rule("false"), match={"layers": ["ops/1"]})
    bench.layers["Thing/a"] = ("ops/1",)
    bench.layers["Thing/b"] = ("ops/2",)
    bench.write(thing("a"), thing("b"), thing("c"))
    assert set(findings(bench.judge())) == {("Policy/p#small", "Thing/a")}


def test_match_that_says_nothing_is_about_every_document(bench: Bench) -> None:
    bench.policy(rule("object.kind in ['Thing', 'Policy']"), match={})
    bench.write(thing("a"))
    assert [verdict.count for verdict in bench.judge()] == [2]


def test_match_of_changes_judges_only_those(bench: Bench) -> None:
    bench.policy(rule("false"), match={"kinds": ["Thing"], "changes": ["create", "delete"]})
    bench.write(thing("new"), thing("same"), thing("other", size=2))
    subject = bench.changed(
        (None, thing("new")), (thing("other"), thing("other", size=2)), (thing("gone"), None)
    )
    assert {s for _, s in findings(bench.judge(subject))} == {"Thing/new", "Thing/gone"}


def test_a_label_taken_away_does_not_escape_the_policy_that_it_selected(bench: Bench) -> None:
    bench.policy(rule("false"), match={"labels": {"team": "x"}})
    bench.write(thing("a"))
    subject = bench.changed((document("Thing", "a", {}, labels={"team": "x"}), thing("a")))
    assert set(findings(bench.judge(subject))) == {("Policy/p#small", "Thing/a")}


def test_match_of_paths_judges_changes_of_governed_paths(bench: Bench) -> None:
    bench.policy(
        rule("!change.paths.exists(p, p.endsWith('.sql'))", "no-sql"), match={"paths": ["src/**"]}
    )
    bench.write(thing("a"))
    verdicts = bench.judge(bench.paths_changed(["src/**"], ["src/a.py", "src/b.sql"]))
    assert findings(verdicts) == {("Policy/p#no-sql", "paths:src/**"): "fail"}
    verdicts = bench.judge(bench.paths_changed(["src/**"], ["src/a.py"]))
    assert findings(verdicts) == {("Policy/p#no-sql", "1 match"): "pass"}


# Policies that judge nothing.


def test_a_policy_that_matched_nothing_is_inapplicable_and_harmless(bench: Bench) -> None:
    bench.policy(rule("false"))
    (verdict,) = bench.judge()
    assert (verdict.judge, verdict.subject) == ("Policy/p#small", "Policy/p")
    assert verdict.finding is Finding.NOT_EXERCISED
    assert verdict.reasons == ("it matched nothing: there is no Thing",)
    assert verdict.diagnostics == ()


def test_a_policy_about_changes_says_that_nothing_was_compared(bench: Bench) -> None:
    bench.policy(rule("false"), match={"kinds": ["Thing"], "changes": ["create"]})
    bench.write(thing("a"))
    (verdict,) = bench.judge()
    assert verdict.finding is Finding.NOT_EXERCISED
    assert "nothing was compared" in verdict.reasons[0]


def test_a_policy_in_a_dormant_layer_does_not_act(bench: Bench) -> None:
    bench.policy(rule("false"))
    bench.write(thing("a"))
    bench.layers["Policy/p"] = ("operations/4",)
    bench.dormant.add("operations/4")
    (verdict,) = bench.judge()
    assert verdict.finding is Finding.NOT_EXERCISED
    assert "dormant" in verdict.reasons[0]


def test_a_policy_with_faults_fails_and_judges_nothing(bench: Bench) -> None:
    bench.policy(rule("object.spec.size <"), name="broken")
    bench.policy(SMALL, name="sound")
    bench.write(thing("a", size=1))
    verdicts = bench.judge()
    assert findings(verdicts) == {
        ("Policy/broken", "Policy/broken"): "fail",
        ("Policy/broken#small", "Policy/broken"): "not-exercised",
        ("Policy/sound#small", "1 match"): "pass",
    }
    (idle,) = (v.reasons for v in verdicts if v.finding is Finding.NOT_EXERCISED)
    assert idle == ("its policy has faults, and is not applied until they are mended",)


def test_rules_that_a_wrong_case_keeps_from_judging_are_not_exercised(bench: Bench) -> None:
    wrong = {"name": "wrong", "object": {"spec": {"size": 1}}, "expect": ["small"]}
    bench.policy(rule("object.spec.size < 3"), rule("true", "also"), cases=[wrong])
    bench.write(thing("a", size=1))
    assert findings(bench.judge()) == {
        ("Policy/p", "Policy/p"): "fail",
        ("Policy/p#small", "Policy/p"): "not-exercised",
        ("Policy/p#also", "Policy/p"): "not-exercised",
    }


def test_without_policies_no_process_is_started(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write(thing("a"))
    monkeypatch.setattr(Processes, "start", lambda *_: pytest.fail("a process was started"))
    assert bench.judge() == []


def test_many_documents_are_judged_by_one_process(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []
    start = Processes.start
    monkeypatch.setattr(Processes, "start", lambda *a: started.append(1) or start(*a))
    bench.policy(SMALL, rule("snapshot.unique('Thing', 'metadata.name')", "unique"))
    bench.write(*(thing(f"t{n:03}", size=n % 20) for n in range(250)))
    found = findings(bench.judge())
    broken = {("Policy/p#small", f"Thing/t{n:03}") for n in range(250) if n % 20 >= 10}
    assert {key for key, finding in found.items() if finding == "fail"} == broken
    assert found["Policy/p#small", f"{250 - len(broken)} matches"] == "pass"
    assert found["Policy/p#unique", "250 matches"] == "pass"
    assert len(started) == 1


def test_plugin_registers_the_kinds_and_judges(bench: Bench) -> None:
    bench.policy(SMALL)
    bench.write(thing("a", size=11))
    assert {kind.name for kind in plugin.chimera_register_kinds()} == {
        "Policy",
        "Schema",
        "Waiver",
    }
    verdicts = list(plugin.chimera_check_snapshot(bench.subject()))
    assert findings(verdicts) == {("Policy/p#small", "Thing/a"): "fail"}
    assert isinstance(verdicts[0].diagnostics[0].where, Place)


def test_judging_twice_says_the_same(bench: Bench) -> None:
    bench.policy(SMALL, rule("object.spec.absent", "errs"))
    bench.write(thing("a", size=11), thing("b"))
    assert bench.judge() == bench.judge()
