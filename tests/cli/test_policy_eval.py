"""`chimera policy eval`: files in, verdicts at their places out, and an exit code that tells."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

POLICY = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: images}
spec:
  matchConstraints:
    resourceRules:
      - apiGroups: [apps]
        apiVersions: [v1]
        operations: [CREATE, UPDATE]
        resources: [deployments]
  variables:
    - name: containers
      expression: object.spec.template.spec.containers
  validations:
    - expression: variables.containers.all(c, c.image.matches('@sha256:[0-9a-f]{64}$'))
      messageExpression: "'not pinned: ' + variables.containers[0].image"
"""
OWN = """\
apiVersion: chimera/v1
kind: Policy
metadata: {name: replicas}
spec:
  match: {kinds: [Deployment]}
  rules:
    - id: two
      expression: object.spec.replicas >= 2
      message: a deployment has at least two replicas
  cases:
    - {name: two, object: {spec: {replicas: 2}}, expect: []}
    - {name: one, object: {spec: {replicas: 1}}, expect: [two]}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  template:
    spec:
      containers:
        - name: web
          image: nginx:1.27
"""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {}\n"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "own.yaml").write_text(OWN)
    manifests = tmp_path / "manifests"
    (manifests / ".hidden").mkdir(parents=True)
    (manifests / "web.yaml").write_text(f"{SERVICE}---\n{DEPLOYMENT}")
    (manifests / ".hidden" / "broken.yaml").write_text("a: [")
    (manifests / "README.md").write_text("no manifest\n")
    return tmp_path


@pytest.mark.usefixtures("files")
def test_a_refusal_stands_at_the_field_and_names_the_policy_s_line(chimera: Run) -> None:
    answer = chimera("policy", "eval", "policy.yaml", "--resource", "manifests")
    assert answer.code == 1
    assert "manifests/web.yaml:14:11: error[admission-denied]" in answer.out
    assert "not pinned: nginx:1.27" in answer.out
    assert "note: policy.yaml:15:19:" in answer.out
    assert "it is not about: Service/web" in answer.out


@pytest.mark.usefixtures("files")
def test_what_is_in_order_passes(chimera: Run, files: Path) -> None:
    file = files / "manifests" / "web.yaml"
    file.write_text(file.read_text().replace("nginx:1.27", "nginx@sha256:" + "0" * 64))
    answer = chimera("policy", "eval", "policy.yaml", "--resource", str(file))
    assert answer.code == 0
    assert "1 verdict pass" in answer.out


@pytest.mark.usefixtures("files")
def test_nothing_matched_is_not_a_pass(chimera: Run, files: Path) -> None:
    (files / "service.yaml").write_text(SERVICE)
    answer = chimera("policy", "eval", "policy.yaml", "--resource", "service.yaml")
    assert answer.code == 5
    assert "not every policy was exercised" in answer.out


@pytest.mark.usefixtures("files")
def test_what_only_a_cluster_knows_is_not_a_pass(chimera: Run, files: Path) -> None:
    asking = "authorizer.path('/').check('get').allowed()"
    (files / "asks.yaml").write_text(
        POLICY.replace(
            "variables.containers.all(c, c.image.matches('@sha256:[0-9a-f]{64}$'))", asking
        )
        + "    - expression: 'true'\n"
    )
    answer = chimera("policy", "eval", "asks.yaml", "--resource", "manifests")
    assert answer.code == 5
    assert "which only a cluster has" in answer.out


@pytest.mark.usefixtures("files")
def test_our_own_policies_judge_manifests_too(chimera: Run) -> None:
    answer = chimera("policy", "eval", "own.yaml", "policy.yaml", "--resource", "manifests")
    assert answer.code == 1
    assert "manifests/web.yaml:10:13: error[policy-denied]: Policy/replicas#two" in answer.out
    assert "error[admission-denied]" in answer.out


@pytest.mark.usefixtures("files")
def test_paths_of_a_match_are_those_of_the_repository_however_a_file_is_named(
    chimera: Run, files: Path
) -> None:
    match = "{paths: ['manifests/*.yaml']}"
    text = OWN.replace("{kinds: [Deployment]}", match)
    (files / "paths.yaml").write_text(text)
    web = files / "manifests" / "web.yaml"
    web.write_text(DEPLOYMENT)
    for name in ("manifests", "./manifests/web.yaml", "other/../manifests/web.yaml", str(web)):
        (files / "other").mkdir(exist_ok=True)
        answer = chimera("policy", "eval", "paths.yaml", "--resource", name)
        assert answer.code == 1, name
        assert "web.yaml:5:13: error[policy-denied]: Policy/replicas#two" in answer.out
    (files / "other" / "web.yaml").write_text(DEPLOYMENT)
    assert chimera("policy", "eval", "paths.yaml", "--resource", "other").code == 5


@pytest.mark.usefixtures("files")
def test_a_policy_of_the_repository_is_named(chimera: Run, files: Path) -> None:
    (files / "policies").mkdir()
    (files / "policies" / "replicas.yaml").write_text(OWN)
    answer = chimera("policy", "eval", "replicas", "--resource", "manifests", "-o", "json")
    assert answer.code == 1
    said = json.loads(answer.out)
    assert [v["judge"] for v in said["verdicts"] if v["finding"] == "fail"] == [
        "Policy/replicas#two"
    ]


