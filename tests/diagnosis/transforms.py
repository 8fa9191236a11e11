"""What changes nothing of what happened: other times, addresses, files, other traffic beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, TypeAlias

from inspector.options import Options
from inspector.wire import packet_reference
from tests.diagnosis.degraded import IP_AT, Frame
from tests.exchanges.network import FINGERPRINT_KEY, Network, request, response, say

Frames: TypeAlias = Sequence[Frame]

SECOND: Final = 1_000_000_000
HOUR: Final = 3600 * SECOND


#: One key for the fingerprints of both reports.
TELLING: Final = Options(fingerprint_key=FINGERPRINT_KEY)


@dataclass(frozen=True, slots=True)
class Transform:
    """How a capture is changed, and how its report's addresses are called afterwards."""

    change: Callable[[Frames], list[Frame]]
    options: Options = TELLING
    #: Text of the changed report -> text of the original's.
    back: tuple[tuple[str, str], ...] = ()


def delayed(by: int) -> Callable[[Frames], list[Frame]]:
    """The whole capture happens later (ns)."""
    return lambda whole: [frame._replace(at=frame.at + by) for frame in whole]


def rounded(to: int) -> Callable[[Frames], list[Frame]]:
    """The capture's clock has no more resolution (ns): many times are equal."""
    return lambda whole: [frame._replace(at=frame.at // to * to) for frame in whole]


def split(whole: Frames) -> list[Frame]:
    """The capture was written into three files, one after the other."""
    third = -(-len(whole) // 3)
    return [
        frame._replace(number=packet_reference(place // third, place % third + 1))
        for place, frame in enumerate(whole)
    ]


def beside_others(whole: Frames) -> list[Frame]:
    """Hosts of another network talk HTTP meanwhile, on the same wire."""
    begin, end = whole[0].at, whole[-1].at
    others = _others()
    pause = max(1, (end - begin) // len(others))
    more = [
        Frame(0, begin + place * pause, 1, data, len(data)) for place, data in enumerate(others)
    ]
    merged = sorted([*whole, *more], key=lambda frame: frame.at)
    return [frame._replace(number=number) for number, frame in enumerate(merged, start=1)]


@cache
def _others() -> tuple[bytes, ...]:
    net = Network()
    for _ in range(6):
        tcp = net.to("10.77.0.9", 8080, "10.77.0.8")
        say(tcp, request("POST /v1/messages HTTP/1.1", "x-api-key: LABONLY"), response()).close()
    return tuple(packet.frame for packet in net.wire.packets)


#: The bridge's addresses, and others of equal length for them.
_OLD: Final = b"\xac\x1e\x00"
_NEW: Final = b"\xac\x1d\x07"


def renamed(whole: Frames) -> list[Frame]:
    """Another bridge: 172.29.7.0/24 in the packets' addresses and in what is said of them."""
    return [frame._replace(data=_renamed(frame)) for frame in whole]


def _renamed(frame: Frame) -> bytes:
    start = IP_AT.get(frame.link_type, 0)
    data = bytearray(frame.data)
    if len(data) < start + 20 or data[start] >> 4 != 4:
        return frame.data
    for at in (start + 12, start + 16):
        if data[at : at + 3] == _OLD:
            data[at : at + 3] = _NEW
    return bytes(data).replace(b"172.30.0.", b"172.29.7.")


def stepping(by: int, share: float) -> Callable[[Frames], list[Frame]]:
    """The clock is set once, by this much (ns), after this share of the packets."""

    def change(whole: Frames) -> list[Frame]:
        after = int(len(whole) * share)
        return [
            frame._replace(at=frame.at + (by if place >= after else 0))
            for place, frame in enumerate(whole)
        ]

    return change


#: Name -> what is done.  All of the stable report stays as it is.
HARMLESS: Final[dict[str, Transform]] = {
    "an hour later": Transform(delayed(HOUR)),
    "times in microseconds": Transform(rounded(1000)),
    "split into three files": Transform(split),
    "beside other hosts": Transform(
        beside_others, Options(subnet="172.30.0.0/24", fingerprint_key=FINGERPRINT_KEY)
    ),
    "on another bridge": Transform(
        renamed,
        replace(
            TELLING,
            subnet="172.29.7.0/24",
            agents=("172.29.7.20",),
            api_proxies=("172.29.7.30",),
            forward_proxies=("172.29.7.10",),
        ),
        (("172.29.7.", "172.30.0."),),
    ),
}

#: Name -> what is done.  Durations change: cause and verdicts stay, or are not told any more.
CLOCKS: Final[dict[str, Callable[[Frames], list[Frame]]]] = {
    "all times equal": rounded(1 << 62),
    "times in tenths of a second": rounded(SECOND // 10),
    "the clock is set back by an hour": stepping(-HOUR, 0.5),
    "the clock is set on by an hour": stepping(HOUR, 0.5),
}
