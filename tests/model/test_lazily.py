"""Packages whose names are imported when they are asked for offer all that they say."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
LAZY = sorted(
    path.parent.name
    for path in (ROOT / "chimera").glob("*/__init__.py")
    if "import_lazily(" in path.read_text()
)


@pytest.mark.parametrize("room", LAZY)
def test_a_room_offers_all_that_type_checkers_are_told_of(room: str) -> None:
    package = importlib.import_module(f"chimera.{room}")
    told = ast.parse(Path(str(package.__file__)).read_text())
    names = {
        alias.name: node.module
        for node in ast.walk(told)
        if isinstance(node, ast.ImportFrom) and node.module != "chimera.model.lazily"
        for alias in node.names
        if alias.name != "TYPE_CHECKING"
    }
    assert sorted(names) == sorted(package.__all__)
    for name, module in names.items():
        value = getattr(package, name)
        assert value is getattr(importlib.import_module(str(module)), name)
        assert not isinstance(value, ModuleType)


def test_a_name_stays_what_it_is_when_a_module_is_called_the_same() -> None:
    code = (
        "import chimera.proof.prove, chimera.documents.parse\n"
        "from chimera.proof import prove\n"
        "from chimera.documents import parse\n"
        "print(callable(prove), callable(parse))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "True True\n"


def test_a_name_that_is_nowhere_is_an_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'chimera.proof' has no attribute 'nothing'"):
        importlib.import_module("chimera.proof").nothing  # noqa: B018
