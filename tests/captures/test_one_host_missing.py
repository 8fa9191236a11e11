"""Without the frames of one host a capture is never said to be whole, and no verdict turns over.

Acknowledgements of the other hosts prove what is not there.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from inspector.inspection import Inspector
from inspector.model.report import Report
from inspector.options import Options
from inspector.pcap.reader import merged, open_captures
from inspector.wire import Batch
from lab.index import CAPTURES

FOLDERS = sorted(path.parent for path in CAPTURES.glob("*/truth.json"))
HOSTS = {"agent": 20, "api-proxy": 30, "squid": 10}
#: Where the IPv4 header of a frame begins, by link type: Ethernet, Linux cooked capture.
IP_AT = {1: 14, 113: 16}
#: A refused attempt of which only the SYN was captured looks like one that nobody answered; without
#: the only host that sent TCP nothing is left to tell.
NOT_TO_BE_TOLD = {("squid-down", "squid"), ("api-proxy-gone", "agent")}


def without(folder: Path, host: int | None) -> Report:
    """The report of a capture without the IPv4 frames that 172.30.0.`host` sent."""
    inspector = Inspector(Options(fingerprint_key=bytes(32)))
    sender = None if host is None else bytes((172, 30, 0, host))
    readers = open_captures([str(next(folder.glob("capture.*")))], None)
    for found in merged(readers):
        at = IP_AT.get(found.link_type, 0)
        records = [
            record
            for record in found.records
            if found.data[record[1] + at + 12 : record[1] + at + 16] != sender
        ]
        inspector.feed(Batch(found.data, records, found.link_type, found.first_packet))
    for reader in readers:
        reader.close()
    return inspector.finish()


@cache
def whole(folder: Path) -> Report:
    return without(folder, None)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_report_knows_what_was_not_heard(folder: Path, host: str) -> None:
    told, before = without(folder, HOSTS[host]), whole(folder)
    if told.completeness.packets == before.completeness.packets:  # it sent nothing
        assert told == before
    elif (folder.name, host) not in NOT_TO_BE_TOLD:
        assert told.completeness.verdict != "complete"
        assert told.completeness.unread
    verdicts = {item.id: item.verdict for item in before.hypotheses}
    for item in told.hypotheses:
        assert {item.verdict, verdicts[item.id]} != {"confirmed", "refuted"}
