"""What a kind is, and the envelope that every document has."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from chimera.kinds.fields import Items, LayerRef, Model, Name
from chimera.model import ChimeraError

API_VERSION = "chimera/v1"

Label = Annotated[str, StringConstraints(max_length=256)]


class Metadata(Model):
    """Who a document is: its name, where it stands in the layers, and free labels."""

    name: Name = Field(description="Name of the document, unique among its kind.")
    layers: Items[LayerRef] = Field(
        default=(),
        description="Layers it belongs to, written contract/id, at most one a contract.",
    )
    labels: dict[str, Label] = Field(
        default_factory=dict, description="Short facts to select documents by."
    )
    annotations: dict[str, str] = Field(
        default_factory=dict,
        description="Longer facts for people and tools; nothing selects by them.",
    )
    description: str = Field(
        default="", description="What the document is for, in a sentence or two."
    )


_MEND = "fix the plugin that registers the kind, or remove it"


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of document: its name, the model of its spec, and whether it is desired or a record.

    `model` is the model of its spec, or where that is defined, as `package.module:Name`: a check in
    which no such document occurs then does without the module.

    A *record* states what happened; it is validated and weighed, never planned or applied.
    `executable` kinds have a `spec.trigger` and a reconciler that runs them. `room` is the plugin
    that registered it, filled in by the registry.

    `breaks` is pure: given the spec before and after an update, it says what no longer holds for
    whoever refers to the document (`the input region is gone`). Without it, an update breaks
    nothing as far as references go. `ends` is pure, too: given the spec of what is deleted, it says
    what nothing asks for any longer. Both import what they need when they are called. `home` is the
    folder in which documents of the kind stand, where that is not the usual one.
    """

    name: str
    model: type[Model] | str
    summary: str
    record: bool = False
    executable: bool = False
    room: str = ""
    breaks: Callable[[Any, Any], Iterable[str]] | None = None
    ends: Callable[[Any], Iterable[str]] | None = None
    home: str = ""

    @property
    def folder(self) -> str:
        """The folder that its documents stand in, unless their author says otherwise."""
        if self.home or self.record:
            return self.home or "changelog"
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", self.name).lower()
        if re.search(r"[^aeiou]y$", words):
            return f"specs/{words[:-1]}ies"
        return f"specs/{words}es" if re.search(r"(s|x|z|ch|sh)$", words) else f"specs/{words}s"

    @property
    def spec(self) -> type[Model]:
        """The model of its spec; raises `ChimeraError` where that is not what the plugin says."""
        return _imported(self.model, self.name) if isinstance(self.model, str) else self.model

    def is_of(self, spec: type[Model]) -> bool:
        """Tell whether `spec` is the model; one of another name is not imported to see that."""
        if isinstance(self.model, str) and self.model.partition(":")[2] != spec.__name__:
            return False
        return self.spec is spec


@cache
def _imported(model: str, kind: str) -> type[Model]:
    module, _, name = model.partition(":")
    try:
        found = getattr(import_module(module), name)
    except Exception as error:
        raise ChimeraError(
            f"the model {model} of the kind {kind} cannot be imported: {error!r}", help=_MEND
        ) from error
    # By its name it is told apart from other models while it is not there.
    if not (isinstance(found, type) and issubclass(found, Model) and found.__name__ == name):
        raise ChimeraError(f"{model} of the kind {kind} is no model of that name", help=_MEND)
    return found
