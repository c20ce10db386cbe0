"""A team's Kubernetes manifests: held to a Schema, judged by a Policy, planned as paths."""

import pytest

from .conftest import Repository

SCHEMA = """\
apiVersion: chimera/v1
kind: Schema
metadata: {name: deployments}
spec:
  paths: ["deploy/**/*.yaml"]
  selects: {kind: Deployment}
  readBy: yaml-1.1
  schema:
    required: [metadata, spec]
    properties:
      spec:
        required: [replicas]
        properties:
          replicas: {type: integer, minimum: 1}
          image: {type: string}
        additionalProperties: false
"""

POLICY = """\
apiVersion: chimera/v1
kind: Policy
metadata: {name: images-are-pinned}
spec:
  match: {paths: ["deploy/**"]}
  rules:
    - id: pinned
      expression: "object.spec.image.contains('@sha256:')"
      message: an image is named by its digest
  cases:
    - {name: pinned, object: {spec: {image: "a@sha256:1"}}, expect: []}
    - {name: tagged, object: {spec: {image: "a:1"}}, expect: [pinned]}
"""

GOOD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  image: web@sha256:0123
"""

BAD = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replica: 2
  replicas: "2"
  image: web:latest
---
apiVersion: v1
kind: Deploymnet
metadata: {name: other}
spec: {image: "x@sha256:1", mode: 0755}
"""


SAID = """
deploy/web.yaml:5:3: error[schema-field-unknown]: unknown field 'replica'
deploy/web.yaml:6:13: error[schema-violated]: spec.replicas should be an integer, not '2'
deploy/web.yaml:7:10: error[policy-denied]: Policy/images-are-pinned#pinned: \
an image is named by its digest
deploy/web.yaml:10:7: warning[schema-not-selected]: kind is 'Deploymnet', \
which no Schema selects, so that nothing is checked
deploy/web.yaml:12:35: error[yaml-ambiguous-scalar]: '0755' is a number here (YAML 1.2), \
and YAML 1.1 tools read the number 493
"""


@pytest.fixture
def manifests(repository: Repository) -> Repository:
    repository.write("specs/deployments.yaml", SCHEMA)
    repository.write("policies/images.yaml", POLICY)
    repository.write("deploy/web.yaml", GOOD)
    repository.commit()
    return repository


def test_manifests_in_order_pass(manifests: Repository) -> None:
    answer = manifests.chimera("check", "-o", "json")
    assert answer.code == 0, answer.out + answer.err
    assert answer.json["verdicts"] == {"pass": 2, "fail": 0, "not-exercised": 0}
    assert manifests.chimera("policy", "test").code == 0


def test_files_of_other_systems_that_were_judged_are_counted(manifests: Repository) -> None:
    manifests.write("deploy/more.yaml", GOOD)
    (manifests.root / "deploy" / "link.yaml").symlink_to("web.yaml")
    answer = manifests.chimera("check", "-o", "json")
    assert (answer.json["foreign"], answer.json["leftAside"]) == (2, 0)
    text = manifests.chimera("check", "-o", "text", "-o", "markdown=told.md").out
    for told in (text, (manifests.root / "told.md").read_text()):
        assert "1 Policy, 1 Schema, and 2 files of other systems" in told
    compared = manifests.chimera("check", "--base", "main", "-o", "json").json
    assert (compared["foreign"], compared["leftAside"]) == (1, None)


def test_faults_of_manifests_stand_at_their_exact_places(manifests: Repository) -> None:
    manifests.write("deploy/web.yaml", BAD)
    answer = manifests.chimera("check")
    assert answer.code == 1
    said = [line for line in answer.out.splitlines() if line.startswith("deploy/")]
    assert said == SAID.strip().splitlines()
    assert "specs/deployments.yaml:14:28: Schema/deployments asks for it here" in answer.out


