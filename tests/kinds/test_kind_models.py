"""Kinds that say where their model is, and those that bring it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from chimera.kinds import Kind, Model
from chimera.kinds.repository import RepositorySpec
from chimera.model import ChimeraError
from tests.kinds.conftest import NoteSpec, ThingSpec

HERE = "tests.kinds.conftest"


def test_a_model_is_given_or_said_where_it_is() -> None:
    for kind in (Kind("Thing", ThingSpec, ""), Kind("Thing", f"{HERE}:ThingSpec", "")):
        assert kind.spec is ThingSpec
        assert kind.is_of(ThingSpec)
        assert not kind.is_of(NoteSpec)
        assert not kind.is_of(Model)


def test_a_model_elsewhere_with_the_same_name_is_another() -> None:
    other = type("ThingSpec", (Model,), {})
    assert not Kind("Thing", f"{HERE}:ThingSpec", "").is_of(other)


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("tests.kinds.nowhere:ThingSpec", "cannot be imported"),
        (f"{HERE}:NothingSpec", "cannot be imported"),
        (HERE, "cannot be imported"),
        (f"{HERE}:THING", "is no model"),
        ("chimera.kinds.kind:cache", "is no model"),
    ],
)
def test_what_is_no_model_refuses(model: str, said: str) -> None:
    with pytest.raises(ChimeraError, match=f"the kind Thing {said}|of the kind Thing {said}"):
        _ = Kind("Thing", model, "").spec


def test_a_model_by_another_name_than_its_own_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{HERE}.Alias", RepositorySpec, raising=False)
    with pytest.raises(ChimeraError, match="is no model of that name"):
        _ = Kind("Thing", f"{HERE}:Alias", "").spec


def test_collecting_what_plugins_register_imports_no_model() -> None:
    """The models of rooms that a repository does not use would take a tenth of a small check."""
    script = (
        "import sys; from chimera.kinds import Registry; from chimera.plugin import load_plugins\n"
        "kinds = Registry.collect(load_plugins()).kinds\n"
        "early = [m for m in sys.modules if m.startswith('chimera.') and m.endswith('.kinds')]\n"
        "assert 'chimera.proof.kinds' not in early, early\n"
        "assert all(kind.spec for kind in kinds.values())\n"
        "assert 'chimera.proof.kinds' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
