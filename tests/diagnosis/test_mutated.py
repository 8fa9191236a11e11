"""Another network, other ports and other clients: told of them, the report says the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from inspector import Report
from inspector.inspection import Inspector
from inspector.options import Options
from inspector.wire import Batch
from tests.diagnosis.degraded import Frame, frames
from tests.diagnosis.matrix import folders

ETHERNET: Final = 1
_ADDRESSES_AT: Final = 14 + 12
_NETWORK: Final = (bytes((172, 30, 0)), bytes((172, 31, 9)))

#: Ports of the proxies and what they become, as long in text as before.
PORTS: Final = {3128: 8128, **{port: port + 10_000 for port in range(10_000, 10_005)}}
#: Parts of user agents, which nothing may rest on; as long as before.
NAMES: Final = (
    (b"claude-cli/", b"wombat-cli/"),
    (b"curl/", b"qurl/"),
    (b"Anthropic/", b"Wombatics/"),
    (b"OpenAI/", b"OtherA/"),
)
TOPOLOGY: Final = """\
subnet = "172.31.9.0/24"
agents = ["172.31.9.20"]
api_proxies = ["172.31.9.30"]
forward_proxies = ["172.31.9.10:8128"]
[ports]
20000 = "openai"
20001 = "anthropic"
20002 = "copilot"
20003 = "gemini"
20004 = "vertex"
"""


def elsewhere(frame: Frame, *, ports: bool) -> Frame:
    """The frame in the other network; an IPv4 frame without IP options."""
    data = bytearray(frame.data)
    for at in (_ADDRESSES_AT, _ADDRESSES_AT + 4):
        if data[at : at + 3] == _NETWORK[0]:
            data[at : at + 3] = _NETWORK[1]
    if data[14] & 15 == 5 and data[23] == 6:
        for at in (34, 36):
            port = int.from_bytes(data[at : at + 2], "big")
            if ports or port == 3128:
                data[at : at + 2] = PORTS.get(port, port).to_bytes(2, "big")
    text = bytes(data).replace(b"172.30.0.", b"172.31.9.")
    for old, new in PORTS.items():
        if ports or old == 3128:
            text = re.sub(rb"(172\.31\.9\.\d+:)%d" % old, rb"\g<1>%d" % new, text)
    for name, other in NAMES:
        text = text.replace(name, other)
    return frame._replace(data=text)


def movable() -> list[Path]:
    """Captures of Ethernet and IPv4."""
    return [folder for folder in folders() if all(map(_is_movable, frames(folder)))]


def _is_movable(frame: Frame) -> bool:
    is_tcp_over_ipv6 = frame.data[12:14] == b"\x86\xdd" and frame.data[20] == 6
    return frame.link_type == ETHERNET and not is_tcp_over_ipv6


def report_of(folder: Path, options: Options, change: Callable[[Frame], Frame]) -> Report:
    inspector = Inspector(options)
    for frame in map(change, frames(folder)):
        record = (frame.at, 0, len(frame.data), frame.wire)
        inspector.feed(Batch(frame.data, [record], frame.link_type, frame.number))
    return inspector.finish()


def essence(report: Report) -> tuple[object, ...]:
    """What is concluded, without what names an address."""
    cause = report.root_cause
    return (
        None if cause is None else (cause.code, cause.explains, cause.of),
        tuple((item.id, item.verdict, item.because) for item in report.hypotheses),
        tuple((item.code, item.severity, item.count) for item in report.findings),
    )


def test_nearly_all_captures_can_be_moved() -> None:
    assert len(movable()) >= len(folders()) - 4


@pytest.mark.parametrize("folder", movable(), ids=lambda folder: folder.name)
def test_another_network_with_other_ports_told_by_a_file(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "topology.toml"
    path.write_text(TOPOLOGY)

    report = report_of(
        folder, Options(topology_file=path), lambda frame: elsewhere(frame, ports=True)
    )

    assert report.topology.source == "file"
    assert essence(report) == essence(report_of(folder, Options(), lambda frame: frame))


@pytest.mark.parametrize("folder", movable(), ids=lambda folder: folder.name)
def test_another_network_told_by_options(folder: Path) -> None:
    options = Options(
        subnet="172.31.9.0/24",
        agents=("172.31.9.20",),
        api_proxies=("172.31.9.30",),
        forward_proxies=("172.31.9.10:8128",),
    )

    report = report_of(folder, options, lambda frame: elsewhere(frame, ports=False))

    assert report.topology.source == "options"
    assert essence(report) == essence(report_of(folder, Options(), lambda frame: frame))
