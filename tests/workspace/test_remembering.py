"""The law of the cache: what a check says is the same with it on, off, stale or corrupted.

And what it says depends on no order of files, documents or plugins.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chimera import Workspace
from chimera.cli.main import run
from chimera.context import Context
from chimera.documents import worktree
from chimera.kinds import loading, parts, reading, registry
from chimera.model import Action, ChimeraError
from chimera.plugin import manager
from chimera.render.changes import plan_report_json
from chimera.render.check import check_json, check_text
from chimera.workspace.comparing import against_tree
from chimera.workspace.judging import facts_of
from chimera.workspace.planning import make_plan

ROOT = Path(__file__).parents[2]
NOW = Context.system().clock.now()

TEXTS = {
    "role": "kind: Role\nmetadata: {name: owner}\nspec: {members: []}\n",
    "role-again": "kind: Role\nmetadata: {name: owner}\n"
    "spec: {members: [], capabilities: [prove]}\n",
    "role-labelled": "kind: Role\nmetadata: {name: other, labels: {team: a}, layers: [ops/1]}\n"
    "spec: {members: []}\n",
    "gate": "kind: Gate\nmetadata: {name: g}\nspec:\n  match: {kinds: [Role], paths: ['src/**']}\n"
    "  requires: {approvals: [{role: Role/owner}]}\n",
    "gate-dangling": "kind: Gate\nmetadata: {name: h}\nspec:\n  match: {kinds: [Roel]}\n"
    "  requires: {approvals: [{role: Role/ower}, {role: Role/other}]}\n",
    "workflow": "kind: Workflow\nmetadata: {name: w}\nspec:\n  trigger: human\n  stages:\n"
    "    - {id: a, operation: command, inputs: {argv: [echo, hi]}}\n",
    "workflow-faulty": "kind: Workflow\nmetadata: {name: v}\nspec:\n  trigger: schedule\n"
    "  stages:\n"
    "    - {id: a, operation: command, inputs: {argv: [echo, '${b.stdout}']}}\n"
    "    - {id: a, operation: comand, inputs: {}}\n",
    "contract": "kind: LayerContract\nmetadata: {name: ops}\nspec:\n  purpose: p\n  layers:\n"
    "    - {id: '1', name: One, status: active, purpose: p, admits: {kinds: [Workflow]}}\n"
    "    - {id: '2', name: Two, status: dormant, purpose: p, admits: {kinds: [Role]},"
    " prohibits: [ownership]}\n",
    "contract-again": "kind: LayerContract\nmetadata: {name: ops}\nspec:\n  purpose: p\n  layers:\n"
    "    - {id: '1', name: One, status: active, purpose: p, admits: {kinds: [Role]}}\n",
    "policy": "kind: Policy\nmetadata: {name: p}\nspec:\n  match: {kinds: [Role]}\n  rules:\n"
    "    - {id: r, expression: has(object.metadata.labels), message: label it}\n  cases:\n"
    "    - {name: a, object: {metadata: {labels: {}}}, expect: []}\n"
    "    - {name: b, object: {metadata: {}}, expect: [r]}\n",
    "unknown": "kind: Rolle\nmetadata: {name: x}\nspec: {}\n",
    "field": "kind: Role\nmetadata: {name: y}\nspec: {members: [], member: b}\n",
    "environment": "kind: Environment\nmetadata: {name: production}\nspec: {protected: true}\n",
    "repository": "kind: Repository\nmetadata: {name: r}\nspec: {roots: [more]}\n",
    "repository-escaped": 'kind: "Repos\\x69tory"\nmetadata: {name: r}\n'
    "spec: {plugins: {disable: [workflow]}}\n",
    "syntax": "kind: [Role\n",
    "number": "kind: Role\nmetadata: {name: z}\nspec: {members: [.inf]}\n",
}
FILES = ("specs/a.yaml", "specs/b.yaml", "specs/sub/c.yaml", "policies/d.yaml", "more/e.yaml")
CONTENTS = st.lists(st.sampled_from(sorted(TEXTS)), min_size=1, max_size=3).map(tuple)
TREES = st.dictionaries(st.sampled_from(FILES), CONTENTS, min_size=1)


def text_of(names: tuple[str, ...]) -> str:
    return "---\n".join("apiVersion: chimera/v1\n" + TEXTS[name] for name in names)


def write(root: Path, tree: dict[str, tuple[str, ...]]) -> None:
    """Make the folder hold these files and no others."""
    for path in FILES:
        if path not in tree:
            (root / path).unlink(missing_ok=True)
    for path, names in tree.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_text() != text_of(names):
            file.write_text(text_of(names))


def said(root: Path, cache: str) -> Any:
    """Return everything that a check and a plan say, with this cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHIMERA_CACHE", cache)
        workspace = Workspace.open(root, Context.system(now=NOW))
        found: list[Any] = []
        try:
            result = workspace.check()
            found += [check_json(result), check_text(result), result.outcome]
            found += [repr(v) for v in result.value.judgement.verdicts]
            found.append(plan_report_json(workspace.plan()))
        except ChimeraError as error:
            found.append((error.message, error.help))
        workspace.cache.flush()
    return found


