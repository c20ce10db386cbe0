"""What a change loosens still holds for what else it changes: Schemas, contracts, proofs."""

from __future__ import annotations

from typing import Any

import pytest

SCHEMA = """\
apiVersion: chimera/v1
kind: Schema
metadata: {name: pods}
spec:
  paths: ["deploy/**/*.yaml"]
  selects: {kind: Pod}
  readBy: yaml-1.1
  file: schemas/pod.json
  uses: ["schemas/spec.json"]
"""
POD = '{"required": ["spec"], "properties": {"spec": {"$ref": "spec.json"}}}\n'
SPEC = '{"properties": {"image": {"type": "string"}}, "required": ["image"]}\n'
GOOD = "kind: Pod\nspec: {image: a}\n"
BAD = "kind: Pod\nspec: {image: 1}\n"


@pytest.fixture
def team(repository: Any) -> Any:
    """A repository with a Schema over manifests, one of which breaks it already, and a branch."""
    repository.write("specs/pods.yaml", SCHEMA)
    repository.write("schemas/pod.json", POD)
    repository.write("schemas/spec.json", SPEC)
    repository.write("deploy/web.yaml", GOOD)
    repository.write("deploy/db.yaml", GOOD)
    return branch(repository)


def branch(repository: Any) -> Any:
    repository.commit("first")
    repository.git("checkout", "-q", "-b", "topic")
    return repository


def check(team: Any) -> Any:
    team.commit()
    return team.chimera("check", "--base", "main", "-o", "json")


def errors(answer: Any) -> list[Any]:
    return [d for d in answer.json["diagnostics"] if d["severity"] == "error"]


def merge(team: Any) -> None:
    team.commit()
    team.git("branch", "-f", "main", "topic")


# Schemas


def delete(team: Any) -> None:
    (team.root / "specs/pods.yaml").unlink()


def loosen_the_file(team: Any) -> None:
    team.write("schemas/pod.json", "{}\n")


def loosen_what_it_uses(team: Any) -> None:
    team.write("schemas/spec.json", "{}\n")


def ask_nothing(team: Any) -> None:
    team.write("specs/pods.yaml", SCHEMA.partition("  file:")[0])


def look_away(team: Any) -> None:
    team.write("specs/pods.yaml", SCHEMA.replace("deploy/**", "deploy/old/**"))


def select_others(team: Any) -> None:
    team.write("specs/pods.yaml", SCHEMA.replace("kind: Pod}", "kind: Job}"))


def lull(team: Any) -> None:
    team.write("specs/contract.yaml", ASLEEP)


def claim_the_folder(team: Any) -> None:
    team.write(
        "specs/repository.yaml",
        "apiVersion: chimera/v1\nkind: Repository\nmetadata: {name: r}\n"
        "spec: {roots: [specs, deploy/old]}\n",
    )
    team.git("mv", "deploy/web.yaml", "deploy/web.tmp")
    (team.root / "deploy/old").mkdir()
    team.git("mv", "deploy/web.tmp", "deploy/old/web.yaml")


ASLEEP = """\
apiVersion: chimera/v1
kind: LayerContract
metadata: {name: team}
spec:
  purpose: sleep
  layers:
    - id: "1"
      name: Asleep
      status: dormant
      purpose: sleep
      trigger: none
      mode: enforcing
      admits: {kinds: [Schema]}
"""
SCHEMA_LOOSENINGS = [
    delete,
    loosen_the_file,
    loosen_what_it_uses,
    ask_nothing,
    look_away,
    select_others,
    lull,
]


@pytest.mark.parametrize("loosen", SCHEMA_LOOSENINGS)
def test_a_schema_loosened_in_the_change_still_holds_for_the_files_that_it_changes(
    team: Any, loosen: Any
) -> None:
    team.write("deploy/web.yaml", BAD)
    loosen(team)
    answer = check(team)
    assert answer.code == 1, answer.out
    (fault,) = errors(answer)
    assert (fault["rule"], fault["path"], fault["line"]) == (
        "schema-violated",
        "deploy/web.yaml",
        2,
    )
    assert "Schema/pods, as it was before this change, refuses:" in fault["message"]
    assert "in a change of its own" in fault["help"]
    touches = {(t["name"], *t["asks"]) for t in answer.json["change"]["touches"]}
    assert ("Schema/pods", "keeping to its JSON Schema") in touches
    assert team.chimera("plan", "--base", "main").code == 1


@pytest.mark.parametrize("loosen", SCHEMA_LOOSENINGS)
def test_a_schema_can_be_loosened_in_a_change_of_its_own(team: Any, loosen: Any) -> None:
    loosen(team)
    answer = check(team)
    assert (answer.code, errors(answer)) == (0, []), answer.out
    merge(team)
    team.write("deploy/web.yaml", BAD)
    assert check(team).code == 0


