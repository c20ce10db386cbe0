"""What a check says of pools and claims: each rule where it is broken, and not where it is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chimera.builtin.resources import plugin
from chimera.builtin.resources.finding import claiming_workflows
from chimera.context import Context
from chimera.documents import dump, locate, open_work_tree
from chimera.kinds import EnvironmentFacts, Registry, Subject, load_snapshot, read_source
from chimera.kinds.memo import NoMemo
from chimera.model import Actor, Diagnostic, Severity
from chimera.plugin import load_plugins
from chimera.runtime.settings import settings_of

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
Check = Callable[..., list[Diagnostic]]


@pytest.fixture(scope="module")
def registry() -> Registry:
    manager = load_plugins()
    if not manager.is_registered(plugin):
        manager.register(plugin, plugin.__name__)
    return Registry.collect(manager)


@pytest.fixture
def check(tmp_path: Path, registry: Registry) -> Check:
    """Return all that is wrong with documents, given as `Kind/name` and spec."""

    def run(documents: Mapping[str, Any], **labels: str) -> list[Diagnostic]:
        (tmp_path / "specs").mkdir(exist_ok=True)
        for address, spec in documents.items():
            kind, _, name = address.partition("/")
            metadata = {"name": name, **({"labels": labels} if kind == "Workflow" else {})}
            text = dump(
                {"apiVersion": "chimera/v1", "kind": kind, "metadata": metadata, "spec": spec}
            )
            (tmp_path / "specs" / f"{kind}-{name}.yaml").write_text(text)
        tree = open_work_tree(tmp_path)
        loaded = load_snapshot(read_source(tree), registry)
        subject = Subject(
            *(loaded.snapshot, {}, EnvironmentFacts("local", protected=False)),
            *(Actor("ada", "human"), NOW),
            context=Context.system(now=NOW),
        )
        own = [
            verdict
            for document in loaded.snapshot.of_kinds({"ResourcePool", "ResourceClaim"})
            for verdict in plugin.chimera_check_document(document, registry)
        ]
        verdicts = (*own, *plugin.chimera_check_snapshot(subject))
        faults = [fault for verdict in verdicts for fault in verdict.diagnostics]
        return sorted(
            set(locate((*loaded.diagnostics, *faults), tree)), key=lambda f: (f.span, f.rule)
        )

    return run


def rules(found: list[Diagnostic]) -> list[str]:
    return [fault.rule for fault in found if fault.rule.startswith("resource-")]


POOL = {
    "resources": {
        "cpu": {"capacity": 4},
        "memory": {"capacity": "8Gi"},
        "gpu": {"capacity": "auto"},
    }
}
CLAIM = {"requests": {"cpu": "500m", "memory": "1Gi"}, "minimum": {"cpu": "250m"}}
STAGE = {"id": "a", "operation": "resources.allocate", "inputs": {"claims": ["c"]}}
WORKFLOW = {"trigger": "human", "stages": [STAGE]}


def test_documents_that_fit_together_pass(check: Check) -> None:
    assert check({"ResourcePool/p": POOL, "ResourceClaim/c": CLAIM, "Workflow/w": WORKFLOW}) == []


@pytest.mark.parametrize(
    ("rule", "pool"),
    [
        ("resource-quantity-invalid", {"resources": {"cpu": {"capacity": "4 cores"}}}),
        ("resource-quantity-uncountable", {"resources": {"gpu": {"capacity": 1.5}}}),
        ("resource-capacity-unmeasurable", {"resources": {"licence": {"capacity": "auto"}}}),
        (
            "resource-capacity-unmeasurable",
            {"where": "elsewhere", "resources": {"cpu": {"capacity": "auto"}}},
        ),
        (
            "resource-overcommitted",
            {"resources": {"memory": {"capacity": "1Gi"}}, "maximumUtilisation": 1.5},
        ),
        (
            "resource-overcommitted",
            {"resources": {"gpu": {"capacity": 1, "maximumUtilisation": 2}}},
        ),
    ],
)
def test_a_pool_that_cannot_be_counted_on_is_told(
    check: Check, rule: str, pool: dict[str, Any]
) -> None:
    (fault,) = check({"ResourcePool/p": pool})
    assert fault.rule == rule
    assert fault.span.line > 1


@pytest.mark.parametrize(
    "pool",
    [
        {"resources": {"cpu": {"capacity": 4}}, "maximumUtilisation": 3},
        {
            "resources": {"memory": {"capacity": 4, "maximumUtilisation": 1}},
            "maximumUtilisation": 2,
        },
        {"where": "elsewhere", "resources": {"licence": {"capacity": 4}}},
    ],
)
def test_a_pool_that_can_be_is_not(check: Check, pool: dict[str, Any]) -> None:
    assert check({"ResourcePool/p": pool}) == []


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("resource-quantity-invalid", {"requests": {"cpu": "-1"}, "minimum": {}}),
        ("resource-quantity-uncountable", {"requests": {"gpu": "100m"}, "minimum": {}}),
        ("resource-quantity-uncountable", {"minimum": {"memory": "0.3"}}),
        ("resource-request-empty", {"requests": {"cpu": 0}, "minimum": {}}),
        ("resource-minimum-excessive", {"minimum": {"cpu": 1}}),
        ("resource-minimum-excessive", {"minimum": {"gpu": 1}}),
        ("resource-claim-unsatisfiable", {"requests": {"cpu": 5}, "minimum": {}}),
        ("resource-claim-unsatisfiable", {"requests": {"licence": 1}, "minimum": {}}),
        ("resource-claimant-unknown", {"for": {"labels": {"team": "ops"}}}),
        ("resource-claimant-unknown", {"for": {"modules": ["nobody"]}}),
    ],
)
def test_a_claim_that_nobody_could_serve_or_use_is_told(
    check: Check, rule: str, change: dict[str, Any]
) -> None:
    found = check({"ResourcePool/p": POOL, "ResourceClaim/c": CLAIM | change})
    assert rule in rules(found)
    assert {fault.rule for fault in found} == {rule}


def test_a_claim_whose_minimum_or_other_pool_can_be_served_is_not(check: Check) -> None:
    pools = {"ResourcePool/p": POOL, "ResourcePool/q": {"resources": {"cpu": {"capacity": 9}}}}
    assert check({**pools, "ResourceClaim/c": {"requests": {"cpu": 9}}}) == []
    less = {"requests": {"cpu": 20}, "minimum": {"cpu": 1}}
    assert check({**pools, "ResourceClaim/c": less}) == []
    only = {"requests": {"cpu": 9}, "pools": ["ResourcePool/p"]}
    (fault,) = check({**pools, "ResourceClaim/c": only})
    assert "p lacks 5 of cpu" in fault.message


def test_a_claim_without_any_pool_is_warned_of(check: Check) -> None:
    (fault,) = check({"ResourceClaim/c": CLAIM})
    assert (fault.rule, fault.severity) == ("resource-pool-missing", Severity.WARNING)


def test_what_is_measured_later_counts_as_there(check: Check) -> None:
    assert check({"ResourcePool/p": POOL, "ResourceClaim/c": {"requests": {"gpu": 8}}}) == []


def test_labels_that_a_workflow_carries_are_known(check: Check) -> None:
    claim = CLAIM | {"for": {"labels": {"team": "ops"}}}
    documents = {"ResourcePool/p": POOL, "ResourceClaim/c": claim, "Workflow/w": WORKFLOW}
    assert check(documents, team="ops", tier="1") == []
    assert rules(check(documents, team="dev")) == ["resource-claimant-unknown"]


def test_a_stage_that_names_no_claim_is_told_with_the_nearest(check: Check) -> None:
    stage = STAGE | {"inputs": {"claims": ["training", "${input.x}"]}}
    documents = {"ResourcePool/p": POOL, "ResourceClaim/trainings": CLAIM}
    (fault,) = check({**documents, "Workflow/w": WORKFLOW | {"stages": [stage]}})[:1]
    assert fault.rule == "resource-claim-missing"
    assert "trainings" in fault.help


def test_which_workflows_name_claims_is_remembered(
    tmp_path: Path, check: Check, registry: Registry
) -> None:
    class Recording(NoMemo):
        def __init__(self) -> None:
            self.kept: dict[str, str] = {}

        def get(self, key: str) -> Any:
            return json.loads(self.kept[key]) if key in self.kept else None

        def put(self, key: str, value: Any) -> None:
            self.kept[key] = json.dumps(value)

    def found(memo: Recording) -> list[tuple[str, Any]]:
        snapshot = load_snapshot(read_source(open_work_tree(tmp_path)), registry).snapshot
        claiming = claiming_workflows(replace(snapshot, memo=memo))
        return [(str(one.address), json.loads(json.dumps(uses))) for one, uses in claiming]

    memo, plain = Recording(), WORKFLOW | {"stages": [{"id": "s", "operation": "command"}]}
    stage = STAGE | {"inputs": {"claims": ["${input.x}", "training"]}}
    check({"Workflow/w": WORKFLOW | {"stages": [stage]}, "Workflow/v": plain})
    assert found(memo) == found(memo) == [("Workflow/w", [[0, 1, "training"]])]
    check({"Workflow/w": plain})
    assert found(memo) == []


def test_a_pool_or_a_workflow_that_is_not_there_dangles(check: Check) -> None:
    claim = CLAIM | {"pools": ["ResourcePool/q"], "for": {"workflows": ["Workflow/w"]}}
    found = check({"ResourcePool/p": POOL, "ResourceClaim/c": claim})
    assert [fault.rule for fault in found] == ["reference-dangling"] * 2


def test_tokens_of_all_pools_limit_the_steps_that_name_them(
    tmp_path: Path, check: Check, registry: Registry
) -> None:
    more = {
        "resources": {"licence": {"capacity": 3, "maximumUtilisation": 0.7}, "cpu": {"capacity": 1}}
    }
    check({"ResourcePool/p": {"resources": {"licence": {"capacity": 1}}}, "ResourcePool/q": more})
    snapshot = load_snapshot(read_source(open_work_tree(tmp_path)), registry).snapshot
    assert plugin.chimera_limit_steps(snapshot) == {"licence": 3}
    settings = settings_of(load_plugins(), snapshot, "local")
    assert settings.limits == {"licence": 3}
