"""IP addresses and networks in CEL: `ip("10.0.0.1")`, `cidr("10.0.0.0/8")` and what can be asked of them.

IPv4 addresses written as IPv6 and addresses with a zone are refused, as Kubernetes refuses them.

Source: k8s.io/apiserver/pkg/cel/library/{ip,cidr}.go, Go's net/netip
"""

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from webhook.policy.cel.declare import BOOL, INT, STRING, THING, Function, by_kind, function, member, text_of, thing

IP, CIDR = "ip", "cidr"
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_BITS = re.compile(r"0|[1-9][0-9]{0,2}")
_LONGEST = 64
_LINK_LOCAL_MULTICAST = {4: ipaddress.ip_network("224.0.0.0/24"), 6: ipaddress.ip_network("ff02::/16")}


def address(text: str) -> Address:
    """Read an address.

    Raises:
        ValueError: it is none.
    """
    found = ipaddress.ip_address(text) if len(text) <= _LONGEST and "%" not in text else None
    if found is None or (found.version == 6 and found.ipv4_mapped is not None):
        raise ValueError("not an IP address")
    return found


def network(text: str) -> tuple[Address, int]:
    """Read an address and the length of its prefix.

    Raises:
        ValueError: it is none.
    """
    start, _, bits = text.partition("/")
    found = address(start)
    if not _BITS.fullmatch(bits) or int(bits) > found.max_prefixlen:
        raise ValueError("not a CIDR")
    return found, int(bits)


def _is(read: Any) -> Any:
    def is_readable(text: str) -> bool:
        try:
            read(text)
        except ValueError:
            return False
        return True

    return is_readable


def _ip(value: Mapping[str, Any]) -> Address:
    return address(text_of(IP, value))


def _cidr(value: Mapping[str, Any]) -> tuple[Address, int]:
    return network(text_of(CIDR, value))


def _made_ip(found: Address) -> dict[str, str]:
    return thing(IP, str(found))


def _made_cidr(found: Address, bits: int) -> dict[str, str]:
    return thing(CIDR, f"{found}/{bits}")


def _masked(found: Address, bits: int) -> int:
    return int(found) >> (found.max_prefixlen - bits)


def _contains(outer: tuple[Address, int], inner: tuple[Address, int]) -> bool:
    (start, bits), (other, other_bits) = outer, inner
    return start.version == other.version and bits <= other_bits and _masked(start, bits) == _masked(other, bits)


def _contains_ip(value: Mapping[str, Any], found: Address) -> bool:
    return _contains(_cidr(value), (found, found.max_prefixlen))


def _start(value: Mapping[str, Any]) -> dict[str, str]:
    return _made_ip(_cidr(value)[0])


def _whole(value: Mapping[str, Any]) -> dict[str, str]:
    found, bits = _cidr(value)
    return _made_cidr(type(found)(_masked(found, bits) << (found.max_prefixlen - bits)), bits)


def _is_global_unicast(found: Address) -> bool:
    """As Go says it: whatever is no broadcast, unspecified, loopback, multicast or link-local; private counts."""
    is_special = found.is_unspecified or found.is_loopback or found.is_multicast or _is_link_local(found)
    return not is_special and str(found) != "255.255.255.255"


def _is_link_local(found: Address) -> bool:
    return found.is_link_local


def _is_canonical(text: str) -> bool:
    return str(address(text)) == text


def _string(value: Mapping[str, Any]) -> str:
    return by_kind({IP: lambda one: text_of(IP, one), CIDR: lambda one: text_of(CIDR, one)})(value)  # type: ignore[no-any-return]


FUNCTIONS: tuple[Function, ...] = (
    function("ip", [STRING], THING, lambda text: _made_ip(address(text))),
    function("isIP", [STRING], BOOL, _is(address)),
    function("ip.isCanonical", [STRING], BOOL, _is_canonical),
    member("family", [THING], INT, lambda value: _ip(value).version),
    member("isUnspecified", [THING], BOOL, lambda value: _ip(value).is_unspecified),
    member("isLoopback", [THING], BOOL, lambda value: _ip(value).is_loopback),
    member(
        "isLinkLocalMulticast", [THING], BOOL, lambda value: _ip(value) in _LINK_LOCAL_MULTICAST[_ip(value).version]
    ),
    member("isLinkLocalUnicast", [THING], BOOL, lambda value: _is_link_local(_ip(value))),
    member("isGlobalUnicast", [THING], BOOL, lambda value: _is_global_unicast(_ip(value))),
    function("cidr", [STRING], THING, lambda text: _made_cidr(*network(text))),
    function("isCIDR", [STRING], BOOL, _is(network)),
    member("containsIP", [THING, STRING], BOOL, lambda value, text: _contains_ip(value, address(text))),
    member("containsIP", [THING, THING], BOOL, lambda value, other: _contains_ip(value, _ip(other))),
    member("containsCIDR", [THING, STRING], BOOL, lambda value, text: _contains(_cidr(value), network(text))),
    member("containsCIDR", [THING, THING], BOOL, lambda value, other: _contains(_cidr(value), _cidr(other))),
    member("ip", [THING], THING, _start),
    member("masked", [THING], THING, _whole),
    member("prefixLength", [THING], INT, lambda value: _cidr(value)[1]),
    function("string", [THING], STRING, _string),
)
