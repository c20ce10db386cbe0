"""What check and plan report: all of it, at its place, in order, and the same every time."""

from __future__ import annotations

import re
from typing import Any

import pytest

BROKEN = {
    "policies/bounded.yaml": """\
        apiVersion: chimera/v1
        kind: Policy
        metadata: {name: bounded}
        spec:
          match: {kinds: [Workflow]}
          rules:
            - id: timeout
              expression: object.spec.stages.all(s, has(s.timeout)
              message: a stage says how long it may take
          cases: []
        """,
    "proofs/steps.yaml": """\
        apiVersion: chimera/v1
        kind: Proof
        metadata: {name: steps}
        spec:
          claim: it holds
          inputs: [src/**]
          steps:
            - run: evolution
              evolution: Evolution/none
              champion: sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae
              colour: red
          controls: [{mutate: environment, name: SEED, value: other}]
        """,
    "specs/environments/twins.yaml": """\
        apiVersion: chimera/v1
        kind: Environment
        metadata: {name: twin}
        spec: {protected: no}
        ---
        apiVersion: chimera/v1
        kind: Environment
        metadata: {name: local}
        spec: {protected: true}
        ---
        apiVersion: chimera/v1
        kind: Environment
        metadata: {name: Bad Name}
        """,
    "specs/gate.yaml": """\
        apiVersion: chimera/v1
        kind: Gate
        metadata: {name: everything, layers: [nowhere/1]}
        spec:
          match: {kinds: [Workflow], colour: red}
          requires: {proofs: [Proof/missing, Policy/bounded]}
        """,
    "specs/half.yaml": """\
        apiVersion: chimera/v1
        kind: Workflow
        metadata: {name: half
        spec:
        """,
    "specs/kinds.yaml": """\
        apiVersion: chimera/v1
        kind: Workflo
        metadata: {name: typo}
        ---
        apiVersion: chimera/v2
        kind: Environment
        metadata: {name: old}
        ---
        - not a mapping
        """,
    "specs/layers.yaml": """\
        apiVersion: chimera/v1
        kind: LayerContract
        metadata: {name: ops}
        spec:
          purpose: Who may act.
          layers:
            - {id: "1", name: One, status: active, purpose: Acts., prohibits: [automaton]}
            - {id: "2", name: Two, status: dormant, purpose: Acts in 2027-01.}
        """,
    "specs/numbers.yaml": """\
        apiVersion: chimera/v1
        kind: Evolution
        metadata: {name: seeded}
        spec: {seed: 9007199254740993}
        """,
    "specs/repeated.yaml": """\
        apiVersion: chimera/v1
        kind: Environment
        metadata: {name: repeated}
        spec:
          protected: true
          protected: false
        """,
    "specs/work.yaml": """\
        apiVersion: chimera/v1
        kind: Workflow
        metadata: {name: work}
        spec:
          trigger: human
          stages:
            - {id: a, operation: comand}
            - {id: b, operation: command, inputs: {argv: ["${c.stdout}"]}, timeout: 1m}
            - {id: c, operation: command, inputs: {argv: [ls]}, timeout: 1m}
        """,
}
FAULTS = [
    ("policies/bounded.yaml", 7, 11, "policy-case-missing"),
    ("policies/bounded.yaml", 7, 11, "policy-case-missing"),
    ("policies/bounded.yaml", 8, 19, "policy-expression-invalid"),
    ("proofs/steps.yaml", 4, 1, "proof-never-owed"),
    ("proofs/steps.yaml", 6, 12, "proof-input-unmatched"),
    ("proofs/steps.yaml", 9, 18, "reference-dangling"),
    ("proofs/steps.yaml", 11, 7, "field-unknown"),
    ("specs/environments/twins.yaml", 4, 19, "field-invalid"),
    ("specs/environments/twins.yaml", 4, 19, "yaml-ambiguous-scalar"),
    ("specs/environments/twins.yaml", 8, 18, "document-duplicate"),
    ("specs/environments/twins.yaml", 13, 18, "field-invalid"),
    ("specs/gate.yaml", 3, 39, "layer-contract-unknown"),
    ("specs/gate.yaml", 5, 30, "field-unknown"),
    ("specs/gate.yaml", 6, 23, "reference-dangling"),
    ("specs/gate.yaml", 6, 38, "reference-kind"),
    ("specs/half.yaml", 4, 5, "yaml-syntax"),
    ("specs/kinds.yaml", 2, 7, "kind-unknown"),
    ("specs/kinds.yaml", 5, 13, "document-api-version"),
    ("specs/kinds.yaml", 9, 1, "document-not-mapping"),
    ("specs/latin.yaml", 4, 15, "yaml-not-utf8"),
    ("specs/layers.yaml", 7, 72, "layer-prohibition-unknown"),
    ("specs/layers.yaml", 8, 54, "dormant-dated"),
    ("specs/numbers.yaml", 4, 7, "field-missing"),
    ("specs/numbers.yaml", 4, 14, "yaml-number-not-json"),
    ("specs/outside.yaml", 1, 1, "document-symlink-leaves-tree"),
    ("specs/repeated.yaml", 6, 3, "yaml-duplicate-key"),
    ("specs/work.yaml", 7, 26, "workflow-operation-unknown"),
    ("specs/work.yaml", 8, 51, "workflow-reference-order"),
]
HEAD = re.compile(
    r"(?P<path>\S+):(?P<line>\d+):(?P<column>\d+): "
    r"(?P<severity>\w+)\[(?P<rule>[\w-]+)\]: (?P<message>.*)"
)


