"""Where the work of steps is executed: the protocol of executors, and those that are in use.

An executor starts an attempt, tells it to stop, makes it stop where it can, and says in the event
loop's thread what came of it. Refuses to decide whether an attempt is made, or made again: that is
the engine's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from chimera.model import ChimeraError

if TYPE_CHECKING:
    import asyncio

    from chimera.context import Context
    from chimera.runtime.flights import Flight
    from chimera.state import Json

    Landed = Callable[[Flight, Json, BaseException | None], None]
    """Hears in the event loop's thread what came of a flight."""

BUILT_IN: Mapping[str, str] = {
    "inline": "chimera.runtime.executors.inline:Inline",
    "loop": "chimera.runtime.executors.coroutines:Coroutines",
    "thread": "chimera.runtime.executors.threads:Threads",
    "process": "chimera.runtime.executors.processes:Workers",
}
"""The executors that need nothing but Python, as `chimera_register_executors` names them."""


class Executor(Protocol):
    """Executes attempts, as the event loop's thread tells it; only `end` may wait, for a moment.

    `flight.handle` is the executor's own. A flight lands once at most: one that was ended may not.
    """

    def depart(self, flight: Flight, landed: Landed) -> None:
        """Start the work of `flight`; whatever it raises or cannot do is told to `landed`."""
        ...

    def tell(self, flight: Flight) -> None:
        """Tell the work to stop; it may still come back with a result."""
        ...

    def end(self, flight: Flight) -> bool:
        """Make the work stop; return whether nothing of it runs any more.

        Where this is false nobody can know what the work still does.
        """
        ...

    def close(self) -> None:
        """End what is left, and give back what was taken to execute it."""
        ...


class Executors:
    """The executors of one engine by their names, each made when it is first used."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        context: Context,
        targets: Mapping[str, str] = BUILT_IN,
    ) -> None:
        self._loop = loop
        self._context = context
        self._targets = targets
        self._made: dict[str, Executor] = {}

    def __getitem__(self, name: str) -> Executor:
        """Return the executor `name`.

        Raises `ChimeraError` where there is none, or where it cannot be made.
        """
        found = self._made.get(name)
        if found is None:
            found = self._made[name] = self._make(name)
        return found

    def __iter__(self) -> Iterator[Executor]:
        return iter(self._made.values())

    def close(self) -> None:
        """Close all that were made."""
        while self._made:
            self._made.popitem()[1].close()

    def _make(self, name: str) -> Executor:
        factory: Callable[[asyncio.AbstractEventLoop, Context], Executor]
        factory = _factory(name, self._targets)
        return factory(self._loop, self._context)


def require_executor(name: str, targets: Mapping[str, str]) -> None:
    """Raise `ChimeraError` where the executor `name` is known to be of no use here.

    Makes none: it asks the `require()` of a factory that has one.
    """
    require = getattr(_factory(name, targets), "require", None)
    if require is not None:
        require()


def _factory(name: str, targets: Mapping[str, str]) -> Any:
    target = targets.get(name)
    if target is None:
        raise ChimeraError(
            f"there is no executor {name!r}",
            help=f"there is {', '.join(sorted(targets))}; plugins bring others",
        )
    module, _, attribute = target.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except ImportError as error:
        raise ChimeraError(
            f"the executor {name} cannot be imported: {error}",
            help="install what its plugin needs, or have another executor do the work",
        ) from error
