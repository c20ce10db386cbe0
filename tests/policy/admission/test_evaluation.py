"""Validations, variables, conditions, messages, parameters and bindings, as in a cluster."""

import json
from typing import Any

import pytest

from chimera.model import Finding, Place, Severity
from chimera.policy import Bounds

from .conftest import binding, config, fault, findings, found, judge, only, pod, policy, route

TAGGED = "object.spec.containers.all(c, c.image.contains(':'))"
LIMITED = {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}}
BOMB = "'" + "a" * 20 + "'" + ".replace('a', 'aaaaaaaaaaaaaaaaaaaa')" * 9


def test_a_broken_validation_fails_at_its_field_and_names_its_own_place() -> None:
    evaluation = judge([policy(TAGGED)], [pod("x"), pod("y", containers=[{"image": "a:1"}])])
    assert found(evaluation) == [
        ("p#validations[0]", "1 resource", "pass"),
        ("p#validations[0]", "Pod/x", "fail"),
    ]
    diagnostic = evaluation.verdicts[1].diagnostics[0]
    assert diagnostic.rule == "admission-denied"
    assert diagnostic.message.endswith(f"failed expression: {TAGGED}")
    assert route(diagnostic) == ("spec", "containers", 0)
    assert diagnostic.related[0].where == Place(
        "policies.yaml", 0, ("spec", "validations", 0, "expression")
    )


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        ({"message": "no"}, "no"),
        ({"messageExpression": "'a ' + object.metadata.name"}, "a x"),
        ({"message": "no", "messageExpression": "object.none"}, "no"),
        ({"message": "no", "messageExpression": "'  '"}, "no"),
        ({"message": "no", "messageExpression": r"'a\nb'"}, "no"),
        ({"messageExpression": "variables.said + '!'"}, "hm!"),
    ],
)
def test_a_message_is_worked_out_or_as_written(validation: dict[str, str], message: str) -> None:
    given = policy(
        {"expression": "false", **validation}, variables=[{"name": "said", "expression": "'hm'"}]
    )
    assert fault(judge([given], [pod()])).message.endswith(f"#validations[0]: {message}")


def test_a_reason_that_the_author_chose_is_told() -> None:
    given = policy({"expression": "false", "reason": "Forbidden"})
    assert "with the reason Forbidden" in fault(judge([given], [pod()])).related[0].message


def test_variables_read_one_another_and_err_only_where_they_are_read() -> None:
    variables = [
        {"name": "broken", "expression": "object.spec.none.more"},
        {"name": "images", "expression": "object.spec.containers.map(c, c.image)"},
        {"name": "count", "expression": "size(variables.images)"},
        {"name": "memory", "expression": "quantity('1Gi')"},
    ]
    evaluation = judge(
        [
            policy(
                "variables.count == 1 && variables.memory.isGreaterThan(quantity('1G'))",
                "variables.count == 1 || variables.broken",
                "variables.broken == 1",
                variables=variables,
            )
        ],
        [pod()],
    )
    assert [(j, f) for j, _, f in found(evaluation)] == [
        ("p#validations[0]", "pass"),
        ("p#validations[1]", "pass"),
        ("p#validations[2]", "fail"),
    ]
    assert "variables.broken: " in evaluation.verdicts[2].diagnostics[0].message


OPTIONAL = [
    {"name": "zone", "expression": "object.spec.?nodeSelector.?zone"},
    {"name": "named", "expression": "variables.zone.optMap(z, 'zone-' + z) // of 'zone'"},
    {"name": "labels", "expression": "{'a': 1}"},
    {"name": "wrong", "expression": "object.spec.nothing"},
]


