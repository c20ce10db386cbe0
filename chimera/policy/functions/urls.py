"""URLs, absolute or an absolute path, taken apart as Go's `net/url` does for Kubernetes."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from chimera.policy.functions.signature import URL, Function, Value, tag, untag

_SCHEME = r"(?a)([A-Za-z][A-Za-z0-9+.-]*):"
_CONTROL = r"[\x00-\x1f\x7f]"
_BAD_ESCAPE = r"%(?![0-9A-Fa-f]{2})"
_PORT = r"(?::[0-9]*)?"
_USER = r"[A-Za-z0-9._~!$&'()*+,;=:%@-]*"
_HOST = r"[A-Za-z0-9._~!$&'()*+,;=:<>\"\[\]%\x80-\U0010ffff-]*"
_ESCAPED = r"[A-Za-z0-9._~!$&'()*+,;=:@/\[\]%-]*"
_KEPT_IN_PATH = "$&+,/:;=@-_.~"


class _Parts(NamedTuple):
    scheme: str = ""
    host: str = ""
    path: str = ""
    query: str = ""


def _parts(text: str) -> _Parts:
    """Take a URL apart; raises `ValueError` for what is neither absolute nor an absolute path."""
    if not text or re.search(_CONTROL, text):
        raise ValueError("a URL is not empty, and has no control characters")
    rest = text.partition("#")[0]
    found = re.match(_SCHEME, rest)
    scheme = found[1].lower() if found else ""
    rest = rest[found.end() :] if found else rest
    rest, _, query = rest.partition("?")
    if not rest.startswith("/"):
        if not scheme:
            raise ValueError(
                f"{text[:50]!r} is not a URL: it is neither absolute nor begins with /"
            )
        return _Parts(scheme, query=query)
    host = ""
    if scheme and rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        host, rest = _host(authority, text), slash + path
    if re.search(_BAD_ESCAPE, rest):
        raise ValueError(f"{text[:50]!r} is not a URL: a % in it stands for no character")
    return _Parts(scheme, host, rest, query)


def _host(authority: str, text: str) -> str:
    """Return the host with its port."""
    user, _, host = authority.rpartition("@")
    closing = host.rfind("]")
    port = host[closing + 1 :] if host.startswith("[") else host[host.rfind(":") :]
    if ":" not in host:
        port = ""
    is_valid = (
        re.fullmatch(_USER, user)
        and re.fullmatch(_HOST, host)
        and re.fullmatch(_PORT, port)
        and not re.search(_BAD_ESCAPE, authority)
        and (closing > 0) == host.startswith("[")
    )
    if not is_valid:
        raise ValueError(f"{text[:50]!r} is not a URL: its host or port is invalid")
    return host


def is_url(text: str) -> bool:
    """Tell whether `url` takes the text."""
    try:
        _parts(text)
    except ValueError:
        return False
    return True


def _url(text: str) -> Value:
    _parts(text)
    return tag(URL, text)


def _of(value: Any) -> _Parts:
    return _parts(untag(URL, value))


def _port(value: Any) -> str:
    host = _of(value).host
    return host[host.rfind("]") + 1 :].rpartition(":")[2] if _has_port(host) else ""


def _has_port(host: str) -> bool:
    return ":" in host[host.rfind("]") + 1 :]


def _hostname(value: Any) -> str:
    host = _of(value).host
    name = host.rpartition(":")[0] if _has_port(host) else host
    return name[1:-1] if name.startswith("[") else name


def _escaped_path(value: Any) -> str:
    from urllib.parse import quote, unquote_to_bytes

    path = _of(value).path
    return (
        path if re.fullmatch(_ESCAPED, path) else quote(unquote_to_bytes(path), safe=_KEPT_IN_PATH)
    )


def _query(value: Any) -> dict[str, list[str]]:
    from urllib.parse import unquote_plus

    found: dict[str, list[str]] = {}
    for pair in _of(value).query.split("&"):
        if pair and ";" not in pair and not re.search(_BAD_ESCAPE, pair):
            key, _, item = pair.partition("=")
            found.setdefault(unquote_plus(key), []).append(unquote_plus(item))
    return found


_TEXT = (((URL,), "string"),)

FUNCTIONS = (
    Function("url", ((("string",), URL),), _url, member=False),
    Function("isURL", ((("string",), "bool"),), is_url, member=False),
    Function("getScheme", _TEXT, lambda u: _of(u).scheme),
    Function("getHost", _TEXT, lambda u: _of(u).host),
    Function("getHostname", _TEXT, _hostname),
    Function("getPort", _TEXT, _port),
    Function("getEscapedPath", _TEXT, _escaped_path),
    Function("getQuery", (((URL,), "map(string, list(string))"),), _query),
)
