"""Every hook is documented, named alike, and called somewhere; built-in plugins are light."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

from chimera.plugin import DEFAULT, ESSENTIAL, hookspecs

ROOT = Path(__file__).parents[2]
HOOKS = {
    name: hook
    for name, hook in vars(hookspecs).items()
    if inspect.isfunction(hook) and name.startswith("chimera_")
}


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_says_when_it_is_called_and_what_it_returns(name: str) -> None:
    docstring = inspect.getdoc(HOOKS[name]) or ""
    assert docstring.splitlines()[0].endswith((".", ";"))
    assert re.search(r"\b(return|judge|run|carry|execute|weigh)", docstring, re.IGNORECASE)


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_named_verb_and_noun(name: str) -> None:
    assert re.fullmatch(r"chimera_[a-z]+(_[a-z]+)*", name)
    assert hasattr(HOOKS[name], "chimera_spec")


def test_a_hook_is_called_somewhere_and_implemented_somewhere() -> None:
    called, implemented = set(), set()
    for file in (ROOT / "chimera").rglob("*.py"):
        if file.name == "hookspecs.py":
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Attribute):
                called.add(node.attr)
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                called.add(node.value)
            if isinstance(node, ast.FunctionDef):
                implemented.add(node.name)
    assert set(HOOKS) - called == set()
    assert set(HOOKS) - implemented == set()


@pytest.mark.parametrize("module", [*ESSENTIAL, *DEFAULT])
def test_a_plugin_module_says_what_it_registers(module: str) -> None:
    source = (ROOT / (module.replace(".", "/") + ".py")).read_text("utf-8")
    tree = ast.parse(source)
    assert ast.get_docstring(tree)
    hooks = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name in HOOKS]
    assert hooks
    assert all(ast.get_docstring(hook) for hook in hooks)


def test_loading_all_plugins_loads_nothing_heavy() -> None:
    heavy = {"numba", "numpy", "scipy", "pytest", "jsonschema", "git", "ruamel", "cel_expr_python"}
    code = (
        "import sys; from chimera.plugin import load_plugins; from chimera.kinds import Registry;"
        f"Registry.collect(load_plugins()); print({heavy!r} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
