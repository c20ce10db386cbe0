"""Promotions held to what they say: each fault at its place, and none where all is true."""

import json

import pytest

from tests.builtin.evolution.genomes.conftest import FIRST, field, file

PROMOTION = "specs/promotions/tune.yaml"
WORKFLOW = "specs/workflows/pause.yaml"


@pytest.fixture
def promoted(house):
    name = house.found(FIRST)
    house.promote(name, field("wait"), field("factor"), field("tries"))
    assert house.rules() == []
    return house


def only(house, rule):
    [found] = house.faults()
    assert found[0] == rule, found
    return found[1:]


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("default: 3.25", "default: 3.26", 9, "3.26 here, and Genome/tune-"),
        ("default: 3.25", "default: 3.2500000000000004", 9, "says 3.25"),
        ("[1.5, 2.0]", "[2.0, 1.5]", 12, "says [1.5, 2.0]"),
        ("[1.5, 2.0]", "[1.5, 2.0, 2.0]", 12, "[1.5, 2.0, 2.0] here"),
    ],
)
def test_a_promoted_value_that_somebody_changed_is_an_error_at_its_place(
    promoted, old, new, line, words
):
    promoted.edit(WORKFLOW, old, new)
    where, message = only(promoted, "promotion-value-differs")
    assert where.startswith(f"{WORKFLOW}:{line}:")
    assert words in message


def test_the_same_number_may_be_written_otherwise(promoted):
    promoted.edit(WORKFLOW, "default: 3.25", "default: 325.0e-2")
    promoted.edit(WORKFLOW, "[1.5, 2.0]", "[1.5, 2]")
    assert promoted.rules() == []


def test_a_field_that_is_gone_is_missing(promoted):
    promoted.edit(WORKFLOW, ", default: 4}", "}")
    where, message = only(promoted, "promotion-target-missing")
    assert where.startswith(f"{PROMOTION}:")
    assert message == "Workflow/pause has no field /spec/inputs/tries/default"


def test_a_gene_that_there_is_not_is_told_with_its_likely_name(promoted):
    promoted.edit(PROMOTION, "gene: wait", "gene: wiat")
    where, message = only(promoted, "promotion-gene-unknown")
    assert where.startswith(f"{PROMOTION}:13:")
    assert "has no gene wiat" in message
    [fault] = promoted.workspace.check().diagnostics
    assert fault.help == "did you mean wait?"


def test_two_values_for_one_place_are_refused(promoted):
    promoted.edit(PROMOTION, "at: /spec/inputs/tries/default", "at: /spec/inputs/wait/default")
    where, _ = only(promoted, "promotion-target-twice")
    assert where.startswith(f"{PROMOTION}:17:")


def test_a_genome_of_another_evolution_is_refused(promoted):
    text = promoted.read("specs/evolutions/tune.yaml").replace("name: tune", "name: other")
    promoted.repository.write("specs/evolutions/other.yaml", text)
    name = promoted.found(FIRST, evolution="Evolution/other")
    record = promoted.read(f".chimera/records/Genome/{name}.yaml")
    promoted.repository.write(f"specs/genomes/{name}.yaml", record)
    now = next(line for line in promoted.read(PROMOTION).splitlines() if "genome:" in line)
    promoted.edit(PROMOTION, now, f"  genome: Genome/{name}")
    where, message = only(promoted, "promotion-genome-foreign")
    assert where.startswith(f"{PROMOTION}:7:")
    assert "was found by Evolution/other, not by Evolution/tune" in message


def test_another_champion_than_the_records_is_refused(promoted):
    digest = promoted.read(PROMOTION).partition("champion: ")[2][:71]
    for path in (PROMOTION, "proofs/tune.yaml"):
        promoted.edit(path, digest, "sha256:" + "0" * 64)
    where, message = only(promoted, "promotion-champion-differs")
    assert where.startswith(f"{PROMOTION}:9:")
    assert digest in message


@pytest.mark.parametrize("old", ["- 3.25", "fitness: 10.75"])
def test_a_record_that_was_changed_by_hand_is_unsound_and_nothing_is_held_to_it(promoted, old):
    [path] = [p for p in promoted.files() if p.startswith("specs/genomes/")]
    promoted.edit(path, old, old.replace("5", "6"))
    where, message = only(promoted, "promotion-genome-unsound")
    assert where.startswith(path)
    assert "its genes and fitness are not those of its champion" in message


