"""`chimera new`, for every kind that is registered and for kinds nobody has written yet."""

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, StringConstraints

from chimera.builtin.scaffold.drafting import draft
from chimera.cli.main import run
from chimera.documents import open_work_tree, parse
from chimera.kinds import (
    Duration,
    Field,
    Items,
    Kind,
    LayerRef,
    Model,
    Reference,
    Registry,
    Snapshot,
    validate,
)
from chimera.kinds.fields import AddressText
from chimera.model import UsageError
from chimera.plugin import load_plugins

REGISTRY = Registry.collect(load_plugins())
TODAY = date(2026, 11, 21)
TEMPLATES = Path(__file__).parents[3] / "chimera/builtin/scaffold/templates/new"
BY_HAND = sorted(set(REGISTRY.kinds) - {"Approval", "Genome", "Promotion", "ReleaseProof"})
CHOICES = {
    "Waiver": [
        *("--set", "policy=Policy/workflow-timeouts", "--set", "rule=stage-timeout"),
        *("--set", "address=Workflow/manifest"),
    ],
}
"""What an author has to choose, because nothing could be chosen for them."""
BEFORE = {"Postmortem": ("Incident",)}
"""What there must be before a document of a kind can be written."""


@pytest.fixture
def repository(tmp_path, capsys):
    """A repository as `init` makes it."""
    assert run(["-C", str(tmp_path), "init"]) == 0
    capsys.readouterr()
    return tmp_path


@pytest.mark.parametrize("kind", [kind for kind in BY_HAND if kind != "Repository"])
def test_a_first_document_of_every_kind_passes_check(repository, kind, capsys):
    for other in (*BEFORE.get(kind, ()), kind):
        assert run(["-C", str(repository), "new", other, *CHOICES.get(kind, ())]) == 0
    assert f"{kind}/first-" in capsys.readouterr().out
    assert run(["-C", str(repository), "check"]) == 0, capsys.readouterr().out
    assert run(["-C", str(repository), "fmt", "--check"]) == 0


def test_all_of_them_together_are_tested_proven_and_applied(repository, capsys):
    for kind in BY_HAND:
        if kind != "Repository":
            assert run(["-C", str(repository), "new", kind, *CHOICES.get(kind, ())]) == 0
    assert run(["-C", str(repository), "check"]) == 0
    assert run(["-C", str(repository), "policy", "test"]) == 0
    assert run(["-C", str(repository), "prove", "first-proof"]) == 0
    assert run(["-C", str(repository), "apply"]) == 0
    assert run(["-C", str(repository), "run", "Workflow/first-workflow"]) == 0
    capsys.readouterr()
    assert run(["-C", str(repository), "apply"]) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_a_repository_document_is_written_where_there_is_none(tmp_path):
    assert run(["-C", str(tmp_path), "new", "Repository"]) == 0
    assert (tmp_path / "specs" / "repository.yaml").is_file()
    assert run(["-C", str(tmp_path), "check"]) == 0


def test_every_template_is_for_a_kind_that_is_registered():
    assert {path.name.partition(".")[0] for path in TEMPLATES.iterdir()} <= set(BY_HAND)


@pytest.mark.parametrize("name", ["sev", "priority"])
def test_shipped_severity_models_are_written_by_their_names(tmp_path, name):
    assert run(["-C", str(tmp_path), "new", "SeverityModel", name]) == 0
    written = tmp_path / "specs" / "severities" / f"{name}.yaml"
    shipped = Path(__file__).parents[3] / "specs" / "severities" / f"{name}.yaml"
    assert value(written) == value(shipped)
    assert run(["-C", str(tmp_path), "check"]) == 0


def value(file: Path) -> object:
    return parse(file.name, file.read_bytes())[0][0].value


@pytest.mark.parametrize("kind", ["Approval", "Genome", "ReleaseProof"])
def test_a_record_that_chimera_makes_is_not_made_up(repository, kind, capsys):
    assert run(["-C", str(repository), "new", kind]) == 4
    assert "chimera record" in capsys.readouterr().err


