"""The ten modules, one file each: objects, the machines of their statuses, and operations.

What they can do is listed here by name, because most commands need no more than the names: a module
is imported when one of its operations is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

from chimera.runtime.declared import Declared

OPERATIONS = {
    "context": "create get update activate suspend close archive delete query",
    "plan": "create get update propose approve reject start complete fail cancel delete hear "
    "contextUpdated query startStep completeStep failStep blockStep skipStep resetStep",
    "role": "create get update assign revoke delete checkPermissions query",
    "confirm": "request get validateRequest decide processApproval cancel hear query",
    "trace": "open get append finish close query",
    "extension": "register get activate deactivate deprecate configure unregister query",
    "dialog": "start get turn pause resume close query",
    "collab": "start get join leave broadcast suspend resume close cancel query",
    "core": "initialize get activate deprecate archive query executePlan",
    "network": "create get setStatus addNode removeNode setNodeStatus route query",
}
"""What each module can do."""

ALIASES = {"context.create": "context.createContext", "plan.create": "plan.createPlan"}
"""What seed 003 calls them."""


def types() -> Iterator[Declared]:
    """Yield the type of each module."""
    return (Declared(module, f"{__name__}.{module}:TYPE") for module in OPERATIONS)


def operations() -> Iterator[Declared]:
    """Yield what the modules can do."""
    for module, actions in OPERATIONS.items():
        for name in (f"{module}.{action}" for action in actions.split()):
            aliases = (ALIASES[name],) if name in ALIASES else ()
            yield Declared(name, f"{__name__}.{module}:OPERATIONS", aliases)
