"""Random graphs: every form of step, in every order; and what they must come to.

A graph is a function of its seed. What its steps give is a function of what they are given, so
that `expected` knows it without an engine, a clock or a database.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from chimera.runtime import Expansion, Graph, Recovery, Retry, Step, Wait

from .world import stream

RETRIED = Recovery(Retry(4, timedelta(milliseconds=100), timedelta(seconds=1)))
LIMITS = {"db": 2}
GUARDED = replace(RETRIED, bulkhead="gate")
KINDS = ("plain", "plain", "plain", "inline", "fan", "inside", "nest", "timer", "signal", "cached")
SIGNAL_DATA = 7


@dataclass(frozen=True)
class Plan:
    """What one step of a random graph is, before it is a step."""

    id: str
    kind: str
    needs: tuple[str, ...]
    number: int
    size: int
    effects: bool
    is_conditional: bool
    options: tuple[tuple[str, object], ...] = ()


def plans(seed):
    """Return the plans of one graph, each needing earlier ones."""
    random = stream(seed, "graph")
    found = []
    for number in range(random.randint(3, 14)):
        kind = random.choice(KINDS)
        before = [plan.id for plan in found]
        needs = random.sample(before, min(len(before), random.choice((0, 1, 1, 2, 3))))
        options = {"priority": random.choice((0, 0, 0, 5))}
        if kind == "plain" and random.random() < 0.3:
            options["keys"] = ("db",)
        if kind == "plain" and random.random() < 0.3:
            options["timeout"] = timedelta(seconds=4)
        if kind == "plain" and random.random() < 0.3:
            options["on_interrupt"] = "probe"
        if kind == "plain" and random.random() < 0.3:
            options["recovery"] = GUARDED
        found.append(
            Plan(
                f"s{number}",
                kind,
                tuple(needs),
                number,
                random.randint(0, 5),
                effects=random.random() < 0.6,
                is_conditional=random.random() < 0.15,
                options=tuple(options.items()),
            )
        )
    return found


def concurrency_of(seed):
    """Return how many steps of the graph may be in flight."""
    return stream(seed, "concurrency").randint(1, 6)


def total(outputs):
    """Return the sum of what was given; what is no integer, such as a time, counts one."""
    return sum(value if isinstance(value, int) else 1 for value in outputs.values())


def is_wanted(outputs):
    """Tell whether a conditional step runs."""
    return total(outputs) % 2 == 0


def gives(inputs):
    """Return what every step that works gives."""
    return inputs["sum"] + inputs["number"] + 1


class Builder:
    """Makes the steps of a world's runs."""

    def __init__(self, world):
        self._world = world

    def graph(self, seed, definition, on_failure="stop"):
        """Return the graph of a seed."""
        return Graph(
            definition,
            [self._step(plan) for plan in plans(seed)],
            concurrency=concurrency_of(seed),
            limits=LIMITS,
            on_failure=on_failure,
        )

    def _step(self, plan):
        def inputs(outputs):
            return {"sum": total(outputs), "number": plan.number, "size": plan.size}

        shared = {
            "needs": plan.needs,
            "inputs": inputs,
            "when": is_wanted if plan.is_conditional else None,
            "identity": plan.kind,
        }
        options = dict(plan.options)
        match plan.kind:
            case "plain":
                return self._plain(plan.id, plan.effects, **shared, **options)
            case "inline":
                return Step(plan.id, self._count, executor="inline", effects=False, **shared)
            case "cached":
                return self._plain(plan.id, effects=False, cache="sums", **shared)
            case "fan":
                return Step(plan.id, expand=self._fan, effects=False, **shared)
            case "inside":
                return Step(plan.id, expand=self._inside, effects=False, **shared)
            case "nest":
                return Step(plan.id, expand=self._nest, effects=False, **shared)
            case "timer":
                return Step(plan.id, wait=Wait(seconds=plan.size * 2.5), effects=False, **shared)
            case _:
                return Step(plan.id, wait=Wait(signal=plan.id), effects=False, **shared)

    def _plain(self, id, effects, **options):
        world = self._world
        options.setdefault("recovery", RETRIED)
        if effects:
            options.setdefault("compensate", world.undo)
        return Step(id, world.work, effects=effects, probe=world.look_up, **options)

    def _fan(self, inputs):
        def element(n):
            given = {"sum": inputs["sum"], "number": n, "size": 0}
            return self._plain(f"{n}", True, inputs=lambda outputs: given)

        return Expansion(
            count=inputs["size"],
            make=element,
            collect=total,
            concurrency=2,
            keep_going=inputs["size"] % 2 == 0,
        )

    def _nest(self, inputs):
        given = {"sum": inputs["sum"]}

        def element(n):
            inside = self._inside
            return Step(f"{n}", expand=inside, inputs=lambda outputs: given, effects=False)

        return Expansion(count=inputs["size"] % 3, make=element, collect=total)

    def _inside(self, inputs):
        given = {"sum": inputs["sum"], "number": 1, "size": 0}
        return Expansion(
            steps=[
                self._plain("first", True, inputs=lambda outputs: given),
                self._plain(
                    "second",
                    False,
                    needs=("first",),
                    inputs=lambda outputs: {"sum": total(outputs), "number": 2, "size": 0},
                ),
            ],
            collect=lambda outputs: outputs["second"],
        )

    @staticmethod
    def _count(call):
        """Count in the store, and give what every step gives."""
        counted = call.store.get("counter", "all") or 0
        call.store.put("counter", "all", counted + 1)
        call.store.put("counted", f"{call.run}/{call.inputs['number']}", call.new_id())
        return gives(call.inputs)


def expected(seed):
    """Return the outputs of a graph whose steps all finish, by id; times are left out."""
    outputs = {}
    for plan in plans(seed):
        given = {need: outputs[need] for need in plan.needs if need in outputs}
        if plan.is_conditional and not is_wanted(given):
            continue
        sum = total(given)
        match plan.kind:
            case "fan":
                outputs[plan.id] = plan.size * (sum + 1) + plan.size * (plan.size - 1) // 2
            case "inside":
                outputs[plan.id] = sum + 1 + 1 + 2 + 1
            case "nest":
                outputs[plan.id] = plan.size % 3 * (sum + 1 + 1 + 2 + 1)
            case "timer":
                outputs[plan.id] = "a time"
            case "signal":
                outputs[plan.id] = SIGNAL_DATA
            case _:
                outputs[plan.id] = sum + plan.number + 1
    return outputs