@pytest.fixture
def broken(repository: Any) -> Any:
    """A repository in which nearly everything is wrong."""
    for path, text in BROKEN.items():
        repository.write(path, text)
    latin = b"apiVersion: chimera/v1\nkind: Role\nmetadata: {name: l}\nspec: {} # caf\xe9\n"
    (repository.root / "specs/latin.yaml").write_bytes(latin)
    (repository.root / "specs/outside.yaml").symlink_to("/etc/passwd")
    return repository


def faults_of(answer: Any) -> list[tuple[str, int, int, str]]:
    return [
        (d["path"], d["line"], d["column"], d["rule"])
        for d in answer.json["diagnostics"]
        if d["severity"] != "info"
    ]


def test_a_broken_repository_reports_every_fault_at_its_place_in_one_go(broken: Any) -> None:
    answer = broken.chimera("check", "-o", "json")
    assert answer.code == 1
    assert faults_of(answer) == FAULTS
    assert all(d["message"] and d["help"] for d in answer.json["diagnostics"])


@pytest.mark.parametrize("command", [("check",), ("check", "-o", "json"), ("plan",), ("apply",)])
def test_two_runs_say_the_same_byte_for_byte(
    broken: Any, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = []
    for seed in ("1", "4242"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        answers.append(broken.chimera(*command))
    assert answers[0].code == 1
    assert answers[0] == answers[1]


def test_text_says_what_json_says(broken: Any) -> None:
    told = broken.chimera("check", "--notes").out
    meant = broken.chimera("check", "-o", "json").json
    heads = [match.groupdict() for match in map(HEAD.fullmatch, told.splitlines()) if match]
    keys = ("path", "line", "column", "severity", "rule", "message")
    assert heads == [{key: str(d[key]) for key in keys} for d in meant["diagnostics"]]
    helps = re.findall(r"^    help: (.*)$", told, re.M)
    assert helps == [d["help"] for d in meant["diagnostics"]]
    notes = re.findall(r"^    note: (.*)$", told, re.M)
    assert notes == [
        f"{r['path']}:{r['line']}:{r['column']}: {r['message']}"
        for d in meant["diagnostics"]
        for r in d["related"]
    ]
    assert f"checked {sum(meant['documents'].values())} documents" in told
    passed, failed, idle = meant["verdicts"].values()
    assert f"{passed} verdicts passed, {failed} failed, {idle} not exercised" in told


def test_both_formats_come_from_one_run(broken: Any) -> None:
    both = broken.chimera("check", "-o", "text", "-o", "json=out.json")
    assert both.out == broken.chimera("check").out
    assert (broken.root / "out.json").read_text() == broken.chimera("check", "-o", "json").out


def test_check_works_in_any_folder(tmp_path: Any, repository: Any) -> None:
    """Without Git, without init: what is ours is judged, other systems' documents are left."""
    folder = tmp_path / "folder"
    folder.mkdir()
    empty = repository.chimera("check", str(folder))
    assert (empty.code, empty.out.splitlines()[0]) == (0, "checked 0 documents")

    (folder / "deployment.yaml").write_text(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n"
        "---\napiVersion: chimera/v1\nkind: Environment\nmetadata: {name: x}\n"
        "spec: {protect: true}\n"
    )
    mixed = repository.chimera("check", str(folder))
    assert mixed.code == 1
    assert "deployment.yaml:8:8: error[field-unknown]" in mixed.out
    assert "left aside 1 document of other systems" in mixed.out
    assert [p.name for p in folder.iterdir()] == ["deployment.yaml"], "check writes nothing"


def gate(name: str, *globs: str) -> str:
    return f"""\
        apiVersion: chimera/v1
        kind: Gate
        metadata: {{name: {name}}}
        spec:
          match: {{paths: [{", ".join(globs)}]}}
          requires: {{records: [ChangelogEntry]}}
        """


@pytest.fixture
def committed(repository: Any) -> Any:
    """A repository with governed code and a gate, all committed."""
    repository.write("specs/gates/code.yaml", gate("code", "src/**"))
    repository.write("specs/gates/docs.yaml", gate("docs", "docs/**"))
    for name in ("a", "b", "c"):
        repository.write(f"src/{name}.py", f"{name} = 1\n")
    repository.write("docs/index.md", "# Index\n")
    repository.commit("first")
    return repository


def planned(repository: Any, *options: str) -> dict[str, Any]:
    answer = repository.chimera("plan", "-o", "json", *options)
    assert answer.code == 0, answer.out + answer.err
    return {i["target"]: i for i in answer.json["items"] if i["action"] != "no-op"}


def test_plan_against_a_base_names_changed_renamed_and_deleted_paths(committed: Any) -> None:
    assert planned(committed, "--base", "HEAD", "--work-tree") == {}
    committed.git("checkout", "-q", "-b", "feature")
    committed.write("src/a.py", "a = 2\n")
    committed.git("mv", "src/b.py", "src/renamed.py")
    committed.git("rm", "-q", "src/c.py")
    committed.write("src/new.py", "new = 1\n")
    for _ in ("work tree", "commit"):
        (item,) = planned(committed, "--base", "main", "--work-tree").values()
        assert (item["target"], item["action"]) == ("paths:src/**", "update")
        assert item["paths"] == ["src/a.py", "src/b.py", "src/c.py", "src/new.py", "src/renamed.py"]
        assert [o["subject"] for o in item["obligations"]] == ["ChangelogEntry"]
        committed.commit("second")


def test_plan_against_a_base_tells_moved_documents_from_renamed_and_deleted_ones(
    committed: Any,
) -> None:
    committed.git("mv", "specs/gates/code.yaml", "specs/moved.yaml")
    same = planned(committed, "--base", "HEAD", "--work-tree")
    assert same == {}, "where a document lies is no part of it"

    committed.write("specs/moved.yaml", gate("renamed", "src/**"))
    items = planned(committed, "--base", "HEAD", "--work-tree")
    assert {t: i["action"] for t, i in items.items()} == {
        "Gate/code": "delete",
        "Gate/renamed": "create",
    }


def test_plan_against_a_base_sees_a_path_set_disappear_with_its_last_file(committed: Any) -> None:
    committed.git("rm", "-q", "docs/index.md")
    (item,) = planned(committed, "--base", "HEAD", "--work-tree").values()
    assert (item["target"], item["action"], item["paths"]) == (
        "paths:docs/**",
        "delete",
        ["docs/index.md"],
    )
    assert [o["subject"] for o in item["obligations"]] == ["ChangelogEntry"]


def test_deleting_what_others_refer_to_names_them(committed: Any) -> None:
    committed.write(
        "specs/gates/where.yaml",
        """\
        apiVersion: chimera/v1
        kind: Gate
        metadata: {name: where}
        spec:
          match: {kinds: [Role], environments: [Environment/staging]}
          requires: {records: [ChangelogEntry]}
        ---
        apiVersion: chimera/v1
        kind: Environment
        metadata: {name: staging}
        """,
    )
    committed.commit("second")
    text = (committed.root / "specs/gates/where.yaml").read_text()
    committed.write("specs/gates/where.yaml", text.partition("---")[0])
    answer = committed.chimera("plan", "--base", "HEAD", "--work-tree")
    assert answer.code == 1
    assert "specs/gates/where.yaml:5:41: error[reference-deleted]" in answer.out
    assert "Gate/where refers to Environment/staging" in answer.out
    assert "reference-dangling" not in answer.out


@pytest.mark.parametrize(
    "ref", ["nowhere", "--upload-pack=touch pwned", "main..other", "HEAD^{tree}"]
)
def test_a_base_that_is_no_commit_is_told(committed: Any, ref: str) -> None:
    answer = committed.chimera("plan", f"--base={ref}")
    assert answer.code in (1, 4)
    assert "commit" in answer.err
    assert ref in answer.err
    assert not (committed.root / "pwned").exists()


def test_detailed_exit_code_tells_changes_from_none_and_from_faults(committed: Any) -> None:
    def codes() -> tuple[int, int]:
        command = ("plan", "--base", "HEAD", "--work-tree")
        return committed.chimera(*command).code, committed.chimera(
            *command, "--detailed-exitcode"
        ).code

    assert codes() == (0, 0)
    committed.write("src/a.py", "a = 2\n")
    assert codes() == (0, 2)
    committed.write("specs/half.yaml", "kind: [")
    assert codes() == (1, 1)


def test_a_thousand_dangling_references_are_told_without_a_search_for_each(
    repository: Any,
) -> None:
    """A suggestion is made for the first of them only: each compares with every document."""
    kinds = ("apiVersion: chimera/v1", "kind: Gate", "spec:", "  match: {kinds: [Role]}")
    roles = "".join(f"      - {{role: Role/role-{n}x}}\n" for n in range(100))
    repository.write(
        "specs/roles.yaml",
        "---\n".join(
            f"apiVersion: chimera/v1\nkind: Role\nmetadata: {{name: role-{n}}}\n"
            f"spec: {{members: []}}\n"
            for n in range(100)
        ),
    )
    text = "\n".join((*kinds, f"  requires:\n    approvals:\n{roles}"))
    repository.write("specs/gate.yaml", text + "metadata: {name: everybody}\n")
    found = repository.chimera("check", "-o", "json").json["diagnostics"]
    helps = [d["help"] for d in found if d["rule"] == "reference-dangling"]
    assert len(helps) == 100
    assert helps[0] == "did you mean Role/role-0?"
    assert sum(help.startswith("did you mean") for help in helps) == 50
    assert helps[-1] == "add the document Role/role-99x, or remove the reference"
