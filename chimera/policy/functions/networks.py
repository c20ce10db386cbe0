"""Addresses (`net.IP`) and networks (`net.CIDR`), as Kubernetes reads them.

Refuses zones, leading zeros and IPv4 addresses inside IPv6 ones.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from chimera.policy.functions.signature import CIDR, IP, Function, Value, tag, untag

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

    Address = IPv4Address | IPv6Address
    Network = IPv4Network | IPv6Network

_BITS = r"(?a)0|[1-9]\d{0,2}"
_BROADCAST = "255.255.255.255"


@lru_cache(256)
def _address(text: str) -> Address:
    import ipaddress  # 5 ms, which most judgings need not spend

    if "%" in text:
        raise ValueError(f"{text[:50]!r} is not an IP address: a zone is not allowed")
    try:
        found = ipaddress.ip_address(text)
    except ValueError as error:
        raise ValueError(f"{text[:50]!r} is not an IP address") from error
    if found.version == 6 and found.ipv4_mapped is not None:
        raise ValueError(f"{text[:50]!r} is not an IP address: IPv4 in IPv6 is not allowed")
    return found


def _prefix(text: str) -> tuple[Address, int]:
    host, _, bits = text.partition("/")
    try:
        found = _address(host)
    except ValueError as error:
        raise ValueError(f"{text[:50]!r} is not a network in CIDR notation") from error
    if re.fullmatch(_BITS, bits) is None or int(bits) > found.max_prefixlen:
        raise ValueError(f"{text[:50]!r} is not a network in CIDR notation: its length is invalid")
    return found, int(bits)


def _network(text: str) -> Network:
    import ipaddress

    return ipaddress.ip_network(text, strict=False)


def _ip(value: Any) -> Address:
    return _address(untag(IP, value))


def _text(address: Address, bits: int) -> str:
    return f"{address}/{bits}"


def _cidr(text: str) -> Value:
    return tag(CIDR, _text(*_prefix(text)))


def _is(parse: Any, text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _make_ip(value: Any) -> Value:
    """Return an address: of a text, or of a network, whose host part it keeps."""
    text = value if isinstance(value, str) else untag(CIDR, value).partition("/")[0]
    return tag(IP, str(_address(text)))


def _is_link_local_multicast(value: Any) -> bool:
    address = _ip(value)
    if address.version == 4:
        return address.packed[:3] == b"\xe0\x00\x00"
    return address.packed[0] == 0xFF and address.packed[1] & 0x0F == 2


def _is_global_unicast(value: Any) -> bool:
    address = _ip(value)
    local = address.is_unspecified or address.is_loopback or address.is_link_local
    return not (local or address.is_multicast or str(address) == _BROADCAST)


def _contains_ip(value: Any, other: Any) -> bool:
    address = _address(other) if isinstance(other, str) else _ip(other)
    network = _network(untag(CIDR, value))
    return address.version == network.version and address in network


def _contains_cidr(value: Any, other: Any) -> bool:
    outer = _network(untag(CIDR, value))
    inner = _network(_cidr(other)[CIDR] if isinstance(other, str) else untag(CIDR, other))
    return outer.version == inner.version and inner.subnet_of(outer)  # type: ignore[arg-type]


_IS = (((IP,), "bool"),)

FUNCTIONS = (
    Function("ip", ((("string",), IP),), _make_ip, member=False),
    Function("ip", (((CIDR,), IP),), _make_ip),
    Function("isIP", ((("string",), "bool"),), lambda s: _is(_address, s), member=False),
    Function(
        "ip.isCanonical", ((("string",), "bool"),), lambda s: str(_address(s)) == s, member=False
    ),
    Function("family", (((IP,), "int"),), lambda a: _ip(a).version),
    Function("isUnspecified", _IS, lambda a: _ip(a).is_unspecified),
    Function("isLoopback", _IS, lambda a: _ip(a).is_loopback),
    Function("isLinkLocalMulticast", _IS, _is_link_local_multicast),
    Function("isLinkLocalUnicast", _IS, lambda a: _ip(a).is_link_local),
    Function("isGlobalUnicast", _IS, _is_global_unicast),
    Function("cidr", ((("string",), CIDR),), _cidr, member=False),
    Function("isCIDR", ((("string",), "bool"),), lambda s: _is(_prefix, s), member=False),
    Function("containsIP", (((CIDR, "string"), "bool"), ((CIDR, IP), "bool")), _contains_ip),
    Function("containsCIDR", (((CIDR, "string"), "bool"), ((CIDR, CIDR), "bool")), _contains_cidr),
    Function("prefixLength", (((CIDR,), "int"),), lambda c: int(untag(CIDR, c).partition("/")[2])),
    Function("masked", (((CIDR,), CIDR),), lambda c: tag(CIDR, str(_network(untag(CIDR, c))))),
)
