"""A contract must hold together by itself."""

from __future__ import annotations

import pytest

from chimera.model import Finding, Severity


def give(item, to, type="report", **fields):
    return {"item": item, "type": type, "to": to, **fields}


def take(item, source, type="report"):
    return {"item": item, "type": type, "from": source}


def shown(repository):
    (verdict,) = (v for v in repository.verdicts() if v.judge.endswith("#layer-exchange-shown"))
    return verdict


def test_sound_contract_breaks_no_rule(repository, build):
    repository.write(build.contract(build.layer("a"), build.layer("b")))
    assert repository.diagnostics() == ()


def test_second_layer_with_an_id_is_reported(repository, build):
    repository.write(build.contract(build.layer("a"), build.layer("b"), build.layer("a")))
    found = repository.only("layer-duplicate")
    assert found.span.line > found.related[0].where.line
    assert repository.line(found) == "- id: a"


def test_kind_admitted_by_two_layers_is_reported(repository, build):
    repository.write(
        build.contract(
            build.layer("a", admits={"kinds": ["Thing"]}),
            build.layer("b", admits={"kinds": ["Machine", "Thing"]}),
        )
    )
    found = repository.only("layer-admits-overlap")
    assert "ops/b admits Thing, which ops/a admits" in found.message
    assert repository.line(found) == "- Thing"


def test_two_contracts_may_admit_one_kind(repository, build):
    repository.write(
        build.contract(build.layer("a", admits={"kinds": ["Thing"]}), name="first"),
        build.contract(build.layer("a", admits={"kinds": ["Thing"]}), name="second"),
    )
    assert repository.rules() == set()


def test_file_admitted_by_two_layers_is_reported_once(repository, build):
    for name in ("one.py", "two.py"):
        (repository.root / name).write_text("")
    repository.write(
        build.contract(
            build.layer("a", admits={"paths": ["*.py"]}),
            build.layer("b", admits={"paths": ["one.*", "two.*"]}),
        )
    )
    assert "one.py" in repository.only("layer-admits-overlap").message


def test_patterns_that_share_no_file_do_not_overlap(repository, build):
    (repository.root / "one.py").write_text("")
    repository.write(
        build.contract(
            build.layer("a", admits={"paths": ["*.py"]}),
            build.layer("b", admits={"paths": ["two.*"]}),
        )
    )
    assert repository.rules() == set()


def test_misspelt_kind_is_a_warning_and_an_unknown_one_is_yet_to_come(repository, build):
    repository.write(
        build.contract(
            build.layer("a", admits={"kinds": ["Mashine", "Zeppelin"]}),
            build.layer("b", refuses=[{"what": "m", "to": "ops/a", "kinds": ["Machines"]}]),
        )
    )
    found = [d for d in repository.diagnostics() if d.rule == "layer-kind-unknown"]
    assert [d.help for d in found] == ["did you mean Machine?"] * 2
    assert {d.severity for d in found} == {Severity.WARNING}


def test_refusal_must_say_where_things_go(repository, build):
    repository.write(build.contract(build.layer("a", refuses=[{"what": "source code"}])))
    assert "source code" in repository.line(repository.only("layer-refusal-homeless"))
    repository.write(
        build.contract(
            build.layer("a", refuses=[{"what": "source code", "to": "ops/b"}]), build.layer("b")
        )
    )
    assert repository.rules() == set()


def test_refusal_to_a_layer_that_is_not_there_is_reported(repository, build):
    repository.write(build.contract(build.layer("a", refuses=[{"what": "x", "to": "ops/q"}])))
    assert repository.rules() == {"layer-unknown"}


@pytest.mark.parametrize(
    "fields", [{"prohibits": ["automatoin"]}, {"whenActive": {"prohibits": ["automatoin"]}}]
)
def test_word_that_nothing_enforces_is_reported(repository, build, fields):
    repository.write(build.contract(build.layer("a", **fields)))
    found = repository.only("layer-prohibition-unknown")
    assert repository.line(found) == "- automatoin"
    assert found.help == "did you mean automation?"


def test_known_word_is_not_reported(repository, build):
    repository.write(
        build.contract(build.layer("a", "dormant", whenActive={"prohibits": ["automation"]}))
    )
    assert repository.rules() == set()


