"""The objects of one module in the store: found by id or alias, and changed with an event each.

An object is kept exactly as the protocol states it, in the collection named for its module. What
Chimera knows besides (its alias, when it expires) are its *facts*, in a collection of their own.
Ids and times come from the call, so that a step that is run again makes the same object. Refuses to
keep an object that its model would not accept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, Protocol, TypeVar

from chimera.builtin.coordination.machine import Machine
from chimera.builtin.coordination.protocol import PROTOCOL_VERSION, UUID_PATTERN, Record
from chimera.kinds import ValidationError
from chimera.runtime import Collections, Json, PermanentError

O = TypeVar("O", bound=Record)  # noqa: E741 - objects


class Call(Protocol):
    """What is needed of the call of an operation, or of a step."""

    @property
    def inputs(self) -> Any:
        """What it was given."""
        ...

    @property
    def now(self) -> datetime:
        """When its first attempt began."""
        ...

    @property
    def store(self) -> Collections:
        """The store, whose changes join the step's end."""
        ...

    @property
    def publish(self) -> Callable[[str, Json], None]:
        """Say something on a topic, once the step's end is committed."""
        ...

    def new_id(self) -> str:
        """Return another id, the same ones in every attempt."""
        ...


Fields = Mapping[str, Any]

ALIASES = "alias"
"""Collection of aliases: `module/alias` leads to an id, `module` to the number given last."""

TALLIES = "tally"
"""Collection of how many objects a module keeps, by status: counting takes no look at them."""

EVENTS_KEPT = 100
"""Events that an object carries; each is published when it happens, and the oldest make room."""

_UUID = re.compile(UUID_PATTERN)