@pytest.mark.parametrize(
    ("expression", "spec", "expected"),
    [
        ("variables.zone.orValue('none') == 'b'", {"nodeSelector": {"zone": "b"}}, "pass"),
        ("variables.zone.orValue('none') == 'none'", {}, "pass"),
        ("variables.zone.hasValue()", {}, "fail"),
        ("variables.named == optional.of('zone-b')", {"nodeSelector": {"zone": "b"}}, "pass"),
        ("variables.named == optional.none() && has(variables.named)", {}, "pass"),
        ("has(variables.labels) && !has(variables.labels.b)", {}, "pass"),
        ("has(variables.wrong)", {}, "fail"),
        ("has(request.userInfo)", {}, "not-exercised"),
    ],
)
def test_variables_hold_optional_values_and_can_be_tested(
    expression: str, spec: dict[str, Any], expected: str
) -> None:
    evaluation = judge([policy(expression, variables=OPTIONAL)], [pod(**spec)])
    assert findings(evaluation) == [expected]


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("type(ip('::1')) == net.IP", "this CEL engine has no names"),
        ("dyn([duration('1s')]).max() == duration('1s')", "this CEL engine takes no time"),
        ("variables.longest == duration('1s')", "variables.longest: this CEL engine takes no"),
    ],
)
def test_what_the_engine_lacks_is_not_exercised(expression: str, reason: str) -> None:
    longest = {"name": "longest", "expression": "dyn([duration('1s')]).max()"}
    evaluation = judge([policy(expression, variables=[longest])], [pod()])
    assert findings(evaluation) == ["not-exercised"]
    assert only(evaluation).reasons[0].startswith(reason)


def test_an_error_refuses_unless_the_policy_ignores_failures() -> None:
    diagnostic = fault(judge([policy("object.spec.none == 1")], [pod()]))
    assert (diagnostic.rule, diagnostic.severity) == ("admission-error", Severity.ERROR)
    evaluation = judge([policy("object.spec.none == 1", failurePolicy="Ignore")], [pod()])
    assert only(evaluation).finding is Finding.NOT_EXERCISED
    assert fault(evaluation).rule == "admission-error-ignored"
    assert fault(evaluation).severity is Severity.WARNING


@pytest.mark.parametrize(
    ("expressions", "expected"),
    [
        (["true", "true"], "pass"),
        (["true", "false"], "not-exercised"),
        (["object.none", "false"], "not-exercised"),
        (["true", "object.none"], "fail"),
        (["authorizer.path('/').check('get').allowed()"], "not-exercised"),
    ],
)
def test_a_policy_judges_where_all_its_conditions_hold(
    expressions: list[str], expected: str
) -> None:
    conditions = [{"name": f"c{n}", "expression": e} for n, e in enumerate(expressions)]
    evaluation = judge([policy("true", matchConditions=conditions)], [pod()])
    assert findings(evaluation) == [expected]


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("authorizer.group('').resource('pods').check('get').allowed()", "authorizer"),
        ("request.userInfo.username == 'me'", "who makes the request"),
        ("'admins' in request.userInfo.groups", "who makes the request"),
        ("request.uid != ''", "uid"),
        ("namespaceObject.metadata.labels.tier == 'prod'", "--namespace-object"),
    ],
)
def test_what_only_a_cluster_knows_is_not_exercised_and_says_so(
    expression: str, reason: str
) -> None:
    evaluation = judge([policy(expression)], [pod()])
    assert only(evaluation).finding is Finding.NOT_EXERCISED
    assert reason in only(evaluation).reasons[0]
    assert evaluation.undecided == 1


def test_what_does_not_depend_on_the_unknown_is_judged() -> None:
    expression = "object.kind == 'Pod' || authorizer.path('/').check('get').allowed()"
    assert findings(judge([policy(expression)], [pod()])) == ["pass"]


def test_the_request_says_all_that_can_be_known_of_it() -> None:
    expected = {
        "request.operation": "CREATE",
        "request.kind.kind": "Pod",
        "request.resource.resource": "pods",
        "request.resource.version": "v1",
        "request.namespace": "default",
        "request.name": "x",
        "object.metadata.namespace": "default",
        "request.subResource": "",
        "request.options.kind": "CreateOptions",
    }
    expressions = [f"{path} == {json.dumps(value)}" for path, value in expected.items()]
    given = policy(*expressions, "!request.dryRun && oldObject == null")
    assert set(findings(judge([given], [pod()]))) == {"pass"}


def test_a_namespace_that_is_given_can_be_asked() -> None:
    namespace = {"kind": "Namespace", "metadata": {"name": "default", "labels": {"tier": "prod"}}}
    given = policy("namespaceObject.metadata.labels.tier == 'prod'")
    assert findings(judge([given], [pod()], namespace=namespace)) == ["pass"]


