"""What the driver's own tool says of GPUs."""

from __future__ import annotations

from chimera.builtin.resources.devices import read_answer


def test_the_answer_of_the_driver_is_read() -> None:
    text = "0, NVIDIA H200, 143771\n1, Odd, name, 16\nNo devices were found\n"
    assert read_answer(text) == [
        {"index": 0, "name": "NVIDIA H200", "memory": 143771 * 2**20},
        {"index": 1, "name": "Odd, name", "memory": 16 * 2**20},
    ]
