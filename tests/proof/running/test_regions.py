import pytest
from hypothesis import given
from hypothesis import strategies as st

from chimera.proof.running.regions import first_difference, region_of


def test_text_shows_the_lines_around_and_marks_what_differs():
    region = region_of(b"a\nb\nc\ncolour: red\nd\ne\nf\n", b"a\nb\nc\ncolour: bed\nd\ne\nf\n")
    assert (region.line, region.column) == (4, 9)
    assert region.diff == (
        " b",
        " c",
        "-colour: red",
        "?        ^",
        "+colour: bed",
        "?        ^",
        " d",
        " e",
    )


def test_lines_that_only_one_has_are_not_marked():
    assert region_of(b"a\nc\n", b"a\nb\nc\n").diff == (" a", "+b", " c")
    assert region_of(b"a\n", b"a\nb\n").diff == (" a", "+b")
    assert region_of(b"", b"x\n").diff == ("+x",)


def test_what_cannot_be_seen_is_written_out():
    assert region_of(b"a\r\n", b"a\n").diff[0] == "-a\\r"
    assert region_of(b"a\n", b"a").diff == ("-a", "+a", "\\ no newline at the end")
    assert region_of(b"\x1b[2J\n", b"x\n").diff[0] == "-\\x1b[2J"


def test_a_long_line_is_shown_around_its_difference():
    region = region_of(b"x" * 5000 + b"A" + b"y" * 5000, b"x" * 5000 + b"B" + b"y" * 5000)
    assert (region.line, region.column) == (1, 5001)
    gone, mark, come, _ = region.diff
    assert len(gone) < 200
    assert gone[mark.index("^")] == "A"
    assert come[mark.index("^")] == "B"


def test_bytes_are_shown_as_hex_with_offsets():
    first = bytes(range(64))
    second = first[:35] + b"\xff" + first[36:]
    region = region_of(first, second)
    assert (region.offset, region.line) == (35, None)
    assert region.diff == (
        " 00000010  10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f  ................",
        "-00000020  20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f   !\"#$%&'()*+,-./",
        "+00000020  20 21 22 ff 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f   !\".$%&'()*+,-./",
    )


@pytest.mark.parametrize("content", [b"x\n" * 2_000_000, b"x" * 4_000_000])
def test_a_large_content_shows_no_more_than_a_small_one(content):
    assert len("".join(region_of(content, content + b"y").diff)) < 2000
    assert len("".join(region_of(b"", content).diff)) < 2000


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_every_difference_has_a_region(first, second):
    if first != second:
        region = region_of(first, second)
        assert region.offset == first_difference(first, second)
        assert {line[0] for line in region.diff} & {"-", "+"}
        assert all(line.isprintable() for line in region.diff)
        assert all(line[0] in " -+?\\" for line in region.diff)


@given(st.text(max_size=60), st.text(max_size=60))
def test_text_has_a_line_and_a_column(first, second):
    if first != second and "\0" not in first + second:
        region = region_of(first.encode("utf-8"), second.encode("utf-8"))
        assert region.line is not None
        assert region.column is not None