def test_a_deletion_has_the_old_object_alone() -> None:
    given = policy("object == null && oldObject.metadata.name == 'x'")
    assert findings(judge([given], [pod()], operation="DELETE")) == ["pass"]


def test_an_update_compares_with_the_old_object_if_it_is_given() -> None:
    given = policy("object.spec == oldObject.spec")
    assert findings(judge([given], [pod()], operation="UPDATE", old=pod())) == ["pass"]
    assert findings(judge([given], [pod(a=1)], operation="UPDATE", old=pod())) == ["fail"]
    evaluation = judge([given], [pod()], operation="UPDATE")
    assert "--old" in only(evaluation).reasons[0]
    assert evaluation.undecided == 1


class TestParameters:
    policy = policy("size(object.spec.containers) <= int(params.data.most)", **LIMITED)

    def test_they_are_null_where_a_policy_takes_none(self) -> None:
        assert findings(judge([policy("params == null")], [pod()])) == ["pass"]

    def test_without_a_binding_each_that_is_given_judges(self) -> None:
        evaluation = judge(
            [self.policy], [pod()], parameters=[config("a", most="1"), config("b", most="0")]
        )
        assert found(evaluation) == [
            ("p/a#validations[0]", "1 resource", "pass"),
            ("p/b#validations[0]", "Pod/x", "fail"),
        ]

    def test_that_none_is_given_is_told(self) -> None:
        evaluation = judge([self.policy], [pod()])
        assert "--param" in only(evaluation).reasons[0]
        assert evaluation.undecided == 1

    def test_a_binding_without_a_reference_leaves_them_null(self) -> None:
        given = policy("params == null", **LIMITED)
        assert findings(judge([given, binding()], [pod()])) == ["pass"]

    @pytest.mark.parametrize("ref", [{"name": "b"}, {"selector": {"matchLabels": {"a": "1"}}}])
    def test_a_binding_takes_those_that_it_refers_to(self, ref: dict[str, Any]) -> None:
        chosen = config("b", most="0")
        chosen["metadata"]["labels"] = {"a": "1"}
        evaluation = judge(
            [self.policy, binding(paramRef=ref)],
            [pod()],
            parameters=[config("a", most="1"), chosen],
        )
        assert findings(evaluation) == ["fail"]

    def test_those_of_another_namespace_do_not_count(self) -> None:
        evaluation = judge(
            [self.policy, binding(paramRef={"name": "limits"})],
            [pod(namespace="here")],
            parameters=[config(namespace="there", most="1")],
        )
        assert "ConfigMap/limits, not given" in only(evaluation).reasons[0]
        assert evaluation.undecided == 1

    def test_they_may_stand_beside_the_policy(self) -> None:
        evaluation = judge([self.policy], [pod()], parameters=[config(most="0")])
        assert findings(evaluation) == ["fail"]


@pytest.mark.parametrize(
    ("actions", "rule", "severity", "finding"),
    [
        (["Deny", "Audit"], "admission-denied", Severity.ERROR, Finding.FAIL),
        (["Warn", "Audit"], "admission-warned", Severity.WARNING, Finding.PASS),
        (["Audit"], "admission-audited", Severity.INFO, Finding.PASS),
    ],
)
def test_a_binding_says_what_a_broken_policy_does(
    actions: list[str], rule: str, severity: Severity, finding: Finding
) -> None:
    evaluation = judge([policy("false"), binding(validationActions=actions)], [pod()])
    assert (fault(evaluation).rule, fault(evaluation).severity) == (rule, severity)
    assert only(evaluation).finding is finding
    assert only(evaluation).judge == "ValidatingAdmissionPolicy/p@b#validations[0]"


def test_a_binding_narrows_what_its_policy_is_about() -> None:
    narrow = binding(matchResources={"objectSelector": {"matchLabels": {"a": "1"}}})
    evaluation = judge([policy("false"), narrow], [pod(), pod("y", labels={"a": "1"})])
    assert found(evaluation) == [
        ("p@b", "1 resource", "not-exercised"),
        ("p@b#validations[0]", "Pod/y", "fail"),
    ]
    assert "it is not about: Pod/x" in evaluation.verdicts[0].reasons[0]


