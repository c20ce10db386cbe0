"""Kinds made for these tests beside the shipped ones, and documents of them in a real folder."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import pytest

from chimera.documents import locate, open_work_tree
from chimera.kinds import (
    AddressText,
    Answer,
    Discriminator,
    Duration,
    Field,
    Governs,
    Items,
    Kind,
    LayerRef,
    Loaded,
    Model,
    Plays,
    Reference,
    Registry,
    Role,
    load_snapshot,
    read_source,
)
from chimera.kinds.plugin import chimera_register_kinds
from chimera.model import Diagnostic


class Circle(Model):
    """One branch of a union."""

    shape: Literal["circle"] = Field(description="Which.")
    radius: float = Field(description="How wide.")


class Square(Model):
    """The other branch."""

    shape: Literal["square"] = Field(description="Which.")
    side: float = Field(description="How long.")
    near: Annotated[AddressText, Reference("Thing")] | None = Field(
        default=None, description="Something else."
    )


class Part(Model):
    """A list's item."""

    name: str = Field(description="What it is called.")
    uses: Annotated[AddressText, Reference("Thing")] | None = Field(
        default=None, description="Another thing."
    )


class ThingSpec(Model):
    """A field of every sort."""

    size: int = Field(default=1, description="How big.")
    loud: bool = Field(default=False, description="Whether it is heard.")
    parts: Items[Part] = Field(default=(), description="What it is made of.")
    shapes: Items[Annotated[Circle | Square, Discriminator("shape")]] = Field(
        default=(), description="What it looks like."
    )
    anything: str | int | bool = Field(default="", description="A plain value.")
    friends: dict[str, Annotated[AddressText, Reference()]] = Field(
        default_factory=dict, description="Documents by name."
    )
    needs: Items[Annotated[AddressText, Reference("Thing", "Note")]] = Field(
        default=(), description="Documents."
    )
    owner: Annotated[str, Plays(Role.OWNER)] | None = Field(default=None, description="Whose.")
    paths: Items[Annotated[str, Governs()]] = Field(default=(), description="Governed paths.")
    pause: Duration | None = Field(default=None, description="How long.")
    layer: LayerRef | None = Field(default=None, description="A layer.")


class NoteSpec(Model):
    """A record."""

    text: str = Field(default="", description="What it says.")
    answers: Items[Answer] = Field(default=(), description="What it is about.")


THING = Kind("Thing", ThingSpec, "Something.")
NOTE = Kind("Note", NoteSpec, "Something said.", record=True)
REGISTRY = Registry({k.name: k for k in (NOTE, *chimera_register_kinds(), THING)})


class Folder:
    """Documents on disk, and what is found in them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text), encoding="utf-8")

    def thing(self, name: str, spec: str = "{}", kind: str = "Thing", **metadata: str) -> None:
        more = "".join(f", {key}: {value}" for key, value in metadata.items())
        self.write(
            f"specs/{name}.yaml",
            f"apiVersion: chimera/v1\nkind: {kind}\nmetadata: {{name: {name}{more}}}\n"
            f"spec: {spec}\n",
        )

    def load(self) -> Loaded:
        return load_snapshot(read_source(open_work_tree(self.root)), REGISTRY)

    def faults(self) -> list[Diagnostic]:
        loaded = self.load()
        return list(locate(loaded.diagnostics, loaded.snapshot.tree))

    def seen(self) -> list[tuple[str, str]]:
        """Rule and place of every fault."""
        return [(d.rule, str(d.span)) for d in self.faults()]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def spec_faults(folder: Folder) -> Callable[[str], list[tuple[str, str, str]]]:
    """Return rule, `line:column` and message of what is wrong with a thing's spec."""

    def faults(spec: str) -> list[tuple[str, str, str]]:
        folder.write(
            "specs/t.yaml",
            "apiVersion: chimera/v1\nkind: Thing\nmetadata: {name: t}\nspec:\n"
            + textwrap.indent(textwrap.dedent(spec), "  "),
        )
        return [(d.rule, f"{d.span.line}:{d.span.column}", d.message) for d in folder.faults()]

    return faults
