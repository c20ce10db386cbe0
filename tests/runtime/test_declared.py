"""What is registered by its name alone is imported when somebody looks at it."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import pytest

from chimera.model import ChimeraError
from chimera.runtime import Declared

WHERE = "chimera.builtin.workflow.operations.command:OPERATIONS"


def test_it_has_all_that_it_stands_for_has() -> None:
    declared = Declared("command", WHERE)

    assert declared.summary == "Run a program and give its exit code and what it wrote."
    assert "argv" in declared.inputs.model_fields
    assert copy.copy(declared) == pickle.loads(pickle.dumps(declared)) == declared
    with pytest.raises(AttributeError):
        _ = declared.nothing


def test_name_that_is_not_there_is_the_plugins_fault() -> None:
    with pytest.raises(ChimeraError, match="has nothing that is called comand"):
        _ = Declared("comand", WHERE).summary


def test_registering_imports_no_module() -> None:
    code = (
        "import sys\nfrom chimera.kinds import Registry\nfrom chimera.plugin import load_plugins\n"
        "r = Registry.collect(load_plugins())\n"
        "assert 'context.create' in r.operations and 'context' in r.modules\n"
        "print([m for m in sys.modules if m.startswith('chimera.builtin.coordination.modules.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
