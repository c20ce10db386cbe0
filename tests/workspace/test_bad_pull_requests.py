"""Bad input in a pull request: said once where it stands, in bounded time and memory, no traceback.

Everywhere that a file is read: as a document, as a file that a Schema claims, as front matter, and
as what `policy eval` is given. Bases and heads are in test_base.py.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import Any

import pytest

SCHEMAS = """\
apiVersion: chimera/v1
kind: Schema
metadata: {name: manifests}
spec: {paths: ["deploy/**/*.yaml"], schema: {type: object}}
---
apiVersion: chimera/v1
kind: Schema
metadata: {name: pages}
spec: {paths: ["docs/**/*.md"], schema: {type: object}}
"""
ROLE = b"apiVersion: chimera/v1\nkind: Role\nmetadata: {name: owner}\nspec: {members: []}\n"
SLOW = """\
apiVersion: chimera/v1
kind: Policy
metadata: {name: endless}
spec:
  match: {paths: ["deploy/**"]}
  variables:
    - {name: many, expression: "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"}
  rules:
    - id: endless
      expression: object.x == 0 || object.x == 2 && variables.many.all(a, variables.many.all(b,
        variables.many.all(c, variables.many.all(d, variables.many.all(e, variables.many.all(f,
        variables.many.all(g, variables.many.all(h, variables.many.all(i, a + b + c + d + e + f +
        g + h + i >= 0)))))))))
      message: it ends
  cases:
    - {name: holds, object: {x: 0}, expect: []}
    - {name: breaks, object: {x: 1}, expect: [endless]}
