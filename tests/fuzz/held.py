"""What must hold of any conversation: a report, no fault of ours, and nothing that was not sent."""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Iterator

from inspector.inspection import Inspector, Sources
from inspector.model.capture import KeyMaterial
from inspector.model.report import Report
from inspector.options import Options
from inspector.report.formats.whole import as_json
from inspector.report.page.terminal import render
from tests.exchanges.network import FINGERPRINT_KEY, Network
from tests.flows.build import Packet, batch
from tests.fuzz.talks import SECRET, TALKS, Conversation, Flights, damaged_flights, key_of, keys
from tests.redaction.test_packets import redacted

OPTIONS = Options(scope="all", fingerprint_key=FINGERPRINT_KEY)
#: One in so many is also redacted and drawn, which takes longer.
_ALSO = 5


class _Logged(logging.Handler):
    """What is logged of a reader that failed: of a copy no report says it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(record.getMessage())

    def __enter__(self) -> _Logged:
        logging.getLogger("inspector").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("inspector").removeHandler(self)


def has_key(text: bytes) -> bool:
    """Whether twelve bytes of the secret part of the key stand in it."""
    return any(piece in text for piece in _PIECES)


_PIECES = [SECRET[at : at + 12].encode() for at in range(len(SECRET) - 11)]


def played(flights: Flights, rng: random.Random, *, rough: bool = True) -> list[Packet]:
    """On a connection to the API proxy: cut at random; `rough`: some lost, late or sent again."""
    net = Network()
    tcp = net.to_api_proxy()
    loses = rough and rng.random() < 0.3
    for up, data in flights:
        at = 0
        while at < len(data):
            size = rng.choice([1, 5, 9, 60, 1448, 1448, 9000])
            tcp.send(up, data[at : at + size])
            at += size
            if loses and rng.random() < 0.05:
                tcp.ack(not up)
                del net.wire.packets[-2]
            elif rough and rng.random() < 0.05:
                tcp.again()
        tcp.ack(not up)
    packets = net.wire.packets
    if not rough:
        tcp.close()
        return packets
    if rng.random() < 0.7:
        tcp.close() if rng.random() < 0.7 else tcp.reset(rng.random() < 0.5)
    if rng.random() < 0.1:
        del packets[: rng.randrange(8)]
    if rng.random() < 0.1:
        late = rng.randrange(len(packets))
        packets.insert(late, packets.pop(rng.randrange(len(packets))))
    return packets


def report_of(talk: Conversation, packets: list[Packet]) -> Report:
    inspector = Inspector(OPTIONS, keys=keys(talk.key_log))
    inspector.feed(batch(packets))
    material = KeyMaterial(("keys.log",), 0, len(talk.key_log), 0) if talk.key_log else None
    return inspector.finish(Sources(keys=material))


def failures(name: str, seed: int) -> Iterator[str]:
    """What is wrong with the report of one damaged conversation; nothing, as a rule."""
    rng = random.Random(f"{name} {seed}")
    talk = TALKS[name](key_of(SECRET))
    packets = played(damaged_flights(talk.flights, rng), rng)
    with _Logged() as logged:
        yield from _of(name, talk, packets, seed)
    yield from logged.told


def _of(name: str, talk: Conversation, packets: list[Packet], seed: int) -> Iterator[str]:
    report = report_of(talk, packets)
    told = as_json(report)
    json.loads(told)
    yield from (
        f"{odd.name}: {odd.detail}" for odd in report.oddities if odd.name == "internal-error"
    )
    if has_key(told):
        yield "a key is in the report"
    if seed % _ALSO == 0:
        if has_key(render(report, width=200, verbosity=2).encode()):
            yield "a key is on the page"
        out, _ = redacted(packets)
        if any(has_key(part.data) for part in out):
            yield "a key is in the copy"
    inner = [exchange for exchange in report.exchanges if exchange.decrypted]
    if inner and name in ("tls", "tls, early data"):
        yield from _wrong(report)


def _wrong(report: Report) -> Iterator[str]:
    """Inside TLS nothing may be read that nobody said: each record is authenticated."""
    for exchange in report.exchanges:
        if not exchange.decrypted:
            continue
        request, response = exchange.request, exchange.response
        if request is not None and request.complete:
            said = (request.method, request.target, request.body_bytes)
            if said != ("POST", "/v1/messages", 80):
                yield f"a request inside TLS that nobody sent: {request}"
        if response is not None and response.complete and response.status != 401:
            yield f"an answer inside TLS that nobody sent: {response}"
