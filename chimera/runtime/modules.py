"""Types of modules: what a `Module` document can set up, as plugins register them.

Refuses to know what a module is for; its work is done by operations of its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the models of `kinds` bring pydantic, which readers of runs do without
    from chimera.kinds import Model


@dataclass(frozen=True, slots=True)
class ModuleType:
    """A type of module, whose operations are registered as `name.…`.

    `configuration` is the model of what a Module document says under `configuration`; what it
    leaves out has a default. `collections` are those of the store that it keeps objects in.
    `subscriptions` name the operation of its own that receives the messages of a topic pattern.
    """

    name: str
    summary: str
    configuration: type[Model]
    collections: tuple[str, ...] = ()
    subscriptions: Mapping[str, str] = field(default_factory=dict)
