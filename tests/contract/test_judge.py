"""Verdicts: one for each broken rule and document, and one for each contract."""

from __future__ import annotations

from chimera.contract import judge, plugin
from chimera.model import Finding


def verdicts(repository):
    return {(v.judge, v.subject): v for v in repository.verdicts()}


def test_contract_that_nobody_breaks_passes(repository, build):
    repository.write(
        build.contract(build.layer("a"), build.layer("b"), build.layer("z", "dormant")),
        build.thing("one", "ops/a"),
    )
    (verdict,) = repository.verdicts()
    assert (verdict.judge, verdict.subject) == ("LayerContract/ops", "LayerContract/ops")
    assert verdict.finding is Finding.PASS
    assert verdict.reasons == ("3 layers, 1 of them dormant",)


def test_failing_verdict_is_about_the_document_and_names_the_rule(repository, build):
    repository.write(
        build.contract(build.layer("a", trigger="human", prohibits=["automation", "cadence"])),
        build.thing("one", "ops/a", trigger="schedule"),
        build.thing("two", "ops/a", review="7d", trigger="event"),
    )
    found = verdicts(repository)
    assert not any(verdict.is_unexplained for verdict in found.values())
    assert found["LayerContract/ops", "LayerContract/ops"].reasons == (
        "broken: layer-human-triggered, layer-prohibits-automation, layer-prohibits-cadence",
    )
    assert {key for key, verdict in found.items() if verdict.finding is Finding.FAIL} == {
        ("LayerContract/ops", "LayerContract/ops"),
        ("LayerContract/ops#layer-human-triggered", "Thing/one"),
        ("LayerContract/ops#layer-human-triggered", "Thing/two"),
        ("LayerContract/ops#layer-prohibits-automation", "Thing/one"),
        ("LayerContract/ops#layer-prohibits-automation", "Thing/two"),
        ("LayerContract/ops#layer-prohibits-cadence", "Thing/one"),
        ("LayerContract/ops#layer-prohibits-cadence", "Thing/two"),
    }


def test_every_contract_judges_for_itself(repository, build):
    repository.write(
        build.contract(build.layer("a", prohibits=["ownership"]), name="first"),
        build.contract(build.layer("a"), name="second"),
        build.thing("one", "first/a", "second/a", owner="ada"),
    )
    found = verdicts(repository)
    assert found["LayerContract/first", "LayerContract/first"].finding is Finding.FAIL
    assert found["LayerContract/second", "LayerContract/second"].finding is Finding.PASS


def test_broken_repository_reports_everything_twice_alike(repository, build):
    repository.write(
        build.contract(
            build.layer("a", prohibits=["ownership", "nonsense"], refuses=[{"what": "x"}]),
            build.layer("z", "dormant", purpose="in Q1 2027"),
            build.layer("z", "dormant"),
        ),
        build.thing("one", "ops/a", "other/x", owner="ada"),
        build.thing("two", "ops/z", trigger="event"),
    )
    assert repository.rules() == {
        "layer-prohibits-ownership",
        "layer-prohibition-unknown",
        "layer-refusal-homeless",
        "layer-duplicate",
        "layer-contract-unknown",
        "dormant-dated",
        "dormant-trigger",
    }
    assert repository.diagnostics() == repository.diagnostics()
    assert all(d.span.line > 1 and d.span.column > 0 for d in repository.diagnostics())


def test_repository_without_contracts_has_no_verdicts(repository, build):
    repository.write(build.thing("one"))
    assert repository.verdicts() == []


def test_plugin_judges_by_the_words_that_are_registered(repository, build):
    repository.write(
        build.contract(build.layer("a", prohibits=["ownership"])),
        build.thing("one", "ops/a", owner="ada"),
    )
    subject = repository.subject()
    assert list(plugin.chimera_check_snapshot(subject)) == judge(
        subject, subject.snapshot.registry.prohibitions
    )
    assert list(plugin.chimera_owe(subject)) == []