def test_a_record_whose_genes_cannot_be_is_unsound(promoted):
    [path] = [p for p in promoted.files() if p.startswith("specs/genomes/")]
    promoted.edit(path, "- 3.25", "- 325.0")
    assert "the gene wait cannot be 325.0" in only(promoted, "promotion-genome-unsound")[1]


def test_an_evolution_that_says_something_else_now_is_a_warning(promoted):
    promoted.edit("specs/evolutions/tune.yaml", "generations: 5", "generations: 6")
    result = promoted.workspace.check()
    assert [(one.rule, one.severity.value) for one in result.diagnostics] == [
        ("promotion-evolution-changed", "warning")
    ]
    assert result.outcome.value == "passed"


def test_a_comment_in_the_evolution_changes_nothing(promoted):
    promoted.edit("specs/evolutions/tune.yaml", "# kept", "# changed")
    assert promoted.rules() == []


def test_a_genome_that_cannot_be_found_again_is_refused(promoted):
    [path] = [p for p in promoted.files() if p.startswith("specs/genomes/")]
    promoted.repository.write(path, promoted.read(path).rstrip() + "\n    reproducible: false\n")
    assert "cannot be found again" in only(promoted, "promotion-not-reproducible")[1]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("run: evolution", "run: command\n      argv: [echo]"),
        ("champion: sha256:", "champion: sha256:0000000000"),
        ("- specs/evolutions/tune.yaml", "- specs/workflows/**"),
    ],
)
def test_a_proof_that_does_not_find_the_champion_again_is_refused(promoted, old, new):
    text = promoted.read("proofs/tune.yaml").replace(old, new)
    if "command" in new:
        head, _, rest = text.partition("argv: [echo]\n")
        rest = rest.partition("  controls:")[2]
        text = f"{head}argv: [echo]\n  controls:{rest}"
    if "champion" in new:
        start = text.index("sha256:0000000000")
        text = text[: start + 71] + text[start + 81 :]
    if "workflows" in new:
        text = text.replace("path: specs/evolutions/tune.yaml", f"path: {WORKFLOW}")
        text = text.replace("- spec\n        - seed", "- metadata\n        - name")
    promoted.repository.write("proofs/tune.yaml", text)
    where, message = only(promoted, "promotion-unproven")
    assert where.startswith(f"{PROMOTION}:")
    assert "Proof/tune does not run Evolution/tune again and find sha256:" in message


def test_a_proof_that_does_something_before_it_runs_the_evolution_is_refused(promoted):
    step = (
        "  steps:\n    - run: command\n      argv: [cp, other.yaml, specs/evolutions/tune.yaml]\n"
    )
    promoted.edit("proofs/tune.yaml", "  steps:\n", step)
    _, message = only(promoted, "promotion-unproven")
    assert "Proof/tune does not run Evolution/tune again" in message


@pytest.mark.parametrize(
    ("document", "at", "reason"),
    [
        ("Evolution/tune", "/spec/population", "is what the genome was found, proven or promoted"),
        ("Proof/tune", "/spec/repeat", "is what the genome was found, proven or promoted"),
        ("Promotion/tune", "/spec/targets/0/gene", "is what the genome was found, proven or"),
        ("GENOME", "/spec/generation", "is a record, which states what happened"),
    ],
)
def test_a_value_does_not_go_into_what_it_follows_from(promoted, document, at, reason):
    name = next(path.stem for path in (promoted.root / "specs/genomes").iterdir())
    document = document.replace("GENOME", f"Genome/{name}")
    text = promoted.read(PROMOTION).replace("Workflow/pause", document, 1)
    promoted.repository.write(PROMOTION, text.replace("/spec/inputs/wait/default", at))
    where, message = only(promoted, "promotion-target-unfit")
    assert where.startswith(f"{PROMOTION}:")
    assert message.startswith(f"{document} {reason}")


def test_a_promotion_without_its_proof_is_refused(promoted):
    (promoted.root / "proofs/tune.yaml").unlink()
    assert promoted.rules() == ["reference-dangling"]