def test_a_changed_manifest_is_planned_as_a_governed_path(manifests: Repository) -> None:
    manifests.git("checkout", "-q", "-b", "topic")
    manifests.write("deploy/web.yaml", GOOD.replace("replicas: 2", "replicas: 3"))
    manifests.commit()
    answer = manifests.chimera("plan", "--base", "main", "-o", "json")
    assert answer.code == 0, answer.out + answer.err
    changes = {
        item["target"]: item["action"] for item in answer.json["items"] if item["action"] != "no-op"
    }
    assert changes == {"paths:deploy/**/*.yaml": "update", "paths:deploy/**": "update"}
    assert "deploy/web.yaml" in manifests.chimera("plan", "--base", "main").out


def test_what_a_merge_would_leave_is_held_to_the_schema(manifests: Repository) -> None:
    manifests.git("checkout", "-q", "-b", "topic")
    manifests.write("deploy/web.yaml", BAD)
    manifests.commit()
    manifests.git("checkout", "-q", "main")
    answer = manifests.chimera("check", "--base", "main", "--head", "topic")
    assert answer.code == 1
    assert "deploy/web.yaml:6:13: error[schema-violated]" in answer.out
    assert manifests.chimera("check").code == 0


def test_rules_compare_a_manifest_with_what_it_was(manifests: Repository) -> None:
    manifests.write(
        "policies/replicas.yaml",
        """\
        apiVersion: chimera/v1
        kind: Policy
        metadata: {name: replicas}
        spec:
          match: {paths: ["deploy/*.yaml"], changes: [update]}
          rules:
            - id: kept
              expression: object.spec.replicas >= before.spec.replicas
              message: replicas are not taken away
          cases:
            - name: more
              change: update
              before: {spec: {replicas: 1}}
              object: {spec: {replicas: 2}}
              expect: []
            - name: less
              change: update
              before: {spec: {replicas: 2}}
              object: {spec: {replicas: 1}}
              expect: [kept]
        """,
    )
    manifests.write("deploy/api.yaml", GOOD.replace("web", "api"))
    manifests.commit()
    assert manifests.chimera("policy", "test").code == 0
    manifests.git("checkout", "-q", "-b", "topic")
    manifests.write("deploy/web.yaml", GOOD.replace("replicas: 2", "replicas: 1"))
    manifests.write("deploy/api.yaml", GOOD.replace("web", "api").replace(": 2", ": 3"))
    manifests.commit()
    answer = manifests.chimera("check", "--base", "main")
    assert answer.code == 1
    (said,) = (line for line in answer.out.splitlines() if "policy-denied" in line)
    assert said.startswith("deploy/web.yaml:5:13: error[policy-denied]: Policy/replicas#kept: ")
    assert manifests.chimera("check").code == 0


def test_a_changed_schema_file_is_a_governed_path_as_well(manifests: Repository) -> None:
    manifests.write("schemas/app.json", '{"required": ["name"]}\n')
    manifests.write(
        "specs/apps.yaml",
        """\
        apiVersion: chimera/v1
        kind: Schema
        metadata: {name: apps}
        spec: {paths: [app.json], file: schemas/app.json}
        """,
    )
    manifests.write("app.json", '{"name": "a"}\n')
    manifests.commit()
    manifests.git("checkout", "-q", "-b", "topic")
    manifests.write("schemas/app.json", '{"required": ["title"]}\n')
    manifests.commit()
    answer = manifests.chimera("check", "--base", "main")
    assert answer.code == 1
    assert "app.json:1:1: error[schema-field-missing]: the field 'title' is missing" in answer.out
    assert "paths:app.json,schemas/app.json" in manifests.chimera("plan", "--base", "main").out


def test_a_new_schema_is_scaffolded_and_explained(manifests: Repository) -> None:
    assert manifests.chimera("new", "Schema", "pages").code == 0
    answer = manifests.chimera("check", "-o", "json")
    assert answer.code == 0, answer.out + answer.err
    assert "spec.selects" in manifests.chimera("explain", "Schema").out
