"""The log of one attempt: whole lines, and not too much of them."""

from hypothesis import given
from hypothesis import strategies as st

from chimera.runtime.executors.lines import (
    CUT,
    DROPPED,
    LINE_BYTES,
    LOG_CHARACTERS,
    LOG_LINES,
    TAIL_BYTES,
    TAIL_LINES,
    Lines,
)


def heard(*pieces: bytes, stream: str = "stdout") -> list[str]:
    log: list[str] = []
    lines = Lines(log.append)
    for piece in pieces:
        lines.hear(stream, piece)
    lines.end()
    return log


def test_pieces_become_lines() -> None:
    assert heard(b"a\nb", b"c\n\n", "ä".encode()[:1], "ä".encode()[1:]) == ["a", "bc", "", "ä"]


def test_a_line_is_logged_as_soon_as_it_is_whole() -> None:
    log: list[str] = []
    lines = Lines(log.append)
    lines.hear("stdout", b"first\nsec")
    lines.hear("stderr", b"other\n")
    assert log == ["first", "other"]
    lines.hear("stdout", b"ond\n")
    assert log == ["first", "other", "second"]


def test_of_a_line_that_is_written_over_the_last_counts() -> None:
    assert heard(b"10 %\r50 %\r100 %\r\ndone\r\n") == ["100 %", "done"]


def test_much_output_keeps_its_beginning_and_its_end() -> None:
    log: list[str] = []
    lines = Lines(log.append, characters=100)
    for number in range(10_000):
        lines.log(f"{number:09}")
    assert log == [*(f"{n:09}" for n in range(10)), DROPPED]
    lines.end()
    assert log[-1] == "000009999"
    assert log[11] == f"[{10_000 - 10 - (len(log) - 12)} lines are not kept]"
    assert len(log) == 12 + TAIL_LINES


def test_of_a_line_without_end_its_beginning_is_kept() -> None:
    log = heard(*[b"x" * 10_000] * 100, b"\nnext\n")
    assert log == ["x" * LINE_BYTES, CUT, "next"]


def test_memory_is_bounded_by_what_is_kept() -> None:
    log: list[str] = []
    lines = Lines(log.append)
    for _ in range(1000):
        lines.hear("stdout", b"y" * 100_000 + b"\n" * 1000)
    lines.end()
    assert sum(map(len, log)) < 400_000


def test_the_end_that_is_kept_is_no_longer_than_it_is_to_be() -> None:
    for more in range(10, 40):
        log = heard(b"x" * 999 + b"\n", *[b"x" * 999 + b"\n"] * (LOG_CHARACTERS // 1000 + more))
        kept = log[log.index(DROPPED) + 1 :]
        assert sum(len(line) + 1 for line in kept if line[0] == "x") <= TAIL_BYTES


@given(st.lists(st.binary(max_size=20)))
def test_how_it_is_cut_makes_no_difference(pieces: list[bytes]) -> None:
    assert heard(*pieces) == heard(b"".join(pieces))


def test_how_much_is_cut_makes_no_difference_to_much() -> None:
    data = b"".join(b"%d\n" % n for n in range(200_000))
    log = heard(*(data[at : at + 60_000] for at in range(0, len(data), 60_000)))
    assert (log[0], log[-1]) == ("0", "199999")
    note = next(line for line in log if line.endswith("lines are not kept]"))
    assert int(note[1:].split()[0]) + len(log) - 2 == 200_000
    assert len(log) == LOG_LINES + TAIL_LINES + 2