@pytest.mark.usefixtures("files")
def test_standard_input_and_every_format_serve(
    chimera: Run, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(DEPLOYMENT.encode())))
    outputs = [
        f"{name}={files / name}" for name in ("json", "sarif", "junit", "github", "markdown")
    ]
    arguments = [part for output in outputs for part in ("-o", output)]
    answer = chimera("policy", "eval", "policy.yaml", "--resource", "-", *arguments)
    assert answer.code == 1
    assert json.loads((files / "json").read_text())["format"] == "chimera-policy-eval/1"
    for name in ("sarif", "junit", "github", "markdown"):
        assert "not pinned: nginx:1.27" in (files / name).read_text()


@pytest.mark.usefixtures("files")
def test_an_update_compares_with_old_files(chimera: Run, files: Path) -> None:
    (files / "old.yaml").write_text(DEPLOYMENT.replace("replicas: 1", "replicas: 3"))
    (files / "shrink.yaml").write_text(
        POLICY.split("  variables:", maxsplit=1)[0]
        + "  validations:\n    - {expression: object.spec.replicas >= oldObject.spec.replicas}\n"
    )
    arguments = ("policy", "eval", "shrink.yaml", "--resource", "manifests")
    assert chimera(*arguments, "--old", "old.yaml").code == 1
    assert chimera(*arguments, "--old", "manifests").code == 0
    assert chimera(*arguments, "--operation", "UPDATE").code == 5
    assert chimera(*arguments, "--operation", "DELETE").code == 5


CHANGES = """\
apiVersion: chimera/v1
kind: Policy
metadata: {name: grows}
spec:
  match: {kinds: [Deployment], changes: [update]}
  rules:
    - id: grows
      expression: object.spec.replicas >= before.spec.replicas
      message: a deployment does not shrink
  cases:
    - {name: grows, object: {spec: {replicas: 2}}, before: {spec: {replicas: 1}}, expect: []}
    - {name: less, object: {spec: {replicas: 1}}, before: {spec: {replicas: 2}}, expect: [grows]}
"""


@pytest.mark.usefixtures("files")
def test_our_own_policies_see_what_changes_from_old_files(chimera: Run, files: Path) -> None:
    (files / "grows.yaml").write_text(CHANGES)
    (files / "old.yaml").write_text(DEPLOYMENT.replace("replicas: 1", "replicas: 3"))
    (files / "less.yaml").write_text(DEPLOYMENT.replace("replicas: 1", "replicas: 0"))
    (files / "service.yaml").write_text(SERVICE)
    arguments = ("policy", "eval", "grows.yaml", "--resource", "manifests")
    answer = chimera(*arguments, "--old", "old.yaml")
    assert answer.code == 1
    assert "Policy/grows#grows: a deployment does not shrink" in answer.out
    assert chimera(*arguments, "--old", "less.yaml").code == 0
    assert chimera(*arguments, "--old", "manifests").code == 5, "nothing changes"
    assert chimera(*arguments, "--old", "service.yaml").code == 5, "it is new, and no update"
    answer = chimera(*arguments)
    assert answer.code == 5
    assert "nothing was compared" in answer.out


@pytest.mark.parametrize(
    "option",
    [
        ("--operation", "DELETE"),
        ("--param", "manifests"),
        ("--namespace-object", "manifests"),
    ],
)
@pytest.mark.usefixtures("files")
def test_what_only_policies_of_kubernetes_ask_for_is_not_passed_over(
    chimera: Run, option: tuple[str, str]
) -> None:
    arguments = ("policy", "eval", "own.yaml", "--resource", "manifests", *option)
    answer = chimera(*arguments)
    assert answer.code == 4
    assert f"{option[0]} would be passed over" in answer.err
    assert chimera(*arguments[:3], "policy.yaml", *arguments[3:]).code != 4


@pytest.mark.usefixtures("files")
def test_a_broken_file_fails_whatever_else_passes(chimera: Run, files: Path) -> None:
    (files / "broken.yaml").write_text("a: [\n")
    answer = chimera(
        "policy", "eval", "policy.yaml", "--resource", "broken.yaml", "--resource", "manifests"
    )
    assert answer.code == 1
    assert "broken.yaml:" in answer.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing", "--resource", "manifests"), "there is no file and no policy 'nothing'"),
        (("policy.yaml", "--resource", "nothing"), "'nothing' cannot be read"),
        (("manifests", "--resource", "manifests"), "there is no policy in manifests"),
        (("policy.yaml", "--resource", "empty"), "there is no YAML or JSON in 'empty'"),
        (("policy.yaml",), "Missing option '--resource'"),
    ],
)
@pytest.mark.usefixtures("files")
def test_what_cannot_be_asked_is_a_usage_error(
    chimera: Run, files: Path, arguments: tuple[str, ...], said: str
) -> None:
    (files / "empty").mkdir()
    answer = chimera("policy", "eval", *arguments)
    assert answer.code == 4
    assert said in answer.err
