"""Whether the module of a Python fitness is there, as `check` says."""

import json

import pytest

from chimera.context import Context
from chimera.workspace import Workspace


@pytest.fixture
def check(tmp_path, value_of):
    """Write an Evolution with a module and return what a check reports."""

    def check(path):
        (tmp_path / "tools").mkdir()
        (tmp_path / "tools" / "fit.py").write_text("def fitness(genes):\n    return 1.0\n")
        (tmp_path / "tools" / "broken.py").write_text("def fitness(:\n")
        (tmp_path / "tools" / "link.py").symlink_to("fit.py")
        (tmp_path / "specs").mkdir()
        value = {
            "apiVersion": "chimera/v1",
            "kind": "Evolution",
            "metadata": {"name": "e"},
            "spec": value_of(fitness={"python": {"module": path}}),
        }
        (tmp_path / "specs" / "e.yaml").write_text(json.dumps(value))
        found = Workspace(tmp_path, Context.system()).check().diagnostics
        return [(one.rule, one.severity.value, one.message) for one in found]

    return check


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("tools/missing.py", "there is no file tools/missing.py"),
        ("tools/link.py", "tools/link.py is a symlink"),
        ("tools/broken.py", "tools/broken.py is no Python in line 1: invalid syntax"),
    ],
)
def test_module_that_cannot_be_used_is_a_warning(check, path, message):
    assert check(path) == [("evolution-module-unusable", "warning", message)]


def test_module_that_can_be_used_is_none(check):
    assert check("tools/fit.py") == []
