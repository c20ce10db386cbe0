"""The state at the moment at which a run ended: exactly, or not at all."""

import pytest

from chimera.builtin.backups.choosing import full_run, with_end_of
from chimera.builtin.backups.manifest import BackupError
from chimera.model import UsageError
from chimera.runtime import Engine, Graph, RunSettings, Step
from chimera.state import Applied, Event, EventKind, RunStatus, read_state

from .conftest import LARGE, content


def events(house, uid):
    with read_state(house.root) as state:
        return [(event.kind, event.step, event.data) for event in state.events(uid)]


def apply(house, uid, target):
    """Take a run's outcome as an apply does, a moment after its end."""
    house.tick(0.001)
    with house.state() as state:
        digest = "sha256:" + "a" * 64
        applied = Applied(target, digest, house.context.clock.now(), outputs=LARGE, run=uid)
        state.put_applied("local", applied, ["sha256:" + "b" * 64])


def test_first_backup_after_the_end_of_a_run_is_meant(house):
    uid = house.run("Workflow/a", status=RunStatus.RUNNING)
    going = house.create().name
    with house.state() as state:
        now = house.context.clock.now()
        state.record(uid, [Event(EventKind.DONE, "b", 1, now)], status=RunStatus.SUCCEEDED)
    first = house.create().name
    house.run("Workflow/later")
    house.create()
    backups = house.known().backups
    assert full_run(backups, uid[:20]) == uid
    assert with_end_of(backups, uid).name == first
    with pytest.raises(UsageError, match="as it ended: it was running"):
        with_end_of([one for one in backups if one.name == going], uid)
    with pytest.raises(UsageError, match="no backup has a run"):
        full_run(backups, "nothing")


def test_run_that_failed_and_was_retried_ended_when_it_ended_last(house):
    uid = house.run("Workflow/a", status=RunStatus.FAILED)
    house.create()
    with house.state() as state:
        now = house.context.clock.now()
        retried = [Event(EventKind.RESUME, "", 0, now), Event(EventKind.DONE, "a", 1, now)]
        state.record(uid, retried, status=RunStatus.SUCCEEDED)
    last = house.create().name
    assert with_end_of(house.known().backups, uid).name == last


def test_what_came_later_is_taken_back_and_what_went_on_then_is_interrupted(house):
    before = house.run("Workflow/before", LARGE)
    going = house.run("Workflow/going", status=RunStatus.RUNNING)
    paused = house.run("Workflow/paused", status=RunStatus.PAUSED)
    with house.state() as state:
        now = house.context.clock.now()
        state.record(paused, [Event(EventKind.PAUSE, "", 0, now)])
    uid = house.run("Workflow/a", LARGE + "a")
    apply(house, uid, "Workflow/a")
    was = {one: events(house, one) for one in (before, going, paused, uid)}
    house.tick()
    with house.state() as state:
        now = house.context.clock.now()
        done = [Event(EventKind.DONE, "a", 1, now, 5)]
        state.record(going, done, status=RunStatus.SUCCEEDED)
        state.record(paused, [Event(EventKind.RESUME, "", 0, now), *done], status=RunStatus.FAILED)
    later = house.run("Workflow/later", LARGE + "later")
    name = house.create().name
    done = house.restore(name, run=uid)
    assert (done.rewound.uid, done.rewound.runs, done.rewound.events) == (uid, 1, 5)
    assert done.going == (going, paused)
    with read_state(house.root) as state:
        found = {run.uid: run.status for run in state.runs()}
        assert found == {
            before: RunStatus.SUCCEEDED,
            going: RunStatus.INTERRUPTED,
            paused: RunStatus.PAUSED,
            uid: RunStatus.SUCCEEDED,
        }
        assert later not in found
        assert state.held("local", "Workflow/a").run == uid, "what the apply took of it is its own"
    assert {one: events(house, one) for one in was} == was


def settings():
    return RunSettings(patience=None)


def graph(keys):
    def work(call):
        keys.append(call.key)
        return len(keys)

    return Graph({}, [Step("one", work), Step("two", work, needs=("one",))], concurrency=1)


def execute(house, target, calls):
    house.tick()
    with house.state() as state:
        run = state.create_run("local", target, {}, None)
        result = Engine(state, house.context, settings=settings()).execute(run, graph(calls))
    return run.uid, result


def test_engine_goes_on_with_what_was_interrupted(house):
    """A run that had not begun a step at that moment does it anew, with the same key."""
    calls = []
    with house.state() as state:
        going = state.create_run("local", "Workflow/going", {}, None)
    first, _ = execute(house, "Workflow/a", calls)
    house.tick()
    with house.state() as state:
        Engine(state, house.context, settings=settings()).execute(
            state.run(going.uid), graph(calls)
        )
    keys = calls[2:]
    name = house.create().name
    house.restore(name, run=first)
    again = []
    house.tick()
    with house.state() as state:
        assert state.run(going.uid).status is RunStatus.INTERRUPTED
        run = state.run(going.uid)
        result = Engine(state, house.context, settings=settings()).execute(run, graph(again))
        assert result.status is RunStatus.SUCCEEDED
        assert state.run(first).status is RunStatus.SUCCEEDED
    assert again == keys