def test_a_file_in_a_folder_that_the_change_makes_chimeras_own_was_foreign(team: Any) -> None:
    team.write("deploy/web.yaml", BAD)
    claim_the_folder(team)
    answer = check(team)
    assert "schema-violated" in {fault["rule"] for fault in errors(answer)}, answer.out


def test_what_a_schema_refuses_as_it_was_and_as_it_is_is_told_once(team: Any) -> None:
    team.write("deploy/web.yaml", BAD)
    team.write("specs/pods.yaml", SCHEMA.replace("Pod}", "Pod, apiVersion: v1}"))
    team.write("specs/more.yaml", SCHEMA.replace("pods", "more"))
    (fault,) = errors(check(team))
    assert fault["message"] == "spec.image should be a string, not 1"


def test_a_schema_that_is_mended_with_its_files_is_one_change(team: Any) -> None:
    team.write("schemas/spec.json", '{"required": ["image", "team"]}\n')
    team.write("deploy/web.yaml", "kind: Pod\nspec: {image: a, team: b}\n")
    team.write("deploy/db.yaml", "kind: Pod\nspec: {image: a, team: b}\n")
    assert check(team).code == 0


# Contracts

CONTRACT = """\
apiVersion: chimera/v1
kind: LayerContract
metadata: {name: team}
spec:
  purpose: run
  layers:
    - {id: "2", name: People, status: active, purpose: who does it}
    - id: "1"
      name: Work
      status: active
      purpose: what people start
      trigger: human
      mode: enforcing
      prohibits: [enforcement, ownership]
      admits: {kinds: [Workflow, Policy], paths: ["specs/work/**"]}
      refuses: [{what: roles, kinds: [Role], to: team/2}]
"""
WORKFLOW = """\
apiVersion: chimera/v1
kind: Workflow
metadata: {name: work}
spec:
  trigger: human
  mode: sequential
  stages:
    - {id: list, name: List, operation: file.digest, inputs: {paths: ["deploy/**"]}}
"""
STARTED = WORKFLOW.replace("trigger: human", "trigger: event\n  event: pushed")
POLICY = """\
apiVersion: chimera/v1
kind: Policy
metadata: {name: named}
spec:
  match: {kinds: [Role]}
  rules:
    - {id: named, expression: object.metadata.name != 'x', message: a role is not x}
  cases:
    - {name: named, object: {metadata: {name: y}}, expect: []}
    - {name: x, object: {metadata: {name: x}}, expect: [named]}
"""
ROLE = """\
apiVersion: chimera/v1
kind: Role
metadata: {name: owner, layers: [team/1]}
spec: {members: []}
"""


@pytest.fixture
def layered(team: Any) -> Any:
    """The repository with a contract that lets nothing but people start its workflow."""
    team.write("specs/contract.yaml", CONTRACT)
    team.write("specs/work.yaml", WORKFLOW)
    merge(team)
    return team


def let_it_start(team: Any) -> None:
    team.write("specs/contract.yaml", CONTRACT.replace("trigger: human", "trigger: automatic"))


def admit_nothing(team: Any) -> None:
    team.write(
        "specs/contract.yaml", CONTRACT.replace("kinds: [Workflow, Policy]", "kinds: [Gate]")
    )


def delete_the_contract(team: Any) -> None:
    (team.root / "specs/contract.yaml").unlink()


def rename_the_contract(team: Any) -> None:
    delete_the_contract(team)
    team.write(
        "specs/other.yaml",
        CONTRACT.replace("team", "other").replace("human", "automatic"),
    )


CONTRACT_LOOSENINGS = [let_it_start, admit_nothing, delete_the_contract, rename_the_contract]


@pytest.mark.parametrize("loosen", CONTRACT_LOOSENINGS)
def test_a_contract_loosened_in_the_change_still_binds_the_documents_that_it_changes(
    layered: Any, loosen: Any
) -> None:
    layered.write("specs/work.yaml", STARTED)
    loosen(layered)
    answer = check(layered)
    assert answer.code == 1, answer.out
    (fault,) = errors(answer)
    assert (fault["rule"], fault["path"]) == ("layer-human-triggered", "specs/work.yaml")
    assert "LayerContract/team, as it was before this change, forbids:" in fault["message"]
    assert "in a change of its own" in fault["help"]


@pytest.mark.parametrize("loosen", CONTRACT_LOOSENINGS)
def test_a_contract_can_be_loosened_in_a_change_of_its_own(layered: Any, loosen: Any) -> None:
    loosen(layered)
    answer = check(layered)
    assert (answer.code, errors(answer)) == (0, []), answer.out
    merge(layered)
    layered.write("specs/work.yaml", STARTED)
    assert check(layered).code == 0


