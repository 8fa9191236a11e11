"""Classic BPF: the filter for a subnet, assembled without libpcap.

The rung below the eBPF filter: every Linux takes it, and it needs no more
privilege than the socket.  It keeps what touches one of the networks:
IPv4 and IPv6 by source or destination, ARP by sender or target (a host that
went away is seen by the ARP requests for it), behind up to two VLAN tags that
are still in the frame.  It takes and drops whole frames: lengths are not cut,
ports are not looked at.

Source: McCanne and Jacobson, "The BSD Packet Filter" (1993); Linux,
Documentation/networking/filter.rst.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Final, TypeAlias

IPNetwork: TypeAlias = IPv4Network | IPv6Network

#: One instruction as the kernel takes it: code, jump if true, jump if false, constant.
Instruction: TypeAlias = tuple[int, int, int, int]

#: More than the largest frame: a GSO superframe has up to 512 KiB.
WHOLE: Final = 0x00100000

# Codes, from linux/bpf_common.h.
_LDX_IMM: Final = 0x01
_LD_W_IND: Final = 0x40
_LD_H_IND: Final = 0x48
_JA: Final = 0x05
_JEQ: Final = 0x15
_AND: Final = 0x54
_RET: Final = 0x06

# Offsets in an Ethernet frame; X holds the length of the tags before the ethertype.
_ETHERTYPE: Final = 12
_IPV4_ADDRESSES: Final = (26, 30)
_ARP_ADDRESSES: Final = (28, 38)
_IPV6_ADDRESSES: Final = (22, 38)
_TAGS: Final = (0x8100, 0x88A8, 0x9100)
_MOST_TAGS: Final = 2
_TAG_BYTES: Final = 4

#: A conditional jump goes at most so far.
_FARTHEST: Final = 255

KEEP_NOTHING: Final[tuple[Instruction, ...]] = ((_RET, 0, 0, 0),)


@dataclass(slots=True)
class _Line:
    """An instruction whose jumps are still labels."""

    code: int
    constant: int = 0
    true: str | None = None
    false: str | None = None


class _Assembler:
    """Collects lines and labels; `program` resolves them."""

    def __init__(self) -> None:
        self._lines: list[_Line] = []
        self._labels: dict[str, int] = {}

    def label(self, name: str) -> None:
        self._labels[name] = len(self._lines)

    def add(
        self, code: int, constant: int = 0, true: str | None = None, false: str | None = None
    ) -> None:
        self._lines.append(_Line(code, constant, true, false))

    def program(self) -> tuple[Instruction, ...]:
        return tuple(self._resolved(at, line) for at, line in enumerate(self._lines))

    def _resolved(self, at: int, line: _Line) -> Instruction:
        def distance(label: str | None) -> int:
            return 0 if label is None else self._labels[label] - at - 1

        if line.code == _JA:
            return line.code, 0, 0, distance(line.true)
        true, false = distance(line.true), distance(line.false)
        if max(true, false) > _FARTHEST:
            raise ValueError("too many networks for one classic filter")
        return line.code, true, false, line.constant


def subnet_program(networks: Sequence[IPNetwork]) -> tuple[Instruction, ...]:
    """The program that keeps whole Ethernet frames touching one of `networks`.

    Raises ValueError for no network at all, or more than fit (some dozens).
    """
    if not networks:
        raise ValueError("a subnet filter needs a network")
    four = [network for network in networks if isinstance(network, IPv4Network)]
    six = [network for network in networks if isinstance(network, IPv6Network)]
    out = _Assembler()
    for tags in range(_MOST_TAGS + 1):
        out.label(f"tags{tags}")
        out.add(_LDX_IMM, tags * _TAG_BYTES)
        out.add(_LD_H_IND, _ETHERTYPE)
        following = f"tags{tags + 1}" if tags < _MOST_TAGS else "drop"
        for tag in _TAGS:
            out.add(_JEQ, tag, true=f"jump{tags}")
        out.add(_JA, true="types")
        out.label(f"jump{tags}")
        out.add(_JA, true=following)
    out.label("types")
    for ethertype, networks_of, offsets, label in (
        (0x0800, four, _IPV4_ADDRESSES, "ipv4"),
        (0x0806, four, _ARP_ADDRESSES, "arp"),
        (0x86DD, six, _IPV6_ADDRESSES, "ipv6"),
    ):
        if not networks_of:
            continue
        out.add(_JEQ, ethertype, false=f"not-{label}")
        for network in networks_of:
            for offset in offsets:
                _match(out, network, offset, f"{label}-{network}-{offset}")
        out.label(f"not-{label}")
        # The next comparison is with the ethertype again: it was lost in A.
        out.add(_LD_H_IND, _ETHERTYPE)
    out.label("drop")
    out.add(_RET, 0)
    return out.program()


def _match(out: _Assembler, network: IPNetwork, offset: int, unique: str) -> None:
    """Keep the frame if the address at `offset` is in `network`, else go on behind."""
    address, mask = network.network_address.packed, network.netmask.packed
    for word in range(0, len(address), 4):
        bits = int.from_bytes(mask[word : word + 4])
        if not bits:
            break
        out.add(_LD_W_IND, offset + word)
        if bits != 0xFFFFFFFF:
            out.add(_AND, bits)
        out.add(_JEQ, int.from_bytes(address[word : word + 4]), false=unique)
    out.add(_RET, WHOLE)
    out.label(unique)
