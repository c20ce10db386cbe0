"""What a commit touches is what Git's own pathspecs find, for every commit of a long history.

`CHIMERA_COMMITS` and `CHIMERA_FILES` say how long and how large; the nightly run takes 1,000 and
20,000.
"""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from chimera.context import Context
from chimera.model import PathSet, has_errors
from chimera.workspace import Workspace

COMMITS = int(os.environ.get("CHIMERA_COMMITS", "50"))
FILES = int(os.environ.get("CHIMERA_FILES", "300"))
SEED = int(os.environ.get("CHIMERA_SEED", "20261121"))

AREAS = ("payments", "orders", "people", "search")
ODD = ("ü n.py", 'quo"te.py', "new\nline.py", "[x].py", "-dash.py", "sp ace/deep er.py", "a.b")
GLOBS = (
    *("src/api/payments/**", "migrations/**", "**/*.sql", "src/*/orders/**/mod_1/*", "docs/[a-c]*"),
    *(
        "src/odd/\\[x\\].py",
        "src/odd/?*",
        "vendor",
        "vendor/**/lib",
        "**/run_*.sh",
        "src/**/links/*",
    ),
    *("nowhere/**", "src/api/people", "*.md", "src/**"),
)
Globs = frozenset[str]
Tree = dict[str, tuple[str, bytes]]


@dataclass
class History:
    """A repository as it grows, commit by commit, as a stream for `git fast-import`."""

    choose: random.Random
    tree: Tree = field(default_factory=dict)
    gates: dict[str, Globs] = field(default_factory=dict)
    proofs: dict[str, Globs] = field(default_factory=dict)
    governed: list[Mapping[str, Globs]] = field(default_factory=list)
    stream: bytes = b""
    made: int = 0

    def begin(self, files: int) -> None:
        """Make the first tree."""
        for number in range(files):
            self.tree[self.name(number)] = self.content()
        for name in ODD:
            self.tree[f"src/odd/{name}"] = self.content()
        for number in range(7):
            self.gates[f"g{number}"] = self.globs()
        for number in range(4):
            self.proofs[f"p{number}"] = self.globs()

    def name(self, number: int) -> str:
        """Return where a file lies: a few thousand folders, three to five deep."""
        area = self.choose.choice(AREAS)
        return self.choose.choice(
            (
                f"src/api/{area}/mod_{number % 40}/file_{number}.py",
                f"src/core/{area}/links/{number % 9}/file_{number}",
                f"migrations/{number:06}.sql",
                f"docs/{self.choose.choice('abcdxyz')}{number}.md",
                f"tools/{area}/run_{number}.sh",
                f"vendor/{area}/{number % 30}/lib",
            )
        )

    def globs(self) -> Globs:
        return frozenset(self.choose.sample(GLOBS, self.choose.choice((1, 1, 2, 3))))

    def content(self) -> tuple[str, bytes]:
        """Return a file, an executable one, a symlink or a submodule."""
        mode = self.choose.choice(("100644",) * 6 + ("100755", "120000", "160000"))
        if mode == "160000":
            return mode, b"%040x" % self.choose.getrandbits(160)
        return mode, b"%d" % self.choose.getrandbits(32)

    def step(self) -> None:
        """Change something: most often a little, now and then a whole folder or a gate."""
        for _ in range(self.choose.choice((0, 1, 1, 2, 3, 8))):
            self.choose.choice(self.edits())()
        if self.choose.random() < 0.1:
            self.rename_folder()
        if self.choose.random() < 0.15:
            documents = self.choose.choice((self.gates, self.proofs))
            documents[self.choose.choice(sorted(documents))] = self.globs()

    def edits(self) -> Sequence[Callable[[], None]]:
        often = (self.add, self.edit, self.delete, self.rename, self.change_mode)
        return (*often, self.edit_odd, self.move_submodule)

    def any_path(self) -> str:
        return self.choose.choice(sorted(self.tree))

    def add(self) -> None:
        self.tree[self.name(1_000_000 + self.choose.getrandbits(20))] = self.content()

    def edit(self) -> None:
        self.tree[self.any_path()] = self.content()

    def edit_odd(self) -> None:
        self.tree[f"src/odd/{self.choose.choice(ODD)}"] = self.content()

    def move_submodule(self) -> None:
        links = sorted(path for path, (mode, _) in self.tree.items() if mode == "160000")
        self.tree[self.choose.choice(links)] = ("160000", b"%040x" % self.choose.getrandbits(160))

    def delete(self) -> None:
        del self.tree[self.any_path()]

    def rename(self) -> None:
        found = self.tree.pop(self.any_path())
        self.tree[self.name(2_000_000 + self.choose.getrandbits(20))] = found

    def change_mode(self) -> None:
        path = self.any_path()
        mode, data = self.tree[path]
        if mode in ("100644", "100755"):
            self.tree[path] = ("100755" if mode == "100644" else "100644", data)

    def rename_folder(self) -> None:
        folder = self.any_path().rpartition("/")[0] + "/"
        for path in [path for path in self.tree if path.startswith(folder)]:
            self.tree[f"src/moved{self.made}/{path[len(folder) :]}"] = self.tree.pop(path)

    def commit(self, before: Tree, *, merges: bool = False) -> None:
        """Write a commit of what changed; `merges` gives it a second parent."""
        self.made += 1
        now = {**self.tree, **self.documents()}
        lines = [
            b"commit refs/heads/main",
            b"mark :%d" % self.made,
            b"committer a <a@example.org> %d +0000" % self.made,
            b"data 0",
        ]
        if self.made > 1:
            lines.append(b"from :%d" % (self.made - 1))
        if merges and self.made > 3:
            lines.append(b"merge :%d" % (self.made - 3))
        lines += [b'D "%s"' % quoted(path) for path in before if path not in now]
        for path, (mode, data) in now.items():
            if before.get(path) == (mode, data):
                continue
            if mode == "160000":
                lines.append(b'M 160000 %s "%s"' % (data, quoted(path)))
            else:
                lines.append(b'M %s inline "%s"' % (mode.encode(), quoted(path)))
                lines.append(b"data %d\n%s" % (len(data), data))
        self.stream += b"\n".join(lines) + b"\n"
        self.governed.append(
            {f"Gate/{name}": globs for name, globs in self.gates.items()}
            | {f"Proof/{name}": globs for name, globs in self.proofs.items()}
        )

    def documents(self) -> Tree:
        """Return the gates and proofs as they are now."""
        return {
            f"specs/{name}.yaml": ("100644", text.encode())
            for name, text in (
                *((name, gate(name, globs)) for name, globs in self.gates.items()),
                *((name, proof(name, globs)) for name, globs in self.proofs.items()),
            )
        }


