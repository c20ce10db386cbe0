"""Guards as people see them: what is engaged, what was, and what to write down of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from chimera.render.guards import STATES, halt_lines
from chimera.render.paint import table, unbroken

if TYPE_CHECKING:
    from chimera.builtin.guards.steering import Engaged, Listed, Released
    from chimera.builtin.guards.switches import Switch
    from chimera.render.paint import Paint, Style


def engaged_text(engaged: Engaged, paint: Paint) -> str:
    """Return what is stopped, and what to write into the tree."""
    return "\n".join(_engaged_lines(engaged, paint))


def _engaged_lines(engaged: Engaged, paint: Paint) -> Iterator[str]:
    from chimera.builtin.guards.standing import machine_halt

    switch = engaged.switch
    concerns = unbroken(machine_halt(switch).concerns)
    yield f"{paint('engaged', 'bad')}: {switch.guard} stops {concerns} on this machine, from now on"
    if engaged.warning:
        yield f"  {paint('warning', 'warn')}: {unbroken(engaged.warning)}"
    for before in engaged.before:
        yield f"  it was engaged already: {unbroken(_who(before))}"
    if engaged.writer is not None:
        yield f"  what is executed now stops before its next step: {unbroken(engaged.writer)}"
    if engaged.is_documented:
        yield f"to record it, write `{engaged.record}` under spec in {unbroken(engaged.path)}"
    else:
        yield f"to record it, add {unbroken(engaged.path)}:"
        yield from (f"    {unbroken(line)}" for line in engaged.record.splitlines())
    yield f"to release it: chimera guard release {switch.name}"


def engaged_json(engaged: Engaged) -> dict[str, Any]:
    """Return the same as JSON."""
    from chimera.builtin.guards.standing import machine_halt

    return {
        "format": "chimera-guard-engaged/1",
        **machine_halt(engaged.switch, is_recorded=False).to_json(),
        "engagedBefore": [_who(before) for before in engaged.before],
        "executing": str(engaged.writer) if engaged.writer else None,
        "warning": engaged.warning or None,
        "record": {
            "path": engaged.path,
            "text": engaged.record,
            "exists": engaged.is_documented,
        },
    }


def switches_text(switches: tuple[Switch, ...], paint: Paint) -> str:
    """Return who engaged what is about to be released, and why."""
    name = paint(switches[0].guard, "bold")
    return "\n".join((f"{name} is engaged:", *(f"  {unbroken(_who(one))}" for one in switches)))


def released_text(released: Released, paint: Paint) -> str:
    """Return what was released, and what still stops."""
    guard = released.switches[0].guard
    lines = [f"{paint('released', 'good')}: {guard}"]
    lines += (
        f"  {'' if one.is_damaged else 'it was '}{unbroken(_who(one))}" for one in released.switches
    )
    if released.still:
        lines.append(f"{paint('still engaged', 'bad')} by documents:")
        lines += halt_lines(released.still, paint)
    else:
        lines.append("what it stopped goes on when it is resumed: chimera runs resume, or apply")
    return "\n".join(lines)


def released_json(released: Released) -> dict[str, Any]:
    """Return the same as JSON."""
    return {
        "format": "chimera-guard-released/1",
        "guard": released.switches[0].guard,
        "released": [
            {
                "by": one.by or None,
                "at": one.at.isoformat() if one.at else None,
                "reason": one.reason,
            }
            for one in released.switches
        ],
        "still": [halt.to_json() for halt in released.still],
    }


def listed_text(listed: Listed, paint: Paint) -> str:
    """Return a table of guards, and which switches no document records."""
    rows: list[tuple[str | tuple[str, Style], ...]] = [
        (
            halt.guard.removeprefix("Guard/"),
            (STATES[halt.kind] if halt.is_standing else "to come", "bad"),
            unbroken(halt.where),
            unbroken(halt.concerns),
            unbroken(halt.said),
        )
        for halt in listed.halts
    ]
    for guard in listed.idle:
        count = len(guard.spec.invariants)
        state = f"invariants: {count}" if count else "released"
        where, concerns = unbroken(guard.place.path), ""
        rows.append((guard.address.name, (state, "dim"), where, concerns, guard.spec.reason))
    lines = [table(rows, ("GUARD", "STATE", "WHERE", "STOPS", "WHY"), paint)] if rows else []
    if not rows:
        lines.append("there is no guard, and no switch is engaged")
    lines += (
        f"{paint('no document records', 'warn')} that {name} is engaged: write engaged: true into"
        " it, or release it"
        for name in sorted({halt.guard for halt in listed.halts if not halt.is_recorded})
    )
    if listed.warning:
        lines.append(f"{paint('warning', 'warn')}: {unbroken(listed.warning)}")
    return "\n".join(lines)


def listed_json(listed: Listed) -> dict[str, Any]:
    """Return the same as JSON."""
    return {
        "format": "chimera-guards/1",
        "guards": [halt.to_json() for halt in listed.halts],
        "idle": [
            {"guard": str(g.address), "invariants": [i.id for i in g.spec.invariants]}
            for g in listed.idle
        ],
        "warning": listed.warning or None,
    }


def _who(switch: Switch) -> str:
    if switch.is_damaged:
        return switch.reason
    at = switch.at.isoformat(timespec="seconds").replace("+00:00", "Z") if switch.at else "?"
    return f"engaged by {switch.by} at {at}: {switch.reason}"
