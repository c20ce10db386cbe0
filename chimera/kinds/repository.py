"""The `Repository` kind: where a repository keeps its documents and which plugins it needs."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from chimera.documents import is_root
from chimera.kinds.document import Document
from chimera.kinds.fields import Glob, Items, Model, Name
from chimera.kinds.loading import DEFAULT_ROOTS
from chimera.kinds.snapshot import Snapshot
from chimera.kinds.wording import suggestion
from chimera.model import Diagnostic, Related, Severity
from chimera.plugin import DEFAULT, can_disable, short_name


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


def check_repositories(snapshot: Snapshot) -> Iterator[Diagnostic]:
    """Report a second `Repository`, roots that hold nothing, and plugins nobody can disable."""
    first, *others = snapshot.of_model(RepositorySpec) or (None,)
    if first is None:
        return
    for other in others:
        yield Diagnostic(
            "repository-duplicate",
            f"a second Repository, {other.address}: its roots and plugins would count for nothing",
            other.at("metadata", "name"),
            f"say it in {first.address}, or delete one of the two",
            address=str(other.address),
            related=(Related("the first one stands here", first.at("metadata", "name")),),
        )
    yield from _empty_roots(first, snapshot)
    for index, name in enumerate(first.spec.plugins.disable):
        if not can_disable(name):
            yield Diagnostic(
                "repository-plugin-not-optional",
                f"{name!r} is no plugin that can be left out",
                first.at("spec", "plugins", "disable", index),
                suggestion(
                    name,
                    map(short_name, DEFAULT),
                    f"remove it; these can be: {', '.join(map(short_name, DEFAULT))}",
                ),
                address=str(first.address),
            )


def _empty_roots(document: Document[RepositorySpec], snapshot: Snapshot) -> Iterator[Diagnostic]:
    for index, root in enumerate(document.spec.roots):
        if root in DEFAULT_ROOTS:
            continue
        if not is_root(root):
            rule, severity = "repository-root-unsafe", Severity.ERROR
        elif not snapshot.tree.under((root,), ("",)):
            rule, severity = "repository-root-missing", Severity.WARNING
        else:
            continue
        yield Diagnostic(
            rule,
            f"no document is read from the root {root!r}",
            document.at("spec", "roots", index),
            "name a folder of the tree, relative to its top, as in services/specs",
            severity,
            str(document.address),
        )