def test_a_protected_environment_wants_somebody_who_approves(promoted):
    promoted.repository.document("Environment/production", {"protected": True})
    where, message = only(promoted, "promotion-without-approval")
    assert where.startswith(PROMOTION)
    assert "Environment/production is protected" in message


def test_a_duration_may_be_written_otherwise_and_not_be_another(house):
    at = "/spec/stages/0/timeout"
    house.promote(house.found(FIRST), field("wait", at, unit="m"))
    assert "timeout: 3m15s   # generous" in house.read(WORKFLOW)
    house.edit(WORKFLOW, "3m15s", "195s")
    assert house.rules() == []
    house.edit(WORKFLOW, "195s", "196s")
    assert "says '3m15s'" in only(house, "promotion-value-differs")[1]


def test_what_is_no_length_of_time_is_refused(promoted):
    promoted.repository.write(
        PROMOTION,
        promoted.read(PROMOTION).replace("gene: tries", "gene: tries\n      unit: d"),
    )
    promoted.edit(WORKFLOW, "default: 4", "default: 4d")
    assert "promotion-unit-unfit" not in promoted.rules()
    promoted.edit("specs/evolutions/tune.yaml", "min: 1, max: 9", "min: -9, max: 9")
    name = promoted.found(FIRST | {"tries": [-2]}, name="negative")
    promoted.repository.write(
        "specs/genomes/negative.yaml", promoted.read(f".chimera/records/Genome/{name}.yaml")
    )
    old = next(line for line in promoted.read(PROMOTION).splitlines() if " genome:" in line)
    promoted.edit(PROMOTION, old, "  genome: Genome/negative")
    faults = [one for one in promoted.faults() if one[0] == "promotion-unit-unfit"]
    assert [one[2] for one in faults] == ["-2 is no length of time in d"]


@pytest.mark.parametrize("path", ["config/wait.yaml", "config/wait.json"])
def test_a_file_holds_all_genes_and_nothing_else(house, path):
    house.promote(house.found(FIRST), file(path))
    assert house.rules() == []
    house.edit(path, "3.25", "3.5")
    where, message = only(house, "promotion-value-differs")
    assert where.startswith(path)
    assert f"{path}: wait holds 3.5 here" in message
    house.edit(path, "3.5", "3.25")
    house.edit(path, "tries", "tires")
    assert house.rules() == ["promotion-value-differs"] * 2
    (house.root / path).write_text("{")
    assert set(house.rules()) == {"promotion-value-differs"}
    (house.root / path).unlink()
    assert only(house, "promotion-target-missing")[1] == f"there is no file {path}"


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("../out.yaml", "glob-outside-tree"),
        ("/etc/out.json", "glob-outside-tree"),
        (".git/hooks.json", "promotion-file-outside-tree"),
        ("a/.GIT/x.json", "promotion-file-outside-tree"),
        (".chimera/records/x.yaml", "promotion-file-outside-tree"),
        ("a/*.yaml", "field-invalid"),
        ("a.txt", "field-invalid"),
        ("a\\n.yaml", "field-invalid"),
    ],
)
def test_a_file_that_git_does_not_keep_in_the_tree_is_no_target(promoted, path, rule):
    text = promoted.read(PROMOTION)
    added = f"  targets:\n    - file: {json.dumps(path)}\n"
    promoted.repository.write(PROMOTION, text.replace("  targets:\n", added))
    assert promoted.rules() == [rule]


@pytest.mark.parametrize(
    "text",
    [
        '{"wait": 9, "wait": 3.25, "factor": [1.5, 2.0], "tries": 4}',
        '{"wait": NaN, "factor": [1.5, 2.0], "tries": 4}',
        '{"wait": 1' + "0" * 400 + ', "factor": [1.5, 2.0], "tries": 4}',
        "[3.25]",
        "\ufeff",
        "[" * 100_000,
    ],
)
def test_a_file_that_readers_could_take_otherwise_differs(house, text):
    house.promote(house.found(FIRST), file("config/wait.json"))
    house.repository.write("config/wait.json", text)
    assert set(house.rules()) == {"promotion-value-differs"}