def test_a_word_lifted_in_the_change_still_forbids(layered: Any) -> None:
    lifted = CONTRACT.replace("[enforcement, ownership]", "[ownership]")
    layered.write("specs/contract.yaml", lifted)
    layered.write("policies/named.yaml", POLICY)
    (fault,) = errors(check(layered))
    assert (fault["rule"], fault["path"]) == ("layer-prohibits-enforcement", "policies/named.yaml")
    (layered.root / "policies/named.yaml").unlink()
    assert check(layered).code == 0


def test_a_refusal_lifted_in_the_change_still_refuses(layered: Any) -> None:
    lifted = CONTRACT.rpartition("      refuses")[0]
    layered.write("specs/contract.yaml", lifted)
    layered.write("specs/owner.yaml", ROLE)
    (fault,) = errors(check(layered))
    assert (fault["rule"], fault["path"]) == ("layer-refused", "specs/owner.yaml")
    layered.write("specs/contract.yaml", CONTRACT)
    (fault,) = errors(check(layered))
    assert "as it was" not in fault["message"]


def test_what_a_dormant_layer_holds_does_not_wake_and_act_in_one_change(layered: Any) -> None:
    dormant = CONTRACT.replace("status: active\n", "status: dormant\n").replace("human", "none")
    layered.write("specs/contract.yaml", dormant)
    merge(layered)
    layered.write("specs/contract.yaml", CONTRACT.replace("human", "automatic"))
    layered.write("specs/work.yaml", STARTED)
    told = {fault["rule"] for fault in errors(check(layered))}
    assert "dormant-trigger" in told
    layered.write("specs/work.yaml", WORKFLOW)
    told = {fault["rule"] for fault in errors(check(layered))}
    assert told == {"layer-activated", "layer-activated-unrecorded"}


# Paths


@pytest.mark.parametrize("path", [".chimera/state.db", ".Chimera/evidence/x.json", ".chimera"])
def test_chimeras_own_folder_in_a_pull_request_is_an_error_at_its_path(
    team: Any, path: str
) -> None:
    team.write(path, "x")
    team.git("add", "-f", path)
    team.git("commit", "-q", "-m", "state")
    for args in (["--base", "main"], ["--base", "main", "--work-tree"], []):
        answer = team.chimera("check", *args, "-o", "json")
        assert answer.code == 1, (args, answer)
        (fault,) = errors(answer)
        assert (fault["rule"], fault["path"]) == ("own-folder-tracked", path)
        assert "git rm -r --cached .chimera" in fault["help"]
    assert team.chimera("plan", "--base", "main").code == 1


def test_chimeras_own_folder_where_git_ignores_it_is_no_fault(team: Any) -> None:
    team.write(".gitignore", ".chimera/\n")
    team.write(".chimera/out/x.json", "x")
    for args in (["--base", "main"], ["--base", "main", "--work-tree"], []):
        team.commit()
        assert team.chimera("check", *args).code == 0


def ambiguous(answer: Any) -> list[str]:
    return [d["path"] for d in answer.json["diagnostics"] if d["rule"] == "path-ambiguous"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("deploy/Web.yaml", "deploy/web.yaml"),
        ("deploy/caf\u0065\u0301.yaml", "deploy/caf\u00e9.yaml"),
        ("deploy/STRASSE.yaml", "deploy/stra\u00dfe.yaml"),
    ],
)
def test_governed_files_that_are_one_on_other_systems_are_warned_of(
    team: Any, first: str, second: str
) -> None:
    team.write(first, GOOD)
    team.write(second, GOOD)
    team.write("elsewhere/A", "")
    team.write("elsewhere/a", "")
    answer = check(team)
    assert (answer.code, ambiguous(answer)) == (0, [second])


def test_documents_that_are_one_file_on_other_systems_are_warned_of(team: Any) -> None:
    team.write("specs/owner.yaml", ROLE.replace(", layers: [team/1]", ""))
    team.write("specs/Owner.yaml", ROLE.replace("owner, layers: [team/1]", "other"))
    assert ambiguous(check(team)) == ["specs/owner.yaml"]
    assert ambiguous(team.chimera("check", "-o", "json")) == ["specs/owner.yaml"]
    team.git("mv", "specs/Owner.yaml", "specs/other.yaml")
    assert ambiguous(check(team)) == []


# Proofs

