"""Normalizers: what may differ between two repetitions' artifacts without being a difference.

Some have a name, others are patterns that a proof declares; the evidence lists both. A pattern is
hostile, as all of a document is: it is matched in a process of its own, which is ended when it
takes too long. Refuses nothing: bytes that a normalizer cannot read are compared as they are.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from chimera.context import Command, Context, Limits
from chimera.kinds import AfterValidator, Discriminator, Field, Model, Tag, Text, refuse
from chimera.model import ChimeraError
from chimera.proof.running import substitution

NormalizerName = Literal["junit-times", "json-key-order", "timestamps", "line-endings"]
Files = Mapping[str, bytes]

_JUNIT = re.compile(rb'\b(time|timestamp|hostname)="[^"]*"')
_TIMESTAMP = re.compile(
    rb"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?"
)
_MOST_SECONDS = 30.0
_LIMITS = Limits(memory_bytes=4 << 30, output_bytes=1 << 30)


class PatternNormalizer(Model):
    """Puts a text in the place of all that a pattern matches."""

    pattern: Annotated[Text, Field(max_length=1000)] = Field(
        description="Python regular expression; ^ and $ match at the ends of lines."
    )
    replace: str = Field(
        description=r"What stands there instead; \1 is what the pattern's first group matched."
    )


def _compiles(normalizer: PatternNormalizer) -> PatternNormalizer:
    try:
        # On an empty text, which costs nothing; the replacement is read even where none is made.
        re.compile(normalizer.pattern, substitution.FLAGS).sub(normalizer.replace, "")
    except (re.error, IndexError, OverflowError, RecursionError) as error:
        raise refuse(
            "proof-pattern-invalid",
            f"{normalizer.pattern!r} cannot be replaced by {normalizer.replace!r}: {error}",
        ) from None
    return normalizer


def _tag(value: Any) -> str:
    return "pattern" if isinstance(value, dict | PatternNormalizer) else "name"


Normalizer = Annotated[
    Annotated[NormalizerName, Tag("name")]
    | Annotated[PatternNormalizer, AfterValidator(_compiles), Tag("pattern")],
    Discriminator(_tag),
]
"""A named normalizer, or a pattern with what replaces it."""


def describe_normalizer(normalizer: Normalizer) -> str:
    """Say what a normalizer does, for reports."""
    if isinstance(normalizer, PatternNormalizer):
        return f"replacing /{normalizer.pattern}/ by {normalizer.replace!r}"
    return normalizer


def normalizer_json(normalizer: Normalizer) -> Any:
    """Return a normalizer with its definition, as evidence lists it."""
    if isinstance(normalizer, PatternNormalizer):
        return {"pattern": normalizer.pattern, "replace": normalizer.replace}
    return normalizer


def _json_key_order(data: bytes) -> bytes:
    try:
        return json.dumps(json.loads(data), sort_keys=True, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return data


NORMALIZERS: Mapping[NormalizerName, Callable[[bytes], bytes]] = {
    "junit-times": lambda data: _JUNIT.sub(rb'\1=""', data),
    "json-key-order": _json_key_order,
    "timestamps": lambda data: _TIMESTAMP.sub(b"<timestamp>", data),
    "line-endings": lambda data: data.replace(b"\r\n", b"\n"),
}
"""What each name does to an artifact's bytes; all take a time that grows with their number."""


def normalize(
    files: Files, normalizers: Iterable[Normalizer], context: Context, seconds: float
) -> tuple[Files, tuple[str, ...]]:
    """Return files after each normalizer, in order, and a word on those of no use or no measure.

    Raises `ChimeraError` where a pattern takes longer than `seconds`.
    """
    notes: list[str] = []
    for normalizer in normalizers:
        before = files
        if isinstance(normalizer, PatternNormalizer):
            files = _substituted(files, normalizer, context, seconds)
        else:
            change = NORMALIZERS[normalizer]
            files = {path: change(data) for path, data in files.items()}
        notes += _remarks(normalizer, before, files)
    return files, tuple(notes)


def _remarks(normalizer: Normalizer, before: Files, after: Files) -> Iterator[str]:
    if before == after:
        yield f"the normalizer {describe_normalizer(normalizer)} changed nothing"
    stands_for = normalizer.replace if isinstance(normalizer, PatternNormalizer) else ""
    for path, data in after.items():
        if before[path].strip() and not data.replace(stands_for.encode(), b"").strip():
            yield f"the normalizer {describe_normalizer(normalizer)} left nothing of {path}"


def _substituted(
    files: Files, normalizer: PatternNormalizer, context: Context, seconds: float
) -> Files:
    request = {
        "pattern": normalizer.pattern,
        "replace": normalizer.replace,
        "sizes": [len(data) for data in files.values()],
    }
    script = Path(substitution.__file__)
    seconds = min(max(seconds, 0.0), _MOST_SECONDS)
    completed = context.processes.run(
        Command(
            (sys.executable, "-I", "-S", str(script)),
            cwd=script.parent,
            stdin=b"".join((json.dumps(request).encode(), b"\n", *files.values())),
            timeout=seconds,
            limits=_LIMITS,
            network=False,
        )
    )
    if completed.timed_out or completed.returncode != 0 or completed.truncated:
        took = f"was ended after {seconds:.0f} s" if completed.timed_out else "took too much memory"
        raise ChimeraError(f"{describe_normalizer(normalizer)} {took}")
    head, _, data = completed.stdout.partition(b"\n")
    ends = list(accumulate(json.loads(head), initial=0))
    return {path: data[start:end] for path, (start, end) in zip(files, pairwise(ends), strict=True)}