def rule(house, **items):
    """Record a ruling that passed, as the gate writes one."""
    listed = [{"target": f"Gate/{name}", "action": action} for name, action in items.items()]
    with house.state() as state:
        ruling = {"outcome": "passed", "items": listed}
        state.record_ruling("local", "sha256:" + "d" * 64, ruling)


def put(house, name):
    house.tick(0.001)
    with house.state() as state:
        digest = "sha256:" + "c" * 64
        state.put_applied("local", Applied(f"Gate/{name}", digest, house.context.clock.now()))


def remove(house, name):
    with house.state() as state:
        state.remove_applied("local", f"Gate/{name}")


def later_update(house):
    rule(house, g="update")
    put(house, "g")


def later_removal(house):
    rule(house, g="delete")
    remove(house, "g")


def later_spending(house):
    with house.state() as state:
        state.spend("local", "Gate/g", ["sha256:" + "e" * 64])


def later_item(house):
    with house.state() as state:
        state.put_items({("local", "leases", "one"): {"held": 1}})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (later_update, "applied anew after it: Gate/g"),
        (later_removal, "removed after it, or just before: Gate/g"),
        (later_spending, "let through by approvals that were spent after it: Gate/g"),
        (later_item, "may have changed after it: collection leases"),
    ],
)
def test_what_the_journal_cannot_take_back_is_told_and_nothing_changes(house, change, told):
    rule(house, g="create")
    put(house, "g")
    uid = house.run("Workflow/a")
    house.tick()
    change(house)
    name = house.create().name
    house.run("Workflow/now")
    before = content(house.root)
    with pytest.raises(BackupError, match=told) as caught:
        house.restore(name, run=uid)
    assert f"`chimera restore {name}`" in caught.value.help
    assert content(house.root) == before


def test_target_that_was_applied_first_after_it_is_taken_back(house):
    uid = house.run("Workflow/a")
    house.tick()
    rule(house, g="create")
    put(house, "g")
    house.tick()
    rule(house, g="update", other="create")
    put(house, "g")
    house.restore(house.create().name, run=uid)
    with read_state(house.root) as state:
        assert state.applied("local") == {}
        assert state.rulings("local") == ()


def test_rest_of_the_apply_that_carried_the_run_out_is_taken_back(house):
    """Its ruling came before the run, what it made after it."""
    rule(house, g="create", h="create")
    put(house, "g")
    uid = house.run("Workflow/a")
    put(house, "h")
    house.restore(house.create().name, run=uid)
    with read_state(house.root) as state:
        assert list(state.applied("local")) == ["Gate/g"]
        assert len(state.rulings("local")) == 1


def test_removal_in_the_apply_that_carried_the_run_out_is_told(house):
    rule(house, g="create")
    put(house, "g")
    house.tick()
    rule(house, g="delete")
    uid = house.run("Workflow/a")
    remove(house, "g")
    name = house.create().name
    with pytest.raises(BackupError, match="removed after it, or just before: Gate/g"):
        house.restore(name, run=uid)


def test_ruling_that_refused_is_no_obstacle(house):
    uid = house.run("Workflow/a")
    house.tick()
    with house.state() as state:
        refused = {"outcome": "failed", "items": [{"target": "Gate/g", "action": "delete"}]}
        state.record_ruling("local", "sha256:" + "d" * 64, refused)
    assert house.restore(house.create().name, run=uid).rewound.obstacles == ()


def test_run_that_moved_to_another_definition_since_is_an_obstacle(house):
    going = house.run("Workflow/going", status=RunStatus.RUNNING)
    uid = house.run("Workflow/a")
    house.tick()
    with house.state() as state:
        event = Event(EventKind.MIGRATE, "", 0, house.context.clock.now())
        state.repin(going, {"other": 1}, event)
    name = house.create().name
    with pytest.raises(BackupError, match=f"moved to another definition after it: run {going}"):
        house.restore(name, run=uid)


def test_what_is_kept_by_its_moment_goes_back_by_it(house):
    with house.state() as state:
        at = house.context.clock.now().isoformat()
        state.put_items({("local", "health", at): {"status": "healthy"}})
    uid = house.run("Workflow/a")
    with read_state(house.root) as state:
        end = state.run(uid).updated.isoformat()
    house.tick()
    with house.state() as state:
        late = house.context.clock.now().isoformat()
        state.put_items(
            {
                ("local", "outbox", f"{end}/000000000/{uid}/a"): {"topic": "its own"},
                ("local", "outbox", f"{late}/000000000/{uid}/a"): {"topic": "later"},
                ("local", "health", late): {"status": "degraded"},
            }
        )
    house.restore(house.create().name, run=uid)
    with read_state(house.root) as state:
        assert [item.id for item in state.items("local", "health")] == [at, late], "it was seen"
        assert [item.value["topic"] for item in state.items("local", "outbox")] == ["its own"]


def test_run_that_has_not_ended_has_no_such_moment(house):
    uid = house.run("Workflow/a", status=RunStatus.RUNNING)
    name = house.create().name
    with pytest.raises(UsageError, match="has not ended in the backup: it is running"):
        house.restore(name, run=uid)
