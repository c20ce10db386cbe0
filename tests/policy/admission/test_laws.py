"""Whatever stands in the files, reading and matching end, and every fault has its place."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chimera.model import Place
from chimera.policy.admission import Request, read_library, read_objects, resources_of
from chimera.policy.admission.matching import matches
from chimera.policy.admission.models import ValidatingAdmissionPolicySpec

from .conftest import PODS, binding, pod, policy

KEYS = sorted(
    {field.alias or name for name, field in ValidatingAdmissionPolicySpec.model_fields.items()}
    | {"apiVersion", "kind", "metadata", "spec", "items", "name", "labels", "namespace", "names"}
)
SCALARS = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "Pod", "List", "v1"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.lists(JSON, max_size=3), st.dictionaries(st.sampled_from(KEYS), JSON, max_size=5))
def test_whatever_is_written_is_read_or_told(values: list[Any], spec: dict[str, Any]) -> None:
    written = [*values, {**policy("true"), "spec": spec}, {**binding(), "spec": spec}]
    files = {f"{n}.json": json.dumps(value).encode() for n, value in enumerate(written)}
    objects, faults = read_objects(files)
    library = read_library(objects)
    resources_of(objects, "default")
    for fault in (*faults, *library.diagnostics):
        assert fault.where.path in files
        assert fault.message
        assert fault.help


LABELS = st.dictionaries(st.sampled_from("ab"), st.sampled_from("12"), max_size=2)
REQUIREMENTS = st.fixed_dictionaries(
    {
        "key": st.sampled_from("ab"),
        "operator": st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"]),
        "values": st.lists(st.sampled_from("12"), max_size=2),
    }
)
SELECTORS = st.fixed_dictionaries(
    {}, optional={"matchLabels": LABELS, "matchExpressions": st.lists(REQUIREMENTS, max_size=2)}
)


@settings(max_examples=200, deadline=None)
@given(SELECTORS, LABELS)
def test_what_is_decided_without_the_namespace_is_so_with_any(
    selector: dict[str, Any], labels: dict[str, str]
) -> None:
    constraints = {"resourceRules": [PODS], "namespaceSelector": selector}
    match = ValidatingAdmissionPolicySpec.model_validate(
        {"matchConstraints": constraints}
    ).match_constraints
    objects, _ = read_objects({"p.json": json.dumps(pod()).encode()})
    (resource,) = resources_of(objects, "default")
    assert resource.place == Place("p.json")
    unknown = matches(match, Request(resource, "CREATE", None, None))
    known = matches(match, Request(resource, "CREATE", None, {"metadata": {"labels": labels}}))
    assert isinstance(known, bool)
    assert not isinstance(unknown, bool) or unknown is known
