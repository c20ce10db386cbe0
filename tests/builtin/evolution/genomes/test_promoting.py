"""Genomes put to use and taken back, as edits that change what they must and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.builtin.evolution.genomes.kinds import MOST_FORMER
from chimera.builtin.evolution.genomes.proof import other_seed
from chimera.builtin.evolution.kinds import EvolutionSpec
from chimera.model import Actor, UsageError
from tests.builtin.evolution.genomes.conftest import EVOLUTION, FIRST, SECOND, field, file

PROMOTION = "specs/promotions/tune.yaml"
EVOLUTION_FILE = "specs/evolutions/tune.yaml"
WORKFLOW = "specs/workflows/pause.yaml"
ALL = (field("wait"), field("factor"), field("tries"))


def refused(house, words, genome=None, *targets, **options):
    before = house.files()
    with pytest.raises(UsageError, match=words) as error:
        house.promote(genome or house.found(FIRST), *(targets or ALL), **options)
    assert house.files() == before
    return error.value


def test_values_are_spliced_and_every_other_byte_stays(house):
    before = house.read(WORKFLOW)
    name = house.found(FIRST)
    proposed = house.promote(name, *ALL)
    assert house.read(WORKFLOW) == (
        before.replace("5.50", "3.25").replace("[1, 1.5]", "[1.5, 2.0]").replace(": 3}", ": 4}")
    )
    assert set(proposed.proposal.changed) == {
        WORKFLOW,
        PROMOTION,
        "proofs/tune.yaml",
        f"specs/genomes/{name}.yaml",
    }
    assert house.rules() == []


def test_what_is_written_is_formatted(house):
    house.promote(house.found(FIRST), *ALL, file("config/wait.yaml"))
    assert house.workspace.format([], write=False).value == ()


def test_another_genome_goes_where_the_first_is_and_a_rollback_leaves_the_former_bytes(house):
    first, second = house.found(FIRST), house.found(SECOND)
    house.promote(first, *ALL, file("config/wait.json"))
    before = house.files()
    house.promote(second)
    assert house.rules() == []
    assert "default: 0.5000001}" in house.read(WORKFLOW)
    assert f"- genome: Genome/{first}" in house.read(PROMOTION)
    house.rollback()
    after = house.files()
    assert after.pop(f"specs/genomes/{second}.yaml")  # a record stays
    assert after == before
    assert house.rules() == []


def test_rollbacks_go_further_back_and_end_at_the_first(house):
    names = [house.found(FIRST | {"tries": [tries]}) for tries in (1, 2, 3)]
    house.promote(names[0], *ALL)
    states = [house.files()]
    for name in names[1:]:
        house.promote(name)
        states.append(house.files())

    def same(state):
        records = {p for p in house.files() if p.startswith("specs/genomes/")}
        return {p: d for p, d in house.files().items() if p not in records} == {
            p: d for p, d in state.items() if p not in records
        }

    house.rollback()
    assert same(states[1])
    house.rollback()
    assert same(states[0])
    with pytest.raises(UsageError, match="had no genome before") as error:
        house.rollback()
    assert "git log -p" in error.value.help
    house.promote(names[2])  # forth again
    assert house.rules() == []
    assert "default: 3}" in house.read(WORKFLOW)


def test_a_rollback_restores_the_document_that_found_the_former_genome(house):
    first = house.found(FIRST)
    house.promote(first, *ALL)
    house.repository.commit("one")
    before = house.files()
    house.edit(EVOLUTION_FILE, "seed: c0ffee", "seed: decade")
    house.repository.commit("two")
    second = house.found(SECOND)
    house.promote(second)
    assert house.rules() == []
    assert "10000c0ffee" in house.read("proofs/tune.yaml")  # any other seed than its own does
    house.repository.commit("three")
    proposed = house.rollback()
    assert EVOLUTION_FILE in proposed.proposal.changed
    after = house.files()
    del after[f"specs/genomes/{second}.yaml"]
    assert after == before
    house.promote(second)
    assert "decade" in house.read(EVOLUTION_FILE)


def test_a_proof_follows_its_promotion_and_shows_no_less_for_that(house, chimera):
    house.promote(house.found(FIRST), *ALL)
    house.repository.commit("one")
    house.edit(EVOLUTION_FILE, "seed: c0ffee", "seed: decade")
    house.promote(house.found(SECOND))
    house.repository.commit("two")
    assert "proof-weakened" not in chimera("check", "--base", "HEAD~1").out
    house.rollback()
    house.repository.commit("three")
    assert "proof-weakened" not in chimera("check", "--base", "HEAD~1").out


def test_a_proof_that_its_promotion_does_not_account_for_shows_less(house, chimera):
    house.promote(house.found(FIRST), *ALL)
    house.repository.commit("one")
    house.edit(EVOLUTION_FILE, "seed: c0ffee", "seed: decade")
    house.promote(house.found(SECOND))
    house.edit("proofs/tune.yaml", f"      history: sha256:{'f' * 64}\n", "")
    house.repository.commit("two")
    assert "it asks less of evolution Evolution/tune" in chimera("check", "--base", "HEAD~1").out


def test_a_control_that_would_plant_the_own_seed_gets_another(house):
    house.promote(house.found(FIRST), *ALL)
    house.edit(EVOLUTION_FILE, "seed: c0ffee", "seed: 10000c0ffee")
    house.promote(house.found(SECOND))
    [proof] = house.workspace.loaded.snapshot.of_kinds(["Proof"])
    assert [control.value for control in proof.spec.controls] == ["00000c0ffee"]


def test_a_document_that_no_commit_has_cannot_be_restored(house):
    house.edit(EVOLUTION_FILE, "seed: c0ffee", "seed: decade")
    name = house.found(FIRST)
    house.edit(EVOLUTION_FILE, "seed: decade", "seed: facade")
    error = refused(house, "no longer the document that found", name)
    assert "run it as it is now" in error.help


def test_the_proof_runs_the_evolution_again_and_its_control_changes_the_seed(house):
    house.promote(house.found(FIRST), *ALL)
    [proof] = house.workspace.loaded.snapshot.of_kinds(["Proof"])
    [step], [control] = proof.spec.steps, proof.spec.controls
    assert (step.run, step.evolution) == ("evolution", "Evolution/tune")
    assert (control.path, list(control.field), control.value) == (
        EVOLUTION_FILE,
        ["spec", "seed"],
        "10000c0ffee",
    )
    assert proof.spec.inputs == (EVOLUTION_FILE,)
    assert proof.spec.covers.paths == (PROMOTION, WORKFLOW)


@given(st.one_of(st.integers(0, 2**53 - 1), st.integers(0, 2**64 - 1).map("{:x}".format)))
def test_the_other_seed_is_a_seed_and_differs_in_one_bit(seed):
    spec = {"genome": {"genes": [{"name": "x", "min": 0, "max": 1}]}, "fitness": {}}
    other = EvolutionSpec.model_validate(spec | {"seed": other_seed(seed)}).seed
    assert type(other) is type(seed)
    numbers = [int(s, 16) if isinstance(s, str) else s for s in (seed, other)]
    assert (numbers[0] ^ numbers[1]).bit_count() == 1


def test_files_that_the_fitness_reads_are_inputs_of_the_proof(house):
    house.repository.write("tools/fit.py", "def fitness(genes):\n    return genes['wait']\n")
    expression = EVOLUTION[EVOLUTION.index("  fitness:") : EVOLUTION.index("  algorithm:")]
    outside = "  fitness: {python: {module: tools/fit.py}, paths: [data/**]}\n"
    house.edit(EVOLUTION_FILE, expression, outside)
    house.repository.write("data/a.csv", "1\n")
    house.promote(house.found(FIRST), *ALL)
    [proof] = house.workspace.loaded.snapshot.of_kinds(["Proof"])
    assert proof.spec.inputs == ("data/**", EVOLUTION_FILE, "tools/fit.py")


def test_a_proof_that_is_there_is_kept_and_kept_up(house):
    first, second = house.found(FIRST), house.found(SECOND)
    house.promote(first, *ALL)
    house.edit("proofs/tune.yaml", "  claim:", "  # ours\n  timeout: 5m\n  claim:")
    (house.root / PROMOTION).unlink()
    house.promote(second, *ALL, proof="tune")
    text = house.read("proofs/tune.yaml")
    assert "# ours\n  timeout: 5m" in text
    assert second[-12:] in text
    assert house.rules() == []


def test_a_proof_about_something_else_is_not_touched(house):
    house.repository.document(
        "Proof/tune",
        {
            "claim": "c",
            "covers": {"kinds": ["Workflow"]},
            "inputs": ["specs/**"],
            "steps": [{"run": "command", "argv": ["true"], "expect": {}}],
            "controls": [{"mutate": "delete", "path": WORKFLOW}],
        },
    )
    error = refused(house, "Proof/tune has no step that runs Evolution/tune")
    assert "--proof" in error.help
    refused(house, "there is no Proof/other", None, *ALL, proof="other")
    house.promote(house.found(FIRST), *ALL, name="waiting")
    assert house.rules() == []
    assert (house.root / "proofs/waiting.yaml").exists()


def test_automation_promotes_and_takes_back_nothing(house):
    house.promote(house.found(FIRST), *ALL)
    house.promote(house.found(SECOND))
    house.actor = Actor("ci", "automation")
    refused(house, "ci is automation")
    with pytest.raises(UsageError, match="ci is automation"):
        house.rollback()


CONTRACT = {
    "purpose": "p",
    "layers": [
        {"id": "1", "name": "Awake", "status": "active", "purpose": "p"},
        {"id": "2", "name": "Asleep", "status": "dormant", "purpose": "p"},
    ],
}


@pytest.mark.parametrize(
    ("admits", "who"),
    [
        ({"kinds": ["Workflow"]}, "Workflow/pause"),
        ({"kinds": ["Evolution"]}, "Evolution/tune"),
        ({"kinds": ["Genome"]}, "Genome/tune-"),
        ({"kinds": ["Promotion"]}, "Promotion/tune"),
        ({"paths": ["specs/promotions/**"]}, "Promotion/tune"),
    ],
)
def test_nothing_is_put_to_use_for_a_dormant_layer_and_the_contracts_line_says_so(
    house, admits, who
):
    name = house.found(FIRST)
    awake, asleep = CONTRACT["layers"]
    spec = CONTRACT | {"layers": [awake, asleep | {"admits": admits}]}
    house.repository.document("LayerContract/house", spec)
    error = refused(house, f"{who}.* stands in house/2, which is dormant", name)
    lines = house.read("specs/house.yaml").splitlines()
    line = next(i for i, text in enumerate(lines, 1) if "dormant" in text)
    assert f"(specs/house.yaml:{line})" in error.message
    assert "a Decision wakes a layer" in error.help


def test_a_dormant_layer_takes_nothing_back_either(house):
    house.promote(house.found(FIRST), *ALL)
    house.promote(house.found(SECOND))
    awake, asleep = CONTRACT["layers"]
    spec = CONTRACT | {"layers": [awake, asleep | {"admits": {"kinds": ["Workflow"]}}]}
    house.repository.document("LayerContract/house", spec)
    before = house.files()
    with pytest.raises(UsageError, match="which is dormant"):
        house.rollback()
    assert house.files() == before


def test_what_check_would_refuse_is_not_written(house):
    error = refused(
        house, "default of the input 'tries'", None, field("wait", "/spec/inputs/tries/default")
    )
    assert "chimera check" in error.message
    assert f"{WORKFLOW}:14:" in error.message


def test_faults_that_were_there_before_hinder_nobody(house):
    house.repository.write("specs/broken.yaml", "kind: [\n")
    name = house.found(FIRST)
    house.promote(name, *ALL)
    assert "promotion-value-differs" not in house.rules()


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (field("wait", document="Workflow/puase"), "there is no Workflow/puase"),
        (field("wait", "/spec/inputs/size/default"), "has no value at"),
        (field("wait", "/spec/inputs"), "has no value at"),
        (field("factor", "/spec/inputs/wait/default"), "holds 2 values, and the field does not"),
        (field("wiat", "/spec/inputs/wait/default"), "has no gene wiat"),
    ],
)
def test_a_target_that_cannot_be_is_refused(house, target, words):
    before = house.files()
    with pytest.raises(Exception, match=words):
        house.promote(house.found(FIRST), target)
    assert house.files() == before


def test_a_record_is_no_target(house):
    name = house.found(FIRST)
    house.promote(name, *ALL)
    where = field("wait", "/spec/fitness", document=f"Genome/{name}")
    refused(house, "is a record", name, where, name="other")


def test_a_file_that_is_there_is_not_overwritten(house, tmp_path):
    house.repository.write("config/wait.json", '{"other": 1}\n')
    refused(house, "there is a config/wait.json already", None, file("config/wait.json"))
    (house.root / "out.json").symlink_to(tmp_path / "elsewhere.json")
    refused(house, "leads through a link", None, file("out.json"))
    refused(house, "cannot be read: File name too long", None, file("x" * 300 + ".json"))
    assert not (tmp_path / "elsewhere.json").exists()


def test_a_record_that_was_changed_is_not_promoted(house):
    name = house.found(FIRST)
    house.edit(f".chimera/records/Genome/{name}.yaml", "- 3.25", "- 3.5")
    refused(house, "is not as its run wrote it", name)


def test_a_genome_of_another_evolution_does_not_take_the_place(house):
    house.promote(house.found(FIRST), *ALL)
    house.repository.write(
        "specs/evolutions/other.yaml", EVOLUTION.replace("name: tune", "name: other")
    )
    other = house.found(SECOND, evolution="Evolution/other")
    with pytest.raises(UsageError, match="Promotion/tune is about Evolution/tune"):
        house.promote(other, name="tune")


def test_what_is_in_use_is_not_promoted_again(house):
    name = house.found(FIRST)
    house.promote(name, *ALL)
    with pytest.raises(UsageError, match="is in use already"):
        house.promote(name)
    refused(house, "there is a Promotion/tune already", house.found(SECOND))


def test_a_first_promotion_says_where_values_go(house):
    name = house.found(FIRST)
    with pytest.raises(UsageError, match="no Promotion/tune that says where") as error:
        house.promote(name)
    assert "--into" in error.value.help


def test_a_promotion_that_there_is_not_is_told_with_its_likely_name(house):
    house.promote(house.found(FIRST), *ALL)
    with pytest.raises(UsageError, match="there is no Promotion tnue") as error:
        house.rollback("tnue")
    assert "Promotion/tune" in error.value.help


def test_a_record_that_is_gone_is_not_rolled_back_to(house):
    first = house.found(FIRST)
    house.promote(first, *ALL)
    house.promote(house.found(SECOND))
    for path in (f"specs/genomes/{first}.yaml", f".chimera/records/Genome/{first}.yaml"):
        (house.root / path).unlink()
    with pytest.raises(UsageError, match="is not the record that was promoted"):
        house.rollback()


def test_where_something_is_protected_somebody_is_asked(house):
    house.repository.document("Environment/production", {"protected": True})
    name = house.found(FIRST)
    assert "chimera new Role" in refused(house, "somebody has to approve", name).help
    house.repository.document("Role/owners", {"members": []})
    house.repository.document("Role/others", {"members": []})
    assert "Role/others, Role/owners" in refused(house, "somebody has to approve", name).help
    house.promote(name, *ALL, approvers=["Role/owners"])
    assert "role: Role/owners" in house.read(PROMOTION)
    assert {r for r in house.rules() if r.startswith("promotion")} == set()


def test_the_only_role_is_the_one_that_is_asked(house):
    house.repository.document("Environment/production", {"protected": True})
    house.repository.document("Role/owners", {"members": []})
    provers = {"members": [], "capabilities": ["prove"]}  # they approve nothing
    house.repository.document("Role/provers", provers)
    house.promote(house.found(FIRST), *ALL)
    assert "role: Role/owners" in house.read(PROMOTION)


@pytest.mark.parametrize("name", ["../../out", "A b", ""])
def test_a_name_that_is_none_is_refused(house, name):
    if name:
        refused(house, "is not an address", None, *ALL, name=name)
    else:
        house.promote(house.found(FIRST), *ALL, name=name)
        assert (house.root / PROMOTION).exists()


def test_a_file_with_other_documents_is_not_restored(house):
    name = house.found(FIRST)
    text = house.read(EVOLUTION_FILE).replace("seed: c0ffee", "seed: decade")
    other = text.replace("name: tune", "name: other")
    house.repository.write(EVOLUTION_FILE, f"{text}---\n{other}")
    refused(house, "no longer the document that found", name)


def test_a_list_of_former_genomes_that_is_full_loses_its_oldest(house):
    first = house.found(FIRST)
    house.promote(first, *ALL)
    digest = house.read(PROMOTION).partition("champion: ")[2][:71]
    line = f"    - {{genome: Genome/{first}, champion: {digest}}}\n"
    text = house.read(PROMOTION) + "  previous:\n" + line * MOST_FORMER
    house.repository.write(PROMOTION, text)
    assert house.rules() == []
    house.promote(house.found(SECOND))
    assert house.rules() == []
    assert len(house.workspace.loaded.snapshot.of_kinds(["Promotion"])[0].spec.previous) == 100
