"""Packages whose names are imported when somebody first asks for them.

A command uses few rooms and few modules of each, and to import all that a room offers took most of
the time of a small check. Refuses to change what a name stands for.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Room(ModuleType):
    """A package that knows in which modules its names are."""

    _homes: dict[str, str]

    def __getattr__(self, name: str) -> Any:
        if name not in self._homes:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        value = getattr(import_module(self._homes[name]), name)
        self.__dict__[name] = value
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        # A module that is imported is bound in its package: not where a name of ours is the same.
        if not (name in self._homes and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


def import_lazily(package: str, names: dict[str, str]) -> None:
    """Have a package import the names, which are written by their modules, on demand.

    A module is named in full, or from its dot on where it is one of the package's own.
    """
    homes = {
        name: f"{package}{module}" if module.startswith(".") else module
        for module, listed in names.items()
        for name in listed.split()
    }
    room = sys.modules[package]
    room.__dict__["_homes"] = homes
    room.__class__ = _Room