@pytest.mark.parametrize("where", ["layer", "contract"])
def test_documentation_must_exist(repository, build, where):
    paths = {"documentation": ["docs/LAYER.md"]}
    on_layer, on_contract = (paths, {}) if where == "layer" else ({}, paths)
    repository.write(build.contract(build.layer("a", **on_layer), **on_contract))
    assert repository.line(repository.only("layer-documentation-missing")) == "- docs/LAYER.md"
    (repository.root / "docs").mkdir()
    (repository.root / "docs" / "LAYER.md").write_text("# Layer\n")
    assert repository.rules() == set()


def test_contract_names_other_files_than_its_own_as_documentation(repository, build):
    own = {"documentation": ["specs/layercontract-ops.yaml"]}
    repository.write(build.contract(build.layer("a"), **own))
    found = repository.only("layer-documentation-itself")
    assert repository.line(found) == "- specs/layercontract-ops.yaml"
    repository.write(build.contract(build.layer("a"), documentation=["specs/**"]))
    repository.write(build.thing("page"))
    assert repository.rules() == set()


def test_principle_without_a_policy_is_said_and_fails_nothing(repository, build):
    repository.write(
        build.contract(
            build.layer("a", principles=[{"statement": "be kind", "policy": "Policy/kind"}]),
            principles=[{"statement": "be quick"}],
        ),
        build.thing("kind", kind="Policy"),
    )
    found = repository.only("layer-principle-unchecked")
    assert repository.line(found) == "- statement: be quick"
    assert found.severity is Severity.INFO
    assert {v.finding for v in repository.verdicts()} == {Finding.PASS}


def test_principle_whose_policy_is_dormant_is_unchecked(repository, build):
    principles = [{"statement": "be kind", "policy": "Policy/kind"}]
    repository.write(
        build.contract(build.layer("a", principles=principles), build.layer("z", "dormant")),
        build.thing("kind", "ops/z", kind="Policy"),
    )
    assert repository.rules() == {"layer-principle-unchecked"}


def test_what_is_provided_must_be_received(repository, build):
    repository.write(
        build.contract(
            build.layer("a", provides=[give("metrics", "ops/b")]),
            build.layer("b", receives=[take("errors", "ops/a")]),
        )
    )
    found = [d for d in repository.diagnostics() if d.rule == "layer-exchange-unmet"]
    assert ["does not receive" in d.message for d in found] == [True, False]
    assert "does not provide" in found[1].message


def test_two_sides_must_agree_on_the_type(repository, build):
    repository.write(
        build.contract(
            build.layer("a", provides=[give("metrics", "ops/b", "measurement")]),
            build.layer("b", receives=[take("metrics", "ops/a", "report")]),
        )
    )
    assert repository.rules() == {"layer-exchange-unmet"}


def exchange(build, **fields):
    return build.contract(
        build.layer("a", provides=[give("metrics", "ops/b", **fields)]),
        build.layer("b", receives=[take("metrics", "ops/a")]),
    )


def test_exchange_without_evidence_is_not_exercised(repository, build):
    repository.write(exchange(build))
    assert repository.rules() == set()
    assert shown(repository).finding is Finding.NOT_EXERCISED
    assert "metrics" in shown(repository).reasons[0]


@pytest.mark.parametrize(
    ("said", "finding"),
    [
        ([], Finding.NOT_EXERCISED),
        (["not-exercised"], Finding.NOT_EXERCISED),
        (["fail", "pass"], Finding.PASS),
        (["pass", "fail"], Finding.FAIL),
    ],
)
def test_exchange_is_shown_by_the_records_of_its_proof(repository, build, said, finding):
    repository.write(exchange(build, evidence=["Proof/meets"]), build.thing("meets", kind="Proof"))
    for number, verdict in enumerate(said):
        spec = {"proof": "Proof/meets", "verdict": verdict, "at": f"2026-11-2{number}T00:00:00Z"}
        repository.write(build.document("ReleaseProof", f"r{number}", spec))
    assert shown(repository).finding is finding
    assert ("layer-exchange-failed" in repository.rules()) is (finding is Finding.FAIL)


def test_document_that_is_no_record_shows_nothing(repository, build):
    repository.write(
        exchange(build, evidence=["Proof/meets"]),
        build.thing("meets", kind="Proof"),
        build.document("Claim", "made", {"proof": "Proof/meets", "verdict": "pass"}),
    )
    assert shown(repository).finding is Finding.NOT_EXERCISED


def test_contract_without_exchanges_has_nothing_to_show(repository, build):
    repository.write(build.contract(build.layer("a")))
    assert all("#" not in verdict.judge for verdict in repository.verdicts())
