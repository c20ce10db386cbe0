"""This repository's own policies: sound, with cases that come out, naming their mistakes."""

import shutil
from pathlib import Path

import pytest

from chimera.context import Context
from chimera.documents import locate, open_work_tree
from chimera.kinds import Loaded, Registry, Snapshot, load_snapshot, read_source
from chimera.model import Finding
from chimera.plugin import load_plugins
from chimera.policy import PolicySpec, run_cases

POLICIES = Path(__file__).parents[2] / "policies"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """The policies alone, so that what is judged here is them and not the other documents."""
    root = tmp_path_factory.mktemp("own")
    shutil.copytree(POLICIES, root / "policies")
    return load_snapshot(read_source(open_work_tree(root)), Registry.collect(load_plugins()))


@pytest.fixture(scope="module")
def snapshot(loaded: Loaded) -> Snapshot:
    assert locate(loaded.diagnostics, loaded.snapshot.tree) == ()
    return loaded.snapshot


def test_there_are_at_least_eight(snapshot: Snapshot) -> None:
    assert len(snapshot.of_model(PolicySpec)) >= 8


def test_each_names_the_mistake_that_it_catches(snapshot: Snapshot) -> None:
    for policy in snapshot.of_model(PolicySpec):
        assert policy.metadata.description.startswith("Catches "), policy.address


def test_each_case_comes_out_as_expected(snapshot: Snapshot) -> None:
    report = run_cases(snapshot, Context.system())
    verdicts = report.verdicts
    wrong = [(v.judge, v.subject, v.reasons) for v in verdicts if v.finding is not Finding.PASS]
    assert wrong == []
    assert len(verdicts) >= 2 * len(snapshot.of_model(PolicySpec))
    assert all(rule.is_shown for rule in report.coverage)