def test_an_unknown_kind_suggests_the_nearest(repository, capsys):
    assert run(["-C", str(repository), "new", "Polcy"]) == 4
    assert "did you mean Policy?" in capsys.readouterr().err


@pytest.mark.parametrize("spelling", ["ChangelogEntry", "changelogentry", "changelog-entry"])
def test_a_kind_is_understood_as_people_write_it(repository, spelling):
    assert run(["-C", str(repository), "new", spelling, "moved"]) == 0
    assert (repository / "changelog" / "moved.yaml").is_file()


def test_nothing_is_overwritten(repository, capsys):
    run(["-C", str(repository), "new", "Policy", "one"])
    before = (repository / "policies" / "one.yaml").read_bytes()
    assert run(["-C", str(repository), "new", "Policy", "one"]) == 4
    assert (repository / "policies" / "one.yaml").read_bytes() == before
    assert "there is a Policy/one already, in policies/one.yaml" in capsys.readouterr().err


def test_a_file_in_the_way_is_not_overwritten(repository, capsys):
    (repository / "policies" / "two.yaml").write_text("# notes\n")
    assert run(["-C", str(repository), "new", "Policy", "two"]) == 4
    assert "nothing is overwritten" in capsys.readouterr().err


def test_to_names_a_file_or_a_folder_below_the_present_one(repository):
    below = repository / "specs"
    assert run(["-C", str(below), "new", "Role", "ops", "--to", "people/"]) == 0
    assert run(["-C", str(below), "new", "Role", "dba", "--to", "people/data.yml"]) == 0
    assert (below / "people" / "ops.yaml").is_file()
    text = (below / "people" / "data.yml").read_text()
    assert text.startswith("# yaml-language-server: $schema=../../.chimera/schemas/Role.json\n")


@pytest.mark.parametrize("to", ["../outside.yaml", "/tmp/outside.yaml", "notes.txt"])
def test_a_place_where_no_document_is_read_is_refused(repository, to):
    assert run(["-C", str(repository), "new", "Role", "--to", to]) == 4


@pytest.mark.parametrize("name", ["Upper", "../up", "a\n  description: b", "a: b"])
def test_a_name_cannot_say_more_than_a_name(repository, name, capsys):
    assert run(["-C", str(repository), "new", "Workflow", name]) == 4
    assert "is not a name" in capsys.readouterr().err


def test_set_gives_fields_of_a_template_and_keeps_its_comments(repository):
    settings = ["trigger=apply", "metadata.labels.team=ops", "stages.0.timeout=5m"]
    flags = [word for setting in settings for word in ("--set", setting)]
    assert run(["-C", str(repository), "new", "Workflow", "w", *flags]) == 0
    text = (repository / "specs" / "workflows" / "w.yaml").read_text()
    assert "# retryPolicy: {maxRetries: 3, baseDelay: 2s}" in text
    [document], _ = parse("w.yaml", text.encode())
    assert document.value["spec"]["trigger"] == "apply"
    assert document.value["spec"]["stages"][0]["timeout"] == "5m"
    assert document.value["metadata"]["labels"] == {"team": "ops"}
    assert run(["-C", str(repository), "check"]) == 0


def test_set_gives_fields_of_an_outline_as_text_or_json(repository):
    flags = ["--set", "protected=false", "--set", "metadata.description=Where it is tried."]
    assert run(["-C", str(repository), "new", "Environment", "staging", *flags]) == 0
    text = (repository / "specs" / "environments" / "staging.yaml").read_text()
    [document], _ = parse("w.yaml", text.encode())
    assert document.value["spec"] == {"protected": False}
    assert document.value["metadata"]["description"] == "Where it is tried."


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("protected=maybe", "protected"),
        ("colour=red", "unknown field 'colour'"),
        ("kind=Policy", "cannot be set"),
        ("protected.deep.er=1", "leads nowhere"),
        ("protected", "has no value"),
    ],
)
def test_a_setting_that_does_not_fit_is_refused_and_nothing_written(
    repository, setting, said, capsys
):
    assert run(["-C", str(repository), "new", "Environment", "x", "--set", setting]) == 4
    assert said in capsys.readouterr().err
    assert not (repository / "specs" / "environments" / "x.yaml").exists()


