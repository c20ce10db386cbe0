"""What a plugin registers by its name alone, and imports when somebody looks at it.

Most commands know operations and types of modules by their names and never use one; to import what
they are made of would take longer than all else such a command does. Refuses to be told apart from
what it stands for, but for its class.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from chimera.model import ChimeraError


@dataclass(frozen=True)  # without slots: what was asked once is kept beside the fields
class Declared:
    """Stands for an `Operation` or a `ModuleType`: has its name and aliases, and imports the rest.

    `where` is `package.module:NAME`, of the thing itself or of a tuple that it is in.
    """

    name: str
    where: str
    aliases: tuple[str, ...] = ()

    def __getattr__(self, attribute: str) -> Any:
        """Return what it stands for has under this name."""
        if attribute.startswith("__"):  # asked by copying and pickling, before there is a name
            raise AttributeError(attribute)
        value = getattr(_found(self.where, self.name), attribute)
        self.__dict__[attribute] = value
        return value

    def __reduce__(self) -> tuple[Any, ...]:
        """Copy and pickle the names alone: what they stand for is found again."""
        return Declared, (self.name, self.where, self.aliases)


@cache
def _found(where: str, name: str) -> Any:
    module, _, attribute = where.partition(":")
    value = getattr(import_module(module), attribute)
    among = value if isinstance(value, tuple) else (value,)
    for one in among:
        if one.name == name:
            return one
    raise ChimeraError(
        f"{where} has nothing that is called {name}",
        help="fix the plugin that registers it, or disable it",
    )
