"""The kinds that plugins registered, by name and by spec model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from chimera.kinds.fields import Model
from chimera.kinds.kind import Kind
from chimera.kinds.wording import nearest
from chimera.model import Address, ChimeraError, Verdict
from chimera.plugin import judging_version

if TYPE_CHECKING:
    from chimera.kinds.document import Document


@dataclass(frozen=True)
class Registry:
    """What plugins registered: kinds, prohibitions, operations and the rest, each in order of name.

    Kinds are this floor's own; the others belong to higher rooms and are carried for them. An
    operation stands under its aliases too.
    """

    kinds: Mapping[str, Kind]
    prohibitions: Mapping[str, Any] = field(default_factory=dict)
    operations: Mapping[str, Any] = field(default_factory=dict)
    commands: Mapping[str, str] = field(default_factory=dict)
    rooms: Mapping[str, str] = field(default_factory=dict)
    """Which plugin registered an operation or command, by its name."""
    judges: tuple[Any, ...] = field(default=(), repr=False)
    """The plugins' judges of single documents, as pluggy calls them."""
    version: str | None = None
    """The version of engine and plugins; `None` where nothing that they say may be remembered."""
    executors: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def collect(plugins: Any) -> Registry:
        """Gather what all plugins register; two that register one name are an error."""
        hook = plugins.hook
        kinds = _collect(hook.chimera_register_kinds, "kind", lambda kind: kind.name)
        words = _collect(hook.chimera_register_prohibitions, "prohibition", lambda p: p.word)
        operations = _collect(hook.chimera_register_operations, "operation", lambda o: o.name)
        operations = _with_aliases(operations)
        commands = _collect(hook.chimera_register_commands, "command", str)
        executors = _collect(hook.chimera_register_executors, "executor", str)
        modules = _collect(hook.chimera_register_modules, "type of module", lambda m: m.name)
        return Registry(
            {name: replace(kind, room=room) for name, (room, kind) in kinds.items()},
            {name: word for name, (_, word) in words.items()},
            {name: operation for name, (_, operation) in operations.items()},
            _targets(hook.chimera_register_commands, commands),
            {name: room for name, (room, _) in (*operations.items(), *commands.items())},
            tuple(hook.chimera_check_document.get_hookimpls()),
            judging_version(plugins),
            _targets(hook.chimera_register_executors, executors),
            {name: module for name, (_, module) in modules.items()},
        )

    def judge(self, document: Document[Model]) -> Iterator[Verdict]:
        """Yield what the plugins say of one document by itself.

        Raises `ChimeraError` where one of them cannot answer.
        """
        for judge in self.judges:
            try:
                if judge.argnames == _ALL:
                    told = judge.function(document, self)
                else:
                    given = {"document": document, "registry": self}
                    told = judge.function(*(given[name] for name in judge.argnames))
                if told:  # most have nothing to say of most documents
                    yield from told
            except ChimeraError:
                raise
            except Exception as error:
                raise ChimeraError(
                    f"the plugin {judge.plugin_name} raised {error!r} about {document.address}",
                    help="fix or remove the plugin: without its word nothing is judged",
                ) from error

    def of_model(self, spec: type[Model]) -> Kind:
        """Return the kind whose spec is `spec`."""
        return next(kind for kind in self.kinds.values() if kind.is_of(spec))

    def path_of(self, address: Address) -> str:
        """Return the path at which a document stands, unless its author says otherwise."""
        kind = self.kinds.get(address.kind)
        return f"{kind.folder if kind else 'changelog'}/{address.name}.yaml"

    def nearest(self, name: str) -> str | None:
        """Return the kind's name that a misspelt `name` most likely meant."""
        return nearest(name, self.kinds)

    def __iter__(self) -> Iterator[Kind]:
        return iter(self.kinds.values())


_ALL = ("document", "registry")
"""What a judge of single documents can ask for; asking for all of it is told fastest."""


def _collect(hook: Any, what: str, name_of: Callable[[Any], str]) -> dict[str, tuple[str, Any]]:
    """Call one registration hook plugin by plugin, so that each thing is known by its room."""
    found: dict[str, tuple[str, Any]] = {}
    for implementation in hook.get_hookimpls():
        room = implementation.plugin_name.removesuffix(".plugin").rpartition(".")[2]
        for thing in _registered(implementation):
            name = name_of(thing)
            if name in found:
                raise ChimeraError(
                    f"the plugins {found[name][0]} and {room} both register the {what} {name}",
                    help="disable one of them in the Repository document",
                )
            found[name] = (room, thing)
    return dict(sorted(found.items()))


def _with_aliases(operations: dict[str, tuple[str, Any]]) -> dict[str, tuple[str, Any]]:
    """Return the operations under their other names too; no name may stand for two."""
    found = dict(operations)
    for room, operation in operations.values():
        for alias in operation.aliases:
            if alias in found:
                raise ChimeraError(
                    f"the operations {found[alias][1].name} and {operation.name} are both called"
                    f" {alias}",
                    help="disable the plugin of one of them in the Repository document",
                )
            found[alias] = (room, operation)
    return dict(sorted(found.items()))


def _targets(hook: Any, names: Iterable[str]) -> dict[str, str]:
    """Return what each of the names stands for, which were registered as a mapping."""
    targets = {name: target for found in hook() for name, target in found.items()}
    return {name: targets[name] for name in names}


def _registered(implementation: Any) -> list[Any]:
    """Return what one plugin registers; whatever it raises is the plugin's fault, and says so."""
    try:
        return list(implementation.function())
    except Exception as error:
        raise ChimeraError(
            f"the plugin {implementation.plugin_name} cannot be used: {error!r}",
            help="install a version of it that fits this version of Chimera, or disable it",
        ) from error
