"""A small library, written like those that clusters run, over good and bad manifests."""

from pathlib import Path
from typing import Any

import pytest

from chimera.context import Processes
from chimera.documents import dump
from chimera.policy.admission import (
    Library,
    Operation,
    Request,
    evaluate_library,
    read_library,
    read_objects,
    resources_of,
)

LIBRARY = Path(__file__).parent / "library"


@pytest.fixture(scope="module")
def library() -> Library:
    files = {path.name: path.read_bytes() for path in sorted(LIBRARY.glob("*.yaml"))}
    objects, faults = read_objects(files)
    found = read_library(objects)
    assert not faults
    assert not found.diagnostics
    return found


def workload(kind: str, spec: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    versions = {"Pod": "v1", "Service": "v1", "CronJob": "batch/v1", "Deployment": "apps/v1"}
    name = metadata.pop("name", "web-1")
    return {
        "apiVersion": versions[kind],
        "kind": kind,
        "metadata": {"name": name, **metadata},
        "spec": spec,
    }


def container(**more: Any) -> dict[str, Any]:
    return {"name": "c", "resources": {"limits": {"memory": "64Mi"}}, **more}


def template(spec: dict[str, Any]) -> dict[str, Any]:
    return {"template": {"spec": spec}}


GOOD = {"containers": [container()]}
PRIVILEGED = {
    "containers": [container()],
    "initContainers": [{"name": "i", "securityContext": {"privileged": True}}],
}
GREEDY = {"containers": [container(resources={"limits": {"memory": "512Mi"}})]}
ADDING = {"containers": [container(securityContext={"capabilities": {"add": ["SYS_ADMIN"]}})]}
PORTS = {"ports": [{"port": 80}, {"port": 443}]}


@pytest.mark.parametrize(
    ("manifest", "operation", "old", "expected"),
    [
        (workload("Pod", GOOD), "CREATE", None, {}),
        (workload("Deployment", template(GOOD)), "CREATE", None, {}),
        (workload("CronJob", {"jobTemplate": {"spec": template(GOOD)}}), "CREATE", None, {}),
        (
            workload("Deployment", template(PRIVILEGED)),
            "CREATE",
            None,
            {"containers#validations[0]": "privileged: i"},
        ),
        (
            workload("CronJob", {"jobTemplate": {"spec": template(ADDING)}}),
            "CREATE",
            None,
            {"containers#validations[1]": "only NET_BIND_SERVICE may be added"},
        ),
        (
            workload("Pod", {**PRIVILEGED, "hostNetwork": True}, namespace="kube-system"),
            "CREATE",
            None,
            {},
        ),
        (
            workload("Pod", {**GOOD, "hostNetwork": True}),
            "UPDATE",
            workload("Pod", GOOD),
            {"containers#validations[2]": "no host network"},
        ),
        (
            workload("Pod", GREEDY),
            "CREATE",
            None,
            {"limits@tiny#validations[0]": "a container has no limit or more than 128Mi"},
        ),
        (
            workload("Pod", {"containers": [{"name": "c"}]}),
            "CREATE",
            None,
            {
                "limits@small#validations[0]": "a container has no limit or more than 1Gi",
                "limits@tiny#validations[0]": "a container has no limit or more than 128Mi",
            },
        ),
        (workload("Service", PORTS), "CREATE", None, {}),
        (
            workload(
                "Service",
                {"ports": [{"port": 443}, {"port": 80}], "externalIPs": ["203.0.113.9", "8.8.8.8"]},
                name="web",
                annotations={"docs": "http://docs.example.com"},
            ),
            "CREATE",
            None,
            {
                "networks#validations[0]": "external addresses are of 203.0.113.0/24",
                "networks#validations[1]": "docs are at https://….example.com",
                "networks#validations[2]": "ports are sorted and below 10000",
                "networks#validations[3]": "names are a word and a number",
            },
        ),
        (workload("Service", {"type": "A"}), "UPDATE", workload("Service", {"type": "A"}), {}),
        (
            workload("Service", {"type": "A"}),
            "UPDATE",
            workload("Service", {"type": "B"}),
            {"changes#validations[1]": "the type never changes"},
        ),
        (
            workload("Service", {}, name="kept-1"),
            "DELETE",
            None,
            {"changes#validations[0]": "kept-1 is never deleted"},
        ),
        (workload("Pod", GOOD, labels={"app": "a", "version": "v1.3"}), "CREATE", None, {}),
        (
            workload("Pod", GOOD, name="a.b", labels={"version": "1.1.9", "other": "x"}),
            "CREATE",
            None,
            {
                "names#validations[0]": "must be lower-case letters, digits and '-', begin with a "
                "letter or digit, not end in '-'",
                "names#validations[1]": "the version is 1.2.0 or later",
                "names#validations[2]": "labels are app, version and team",
            },
        ),
    ],
)
def test_good_manifests_pass_and_bad_ones_are_told_apart(
    library: Library,
    manifest: dict[str, Any],
    operation: Operation,
    old: dict[str, Any] | None,
    expected: dict[str, str],
) -> None:
    objects, _ = read_objects({"m.yaml": dump(manifest).encode()})
    (resource,) = resources_of(objects, "default")
    before = resource.value if operation == "DELETE" else old
    request = Request(resource, operation, before, None)
    found = evaluate_library(library, library.others, [request], Processes())
    said = {
        verdict.judge.partition("/")[2]: fault.message.partition(": ")[2]
        for verdict in found.verdicts
        for fault in verdict.diagnostics
    }
    assert said == expected
    assert found.undecided == 0


def test_what_asks_the_authorizer_is_not_exercised(library: Library) -> None:
    manifest = workload("Service", {"type": "A"}, name="guarded-1")
    objects, _ = read_objects({"m.yaml": dump(manifest).encode()})
    (resource,) = resources_of(objects, "default")
    request = Request(resource, "UPDATE", resource.value, None)
    found = evaluate_library(library, library.others, [request], Processes())
    assert found.undecided == 1
