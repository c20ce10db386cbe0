"""Named normalizers: what may differ between two repetitions' artifacts without being a difference.

Each is a pure function of bytes and is listed by name in the evidence. Refuses nothing: bytes that
a normalizer cannot read are compared as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Literal

NormalizerName = Literal["junit-times", "json-key-order", "timestamps", "line-endings"]

_JUNIT = re.compile(rb'\b(time|timestamp|hostname)="[^"]*"')
_TIMESTAMP = re.compile(
    rb"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?"
)


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
"""What each name does to an artifact's bytes."""


def normalize(data: bytes, names: Iterable[NormalizerName]) -> bytes:
    """Return `data` after each named normalizer, in order."""
    for name in names:
        data = NORMALIZERS[name](data)
    return data
