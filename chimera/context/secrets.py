"""Masking of secrets in everything that is shown, recorded or stored.

Owns what a secret looks like once it has been encoded. Refuses to say which secret it masked.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, AnyStr
from urllib.parse import quote, quote_plus, unquote

MASK = "***"
_SECRET_NAME = re.compile(
    r"TOKEN|SECRET|PASSW|PASSPHRASE|KEY|CREDENTIAL|PRIVATE|COOKIE", re.IGNORECASE
)
_PASSWORD_IN_URL = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")
# Shorter values (`true`, `8080`, a user name) would mask ordinary text; so would short encodings
# and short beginnings of a secret that was cut off.
_SHORTEST_IN_ENVIRONMENT = 8
_SHORTEST_PART = 6

# What encoders leave as it is: Python's with and without slashes, encodeURIComponent, encodeURI.
_SAFE_IN_URL = ("/", "", "!'()*", ";,/?:@&=+$!'()*#")


def looks_secret(name: str, value: str) -> bool:
    """Tell whether a variable holds what nobody may guess at: by its name, or its password."""
    return bool(_SECRET_NAME.search(name) or _PASSWORD_IN_URL.search(value))


class Secrets:
    """The values that must not be seen, with their common encodings."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self._forms: tuple[str, ...] = ()
        self._lock = threading.Lock()
        for value in values:
            self.add(value)

    @staticmethod
    def from_environment(environ: Mapping[str, str]) -> Secrets:
        """Return the secrets that variables hold by their names, and passwords inside URLs."""
        secrets = Secrets()
        for name, value in environ.items():
            found = [*_PASSWORD_IN_URL.findall(value)]
            if _SECRET_NAME.search(name) and not _is_path(value):
                found.append(value)
            for secret in found:
                if len(secret) >= _SHORTEST_IN_ENVIRONMENT:
                    secrets.add(secret)
                    secrets.add(unquote(secret))
        return secrets

    @property
    def are_known(self) -> bool:
        """Tell whether there is anything to mask."""
        return bool(self._forms)

    def add(self, value: str) -> None:
        """Mask `value` from now on, and each line of it where it has several."""
        lines = [line for line in value.splitlines() if len(line) >= _SHORTEST_IN_ENVIRONMENT]
        forms = {form for text in (value, value.strip(), *lines) for form in _forms(text)}
        with self._lock:
            self._forms = tuple(sorted(forms.union(self._forms), key=lambda f: (-len(f), f)))

    def mask(self, text: str) -> str:
        """Return `text` with every secret replaced by `***`."""
        return _mask(text, self._forms, MASK)

    def mask_bytes(self, data: bytes) -> bytes:
        """Return `data` with every secret replaced by `***`."""
        forms = tuple(form.encode("utf-8", "surrogateescape") for form in self._forms)
        return _mask(data, forms, MASK.encode())

    def mask_json(self, value: Any) -> Any:
        """Return a JSON value with every secret masked, in keys and in numbers too."""
        match value:
            case str():
                return self.mask(value)
            case dict():
                return {self.mask_json(key): self.mask_json(item) for key, item in value.items()}
            case list() | tuple():
                return [self.mask_json(item) for item in value]
            case int() | float() if self.mask(str(value)) != str(value):
                return MASK
            case _:
                return value


def _is_path(value: str) -> bool:
    """Tell whether a variable such as `KEY_FILE` names a file: its path is no secret."""
    try:
        return value.startswith(("/", "~")) and Path(value).expanduser().exists()
    except (OSError, ValueError, RuntimeError):
        return False


def _forms(value: str) -> set[str]:
    if not value:
        return set()
    encoded = {quote(value, safe=safe) for safe in _SAFE_IN_URL} | {quote_plus(value)}
    encoded |= {re.sub("%..", lambda match: match[0].lower(), form) for form in encoded}
    encoded |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    data = value.encode("utf-8", "surrogateescape")
    encoded |= {data.hex(), data.hex().upper(), *_base64(data)}
    return {value} | {form for form in encoded if len(form) >= _SHORTEST_PART}


def _base64(data: bytes) -> set[str]:
    """Return how `data` looks in base 64, by itself and inside something longer.

    Inside (as in `user:password`) it starts at one of three offsets of a group of three bytes;
    the characters that it shares with its neighbours are left out.
    """
    forms = set()
    for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
        forms |= {(whole := alphabet(data).decode()), whole.rstrip("=")}
        for offset in range(3):
            text = alphabet(bytes(offset) + data).decode().rstrip("=")
            shared_end = 1 if (offset + len(data)) % 3 else 0
            forms.add(text[(offset * 8 + 5) // 6 : len(text) - shared_end])
    return forms


def _mask(text: AnyStr, forms: tuple[AnyStr, ...], mask: AnyStr) -> AnyStr:
    """Replace all that any form covers: where two overlap, what is left of one would still tell."""
    covered: list[tuple[int, int]] = []
    for form in forms:
        at = text.find(form)
        while at >= 0:
            covered.append((at, at + len(form)))
            at = text.find(form, at + 1)
        # Output is cut at a bound, which may lie within a secret.
        for length in range(len(form) - 1, _SHORTEST_PART - 1, -1):
            if text.endswith(form[:length]):
                covered.append((len(text) - length, len(text)))
                break
    parts: list[AnyStr] = []
    end = 0
    for start, stop in sorted(covered):
        if start >= end:
            parts += (text[end:start], mask)
        end = max(end, stop)
    parts.append(text[end:])
    return text[:0].join(parts)