@contextmanager
def trusted(*, aged: bool) -> Iterator[None]:
    """Let sources have a version, though somebody edits them; and let files look old.

    Every file is a shard of its own.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "_MEAN", 1)
        patch.setattr(loading, "engine_version", lambda: "engine")
        patch.setattr(registry, "judging_version", version_of)
        if aged:
            patch.setattr(worktree, "_RACY", -(10**13))
        yield


def version_of(plugins: Any) -> str:
    return repr(sorted(name for name, _ in plugins.list_name_plugin()))


def damage(cache: Path, seed: int) -> None:
    """Spoil the file in one of several ways; what is left may be anything."""
    file, chance = cache / "checks-1.db", random.Random(seed)
    way = seed % 4
    if not file.exists():
        return
    if way == 0:
        os.truncate(file, chance.randrange(file.stat().st_size))
    elif way == 1:
        content = bytearray(file.read_bytes())
        for _ in range(20):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        file.write_bytes(content)
    else:
        connection = sqlite3.connect(file)
        with connection:
            rows = connection.execute("SELECT key, sum, data FROM value ORDER BY key").fetchall()
            for (key, _, _), (_, sum, data) in zip(rows, rows[1:] + rows[:1], strict=True):
                if way == 2:
                    connection.execute(
                        "UPDATE value SET sum = ?, data = ? WHERE key = ?", (sum, data, key)
                    )
                else:
                    connection.execute("UPDATE value SET data = ? WHERE key = ?", (data[1:], key))
        connection.close()


@settings(max_examples=settings.default.max_examples // 5)
@given(st.lists(TREES, min_size=1, max_size=3), st.booleans(), st.integers(0, 10_000))
def test_a_check_says_the_same_with_any_cache(
    tmp_path_factory: pytest.TempPathFactory, trees: list[Any], aged: bool, seed: int
) -> None:
    root = tmp_path_factory.mktemp("law")
    cache = root / "cache"
    (root / "tree").mkdir()
    with trusted(aged=aged):
        for tree in trees:
            write(root / "tree", tree)
            off = said(root / "tree", "off")
            for _ in range(2):
                assert said(root / "tree", str(cache)) == off
            damage(cache, seed)
            assert said(root / "tree", str(cache)) == off
    shutil.rmtree(root)


@settings(max_examples=settings.default.max_examples // 4)
@given(TREES, st.integers(0, 10_000))
def test_facts_alone_say_what_documents_say(
    tmp_path_factory: pytest.TempPathFactory, tree: Any, seed: int
) -> None:
    """Nothing that is read stays in memory: as in a large repository."""
    root = tmp_path_factory.mktemp("law")
    (root / "tree").mkdir()
    write(root / "tree", tree)
    with trusted(aged=False), pytest.MonkeyPatch.context() as patch:
        expected = said(root / "tree", "off")
        patch.setattr(reading, "_HELD", 0)
        patch.setattr(loading, "_HELD", 0)
        assert said(root / "tree", "off") == expected
        for _ in range(2):
            assert said(root / "tree", str(root / "cache")) == expected
    shutil.rmtree(root)


A, B, C = FILES[:3]
STEPS = {
    "a target goes": ({A: ("role",), B: ("gate",)}, {B: ("gate",)}),
    "a target comes": ({B: ("gate",)}, {A: ("role",), B: ("gate",)}),
    "a target breaks": ({A: ("role",), B: ("gate",)}, {A: ("syntax",), B: ("gate",)}),
    "a contract comes": ({A: ("role-labelled",)}, {A: ("role-labelled",), B: ("contract",)}),
    "a contract goes": ({A: ("role-labelled",), B: ("contract",)}, {A: ("role-labelled",)}),
    "a contract changes": (
        {A: ("role-labelled",), B: ("contract",)},
        {A: ("role-labelled",), B: ("contract-again",)},
    ),
    "a policy comes": ({A: ("role",)}, {A: ("role",), B: ("policy",)}),
    "a second one comes": ({B: ("role",)}, {A: ("role-again",), B: ("role",)}),
    "the first one goes": ({A: ("role-again",), B: ("role",)}, {B: ("role",)}),
    "a file moves": ({A: ("field",)}, {C: ("field",)}),
    "roots are named": (
        {A: ("gate",), FILES[4]: ("role",)},
        {A: ("gate",), B: ("repository",), FILES[4]: ("role",)},
    ),
    "a plugin is left out": ({A: ("workflow",)}, {A: ("workflow",), B: ("repository-escaped",)}),
}


@pytest.mark.parametrize("aged", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_what_changes_elsewhere_is_noticed(tmp_path: Path, step: str, aged: bool) -> None:
    root, cache, before = tmp_path / "tree", str(tmp_path / "cache"), None
    with trusted(aged=aged):
        for tree in STEPS[step]:
            write(root, tree)
            found = said(root, "off")
            assert said(root, cache) == said(root, cache) == found != before
            before = found


def test_what_did_not_change_is_not_parsed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "tree", {FILES[0]: ("role", "field"), FILES[1]: ("workflow-faulty",)})
    monkeypatch.setenv("CHIMERA_CACHE", str(tmp_path / "cache"))
    with trusted(aged=True):
        before = Workspace.open(tmp_path / "tree").check()
        monkeypatch.setattr(reading, "parse", lambda *_: pytest.fail("it was parsed again"))
        after = Workspace.open(tmp_path / "tree").check()
    assert after.diagnostics == before.diagnostics != ()
    assert after.value.judgement.verdicts == before.value.judgement.verdicts


def edit(file: Path, old: str, new: str) -> None:
    """Edit a file and leave no trace of it but what cannot be forged."""
    status, text = file.stat(), file.read_text()
    assert old in text
    assert len(old) == len(new)
    file.write_text(text.replace(old, new))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert file.stat().st_mtime_ns == status.st_mtime_ns
    assert file.stat().st_size == status.st_size


@pytest.mark.parametrize("aged", [False, True])
def test_an_edit_of_the_same_size_with_a_forged_time_is_seen(tmp_path: Path, aged: bool) -> None:
    write(tmp_path / "tree", {FILES[0]: ("role", "gate")})
    cache = str(tmp_path / "cache")
    with trusted(aged=aged):
        assert said(tmp_path / "tree", cache)[0]["outcome"] == "passed"
        time.sleep(0.02)  # longer than the clock of the file system takes for a tick
        edit(tmp_path / "tree" / FILES[0], "Role/owner", "Role/owned")
        assert said(tmp_path / "tree", cache)[0]["outcome"] == "failed"
        edit(tmp_path / "tree" / FILES[0], "Role/owned", "Role/owner")
        assert said(tmp_path / "tree", cache)[0]["outcome"] == "passed"


def test_a_file_edited_just_now_has_no_stamp(tmp_path: Path) -> None:
    write(tmp_path, {FILES[0]: ("role",)})
    assert worktree.open_work_tree(tmp_path).stamped(["specs"]) == ({FILES[0]: None}, [])


def test_another_version_of_the_engine_remembers_nothing_of_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "tree", {FILES[0]: ("role",)})
    cache, asked = str(tmp_path / "cache"), []
    parse = reading.parse
    monkeypatch.setattr(reading, "parse", lambda *given: asked.append(given) or parse(*given))
    with trusted(aged=True):
        said(tmp_path / "tree", cache)
    monkeypatch.setattr(loading, "engine_version", lambda: "later")
    monkeypatch.setattr(registry, "judging_version", lambda plugins: "later")
    said(tmp_path / "tree", cache)
    assert len(asked) == 2


def test_code_that_may_have_changed_since_it_was_loaded_remembers_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "tree", {FILES[0]: ("role",)})
    monkeypatch.setattr(loading, "engine_version", lambda: None)
    monkeypatch.setattr(registry, "judging_version", lambda plugins: None)
    said(tmp_path / "tree", str(tmp_path / "cache"))
    assert not list((tmp_path / "cache").glob("*.db"))


def test_a_check_writes_nothing_into_the_folder_it_checks(tmp_path: Path) -> None:
    write(tmp_path / "tree", {FILES[0]: ("role", "gate")})
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "tree").rglob("*")}
    with trusted(aged=True):
        said(tmp_path / "tree", str(tmp_path / "cache"))
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "tree").rglob("*")} == before


def test_a_document_that_changes_while_it_is_judged_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {FILES[0]: ("role",), FILES[1]: ("environment",)})
    monkeypatch.setattr(reading, "_HELD", 0)
    workspace = Workspace.open(tmp_path)
    documents = workspace.loaded.snapshot.documents
    (tmp_path / FILES[0]).write_text(text_of(("role-again",)))
    with pytest.raises(ChimeraError, match="changed while it was read"):
        [document.value for document in documents.values()]


def test_a_file_that_vanishes_is_reported_and_nothing_is_remembered_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "tree", {FILES[0]: ("role",), FILES[1]: ("environment",)})
    cache = str(tmp_path / "cache")
    listed = loading.list_documents

    def and_then_it_went(*given: Any) -> Any:
        listing = listed(*given)
        (tmp_path / "tree" / FILES[0]).unlink(missing_ok=True)
        return listing

    with trusted(aged=True):
        monkeypatch.setattr(loading, "list_documents", and_then_it_went)
        (first,) = said(tmp_path / "tree", cache)[0]["diagnostics"]
        assert (first["rule"], first["path"]) == ("document-unreadable", FILES[0])
        monkeypatch.setattr(loading, "list_documents", listed)
        assert said(tmp_path / "tree", cache)[0]["diagnostics"] == []


class Listing(list[os.DirEntry[str]]):
    """What `os.scandir` gives: some go through it, and some enter it first."""

    def __enter__(self) -> Listing:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@settings(max_examples=settings.default.max_examples // 4)
@given(TREES, st.randoms(use_true_random=False))
def test_no_order_of_files_documents_or_plugins_changes_what_is_said(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, tuple[str, ...]], chance: Any
) -> None:
    root = tmp_path_factory.mktemp("law")
    write(root, tree)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHIMERA_CACHE", "off")
        expected = said(root, "off")
        essential, default = list(manager.ESSENTIAL), list(manager.DEFAULT)
        chance.shuffle(essential)
        chance.shuffle(default)
        patch.setattr(manager, "ESSENTIAL", tuple(essential))
        patch.setattr(manager, "DEFAULT", tuple(default))
        scan = os.scandir

        def shuffled(path: Any) -> Listing:
            with scan(path) as items:
                found = Listing(items)
            chance.shuffle(found)
            return found

        patch.setattr(worktree.os, "scandir", shuffled)
        assert said(root, "off") == expected
    shutil.rmtree(root)


def test_checks_at_the_same_time_say_the_same(tmp_path: Path) -> None:
    write(tmp_path / "tree", {A: ("role", "field"), B: ("gate", "workflow-faulty"), C: ("policy",)})
    command = [sys.executable, "-m", "chimera", "-C", str(tmp_path / "tree"), "check", "-o", "json"]
    cached = {**os.environ, "CHIMERA_CACHE": str(tmp_path / "cache")}
    running = [
        subprocess.Popen(command, cwd=ROOT, env=cached, stdout=subprocess.PIPE) for _ in range(4)
    ]
    found = {process.communicate()[0] for process in running}
    off = {**os.environ, "CHIMERA_CACHE": "off"}
    alone = subprocess.run(command, cwd=ROOT, env=off, stdout=subprocess.PIPE, check=False)
    assert found == {alone.stdout}
    assert b"workflow-operation-unknown" in alone.stdout


@settings(max_examples=settings.default.max_examples // 4)
@given(TREES)
def test_nothing_changed_between_a_tree_and_itself(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[str, tuple[str, ...]]
) -> None:
    root = tmp_path_factory.mktemp("law")
    write(root, tree)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHIMERA_CACHE", "off")
        one = Workspace.open(root, Context.system(now=NOW))
        itself = against_tree(one.tree, one.registry, "itself")
        local = facts_of(one.loaded.snapshot, "local")
        report = make_plan(one.loaded, itself, one.plugins, one.context, local)
    assert {item.change.action for item in report.plan.items} <= {Action.NO_OP}
    assert (report.touches, report.affected) == ((), {})
    shutil.rmtree(root)


def test_the_command_line_can_do_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "tree", {FILES[0]: ("role",)})
    monkeypatch.setenv("CHIMERA_CACHE", str(tmp_path / "cache"))
    with trusted(aged=True):
        assert run(["--no-cache", "-C", str(tmp_path / "tree"), "check"]) == 0
        assert not list(tmp_path.rglob("*.db"))
        monkeypatch.setenv("CHIMERA_CACHE", str(tmp_path / "cache"))
        assert run(["-C", str(tmp_path / "tree"), "check"]) == 0
        assert list(tmp_path.rglob("*.db"))