@dataclass(frozen=True, slots=True)
class Shelf(Generic[O]):
    """Where a module keeps its objects.

    `prefix` begins their aliases, `key` is the field of their id, and `machine` says which status
    may follow which, for objects that have one. `stamps` says whether objects carry `created_at`
    and `updated_at` besides those in their metadata.
    """

    module: str
    model: type[O]
    prefix: str
    machine: Machine | None = None
    stamps: bool = False

    @property
    def thing(self) -> str:
        """What people call an object."""
        return self.machine.thing if self.machine is not None else self.module

    @property
    def key(self) -> str:
        """The field that holds an object's id."""
        return f"{self.module}_id"

    def add(self, call: Call, event: str, fields: Fields, **facts: Any) -> O:
        """Keep a new object of these fields, with an id and an alias, and say that `event` was."""
        if self.machine is not None:
            self.machine.begin(fields["status"])
        id = str(fields.get(self.key) or call.new_id())
        now = written(call.now)
        stamps = {"created_at": now} if self.stamps else {}
        meta = {
            "protocol_version": PROTOCOL_VERSION,
            "schema_version": PROTOCOL_VERSION,
            "created_at": now,
        }
        given = {name: value for name, value in fields.items() if value is not None}
        facts["alias"] = self._next_alias(call, id)
        call.store.put(self._facts, id, facts)
        self._count(call, fields.get("status"), 1)
        value = {"meta": meta, self.key: id, **given, **stamps}
        return self._keep(call, id, value, event, {"alias": facts["alias"]})

    def get(self, call: Call, name: str) -> O:
        """Return the object of an id or alias; raises `PermanentError` where there is none."""
        found = self.seek(call, name)
        if found is None:
            raise PermanentError(
                f"there is no {self.thing} {name}",
                help=f"{self.module}.query shows which there are",
            )
        return found

    def seek(self, call: Call, name: str) -> O | None:
        """Return the object of an id or alias, if there is one."""
        id: str | None = name
        if not _UUID.match(name):
            known = call.store.get(ALIASES, f"{self.module}/{name}")
            id = known["id"] if known else None
        value = None if id is None else call.store.get(self.module, id)
        return None if value is None else self.model.model_validate(value)

    def find(self, call: Call, **equal: Any) -> Iterator[O]:
        """Yield the objects whose fields have these values, in order of their ids."""
        for _, value in call.store.find(self.module, **equal):
            yield self.model.model_validate(value)

    def count(self, call: Call, *statuses: str) -> int:
        """Return how many objects there are of some statuses, or of any."""
        tally = call.store.get(TALLIES, self.module) or {}
        return sum(tally.get(status, 0) for status in statuses or tally)

    def change(
        self, call: Call, before: O, event: str, fields: Fields, data: Fields | None = None
    ) -> O:
        """Keep an object with other values in these fields, and say that `event` was.

        A value of `None` takes a field away. Raises `PermanentError` for a status that may not
        follow, and for an object that is locked.
        """
        value = self.plain(before)
        name = self.alias(call, before)
        if value.get("governance", {}).get("locked"):
            raise PermanentError(
                f"the {self.thing} {name} is locked", help="unlock it before it is changed"
            )
        after = fields.get("status", value.get("status"))
        if self.machine is not None and after != value.get("status"):
            self.machine.move(value["status"], after, name)
            self._count(call, value["status"], -1)
            self._count(call, after, 1)
        now = written(call.now)
        changed = {**value, **fields, "meta": {**value["meta"], "updated_at": now}}
        if self.stamps:
            changed["updated_at"] = now
        told = {"changes": sorted(fields), **(data or {})}
        kept = {name: field for name, field in changed.items() if field is not None}
        return self._keep(call, value[self.key], kept, event, told)

    def move(self, call: Call, before: O, status: str, event: str, **fields: Any) -> O:
        """Keep an object with another status; the one that it has already does not follow."""
        value = self.plain(before)
        if self.machine is not None:
            self.machine.move(value["status"], status, self.alias(call, before))
        told = {"status": status}
        return self.change(call, before, event, {"status": status, **fields}, told)

    def remove(self, call: Call, before: O) -> None:
        """Forget an object and its alias."""
        id = self.id_of(before)
        self._count(call, getattr(before, "status", None), -1)
        call.store.delete(ALIASES, f"{self.module}/{self.alias(call, before)}")
        call.store.delete(self._facts, id)
        call.store.delete(self.module, id)
        call.publish(f"{self.module}.deleted", {"id": id})

    def id_of(self, one: O) -> str:
        """Return an object's id."""
        return str(getattr(one, self.key))

    def alias(self, call: Call, one: O) -> str:
        """Return an object's alias, or its id where it was put into the store without one."""
        return str(self.facts(call, one).get("alias", self.id_of(one)))

    def facts(self, call: Call, one: O) -> dict[str, Any]:
        """Return what is known of an object besides what it says."""
        return dict(call.store.get(self._facts, self.id_of(one)) or {})

    def note(self, call: Call, one: O, **facts: Any) -> None:
        """Keep more that is known of an object."""
        call.store.put(self._facts, self.id_of(one), {**self.facts(call, one), **facts})

    def plain(self, one: O) -> dict[str, Any]:
        """Return an object as JSON."""
        return one.model_dump(mode="json")

    @property
    def _facts(self) -> str:
        return f"{self.module}.facts"

    def _keep(self, call: Call, id: str, value: Fields, event: str, data: Fields) -> O:
        happened = {
            "event_id": call.new_id(),
            "event_type": f"{self.module}.{event}",
            "source": self.module,
            "timestamp": written(call.now),
            "data": dict(data),
        }
        events = [*value.get("events", ()), happened][-EVENTS_KEPT:]
        try:
            one = self.model.model_validate({**value, "events": events})
        except ValidationError as error:
            (first, *_) = error.errors()
            where = ".".join(map(str, first["loc"]))
            raise PermanentError(
                f"the protocol has no such {self.thing}: {where}: {first['msg']}",
                help="`chimera explain` with the operation's name shows what it takes",
            ) from error
        call.store.put(self.module, id, self.plain(one))
        call.publish(f"{self.module}.{event}", {"id": id, "event": happened})
        return one

    def _count(self, call: Call, status: str | None, by: int) -> None:
        tally = call.store.get(TALLIES, self.module) or {}
        kind = status or "kept"  # what objects without a status are
        call.store.put(TALLIES, self.module, {**tally, kind: tally.get(kind, 0) + by})

    def _next_alias(self, call: Call, id: str) -> str:
        last = call.store.get(ALIASES, self.module) or {"count": 0}
        count = last["count"] + 1
        alias = f"{self.prefix}-{count:03d}"
        call.store.put(ALIASES, self.module, {"count": count})
        call.store.put(ALIASES, f"{self.module}/{alias}", {"id": id})
        return alias


def written(moment: datetime) -> str:
    """Return a moment as the protocol's objects write it: in UTC, to the millisecond."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
