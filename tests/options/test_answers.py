"""What cannot be written is refused, with what can be."""

from __future__ import annotations

import pytest

from chimera.model import UsageError
from chimera.options.outputs import destinations


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        (("jsn",), "unknown output format 'jsn'"),
        (("sarif",), "this command has no output format 'sarif'"),
        (("json=",), "'json=' names no file"),
        (("json", "text"), "two formats cannot both go to standard output"),
    ],
)
def test_what_cannot_be_written_is_refused(outputs: tuple[str, ...], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        destinations(outputs, ("text", "json"))
    assert refused.value.message == said