def test_audit_annotations_are_told_and_must_be_text() -> None:
    annotations = [
        {"key": "name", "valueExpression": "'it is ' + object.metadata.name"},
        {"key": "none", "valueExpression": "null"},
        {"key": "number", "valueExpression": "1"},
    ]
    evaluation = judge([policy(auditAnnotations=annotations)], [pod()])
    assert [(v.judge.partition("#")[2], v.finding.value) for v in evaluation.verdicts] == [
        ("auditAnnotations[name]", "pass"),
        ("auditAnnotations[number]", "fail"),
    ]
    assert evaluation.verdicts[0].reasons == ("the audit log would say: it is x",)


class TestFaults:
    def test_an_expression_that_is_not_cel_fails_the_policy_at_its_place(self) -> None:
        evaluation = judge([policy("true", "object.spec ==")], [pod()])
        assert fault(evaluation).rule == "admission-expression-invalid"
        assert route(fault(evaluation)) == ("spec", "validations", 1, "expression")

    def test_conditions_do_not_know_the_variables(self) -> None:
        given = policy(
            "true",
            variables=[{"name": "a", "expression": "1"}],
            matchConditions=[{"name": "c", "expression": "variables.a == 1"}],
        )
        assert "undeclared reference" in fault(judge([given], [pod()])).message

    def test_a_message_cannot_ask_the_authorizer(self) -> None:
        asking = "authorizer.path('/').check('get').reason()"
        given = policy({"expression": "true", "messageExpression": asking})
        assert "undeclared reference to 'authorizer'" in fault(judge([given], [pod()])).message

    def test_what_the_engine_lacks_is_not_exercised(self) -> None:
        given = policy("object.spec.containers.all(i, c, c.image != '')")
        evaluation = judge([given], [pod()])
        assert only(evaluation).finding is Finding.NOT_EXERCISED
        assert "comprehensions with two variables" in only(evaluation).reasons[0]
        assert evaluation.undecided == 1


class TestHostile:
    slow = "object.spec.l.all(x, !object.spec.text.matches('a.*b.*c.*d'))"

    def test_a_policy_that_never_ends_is_ended_and_named(self) -> None:
        resource = pod(l=list(range(9000)), text="abc" * 100_000)
        evaluation = judge(
            [policy(self.slow, "true"), policy("true", name="q")],
            [resource],
            bounds=Bounds(seconds=0.5),
        )
        assert [(j, f) for j, _, f in found(evaluation)] == [
            ("p#validations[0]", "fail"),
            ("p#validations[1]", "pass"),
            ("q#validations[0]", "pass"),
        ]
        message = evaluation.verdicts[0].diagnostics[0].message
        assert "p#validations[0] could not be judged" in message
        assert "longer than 0.5 seconds" in message

    def test_a_policy_that_takes_all_memory_is_ended_and_named(self) -> None:
        evaluation = judge([policy(f"size({BOMB}) > 0"), policy("true", name="q")], [pod()])
        assert [(j, f) for j, _, f in found(evaluation)] == [
            ("p#validations[0]", "fail"),
            ("q#validations[0]", "pass"),
        ]

    def test_a_list_of_a_hundred_thousand_is_judged_or_refused_in_time(self) -> None:
        resource = pod(l=list(range(100_000)))
        evaluation = judge(
            [policy("object.spec.l.sum() > 0", "object.spec.l.all(x, x >= 0)")], [resource]
        )
        assert findings(evaluation) == ["pass", "fail"]
        assert "Iteration budget exceeded" in evaluation.verdicts[1].diagnostics[0].message


def test_many_resources_are_judged_in_batches_each_once() -> None:
    resources = [pod(f"p{n}", n=n) for n in range(250)]
    evaluation = judge([policy("object.spec.n < 248")], resources)
    assert found(evaluation) == [
        ("p#validations[0]", "248 resources", "pass"),
        ("p#validations[0]", "Pod/p248", "fail"),
        ("p#validations[0]", "Pod/p249", "fail"),
    ]
