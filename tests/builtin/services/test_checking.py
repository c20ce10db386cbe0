"""What is wrong with services: each rule fires where it should, and stays quiet elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.services.plugin import chimera_check_document, chimera_check_snapshot
from chimera.documents import dump
from chimera.kinds import Registry, Subject
from chimera.model import Diagnostic, Verdict

HTTP = {"id": "http", "port": 8000, "protocol": "http"}
UP = {"id": "up", "type": "http"}
SOUND: dict[str, Any] = {"endpoints": [HTTP], "checks": [UP]}

Judge = Callable[[Subject], Iterable[Verdict]]


@pytest.fixture
def rules(
    tmp_path: Path,
    faults_by: Callable[[Judge], tuple[Diagnostic, ...]],
    registry: Registry,
) -> Callable[..., list[str]]:
    """Return the rules that some services break."""

    def found(**services: dict[str, Any]) -> list[str]:
        for name, spec in services.items():
            kind, _, rest = name.partition("_") if "_" in name else ("Service", "", name)
            head = {"apiVersion": "chimera/v1", "kind": kind, "metadata": {"name": rest}}
            (tmp_path / f"{name}.yaml").write_text(dump({**head, "spec": spec}))

        def judge(subject: Subject) -> Iterable[Verdict]:
            for document in subject.snapshot.of_kinds({"Service"}):
                yield from chimera_check_document(document, registry)
            yield from chimera_check_snapshot(subject)

        return sorted({fault.rule for fault in faults_by(judge)})

    return found


def test_a_sound_service_breaks_no_rule(rules: Any) -> None:
    assert rules(one=SOUND, two={**SOUND, "dependsOn": ["Service/one"]}) == []


def spec(**more: Any) -> dict[str, Any]:
    return {**SOUND, **more}


def check(**fields: Any) -> dict[str, Any]:
    return spec(checks=[{**UP, **fields}])


def body(**fields: Any) -> dict[str, Any]:
    return check(body=fields)


REDIS = {"id": "redis", "port": 6379, "protocol": "redis"}
LOCAL = {"environment": "Environment/local", "host": "a"}


@pytest.mark.parametrize(
    ("rule", "faulty", "sound"),
    [
        ("service-name-repeated", spec(checks=[UP, UP]), spec(checks=[UP, {**UP, "id": "b"}])),
        ("service-name-repeated", spec(endpoints=[HTTP, HTTP], checks=[{**UP, "endpoint": "http"}]),
         spec(endpoints=[HTTP, REDIS], checks=[{**UP, "endpoint": "http"}])),
        ("service-name-repeated", spec(endpoints=[{**HTTP, "elsewhere": [LOCAL, LOCAL]}]),
         spec(endpoints=[{**HTTP, "elsewhere": [LOCAL]}])),
        ("service-endpoint-unclear", spec(endpoints=[HTTP, REDIS]), SOUND),
        ("service-endpoint-unclear", spec(endpoints=[]), SOUND),
        ("service-endpoint-unknown", check(endpoint="htpp"), check(endpoint="http")),
        ("service-protocol-mismatch", spec(endpoints=[REDIS]), SOUND),
        ("service-protocol-mismatch", check(type="redis"), check(type="tcp")),
        ("service-pattern-invalid", body(pattern="a("), body(pattern="a(b)?")),
        ("service-pattern-invalid", body(pattern=r"(a)\1"), body(pattern="^(a+)+$")),
        ("service-pointer-invalid", body(json={"pointer": "status"}),
         body(json={"pointer": "/status"})),
        ("service-pointer-invalid", body(json={"pointer": "/a~2"}), body(json={"pointer": "/a~1"})),
        ("service-match-empty", body(), body(text="ok")),
        ("service-match-impossible", check(method="HEAD", body={"text": "ok"}),
         check(method="HEAD")),
        ("service-timeout-long", check(timeout="6m"), check(timeout="5m")),
        ("duration-zero", check(timeout="0s"), check(timeout="1ms")),
        ("secret-source-invalid", check(secretHeaders={"X": {}}),
         check(secretHeaders={"X": {"env": "TOKEN"}})),
    ],
)  # fmt: skip
def test_what_is_wrong_with_one_service(
    rules: Any, rule: str, faulty: dict[str, Any], sound: dict[str, Any]
) -> None:
    rules(Environment_local={"protected": False})
    assert rules(one=faulty) == [rule]
    assert rules(one=sound) == []


def test_services_that_depend_on_one_another_in_a_cycle_are_refused(
    rules: Any, faults_by: Any, tmp_path: Path
) -> None:
    needs = {name: spec(dependsOn=[f"Service/{name}"]) for name in ("a", "b", "c")}
    assert rules(a=needs["b"], b=needs["c"], c=SOUND, d=needs["a"]) == []
    assert rules(c=needs["a"]) == ["service-dependency-cycle"]
    faults = {fault.address: fault.message for fault in faults_by(chimera_check_snapshot)}
    assert faults == {
        "Service/a": "it depends on itself: Service/a → Service/b → Service/c → Service/a",
        "Service/b": "it depends on itself: Service/b → Service/c → Service/a → Service/b",
        "Service/c": "it depends on itself: Service/c → Service/a → Service/b → Service/c",
    }
    assert rules(a=SOUND, b=needs["b"], c=SOUND) == ["service-dependency-cycle"]


def test_a_dependency_that_is_not_where_the_service_is_is_refused(rules: Any) -> None:
    rules(Environment_here={"protected": False}, Environment_there={"protected": False})
    here, there = ["Environment/here"], ["Environment/there"]
    needing = {"dependsOn": ["Service/base"]}
    rule = ["service-dependency-absent"]
    assert rules(base=spec(environments=here), web=spec(environments=here, **needing)) == []
    assert rules(web=spec(environments=there, **needing)) == rule
    assert rules(web=spec(**needing)) == rule
    assert rules(base=SOUND) == []


def test_services_and_environments_that_are_not_there_are_refused(rules: Any) -> None:
    assert rules(one=spec(dependsOn=["Service/none"])) == ["reference-dangling"]
    assert rules(one=spec(environments=["Environment/none"])) == ["reference-dangling"]
