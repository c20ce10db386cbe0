"""The wire format of SSH (RFC 4251 §5), and base64 and JSON, read strictly.

Whatever is read here may come from anybody: every length is bounded, nothing may follow, and what
has two spellings is refused in all but one. Raises `SignatureError` and nothing else.
"""

from __future__ import annotations

import binascii
import json
from typing import Any

from chimera.model import ChimeraError

MOST_BYTES = 16 * 1024 * 1024
"""The longest message, envelope or bundle line that is read."""


class SignatureError(ChimeraError):
    """A key, signature or envelope is not what it has to be; the message says in what."""


class Reader:
    """Reads fields of a byte string from its start to its end."""

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._at = 0
        self._what = what

    def take(self, length: int) -> bytes:
        """Return the next bytes, all of them."""
        end = self._at + length
        if end > len(self._data):
            raise SignatureError(f"{self._what} is cut off")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def uint32(self) -> int:
        """Return the next four bytes as a number."""
        return int.from_bytes(self.take(4))

    def string(self) -> bytes:
        """Return the next bytes, which say themselves how many they are."""
        return self.take(self.uint32())

    def natural(self, most_bytes: int) -> int:
        """Return the next integer: positive, in its shortest form, of at most `most_bytes`."""
        data = self.string()
        padded = data[:1] == b"\0"
        digits = data[1:] if padded else data
        is_shortest = digits[:1] > (b"\x7f" if padded else b"\0") and (padded or digits[0] < 0x80)
        if not is_shortest or len(digits) > most_bytes:
            raise SignatureError(f"{self._what} holds a number that is not written as SSH does")
        return int.from_bytes(digits)

    def end(self) -> None:
        """Refuse anything that follows."""
        if self._at != len(self._data):
            raise SignatureError(f"{self._what} is followed by something else")


def string(data: bytes) -> bytes:
    """Return `data` with its length before it."""
    return len(data).to_bytes(4) + data


def decode_base64(text: str, what: str) -> bytes:
    """Return the bytes that standard base64 stands for; of all spellings only the canonical."""
    try:
        data = binascii.a2b_base64(text.encode("ascii"), strict_mode=True)
    except (ValueError, UnicodeEncodeError):  # binascii.Error is a ValueError
        raise SignatureError(f"{what} is not base64") from None
    if encode_base64(data) != text:
        raise SignatureError(f"{what} is not base64 in its canonical form")
    return data


def encode_base64(data: bytes) -> str:
    """Return standard base64 on one line."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def read_json(data: bytes, what: str) -> Any:
    """Return what JSON in UTF-8 says, if it says one thing only.

    Refuses duplicate keys, NaN and infinities, unpaired surrogates, and what is too long or too
    deeply nested to be read.
    """
    if len(data) > MOST_BYTES:
        raise SignatureError(f"{what} is longer than {MOST_BYTES} bytes")

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) != len(items):
            raise SignatureError(f"{what} names a field twice")
        return found

    try:
        text = data.decode("utf-8")
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=_refuse_constant)
        if "\\ud" in text or "\\uD" in text:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        raise SignatureError(f"{what} is not JSON") from None
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)
