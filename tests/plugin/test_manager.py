"""Which plugins are loaded, which cannot be left out, and what a broken one does."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from chimera.kinds import Registry
from chimera.model import ChimeraError, UsageError
from chimera.plugin import DEFAULT, ESSENTIAL, can_disable, load_plugins, short_name


def names(**wanted: object) -> set[str]:
    return {name for name, _ in load_plugins(**wanted).list_name_plugin()}  # type: ignore[arg-type]


def test_without_a_word_the_essential_and_the_default_plugins_are_there() -> None:
    assert names() == {*ESSENTIAL, *DEFAULT}


@pytest.mark.parametrize("name", [*DEFAULT, *map(short_name, DEFAULT)])
def test_a_default_plugin_can_be_left_out_by_room_or_module(name: str) -> None:
    assert can_disable(name)
    assert len(names(disable=[name])) == len(ESSENTIAL) + len(DEFAULT) - 1


@pytest.mark.parametrize("name", [*ESSENTIAL, *map(short_name, ESSENTIAL)])
def test_an_essential_plugin_cannot_be_left_out(name: str) -> None:
    assert not can_disable(name)
    with pytest.raises(UsageError, match="is essential and cannot be disabled"):
        load_plugins(disable=[name])


def test_a_plugin_that_is_not_there_cannot_be_left_out_either() -> None:
    with pytest.raises(UsageError, match="'workflwo'") as refused:
        load_plugins(disable=["workflwo"])
    assert "workflow" in str(refused.value.help)


def test_a_plugin_that_is_not_installed_is_named_with_its_entry_point() -> None:
    with pytest.raises(UsageError, match="the plugin acme is not installed") as refused:
        load_plugins(require=["acme"])
    assert "chimera:acme" in str(refused.value.help)


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, **modules: str) -> None:
    """Install a package that provides each module as an entry point."""
    info = folder / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    points = "".join(f"{name} = acme_{name}\n" for name in modules)
    (info / "entry_points.txt").write_text(f"[chimera]\n{points}")
    for name, source in modules.items():
        (folder / f"acme_{name}.py").write_text(source)
        monkeypatch.setitem(sys.modules, f"acme_{name}", ModuleType("stand-in"))  # undone later
        del sys.modules[f"acme_{name}"]
    monkeypatch.syspath_prepend(str(folder))


HELLO = """
from chimera.plugin import hookimpl

@hookimpl
def chimera_register_commands():
    return {"hello": "acme_hello:hello"}
"""


def test_an_installed_plugin_is_loaded_when_it_is_required(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path, monkeypatch, hello=HELLO)
    assert "hello" not in Registry.collect(load_plugins()).commands
    registry = Registry.collect(load_plugins(require=["hello"]))
    assert registry.commands["hello"] == "acme_hello:hello"
    assert registry.rooms["hello"] == "hello"


@pytest.mark.parametrize(
    "source",
    [
        "import nothing_like_this",
        "raise RuntimeError('not today')",
        "def",
        "from chimera.plugin import hookimpl\n@hookimpl\ndef chimera_no_such_hook(): ...\n",
        "from chimera.plugin import hookimpl\n@hookimpl\ndef chimera_owe(wrong): ...\n",
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    install(tmp_path, monkeypatch, broken=source)
    with pytest.raises(ChimeraError, match="the plugin broken cannot be loaded"):
        load_plugins(require=["broken"])


@pytest.mark.parametrize(
    ("hook", "thing", "what"),
    [
        ("kinds", "[Kind('Gate', Model, 'x')]", "the kind Gate"),
        ("commands", "{'init': 'x:y'}", "the command init"),
    ],
)
def test_two_plugins_that_register_one_name_are_an_error_that_names_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hook: str, thing: str, what: str
) -> None:
    source = "from chimera.kinds import Kind, Model\nfrom chimera.plugin import hookimpl\n"
    source += f"@hookimpl\ndef chimera_register_{hook}():\n    return {thing}\n"
    install(tmp_path, monkeypatch, rival=source)
    with pytest.raises(ChimeraError, match=f"and rival both register {what}|rival and"):
        Registry.collect(load_plugins(require=["rival"]))


def test_the_registry_is_in_order_of_name_and_knows_the_rooms() -> None:
    registry = Registry.collect(load_plugins())
    for found in (registry.kinds, registry.prohibitions, registry.operations, registry.commands):
        assert list(found) == sorted(found)
        assert found
    assert registry.kinds["Gate"].room == "gate"
    assert registry.kinds["Workflow"].room == "workflow"
    assert registry.rooms["init"] == "scaffold"


def test_a_plugin_that_raises_while_it_registers_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "from chimera.plugin import hookimpl\n"
    source += "@hookimpl\ndef chimera_register_kinds():\n    raise RuntimeError('not today')\n"
    install(tmp_path, monkeypatch, moody=source)
    with pytest.raises(ChimeraError, match=r"the plugin moody cannot be used: .*not today"):
        Registry.collect(load_plugins(require=["moody"]))
