"""What a change means for whoever refers to its target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import pytest

from chimera.kinds import (
    AddressText,
    Field,
    Items,
    Kind,
    Model,
    Reference,
    Registry,
    affected_by,
    categorize,
    load_snapshot,
    read_source,
)
from chimera.model import Action, Address, Category, Change, PathSet
from tests.fuzz.trees import MemoryTree


class ThingSpec(Model):
    """Something that others refer to."""

    uses: Items[Annotated[AddressText, Reference("Thing")]] = Field(default=(), description="Who.")
    gives: Items[str] = Field(default=(), description="What.")


def breaks(before: ThingSpec, after: ThingSpec) -> Iterator[str]:
    if "fault" in after.gives:
        raise ValueError("it is a bug")
    return (f"{one} is gone" for one in before.gives if one not in after.gives)


def ends(before: ThingSpec) -> Iterator[str]:
    if "fault" in before.gives:
        raise ValueError("it is a bug")
    return (f"nobody gives {one}" for one in before.gives)


REGISTRY = Registry(
    {
        "Thing": Kind("Thing", ThingSpec, "A thing.", breaks=breaks, ends=ends),
        "Quiet": Kind("Quiet", ThingSpec, "A thing that breaks nothing."),
    }
)


def thing(name: str, **spec: Any) -> dict[str, Any]:
    kind = spec.pop("kind", "Thing")
    return {"apiVersion": "chimera/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def snapshot_of(*documents: dict[str, Any]) -> Any:
    import json

    files = {
        f"specs/{number}.yaml": json.dumps(value).encode() for number, value in enumerate(documents)
    }
    return load_snapshot(read_source(MemoryTree(files)), REGISTRY).snapshot


def address(name: str, kind: str = "Thing") -> Address:
    return Address(kind, name)


def category_of(
    change: Change, before: list[dict[str, Any]], after: list[dict[str, Any]], *more: Change
) -> tuple[Category | None, tuple[str, ...]]:
    values = {Address(v["kind"], v["metadata"]["name"]): v for v in before}
    found, *_ = categorize((change, *more), values, snapshot_of(*after))
    assert (found.action, found.before, found.after) == (
        change.action,
        change.before,
        change.after,
    )
    return found.category, found.breaks


def update(name: str = "a", kind: str = "Thing") -> Change:
    return Change(address(name, kind), Action.UPDATE, "old", "new", "")


def delete(name: str = "a") -> Change:
    return Change(address(name), Action.DELETE, "old", None, "")


def test_what_is_new_breaks_nothing() -> None:
    create = Change(address("a"), Action.CREATE, None, "new", "")
    assert category_of(create, [], [thing("a")]) == (Category.COMPATIBLE, ())


def test_an_update_breaks_what_its_kind_says() -> None:
    was, now = thing("a", gives=["x", "y"]), thing("a", gives=["y", "z"])
    assert category_of(update(), [was], [now]) == (Category.BREAKING, ("x is gone",))
    assert category_of(update(), [now], [thing("a", gives=["y", "z", "x"])]) == (
        Category.COMPATIBLE,
        (),
    )


def test_an_update_of_a_kind_that_says_nothing_is_compatible() -> None:
    was, now = thing("a", kind="Quiet", gives=["x"]), thing("a", kind="Quiet")
    assert category_of(update(kind="Quiet"), [was], [now]) == (Category.COMPATIBLE, ())


def test_a_deletion_ends_what_its_kind_says() -> None:
    was = thing("a", gives=["x"])
    assert category_of(delete(), [was], []) == (Category.BREAKING, ("nobody gives x",))
    category, (said,) = category_of(delete(), [thing("a", gives=["fault"])], [])
    assert (category, "cannot tell" in said) == (Category.BREAKING, True)


@pytest.mark.parametrize("was", [thing("a", gives=7), thing("a", unknown=1)])
def test_what_cannot_be_read_any_more_is_held_to_break(was: dict[str, Any]) -> None:
    expected = (Category.BREAKING, ("what it was cannot be read any more",))
    assert category_of(update(), [was], [thing("a")]) == expected
    assert category_of(update(), [], [thing("a")]) == expected


def test_a_kind_that_raises_is_held_to_break() -> None:
    found = category_of(update(), [thing("a")], [thing("a", gives=["fault"])])
    assert found == (
        Category.BREAKING,
        ("the kind Thing cannot tell: ValueError('it is a bug')",),
    )


def test_a_deletion_breaks_whoever_refers_to_it_or_did() -> None:
    uses = thing("b", uses=["Thing/a"])
    assert category_of(delete(), [thing("a")], []) == (Category.COMPATIBLE, ())
    assert category_of(delete(), [thing("a")], [uses]) == (
        Category.BREAKING,
        ("Thing/b refers to it",),
    )
    assert category_of(delete(), [thing("a"), uses], [thing("b")], update("b")) == (
        Category.BREAKING,
        ("Thing/b referred to it",),
    )


def test_what_goes_together_and_what_refers_to_itself_breaks_nobody() -> None:
    both = [thing("a", uses=["Thing/a"]), thing("b", uses=["Thing/a"])]
    assert category_of(delete(), both, [], delete("b")) == (Category.COMPATIBLE, ())


@pytest.mark.parametrize(
    "change",
    [
        Change(PathSet.of(["src/**"]), Action.UPDATE, "old", "new", ""),
        Change(address("a"), Action.NO_OP, "same", "same", ""),
        Change(address("a"), Action.RUN, "same", "same", ""),
    ],
)
def test_paths_and_what_does_not_change_have_no_category(change: Change) -> None:
    assert category_of(change, [], [thing("a")]) == (None, ())


def test_what_is_cosmetic_stays_so() -> None:
    change = Change(address("a"), Action.NO_OP, "x", "x", "", (), Category.COSMETIC)
    assert category_of(change, [thing("a")], [thing("a")]) == (Category.COSMETIC, ())


def test_near_documents_come_before_far_ones_and_cycles_end() -> None:
    snapshot = snapshot_of(
        thing("a", uses=["Thing/d"]),
        thing("z", uses=["Thing/a"]),
        thing("b", uses=["Thing/a"]),
        thing("c", uses=["Thing/b", "Thing/z"]),
        thing("d", uses=["Thing/c"]),
        thing("e"),
    )
    found = affected_by([address("a"), address("e"), address("gone")], snapshot)
    assert {str(a): [b.name for b in leaning] for a, leaning in found.items()} == {
        "Thing/a": ["b", "z", "c", "d"]
    }


def test_what_refers_to_something_deleted_is_affected() -> None:
    snapshot = snapshot_of(thing("b", uses=["Thing/gone"]))
    assert affected_by([address("gone")], snapshot) == {address("gone"): (address("b"),)}


def test_no_more_is_listed_than_anybody_reads() -> None:
    snapshot = snapshot_of(*(thing(f"t{n}", uses=["Thing/hub"]) for n in range(30)))
    (found,) = affected_by([address("hub")], snapshot, 7).values()
    assert [a.name for a in found] == ["t0", "t1", "t10", "t11", "t12", "t13", "t14"]