"""
PLACES = ("specs/bad.yaml", "deploy/bad.yaml", "docs/bad.md")
BAD = {
    "invalid UTF-8": (b'a: "\xff"\n', "yaml-not-utf8", "byte 0xff is not UTF-8", (1, 5)),
    "byte order mark": (b"\xef\xbb\xbfa: 1\n", "yaml-byte-order-mark", "byte order mark", (1, 1)),
    "100,000 brackets": (b"[" * 100_000 + b"\n", "yaml-too-deep", "nesting is deeper", (1, 256)),
    "100,000 mappings": (b"a: " + b"[{a: " * 100_000, "yaml-too-deep", "nesting is", (1, 640)),
}


@pytest.fixture
def team(repository: Any) -> Any:
    """A repository with Schemas over manifests and front matter, and a branch `topic`."""
    repository.write("specs/schemas.yaml", SCHEMAS)
    repository.write("deploy/good.yaml", "a: 1\n")
    repository.write("docs/good.md", "---\na: 1\n---\ntext\n")
    repository.commit("first")
    repository.git("checkout", "-q", "-b", "topic")
    return repository


def put(team: Any, path: str, data: bytes) -> None:
    target = team.root / path
    target.parent.mkdir(exist_ok=True)
    is_page = path.endswith(".md")
    mark = b"\xef\xbb\xbf" if is_page and data.startswith(b"\xef\xbb\xbf") else b""
    data = data.removeprefix(mark)
    target.write_bytes(mark + b"---\n" + data + b"\n---\n" if is_page else data)


@pytest.mark.parametrize("kind", BAD)
def test_what_cannot_be_read_is_said_once_where_it_stands(team: Any, kind: str) -> None:
    data, rule, message, (line, column) = BAD[kind]
    for path in PLACES:
        put(team, path, data)
    team.commit()
    for command in (("check",), ("check", "--base", "main"), ("plan", "--base", "main")):
        answer = team.chimera(*command)
        assert (answer.code, answer.err) == (1, ""), answer
        told = [text for text in answer.out.splitlines() if "error[" in text]
        assert len(told) == len(PLACES), answer.out
        for path in PLACES:
            in_front_matter = path.endswith(".md") and kind != "byte order mark"
            place = f"{path}:{line + in_front_matter}:{column}: error[{rule}]"
            assert any(text.startswith(place) and message in text for text in told), answer.out


@pytest.mark.parametrize("kind", BAD)
def test_what_policy_eval_cannot_read_is_said_where_it_stands(team: Any, kind: str) -> None:
    data, rule, _, (line, column) = BAD[kind]
    (team.root / "bad.yaml").write_bytes(data)
    team.write("policy.yaml", SLOW)
    for policy, resource in (("bad.yaml", "deploy/good.yaml"), ("policy.yaml", "bad.yaml")):
        answer = team.chimera("policy", "eval", policy, "--resource", resource)
        assert (answer.code, answer.err) == (1, ""), answer
        assert f"bad.yaml:{line}:{column}: error[{rule}]" in answer.out
    gone = team.chimera("policy", "eval", "policy.yaml", "--resource", "nowhere.yaml")
    assert (gone.code, gone.out) == (4, "")
    assert "nowhere.yaml" in gone.err


def test_line_ends_of_windows_are_line_ends(team: Any) -> None:
    put(team, "specs/owner.yaml", ROLE.replace(b"\n", b"\r\n"))
    put(team, "deploy/windows.yaml", b"a: 1\r\nb: 2\r\n")
    (team.root / "docs/windows.md").write_bytes(b"---\r\na: 1\r\n---\r\ntext\r\n")
    team.commit()
    answer = team.chimera("check", "--base", "main")
    assert (answer.code, answer.err) == (0, ""), answer
    again = ROLE.replace(b"[]", b"[ ]").replace(b"\n", b"\r\n") + b"x: [\r\n"
    put(team, "specs/owner.yaml", again)
    team.commit()
    assert "specs/owner.yaml:5:" in team.chimera("check", "--base", "main").out


MEASURE = """\
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps([done.returncode, done.stdout, done.stderr, peak // 1024]))
"""


def measured(team: Any, *arguments: str) -> tuple[int, str, str, int]:
    """Run a command; return how it ended, and the most MiB that any process of it held."""
    command = [sys.executable, "-c", MEASURE, sys.executable, "-m", "chimera", *arguments]
    environment = team.environment()
    said = subprocess.check_output(command, cwd=team.root, env=environment, text=True)
    code, out, err, peak = json.loads(said)
    return code, out, err, peak


def test_files_of_200_mib_are_refused_in_little_memory(team: Any) -> None:
    """Git itself holds what it stores, and so is not measured; what is governed is digested."""
    for path in PLACES[:2]:
        put(team, path, b"a: 1\n")
        with (team.root / path).open("r+b") as file:
            file.truncate(200 << 20)
    commands = [("check",), ("check", "--base", "main", "--work-tree")]
    eval = ("policy", "eval", "policy.yaml", "--resource", "deploy/bad.yaml")
    team.write("policy.yaml", SLOW)
    for command in (*commands, eval, ("check", "--base", "main")):
        if command[-1] == "main":
            team.commit()
        code, out, err, peak = measured(team, *command)
        assert (code, err) == (1, ""), (out, err)
        assert "deploy/bad.yaml:1:1: error[yaml-too-large]: the file is larger than" in out
        assert peak < 150, (command, peak)


def test_a_policy_that_never_ends_is_ended_and_refuses(team: Any) -> None:
    put(team, "policies/endless.yaml", SLOW.encode())
    team.write("deploy/good.yaml", "x: 2\n")
    team.commit()
    answer = team.chimera("check", "--base", "main")
    assert (answer.code, answer.err) == (1, ""), answer
    assert "deploy/good.yaml:1:4: error[policy-rule-error]: Policy/endless#endless" in answer.out


def test_a_file_that_comes_and_goes_while_it_is_read_is_no_bug(team: Any) -> None:
    team.write("deploy/good.yaml", "a: 2\n")
    stop = threading.Event()

    def flicker() -> None:
        while not stop.is_set():
            for path in PLACES:
                put(team, path, b"a: 1\n")
            for path in PLACES:
                (team.root / path).unlink()

    thread = threading.Thread(target=flicker)
    thread.start()
    try:
        for command in ("check", "plan") * 3:
            answer = team.chimera(command, "--base", "main", "--work-tree")
            assert answer.code in (0, 1), answer
            assert "bug" not in answer.err
            if answer.err:
                assert any(path in answer.err for path in PLACES), answer.err
                assert "help:" in answer.err
    finally:
        stop.set()
        thread.join()