def test_a_reference_that_dangles_is_refused(repository, capsys):
    flags = ["--set", "policy=Policy/none", "--set", "rule=r"]
    assert run(["-C", str(repository), "new", "Waiver", *flags]) == 4
    assert "there is no Policy/none" in capsys.readouterr().err


def test_a_reference_without_anything_to_refer_to_says_what_to_make_first(tmp_path, capsys):
    assert run(["-C", str(tmp_path), "new", "Waiver"]) == 4
    assert "chimera new Policy" in capsys.readouterr().err


def test_dry_run_prints_the_document_and_writes_nothing(repository, capsys):
    assert run(["-C", str(repository), "new", "Gate", "--dry-run"]) == 0
    assert "kind: Gate" in capsys.readouterr().out
    assert not (repository / "specs" / "gates" / "first-gate.yaml").exists()


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("Workflow", "specs/workflows"),
        ("ResourcePool", "specs/resource-pools"),
        ("Boundary", "specs/boundaries"),
        ("Gateway", "specs/gateways"),
        ("Branch", "specs/branches"),
    ],
)
def test_folders_are_the_kinds_plural(name, folder):
    assert Kind(name, Model, "").folder == folder


def test_a_kind_says_where_its_documents_stand():
    assert Kind("LayerContract", Model, "", home="specs/layers").folder == "specs/layers"
    assert Kind("Decision", Model, "", record=True).folder == "changelog"


# Kinds that nobody has written yet.


def _even(text: str) -> str:
    if len(text) % 2:
        raise ValueError("must have an even number of characters")
    return text


class Part(Model):
    size: Annotated[int, Field(gt=10, lt=20)] = Field(description="How large.")
    note: str | None = Field(default=None, description="What to know.")


class Small(Model):
    type: Literal["small"] = Field(description="A small one.")
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]$")] = Field(description="A digit.")


class Large(Model):
    type: Literal["large"] = Field(description="A large one.")
    reach: float = Field(description="How far.")


class WidgetSpec(Model):
    even: Annotated[str, AfterValidator(_even)] = Field(description="Text of even length.")
    wait: Duration = Field(description="How long to wait.")
    parts: Annotated[Items[Part], Field(min_length=2)] = Field(description="What it is made of.")
    shape: Annotated[Small | Large, Field(discriminator="type")] = Field(description="Its shape.")
    layer: LayerRef = Field(description="Where it acts.")
    owner: Annotated[AddressText, Reference("Role")] = Field(description="Who answers for it.")
    tags: dict[str, str] = Field(description="Free words.")
    limit: int | None = Field(default=None, description="A limit, if there is one: none by default")
    tricky: str = Field(examples=["no"], description="A word that YAML 1.1 takes for false.")


class RiddleSpec(Model):
    answer: Annotated[str, StringConstraints(pattern=r"^forty-two$")] = Field(
        description="What no placeholder guesses."
    )


def snapshot_with(tmp_path: Path, *kinds: Kind, texts: tuple[str, ...] = ()) -> Snapshot:
    registry = Registry(dict(REGISTRY.kinds) | {kind.name: kind for kind in kinds})
    raws = [raw for text in texts for raw in parse("specs/x.yaml", text.encode())[0]]
    documents = [document for raw in raws if (document := validate(raw, registry)[0])]
    assert len(documents) == len(texts)
    return Snapshot.of(open_work_tree(tmp_path), registry, documents)


ROLE = "apiVersion: chimera/v1\nkind: Role\nmetadata: {name: ops}\nspec: {members: []}\n"
CONTRACT = """\
apiVersion: chimera/v1
kind: LayerContract
metadata: {name: house}
spec:
  purpose: floors
  layers:
    - {id: attic, name: Attic, status: dormant, purpose: none}
    - {id: ground, name: Ground, status: active, purpose: all}
"""