def quoted(path: str) -> bytes:
    return path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").encode()


def listed(globs: Globs) -> str:
    return ", ".join("'" + glob + "'" for glob in sorted(globs))


def gate(name: str, globs: Globs) -> str:
    return (
        f"apiVersion: chimera/v1\nkind: Gate\nmetadata: {{name: {name}}}\nspec:\n"
        f"  match: {{paths: [{listed(globs)}]}}\n  requires: {{records: [ChangelogEntry]}}\n"
    )


def proof(name: str, globs: Globs) -> str:
    return (
        f"apiVersion: chimera/v1\nkind: Proof\nmetadata: {{name: {name}}}\nspec:\n"
        f"  claim: it holds\n  covers: {{paths: [{listed(globs)}]}}\n  inputs: [specs/g0.yaml]\n"
        "  steps:\n    - {run: command, argv: [cat, specs/g0.yaml],"
        " expect: {stdout: {contains: [Gate]}}}\n"
        "  controls:\n    - {mutate: replace, path: specs/g0.yaml, old: Gate, new: Gone}\n"
    )


def make(root: Path) -> History:
    """Make the repository; bare, since nothing of it is ever checked out."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", str(root)], check=True)
    history = History(random.Random(SEED))
    before: Tree = {}
    for number in range(COMMITS):
        if number == 0:
            history.begin(FILES)
        else:
            history.step()
        history.commit(before, merges=number % 10 == 9)
        before = {**history.tree, **history.documents()}
    subprocess.run(["git", "fast-import", "--quiet"], cwd=root, input=history.stream, check=True)
    return history


class Oracle:
    """Git, asked the slow and obvious way."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.empty = self.git("hash-object", "-t", "tree", "/dev/null").decode().strip()

    def git(self, *arguments: str) -> bytes:
        done = subprocess.run(["git", *arguments], cwd=self.root, capture_output=True, check=True)
        return done.stdout

    def differing(self, before: str, after: str, globs: Globs) -> tuple[str, ...]:
        told = self.git(
            *("diff-tree", "-r", "-z", "--name-only", "--no-renames", before, after, "--"),
            *(f":(glob){glob}" for glob in sorted(globs)),
        )
        return tuple(sorted(map(os.fsdecode, told.split(b"\0")[:-1])))

    def touches(
        self, commit: str, before: Mapping[str, Globs], after: Mapping[str, Globs]
    ) -> Iterator[tuple[str, Globs, tuple[str, ...]]]:
        """Yield each gate and proof with the paths that its globs, as they were or are, find.

        A set that is governed only on one side of the commit changes as a whole, if it is any.
        """
        for source in sorted(before.keys() | after.keys()):
            for globs in {side[source] for side in (before, after) if source in side}:
                paths = self.differing(f"{commit}~1", commit, globs)
                was, now = globs in before.values(), globs in after.values()
                if was != now:
                    there = commit if now else f"{commit}~1"
                    if self.differing(self.empty, there, globs):
                        yield source, globs, paths
                elif paths:
                    yield source, globs, paths


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("oracle") / "repository.git"


def found(report: Any) -> list[tuple[str, Globs, tuple[str, ...]]]:
    return [
        (str(touch.source), frozenset(touch.target.globs), touch.paths)
        for touch in report.touches
        if isinstance(touch.target, PathSet)
    ]


def in_order(touches: Any) -> list[Any]:
    return sorted(touches, key=lambda t: (t[0], sorted(t[1]), t[2]))


def test_every_commit_touches_what_git_finds(root: Path) -> None:
    history = make(root)
    oracle, workspace = Oracle(root), Workspace(root, Context.system())
    commits = oracle.git("rev-list", "--first-parent", "--reverse", "main").decode().split()
    assert len(commits) == COMMITS
    touched = 0
    for number, commit in enumerate(commits[1:], 1):
        report = workspace.compare("local", f"{commit}~1", commit)
        assert not has_errors(report.judgement.diagnostics)
        expected = oracle.touches(commit, *history.governed[number - 1 : number + 1])
        shown = in_order(found(report))
        assert shown == in_order(expected), f"commit {number} of seed {SEED}"
        touched += len(shown)
    assert touched > COMMITS  # or it would have shown little
