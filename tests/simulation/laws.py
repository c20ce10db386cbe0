"""What is promised of every run, whatever happens to it; each law yields how it was broken."""

from __future__ import annotations

from collections import Counter, defaultdict

from chimera.runtime import RunStatus
from chimera.state import EventKind

from .graphs import expected, plans

LAWS = []


def law(check):
    """Hold every play to it."""
    LAWS.append(check)
    return check


def breaches(history):
    """Return how the laws were broken, each with its name."""
    return [f"{check.__name__}: {text}" for check in LAWS for text in check(history)]


@law
def what_can_succeed_does(history):
    if history.scene.cancels or history.scene.dooms:
        return
    for uid, status in history.statuses.items():
        if status is not RunStatus.SUCCEEDED:
            yield f"{uid} {status.value}"


@law
def outputs_are_those_of_an_undisturbed_run(history):
    for uid, status in history.statuses.items():
        if status is not RunStatus.SUCCEEDED:
            continue
        wanted = expected(history.seeds[uid])
        kinds = {plan.id: plan.kind for plan in plans(history.seeds[uid])}
        found = {
            e.step: "a time" if kinds[e.step] == "timer" else e.data
            for e in history.events[uid]
            if e.kind is EventKind.DONE and e.step in kinds
        }
        if found != wanted:
            yield f"{uid}: {found} instead of {wanted}"


@law
def no_step_is_done_twice(history):
    for uid, events in history.events.items():
        done = Counter(e.step for e in events if e.kind is EventKind.DONE)
        yield from (f"{uid}/{step} {n} times" for step, n in done.items() if n > 1)


@law
def nothing_of_a_step_comes_after_its_end(history):
    for uid, events in history.events.items():
        ended = set()
        for event in events:
            if event.step in ended and event.kind not in (
                EventKind.COMP_START,
                EventKind.COMP_DONE,
            ):
                yield f"{uid}/{event.step}: {event.kind.value} after its end"
            if event.kind in (EventKind.DONE, EventKind.SKIP):
                ended.add(event.step)


@law
def no_effect_without_a_start_on_disk(history):
    for uid, events in history.events.items():
        started = {
            f"{uid}/{e.step}" for e in events if e.kind in (EventKind.START, EventKind.COMP_START)
        }
        for effect in history.world.effects:
            name = effect.step.removesuffix("!undo")
            if effect.step.startswith(f"{uid}/") and not {effect.step, name} & started:
                yield effect.step


@law
def an_effect_keeps_its_key(history):
    keys = defaultdict(set)
    for effect in history.world.effects:
        keys[effect.step].add(effect.key)
    yield from (f"{step} has {len(found)} keys" for step, found in keys.items() if len(found) > 1)


@law
def an_effect_is_repeated_only_after_an_attempt_that_did_not_end_well(history):
    times = Counter(effect.step for effect in history.world.effects)
    for uid, events in history.events.items():
        starts = Counter(
            e.step for e in events if e.kind in (EventKind.START, EventKind.COMP_START)
        )
        for step, count in times.items():
            name = step.removeprefix(f"{uid}/")
            began = max(starts[name], starts[name.removesuffix("!undo")])
            if step.startswith(f"{uid}/") and count > began:
                yield f"{step}: {count} effects, {began} starts"


@law
def an_interruption_uses_up_no_attempt(history):
    for uid, events in history.events.items():
        attempt, failed = defaultdict(lambda: 1), set()
        for event in events:
            if event.kind is EventKind.START and event.attempt != attempt[event.step]:
                yield f"{uid}/{event.step}: attempt {event.attempt}, not {attempt[event.step]}"
            if event.kind is EventKind.RETRY:
                attempt[event.step] = event.attempt + 1
            if event.kind is EventKind.FAIL:
                failed.add(event.step)
            if event.kind is EventKind.RESUME:  # what had failed begins anew, and nothing else
                attempt.update(dict.fromkeys(failed, 1))
                failed.clear()


@law
def what_failed_for_good_is_tried_again_only_when_somebody_asks(history):
    for uid, events in history.events.items():
        failed = set()
        for event in events:
            if event.kind is EventKind.RESUME and event.data.get("was") == "failed":
                failed.clear()
            if event.kind is EventKind.START and event.step in failed:
                yield f"{uid}/{event.step} began again"
            if event.kind is EventKind.FAIL and event.step:
                failed.add(event.step)


@law
def a_step_starts_after_what_it_needs(history):
    for uid, events in history.events.items():
        needs = {plan.id: plan.needs for plan in plans(history.seeds[uid])}
        ended = set()
        for event in events:
            waits_for = set(needs.get(event.step, ())) - ended
            if event.kind is EventKind.START and waits_for:
                yield f"{uid}/{event.step} started before {sorted(waits_for)}"
            if event.kind in (EventKind.DONE, EventKind.SKIP):
                ended.add(event.step)


@law
def the_store_has_counted_every_finished_step_once(history):
    done = 0
    for uid, events in history.events.items():
        inline = {plan.id for plan in plans(history.seeds[uid]) if plan.kind == "inline"}
        done += sum(e.kind is EventKind.DONE and e.step in inline for e in events)
    if history.counter != done:
        yield f"{history.counter} counted, {done} done"


@law
def limits_were_kept(history):
    yield from history.world.broken


@law
def what_fails_for_good_is_undone(history):
    if not history.scene.dooms:
        return
    for uid, status in history.statuses.items():
        events = history.events[uid]
        kinds = {kind: {e.step for e in events if e.kind is kind} for kind in EventKind}
        if not kinds[EventKind.FAIL]:
            if status is not RunStatus.SUCCEEDED:
                yield f"{uid} {status.value}, and nothing of it failed"
            continue
        if status is not RunStatus.COMPENSATED:
            yield f"{uid} {status.value}"
        done = {step for step in kinds[EventKind.DONE] if history.can_be_undone(uid, step)}
        undone = {step.removesuffix("!undo") for step in kinds[EventKind.COMP_DONE]}
        if done != undone:
            yield f"{uid}: {sorted(done ^ undone)} done or undone"


@law
def what_is_undone_is_undone_in_reverse(history):
    for uid, events in history.events.items():
        order = [e.step for e in events if e.kind is EventKind.DONE]
        undone = [e.step.removesuffix("!undo") for e in events if e.kind is EventKind.COMP_DONE]
        places = [order.index(step) for step in undone]
        if places != sorted(places, reverse=True):
            yield f"{uid}: {undone}"
