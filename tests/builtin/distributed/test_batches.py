"""Which stages travel together."""

from collections import deque
from dataclasses import dataclass

from chimera.builtin.distributed.batches import Batching


@dataclass
class Stage:
    step: str
    is_alone: bool = False


def queue(count: int, name: str = "fan", *, is_alone: bool = False) -> deque[Stage]:
    return deque(Stage(f"{name}[{n}]", is_alone) for n in range(count))


def test_a_stage_of_which_nothing_is_known_travels_alone() -> None:
    assert len(Batching().cut(queue(100), 2)) == 1


def test_short_stages_travel_together_in_order_and_long_ones_do_not() -> None:
    batching, waiting = Batching(), queue(100)
    batching.measured("fan[7]", 0.001)
    batch = batching.cut(waiting, 2)
    assert [stage.step for stage in batch] == [f"fan[{n}]" for n in range(20)]
    assert waiting[0].step == "fan[20]"
    batching.measured("slow", 0.02)
    assert len(batching.cut(queue(100, "slow"), 2)) == 1


def test_stages_with_effects_travel_alone() -> None:
    batching = Batching()
    batching.measured("fan[0]", 0.001)
    assert len(batching.cut(queue(100, is_alone=True), 2)) == 1


def test_every_worker_has_work_before_any_has_two() -> None:
    batching = Batching()
    batching.measured("fan[0]", 0.001)
    assert len(batching.cut(queue(8), 4)) == 2
    assert len(batching.cut(queue(3), 4)) == 1


def test_a_batch_ends_where_another_family_begins() -> None:
    batching = Batching()
    batching.measured("fan[0]", 0.0001)
    waiting = deque([*queue(3), Stage("other"), *queue(200)])
    assert len(batching.cut(waiting, 1)) == 3


def test_a_family_that_becomes_slow_is_no_longer_batched() -> None:
    batching = Batching()
    batching.measured("fan[0]", 0.001)
    for _ in range(20):
        batching.measured("fan[0]", 0.1)
    assert len(batching.cut(queue(100), 2)) == 1