PROOF = """\
apiVersion: chimera/v1
kind: Proof
metadata: {name: web}
spec:
  claim: manifests are images
  covers: {paths: ["deploy/**"]}
  phase: apply
  inputs: ["deploy/**", "schemas/**"]
  repeat: 3
  steps:
    - run: command
      argv: [cat, deploy/web.yaml]
      expect: {stdout: {contains: [image, kind]}}
    - {run: command, argv: ["cat", "schemas/pod.json"], expect: {exitCode: 0}}
  controls:
    - {mutate: delete, path: deploy/web.yaml}
    - {mutate: replace, path: deploy/web.yaml, old: image, new: text}
  artifacts: [{paths: "out/*"}]
  shuffle: true
  isolation: [network, files]
"""
WEAKENINGS = {
    "a control": (
        "    - {mutate: delete, path: deploy/web.yaml}\n",
        "",
        "has to fail after deleting",
    ),
    "another control": ("new: text", "new: images", "has to fail after replacing 'image'"),
    "an expectation": ("[image, kind]", "[kind]", "it asks less of cat deploy/web.yaml"),
    "a step": (
        '    - {run: command, argv: ["cat", "schemas/pod.json"], expect: {exitCode: 0}}\n',
        "",
        "it no longer runs cat schemas/pod.json",
    ),
    "an input": ('"deploy/**", "schemas/**"', '"deploy/**"', "it no longer proves schemas/**"),
    "repetitions": ("repeat: 3", "repeat: 2", "it is run 2 times, and was run 3 times"),
    "the phase": ("phase: apply", "phase: rollback", "no longer owed where nothing is protected"),
    "artifacts": ('  artifacts: [{paths: "out/*"}]\n', "", "it no longer compares out/*"),
    "order": ("  shuffle: true\n", "", "it no longer runs its tests in another order"),
    "the engine": ("shuffle: true", "shuffle: true\n  engine: any", "by any version of Chimera"),
    "isolation": ("[network, files]", "[network]", "no longer asks for isolation from files"),
    "what it covers": ("deploy/**", "deploy/old/**", "it no longer covers deploy/**"),
}


@pytest.fixture
def proven(team: Any) -> Any:
    """The repository with a proof over its manifests."""
    team.write("specs/proof.yaml", PROOF)
    merge(team)
    return team


@pytest.mark.parametrize("what", WEAKENINGS)
def test_a_proof_that_shows_less_is_said_to_and_owed_as_it_was(proven: Any, what: str) -> None:
    old, new, said = WEAKENINGS[what]
    assert old in PROOF
    text = PROOF.replace(old, new, 1)
    proven.write("specs/proof.yaml", text)
    alone = check(proven)
    assert alone.json["change"]["categories"]["breaking"] == 1, alone.out
    assert "proof-weakened" not in alone.out
    proven.write("deploy/web.yaml", GOOD.replace("a}", "b}"))
    answer = check(proven)
    (warning,) = (d for d in answer.json["diagnostics"] if d["rule"] == "proof-weakened")
    assert (warning["severity"], warning["path"]) == ("warning", "specs/proof.yaml")
    assert said in warning["message"]
    planned = proven.chimera("plan", "--base", "main", "-o", "json").json
    owed = {o["subject"] for item in planned["items"] for o in item["obligations"]}
    assert owed == {"Proof/web"}
    assert said in proven.chimera("plan", "--base", "main").out


def test_a_gate_owes_a_proof_that_its_change_puts_off(proven: Any) -> None:
    proven.write("specs/proof.yaml", PROOF.replace('paths: ["deploy/**"]', "kinds: [Workflow]"))
    proven.write(
        "specs/gate.yaml",
        """\
        apiVersion: chimera/v1
        kind: Gate
        metadata: {name: web}
        spec:
          match: {paths: ["deploy/**"]}
          requires: {proofs: [Proof/web]}
        """,
    )
    merge(proven)
    text = (proven.root / "specs/proof.yaml").read_text().replace("phase: apply", "phase: rollback")
    proven.write("specs/proof.yaml", text)
    proven.write("deploy/web.yaml", GOOD.replace("a}", "b}"))
    proven.commit()
    planned = proven.chimera("plan", "--base", "main", "-o", "json").json
    owed = {o["subject"] for item in planned["items"] for o in item["obligations"]}
    assert owed == {"Proof/web"}


def test_a_proof_that_shows_more_breaks_nothing(proven: Any) -> None:
    text = PROOF.replace("[image, kind]", "[spec, kind, image]").replace("repeat: 3", "repeat: 4")
    proven.write(
        "specs/proof.yaml",
        text.replace("{exitCode: 0}", "{exitCode: 0, stdout: {contains: [required]}}"),
    )
    proven.write("deploy/web.yaml", GOOD.replace("a}", "b}"))
    answer = check(proven)
    assert answer.json["change"]["categories"]["breaking"] == 0
    assert "proof-weakened" not in answer.out
