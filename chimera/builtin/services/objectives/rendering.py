"""Objectives as text and as JSON, for people and for machines. Refuses to compute anything."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from chimera.builtin.services.objectives.checking import highest, lowest
from chimera.kinds import format_duration
from chimera.model import Finding
from chimera.render.paint import Cell, Paint, Style, table

if TYPE_CHECKING:
    from chimera.builtin.services.objectives.evaluating import Standing
    from chimera.builtin.services.objectives.indicators import Burn
    from chimera.builtin.services.spec.objective import ObjectiveSpec

_WORDS: dict[Finding, tuple[str, Style]] = {
    Finding.PASS: ("met", "good"),
    Finding.FAIL: ("missed", "bad"),
    Finding.NOT_EXERCISED: ("not measured", "warn"),
}


def shown(spec: ObjectiveSpec, value: float) -> str:
    """Return a value in its unit."""
    kind = spec.indicator.type
    if spec.indicator.is_share:
        return f"{value * 100:.6g}%"
    if kind == "latency":
        return f"{value * 1000:.6g} ms" if value < 1 else f"{value:.6g} s"
    return f"{value:.6g} a day" if kind == "cadence" else f"{value:.6g}"


def target_of(spec: ObjectiveSpec) -> str:
    """Return what an objective is to come to."""
    target = spec.target
    low, high = lowest(target), highest(target)
    if low is not None and high is not None:
        return f"{shown(spec, low)} to {shown(spec, high)}"
    if low is not None:
        return f"{'>=' if target.at_least is not None else '>'} {shown(spec, low)}"
    return f"{'<=' if target.at_most is not None else '<'} {shown(spec, high or 0.0)}"


def measure_of(spec: ObjectiveSpec) -> str:
    """Return what is measured, with the percentile where it is one."""
    kind = spec.indicator.type
    return f"{kind} p{spec.indicator.rank:g}" if is_percentile(spec) else kind


def is_percentile(spec: ObjectiveSpec) -> bool:
    """Tell whether the value is a percentile."""
    return spec.indicator.type in {"latency", "count"}


def word_of(standing: Standing) -> str:
    """Return how an objective stands, in a word or two."""
    return _WORDS[standing.finding][0]


def line_of(standing: Standing) -> str:
    """Return how an objective stands, in a line."""
    word = word_of(standing)
    if standing.value is None:
        return f"{word}: {standing.why}"
    spec = standing.spec
    return f"{word}: {shown(spec, standing.value)}, and it is to be {target_of(spec)}"


def list_text(found: Iterable[Standing], paint: Paint) -> str:
    """Return a table of objectives, and why some say nothing."""
    told = tuple(found)
    if not told:
        return "there is no Objective; `chimera explain Objective` says what one is"
    rows: list[tuple[Cell, ...]] = [
        (
            _WORDS[one.finding],
            one.name,
            measure_of(one.spec),
            target_of(one.spec),
            "-" if one.value is None else shown(one.spec, one.value),
            str(one.count),
            "-" if one.budget is None else f"{one.budget.left * 100:.4g}%",
            format_duration(one.spec.window),
        )
        for one in told
    ]
    head = ("", "OBJECTIVE", "MEASURE", "TARGET", "VALUE", "COUNT", "BUDGET LEFT", "WINDOW")
    lines = [table(rows, head, paint)]
    reasons = [(one.name, one.why) for one in told if one.finding is Finding.NOT_EXERCISED]
    lines += [f"{paint(name, 'dim')}: {why}" for name, why in reasons]
    for one in told:
        lines += [f"{one.name}: {_burn(burn)}" for burn in one.alerts]
    return "\n".join(lines)


def show_text(one: Standing, paint: Paint) -> str:
    """Return everything about one objective."""
    spec, word = one.spec, _WORDS[one.finding]
    lines = [
        f"{paint(word[0], word[1])}  Objective/{one.name}",
        f"  {spec.summary}",
        f"  measured    {measure_of(spec)}, from {spec.indicator.source.from_}"
        + (", by nearest rank" if is_percentile(spec) else ""),
        f"  target      {target_of(spec)}",
        f"  value       {'-' if one.value is None else shown(spec, one.value)}",
        f"  count       {one.count} of at least {spec.least}",
        f"  window      {one.since.isoformat()} to {one.until.isoformat()}",
    ]
    if one.why:
        lines.append(f"  why         {one.why}")
    if one.budget is not None:
        budget = one.budget
        lines.append(
            f"  budget      {budget.allowed * 100:.6g}% may be bad, {budget.bad} of {budget.total} "
            f"are: {budget.left * 100:.4g}% of it is left"
        )
    for burn in one.burns:
        text = _burn(burn)
        lines.append(f"  burn rate   {paint(text, 'bad') if burn.is_passed else text}")
    return "\n".join(lines)


def _burn(burn: Burn) -> str:
    rates = [
        f"{'-' if rate is None else f'{rate:.4g}'} in {format_duration(window)}"
        for rate, window in ((burn.long, burn.alert.long), (burn.short, burn.alert.short))
    ]
    verb = "is passed" if burn.is_passed else "is the limit"
    return f"{rates[0]} and {rates[1]}; {burn.limit:.4g} {verb} ({burn.alert.response})"


def standing_json(one: Standing) -> dict[str, Any]:
    """Return how an objective stands, as JSON."""
    spec = one.spec
    found: dict[str, Any] = {
        "objective": one.name,
        "status": _WORDS[one.finding][0].replace(" ", "-"),
        "type": spec.indicator.type,
        **({"percentile": spec.indicator.rank} if is_percentile(spec) else {}),
        "target": spec.target.model_dump(mode="json", by_alias=True, exclude_none=True),
        "value": one.value,
        "count": one.count,
        "minimum": spec.least,
        "since": one.since.isoformat(),
        "until": one.until.isoformat(),
    }
    if one.why:
        found["reason"] = one.why
    if one.budget is not None:
        budget = one.budget
        found["budget"] = {
            "allowed": budget.allowed,
            "total": budget.total,
            "bad": budget.bad,
            "left": budget.left,
        }
    found["burnRates"] = [
        {
            "long": format_duration(burn.alert.long),
            "short": format_duration(burn.alert.short),
            "limit": burn.limit,
            "longRate": burn.long,
            "shortRate": burn.short,
            "response": burn.alert.response,
            "passed": burn.is_passed,
        }
        for burn in one.burns
    ]
    return found