def test_a_plugins_kind_is_drafted_from_its_model(tmp_path):
    kind = Kind("Widget", WidgetSpec, "A thing of a plugin's own.")
    snapshot = snapshot_with(tmp_path, kind, texts=(ROLE, CONTRACT))
    made = draft(snapshot, "widget", "w", today=TODAY, settings={})
    assert made.path == "specs/widgets/w.yaml"
    [raw], faults = parse(made.path, made.text.encode())
    assert faults == []
    spec = raw.value["spec"]
    assert spec["owner"] == "Role/ops"
    assert spec["layer"] == "house/ground"
    assert spec["tricky"] == "no"
    assert [10 < part["size"] < 20 for part in spec["parts"]] == [True, True]
    assert "# A thing of a plugin's own." in made.text
    assert "  # How long to wait.\n" in made.text
    assert "  # A limit, if there is one: none by default\n  # limit: 1\n" in made.text
    assert "      # note: to-be-written\n" in made.text


def test_commented_fields_can_be_uncommented_one_and_all(tmp_path):
    """Every `# field: value` line is YAML that fits where it stands."""
    for kind in BY_HAND:
        snapshot = snapshot_with(tmp_path, texts=(ROLE, CONTRACT))
        if (TEMPLATES / f"{kind}.yaml").exists() or kind == "Waiver":
            continue
        text = draft(snapshot, kind, "x", today=TODAY, settings={}).text
        live = [
            line.replace("# ", "", 1)
            if ": " in line
            and not line[2:].lstrip(" #")[:1].isupper()
            and line.lstrip().startswith("# ")
            and line.startswith("  ")
            else line
            for line in text.splitlines()
        ]
        [raw], faults = parse("x.yaml", "\n".join([*live, ""]).encode())
        assert faults == []
        assert len(raw.value["metadata"]) == 5


def test_a_setting_of_an_optional_field_makes_it_live(tmp_path):
    kind = Kind("Widget", WidgetSpec, "A thing.")
    snapshot = snapshot_with(tmp_path, kind, texts=(ROLE, CONTRACT))
    settings = {"limit": "3", "shape": '{"type": "large", "reach": 2.5}', "tags.a": "b c: d"}
    made = draft(snapshot, "Widget", "w", today=TODAY, settings=settings)
    [raw], _ = parse(made.path, made.text.encode())
    assert raw.value["spec"]["limit"] == 3
    assert raw.value["spec"]["shape"] == {"type": "large", "reach": 2.5}
    assert raw.value["spec"]["tags"] == {"a": "b c: d"}
    assert "# How far." in made.text


def test_what_cannot_be_guessed_is_asked_for_by_its_flag(tmp_path):
    snapshot = snapshot_with(tmp_path, Kind("Riddle", RiddleSpec, "A riddle."))
    with pytest.raises(UsageError) as refused:
        draft(snapshot, "Riddle", "r", today=TODAY, settings={})
    assert "--set answer=VALUE" in (refused.value.help or "")
    made = draft(snapshot, "Riddle", "r", today=TODAY, settings={"answer": "forty-two"})
    assert "answer: forty-two" in made.text


def test_a_layer_that_is_missing_says_what_to_make_first(tmp_path):
    kind = Kind("Widget", WidgetSpec, "A thing.")
    with pytest.raises(UsageError) as refused:
        draft(snapshot_with(tmp_path, kind, texts=(ROLE,)), "Widget", today=TODAY, settings={})
    assert "chimera new LayerContract" in (refused.value.help or "")


def test_the_same_question_gets_the_same_draft(tmp_path):
    snapshot = snapshot_with(tmp_path, texts=(ROLE,))
    drafts = {draft(snapshot, "Decision", "d", today=TODAY, settings={}).text for _ in range(3)}
    assert len(drafts) == 1
