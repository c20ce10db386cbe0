"""The `Repository` kind: where a repository keeps its documents and which plugins it needs."""

from __future__ import annotations

from pydantic import Field

from chimera.kinds.fields import Glob, Items, Model, Name

DEFAULT_ROOTS = ("specs", "policies", "proofs", "changelog")


class Plugins(Model):
    """Which plugins a repository needs and which it does without."""

    require: Items[Name] = Field(
        default=(), description="Entry points of the group `chimera` that must be installed."
    )
    disable: Items[Name] = Field(
        default=(), description="Built-in rooms to leave out; essential ones cannot be disabled."
    )


class RepositorySpec(Model):
    """Where a repository keeps its documents, and the plugins that it needs."""

    roots: Items[Glob] = Field(
        default=DEFAULT_ROOTS,
        description="Folders that hold documents, besides specs, policies, proofs and changelog.",
    )
    plugins: Plugins = Field(default=Plugins(), description="Plugins needed and plugins left out.")
