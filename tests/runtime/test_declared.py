"""What is registered by its name alone is imported when somebody looks at it."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from collections import defaultdict
from importlib import import_module

import pytest

from chimera.kinds import Registry
from chimera.model import ChimeraError
from chimera.plugin import load_plugins
from chimera.runtime import Declared

WHERE = "chimera.builtin.workflow.operations.command:OPERATIONS"


def test_it_has_all_that_it_stands_for_has() -> None:
    declared = Declared("command", WHERE)

    assert declared.summary == "Run a program and give its exit code and what it wrote."
    assert "argv" in declared.inputs.model_fields
    assert declared.summary is declared.summary
    assert copy.copy(declared) == pickle.loads(pickle.dumps(declared)) == declared
    with pytest.raises(AttributeError):
        _ = declared.nothing


def test_name_that_is_not_there_is_the_plugins_fault() -> None:
    with pytest.raises(ChimeraError, match="has nothing that is called comand"):
        _ = Declared("comand", WHERE).summary


def test_what_is_declared_is_what_there_is() -> None:
    registry = Registry.collect(load_plugins())
    declared: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for one in registry.operations.values():
        if isinstance(one, Declared):
            declared[one.where][one.name] = one.aliases

    assert {"command", "git.push"} <= {name for found in declared.values() for name in found}
    for where, found in declared.items():
        module, _, attribute = where.partition(":")
        there = getattr(import_module(module), attribute)
        assert found == {one.name: one.aliases for one in there}, where


def test_registering_imports_no_module() -> None:
    code = (
        "import sys\nfrom chimera.kinds import Registry\nfrom chimera.plugin import load_plugins\n"
        "r = Registry.collect(load_plugins())\n"
        "assert 'context.create' in r.operations and 'context' in r.modules\n"
        "rooms = ('coordination.modules.', 'workflow.operations.', 'resources.operations')\n"
        "rooms = tuple('chimera.builtin.' + room for room in rooms)\n"
        "print([m for m in sys.modules if m.startswith(rooms)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
