"""What is asked of modules before one is started: every fault at its place.

Owns what a module's document says against what plugins registered and what other modules say.
Refuses to start anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from chimera.builtin.coordination.kinds import ModuleSpec
from chimera.builtin.coordination.ordering import cycles
from chimera.builtin.coordination.versions import exclusion, is_range
from chimera.kinds import Document, Snapshot, suggestion, validate_model
from chimera.model import Diagnostic, Finding, Place, Related, Verdict

if TYPE_CHECKING:
    from chimera.runtime import ModuleType

Module = Document[ModuleSpec]


def judge(snapshot: Snapshot) -> Iterator[Verdict]:
    """Yield one verdict for each module, in order of name."""
    modules = {str(one.address): one for one in snapshot.of_model(ModuleSpec)}
    faults = _Faults(modules, snapshot.registry.modules, snapshot.registry.operations)
    for address, module in modules.items():
        found = tuple(faults.of(module))
        yield Verdict(
            "module",
            address,
            Finding.FAIL if found else Finding.PASS,
            tuple(fault.message for fault in found),
            found,
        )


@dataclass(frozen=True, slots=True)
class _Faults:
    """The modules of a tree, and what plugins registered."""

    modules: Mapping[str, Module]
    types: Mapping[str, ModuleType]
    operations: Mapping[str, Any]

    def of(self, module: Module) -> Iterator[Diagnostic]:
        """Yield all that is wrong with one module."""
        yield from self._type(module)
        yield from self._capabilities(module)
        yield from self._dependencies(module)
        yield from self._cycle(module)

    def _type(self, module: Module) -> Iterator[Diagnostic]:
        type = self.types.get(module.spec.type)
        if type is None:
            yield _fault(
                module,
                "module-type-unknown",
                f"there is no type of module {module.spec.type!r}",
                module.at("spec", "type"),
                suggestion(module.spec.type, self.types, f"there is: {', '.join(self.types)}"),
            )
            return
        first = next(m for m in self.modules.values() if m.spec.type == module.spec.type)
        if first is not module:
            yield _fault(
                module,
                "module-type-duplicate",
                f"a second module of the type {module.spec.type}",
                module.at("spec", "type"),
                "its operations have one configuration: keep one of the two",
                Related("the first one stands here", first.at("spec", "type")),
            )
        place, address = module.at("spec", "configuration"), str(module.address)
        faults = validate_model(type.configuration, module.spec.configuration, place, address)[1]
        here, there = "Module.spec.configuration", f"Module.{module.spec.type}"
        for fault in faults:  # what it can hold is told of its type
            yield replace(fault, help=fault.help and fault.help.replace(here, there))

    def _capabilities(self, module: Module) -> Iterator[Diagnostic]:
        for index, name in enumerate(module.spec.capabilities):
            place = module.at("spec", "capabilities", index)
            own = f"{module.spec.type}."
            if name not in self.operations:
                known = [one for one in self.operations if one.startswith(own)]
                listed = ", ".join(known) or "none, no plugin registers any"
                yield _fault(
                    module,
                    "module-capability-unknown",
                    f"nobody registers the operation {name!r}",
                    place,
                    suggestion(name, known, f"of this type there is: {listed}"),
                )
            elif not name.startswith(own):
                yield _fault(
                    module,
                    "module-capability-foreign",
                    f"{name} is not an operation of the type {module.spec.type}",
                    place,
                    f"promise operations that begin with {own}, and depend on other modules",
                )

    def _dependencies(self, module: Module) -> Iterator[Diagnostic]:
        for index, need in enumerate(module.spec.dependencies):
            place = module.at("spec", "dependencies", index, "version")
            if not is_range(need.version):
                yield _fault(
                    module,
                    "module-range-invalid",
                    f"{need.version!r} is no range of versions",
                    place,
                    "write one as npm does: ^1.0.0, ~1.2, >=1.2 <3, 1.x || 3.x",
                )
                continue
            other = self.modules.get(need.module)
            found = other and exclusion(need.version, other.spec.version)
            if other is not None and found:
                yield _fault(
                    module,
                    "module-version-excluded",
                    f"{need.module} is excluded: {found.reason}",
                    place,
                    found.help,
                    Related(f"its version is {other.spec.version}", other.at("spec", "version")),
                )

    def _cycle(self, module: Module) -> Iterator[Diagnostic]:
        address = str(module.address)
        needs = {
            name: tuple(need.module for need in one.spec.dependencies)
            for name, one in self.modules.items()
        }
        for cycle in cycles(needs):
            if cycle[0] == address:
                at = needs[address].index(cycle[1 % len(cycle)])
                yield _fault(
                    module,
                    "module-dependency-cycle",
                    f"modules wait for one another: {' → '.join((*cycle, cycle[0]))}",
                    module.at("spec", "dependencies", at, "module"),
                    "remove one of these dependencies",
                )


def _fault(
    module: Module, rule: str, message: str, place: Place, help: str, *related: Related
) -> Diagnostic:
    return Diagnostic(rule, message, place, help, address=str(module.address), related=related)
