"""The house keeps its own rules: floors, sizes, docstrings, and a test for every diagnostic."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "chimera"
TESTS = ROOT / "tests"
MODULES = sorted(HOUSE.rglob("*.py"))
MOST_LINES = 400
RULE = re.compile(r"[a-z]+(-[a-z0-9]+)+")


@cache
def tree_of(module: Path) -> ast.Module:
    return ast.parse(module.read_text("utf-8"), str(module))


def name_of(module: Path) -> str:
    return module.relative_to(ROOT).as_posix()


def test_every_floor_imports_only_lower_floors_and_every_dependency_has_one_owner() -> None:
    linter = shutil.which("lint-imports", path=f"{Path(sys.executable).parent}:{os.defpath}")
    assert linter is not None, "pip install import-linter: it is among the `dev` dependencies"
    done = subprocess.run(
        [linter, "--no-cache"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def given_as_rules(node: ast.AST) -> list[ast.expr]:
    """Return what stands where a rule id does: in a diagnostic, in `refuse`, in a name `rule`."""
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func).rpartition(".")[2].strip("_")
        first = node.args[:1] if called in {"Diagnostic", "refuse", "fault", "report"} else []
        return first + [keyword.value for keyword in node.keywords if keyword.arg == "rule"]
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).startswith(("rule", "(rule")):
        return [node.value, *getattr(node.value, "elts", ())]
    return []


def rules(module: Path) -> Iterator[str]:
    """Yield the rule ids that a module can give."""
    for node in ast.walk(tree_of(module)):
        for value in given_as_rules(node):
            text = value.value if isinstance(value, ast.Constant) else None
            if isinstance(text, str) and RULE.fullmatch(text):
                yield text


RULES = sorted({rule for module in MODULES for rule in rules(module)})


@cache
def texts_of_tests() -> dict[str, str]:
    return {
        name_of(file): file.read_text("utf-8")
        for file in TESTS.rglob("test_*.py")
        if file != Path(__file__)
    }


def test_there_are_rules_to_hold() -> None:
    assert len(RULES) > 80


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_in_a_test_that_makes_it_fire(rule: str) -> None:
    whole = re.compile(rf"(?<![a-z0-9-]){rule}(?![a-z0-9-])")
    assert any(whole.search(text) for text in texts_of_tests().values())


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_is_short_and_says_what_it_is(module: Path) -> None:
    text = module.read_text("utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    assert ast.get_docstring(tree_of(module))


def undocumented(node: ast.AST, prefix: str = "") -> Iterator[str]:
    """Yield the public functions, classes and methods without a docstring.

    What a function defines inside itself is its own; a property's setter is told by its getter.
    """
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        if child.name.startswith("_"):
            continue
        if ast.get_docstring(child) is None:
            yield prefix + child.name
        if isinstance(child, ast.ClassDef):
            yield from undocumented(child, f"{prefix}{child.name}.")


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_everything_public_has_a_docstring(module: Path) -> None:
    assert list(undocumented(tree_of(module))) == []


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_nothing_is_left_to_be_done(module: Path) -> None:
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", module.read_text("utf-8"))


def test_every_room_is_tested() -> None:
    rooms = {p.name for p in HOUSE.iterdir() if (p / "__init__.py").exists()}
    wing = {
        f"builtin/{p.name}" for p in (HOUSE / "builtin").iterdir() if (p / "plugin.py").exists()
    }
    untested = [room for room in sorted(rooms | wing) if not any((TESTS / room).rglob("test_*.py"))]
    assert untested == []
