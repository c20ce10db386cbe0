"""The order in which modules start, and where they wait for one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

Needs = Mapping[str, Sequence[str]]


def starting_order(needs: Needs) -> tuple[str, ...]:
    """Return the names so that each follows what it needs, in order of name where it can be.

    What waits for itself, at whatever remove, and all that needs it are left out.
    """
    started: dict[str, None] = {}
    while True:
        ready = [
            name
            for name in sorted(needs)
            if name not in started and all(need in started for need in needs[name] if need in needs)
        ]
        if not ready:
            return tuple(started)
        started.update(dict.fromkeys(ready))


def cycles(needs: Needs) -> Iterator[tuple[str, ...]]:
    """Yield one circle for each group of names that wait for one another, its least name first."""
    stuck = set(needs) - set(starting_order(needs))
    named: set[str] = set()
    for name in sorted(stuck):
        circle = None if name in named else _circle(name, needs, stuck)
        if circle is not None:
            named.update(circle)
            yield circle


def _circle(start: str, needs: Needs, stuck: set[str]) -> tuple[str, ...] | None:
    """Return the shortest way from `start` to itself, if there is one."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    for way in ways:  # grows while it is read
        for need in needs[way[-1]]:
            if need == start:
                return way
            if need in stuck and need not in seen:
                seen.add(need)
                ways.append((*way, need))
    return None


def dependents(name: str, needs: Needs) -> tuple[str, ...]:
    """Return those that need `name`, at whatever remove, in the order in which they shut down."""
    found: set[str] = set()
    pending = [name]
    for one in pending:  # grows while it is read
        more = {other for other, wanted in needs.items() if one in wanted} - found - {name}
        found |= more
        pending += sorted(more)
    return tuple(other for other in reversed(starting_order(needs)) if other in found)
