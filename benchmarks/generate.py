"""Write a workload: traffic of the bridge as a classic pcap, and what is in it.

    python -m benchmarks.generate mixed --megabytes 100 mixed.pcap
    python -m benchmarks.generate sse --packets 2000000 [--acks 0] sse.pcap

The same arguments give the same bytes.  Beside the capture goes `NAME.json`
with the truth: how many packets, requests and CONNECTs were written.
"""

from __future__ import annotations

import argparse
import json
import random
import string
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Final

from benchmarks import content
from benchmarks.sealed import Noise, Sealed, Session
from benchmarks.wire import (
    MSS,
    PCAP_HEADER,
    Conversation,
    Host,
    Rendered,
    arp,
    pieces,
    record,
    superframes,
    udp,
)

AGENT: Final = Host.at("172.30.0.20")
API_PROXY: Final = Host.at("172.30.0.30")
SQUID: Final = Host.at("172.30.0.10")
RESOLVER: Final = Host.at("172.30.0.1")
DATABASE: Final = Host.at("172.30.0.60")

#: 2026-02-02 10:00:00 UTC in microseconds.
START: Final = 1_770_026_400_000_000

#: Connections that overlap in time; a window is rendered, sorted and written,
#: so memory stays at a few megabytes whatever the file's size.
CONCURRENT: Final = 8
STREAMS: Final = 16
EVENTS_A_STREAM: Final = 400

#: Of data segments: sent twice, and likewise swapped with their neighbour.
TROUBLE: Final = 0.001


@dataclass(slots=True)
class Truth:
    """What a workload holds."""

    packets: int = 0
    bytes: int = 0
    requests: int = 0
    connects: int = 0
    events: int = 0
    statuses: dict[str, int] = field(default_factory=dict)

    def answered(self, status: str) -> None:
        """Count a request and its answer."""
        self.requests += 1
        self.statuses[status] = self.statuses.get(status, 0) + 1


class Mixed:
    """Agent calls of about 90 KB through the API proxy, each with its TLS tunnel,
    and what an agent downloads meanwhile.

    The requests' forms (offloaded or not, auth headers, sizes) and the answers'
    (streamed, whole, gzip, 401, 429) vary as `_answers` says; keep-alive
    connections carry one to six calls.
    """

    def __init__(self, seed: int = 1) -> None:
        rng = self.rng = random.Random(seed)
        self.truth = Truth()
        self.noise = rng.randbytes(16384 + 17)
        self._noise_session = Noise(rng, self.noise)
        self.deltas = content.deltas(256, rng)
        sizes = [rng.randrange(60_000, 120_000) for _ in range(12)]
        self.requests = [
            content.request(size, content.AUTH_HEADERS[index % 4], rng)
            for index, size in enumerate(sizes)
        ]
        answers = [content.answer(rng.randrange(400, 6000), rng) for _ in range(8)]
        whole = [content.whole_response("200 OK", body) for body in answers]
        zipped = [content.whole_response("200 OK", body, zipped=True) for body in answers]
        denied = content.whole_response(
            "401 Unauthorized", content.api_error("authentication_error", "invalid x-api-key")
        )
        limited = content.whole_response(
            "429 Too Many Requests", content.api_error("rate_limit_error", "Number of requests")
        )
        #: (share in percent, the whole responses to choose from; none: a stream).
        self._answers: list[tuple[int, list[bytes]]] = [
            (60, []),
            (16, whole),
            (16, zipped),
            (4, [denied]),
            (4, [limited]),
        ]
        self._port = 32768

    def window(self, start: int) -> tuple[list[Rendered], int]:
        """Packets of some overlapping connections from `start`, and when the last ends."""
        out: list[Rendered] = []
        ends = [
            self._agent_connection(out, start + index * 40_000, offloaded=self.rng.random() < 0.7)
            for index in range(CONCURRENT)
        ]
        self._side_traffic(out, start)
        ends += [
            self._download(out, start + index * 700_000, connect, offloaded=index != 1)
            for index, connect in enumerate(content.DOWNLOADS)
        ]
        return out, max(ends)

    def _next_port(self) -> int:
        self._port = 32768 + (self._port - 32767) % 28000
        return self._port

    def _conversation(
        self, out: list[Rendered], client: Host, server: Host, port: int, now: int
    ) -> Conversation:
        ends = (client, self._next_port()), (server, port)
        return Conversation(out, ends, now, self.rng, TROUBLE)

    def _session(self, sni: str) -> Session:
        """The TLS of a tunnel."""
        return self._noise_session

    def _sealed_answer(self, status: str) -> None:
        """Count a request inside TLS that a reader with keys finds, and its answer."""

    def _agent_connection(self, out: list[Rendered], start: int, *, offloaded: bool) -> int:
        agent = self._conversation(out, AGENT, API_PROXY, 10001, start)
        agent.open()
        for _ in range(self.rng.randint(1, 6)):
            self._call(out, agent, offloaded=offloaded)
            agent.now += self.rng.randrange(50_000, 3_000_000)
        agent.close(by_client=self.rng.random() < 0.5)
        return agent.now

    def _call(self, out: list[Rendered], agent: Conversation, *, offloaded: bool) -> None:
        """A request, the tunnel made for it, and the answer on both hops."""
        rng, tls = self.rng, self._session("api.anthropic.com")
        request = self._request()
        agent.send(True, superframes(request) if offloaded else pieces(request, MSS))
        agent.flush(True)
        tunnel = self._conversation(out, API_PROXY, SQUID, 3128, agent.now + 5000)
        tunnel.open()
        tunnel.send(True, [content.CONNECT])
        tunnel.now += 1000
        tunnel.send(False, [content.ESTABLISHED])
        tunnel.send(True, pieces(tls.hello, MSS))
        tunnel.now += 8000
        tunnel.send(False, pieces(tls.flight, MSS))
        sealed = tls.seal(True, request)
        tunnel.send(True, [tls.finished])
        tunnel.send(True, superframes(sealed) if offloaded else pieces(sealed, MSS))
        tunnel.flush(True)
        tunnel.now += rng.randrange(200_000, 2_000_000)
        answer = self._answer()
        self._sealed_answer(answer[0][9:12].decode())
        for part in answer:
            tunnel.now += rng.randrange(300, 30_000)
            tunnel.send(False, pieces(tls.seal(False, part), MSS))
            agent.now = tunnel.now + 2000
            agent.send(False, pieces(part, MSS))
        agent.flush(False)
        tunnel.send(True, [tls.close_notify()])
        tunnel.close()
        self.truth.connects += 1

    def _request(self) -> bytes:
        return self.rng.choice(self.requests)

    def _download(self, out: list[Rendered], start: int, connect: bytes, *, offloaded: bool) -> int:
        """Some megabytes through a tunnel of the agent's own, in full TLS records."""
        tls = self._session(connect[8 : connect.index(b":")].decode())
        tunnel = self._conversation(out, AGENT, SQUID, 3128, start)
        tunnel.open()
        tunnel.send(True, [connect])
        tunnel.now += 2000
        tunnel.send(False, [content.ESTABLISHED])
        tunnel.send(True, pieces(tls.hello, MSS))
        tunnel.now += 8000
        tunnel.send(False, pieces(tls.flight, MSS))
        tunnel.send(True, [tls.finished, tls.seal(True, content.FETCH)])
        tunnel.flush(True)
        body = self.rng.randrange(1_000_000, 8_000_000)
        self._sealed_answer("200")
        head = content.response_head("200 OK", f"Content-Length: {body}")
        sealed = tls.seal(False, head + bytes(body - len(head)) + bytes(len(head)))
        tunnel.now += 30_000
        tunnel.send(False, superframes(sealed) if offloaded else pieces(sealed, MSS))
        tunnel.flush(False)
        tunnel.send(True, [tls.close_notify()])
        tunnel.close()
        self.truth.connects += 1
        return tunnel.now

    def _answer(self) -> list[bytes]:
        """The answer's parts as the upstream writes them."""
        rng = self.rng
        [(_, choices)] = rng.choices(self._answers, [share for share, _ in self._answers])
        if choices:
            response = rng.choice(choices)
            self.truth.answered(response[9:12].decode())
            return [response]
        deltas = rng.choices(self.deltas, k=rng.randrange(20, 200))
        self.truth.answered("200")
        self.truth.events += len(deltas) + len(content.STREAM_START) + len(content.STREAM_END)
        head = [content.STREAM_HEAD, *content.STREAM_START]
        return [*head, *deltas, *content.STREAM_END, content.LAST_CHUNK]

    def _side_traffic(self, out: list[Rendered], start: int) -> None:
        """A health check, a refused connection, a database, ARP and DNS."""
        health = self._conversation(out, AGENT, API_PROXY, 10000, start + 10_000)
        health.open()
        health.send(True, [content.HEALTH])
        health.send(False, [content.HEALTHY])
        health.close()
        self.truth.answered("200")
        self._conversation(out, AGENT, API_PROXY, 10003, start + 20_000).refused()
        database = self._conversation(out, AGENT, DATABASE, 5432, start + 30_000)
        database.open()
        for _ in range(10):
            database.send(True, [b"Q\x00\x00\x00\x0dSELECT 1\x00"])
            database.send(False, [b"T" + self.noise[:80]])
        database.close()
        out.append(record(start + 5, arp(AGENT, API_PROXY, reply=False)))
        out.append(record(start + 12, arp(API_PROXY, AGENT, reply=True)))
        question = bytes.fromhex(
            "b4c60100000100000000000002333001300233300331373207696e2d61646472046172706100000c0001"
        )
        out.append(record(start + 900, udp(SQUID, RESOLVER, (41999, 53), question)))
        no_name = question[:2] + b"\x81\x83" + question[4:]
        out.append(record(start + 1300, udp(RESOLVER, SQUID, (53, 41999), no_name)))


class Varied(Mixed):
    """Mixed, with what users vary: a new key in each call, and six of a hundred refused."""

    def __init__(self, seed: int = 1) -> None:
        super().__init__(seed)
        denied = self._answers[3][1]
        self._answers[0], self._answers[3] = (58, []), (6, denied)
        self._known = [auth.encode() for auth in content.AUTH_HEADERS]

    def _request(self) -> bytes:
        request = super()._request()
        key = "".join(self.rng.choices(string.ascii_letters + string.digits, k=40))
        fresh = f"x-api-key: sk-ant-api03-made-up-{key}\r\n".encode()
        for known in self._known:
            request = request.replace(known, fresh, 1)
        return request


class SmallCalls:
    """Short calls over keep-alive connections, a hundred each; six of a hundred are refused.

    `fresh`: each sends a key of its own, else all send one.
    """

    def __init__(self, *, fresh: bool, seed: int = 3) -> None:
        self.rng = random.Random(seed)
        self.truth = Truth()
        self._fresh = fresh
        self._port = 20_000
        body = content.answer(200, self.rng)
        error = content.api_error("authentication_error", "invalid x-api-key")
        self._granted = content.whole_response("200 OK", body)
        self._denied = content.whole_response("401 Unauthorized", error)

    def window(self, start: int) -> tuple[list[Rendered], int]:
        """One connection."""
        out: list[Rendered] = []
        self._port = 20_000 + (self._port - 19_999) % 40_000
        ends = (AGENT, self._port), (API_PROXY, 10001)
        talk = Conversation(out, ends, start, self.rng)
        talk.open()
        for number in range(100):
            key = (
                "known"
                if not self._fresh
                else "".join(self.rng.choices(string.ascii_letters, k=40))
            )
            auth = f"x-api-key: sk-ant-api03-made-up-{key:x<40}\r\n"
            talk.send(True, pieces(content.request(300, auth, self.rng), MSS))
            denied = number % 17 == 16
            talk.send(False, pieces(self._denied if denied else self._granted, MSS))
            self.truth.answered("401" if denied else "200")
        talk.close()
        return out, talk.now


class Tunnels(Mixed):
    """What an agent downloads through tunnels of its own, and a few calls beside it."""

    def window(self, start: int) -> tuple[list[Rendered], int]:
        """A connection of one to six calls, and two rounds of downloads."""
        out: list[Rendered] = []
        ends = [self._agent_connection(out, start, offloaded=True)]
        ends += [
            self._download(out, start + index * 700_000, connect, offloaded=index % 3 != 1)
            for index, connect in enumerate(2 * content.DOWNLOADS)
        ]
        return out, max(ends)


class KeyedTunnels(Tunnels):
    """The same tunnels, sealed for real; `lines` are those of the key log that opens them."""

    def __init__(self, seed: int = 1) -> None:
        super().__init__(seed)
        self.lines: list[str] = []

    def _session(self, sni: str) -> Session:
        session = Sealed(sni, self.rng)
        self.lines += session.lines
        return session

    def _sealed_answer(self, status: str) -> None:
        self.truth.answered(status)


class SmallPackets:
    """Concurrent event streams: one small event a chunk, one chunk a packet."""

    def __init__(self, seed: int = 2, acks: int = 2, events: int = EVENTS_A_STREAM) -> None:
        rng = self.rng = random.Random(seed)
        self.truth = Truth()
        self.acks = acks
        self.events = events
        self.deltas = content.deltas(1024, rng)
        self.requests = [
            content.request(4000, content.AUTH_HEADERS[index], rng) for index in range(4)
        ]
        self._conversations: list[Conversation] = []

    def window(self, start: int) -> tuple[list[Rendered], int]:
        """One response on each of the long-lived connections."""
        out: list[Rendered] = []
        if not self._conversations:
            for index in range(STREAMS):
                ends = (AGENT, 40000 + index), (API_PROXY, 10001)
                conversation = Conversation(out, ends, start + index * 137, self.rng)
                conversation.open()
                self._conversations.append(conversation)
        for conversation in self._conversations:
            conversation.out = out
            conversation.now = max(conversation.now, start)
            self._stream(conversation)
        return out, max(conversation.now for conversation in self._conversations)

    def _stream(self, conversation: Conversation) -> None:
        rng, acks = self.rng, self.acks
        request = rng.choice(self.requests)
        conversation.send(True, pieces(request, MSS), acks)
        conversation.now += 2000
        deltas = rng.choices(self.deltas, k=self.events)
        parts = [content.STREAM_HEAD, *content.STREAM_START, *deltas, *content.STREAM_END]
        conversation.send(False, [*parts, content.LAST_CHUNK], acks)
        self.truth.answered("200")
        self.truth.events += len(parts) - 1


def windows(workload: Mixed | SmallCalls | SmallPackets) -> Iterator[list[Rendered]]:
    """The workload's packets in order of time, window after window, without end."""
    start = START
    while True:
        out, end = workload.window(start)
        out.sort(key=itemgetter(0))
        yield out
        start = end + 20_000


def write(
    workload: Mixed | SmallCalls | SmallPackets,
    path: Path,
    *,
    megabytes: float = 0,
    packets: int = 0,
) -> Truth:
    """Write whole windows until one of the two sizes is reached; return the truth."""
    truth = workload.truth
    with path.open("wb") as file:
        truth.bytes = file.write(PCAP_HEADER)
        for window in windows(workload):
            truth.bytes += file.write(b"".join([rendered for _, rendered in window]))
            truth.packets += len(window)
            if packets and truth.packets >= packets:
                break
            if megabytes and truth.bytes >= megabytes * 1e6:
                break
    if isinstance(workload, KeyedTunnels):
        path.with_suffix(".keylog").write_text("".join(workload.lines), encoding="ascii")
    path.with_suffix(".json").write_text(json.dumps(asdict(truth), indent=2) + "\n")
    return truth


def main() -> None:
    """The command: see the module's text."""
    parser = argparse.ArgumentParser(description="Write a workload as a pcap file.")
    parser.add_argument("workload", choices=["mixed", "sse"])
    parser.add_argument("path", type=Path)
    parser.add_argument("--megabytes", type=float, default=0, help="size of the file (mixed: 100)")
    parser.add_argument("--packets", type=int, default=0, help="number of packets (sse: 2000000)")
    parser.add_argument("--acks", type=int, default=2, help="sse: an ACK for so many segments")
    options = parser.parse_args()
    mixed = options.workload == "mixed"
    if not options.megabytes and not options.packets:
        options.megabytes, options.packets = (100, 0) if mixed else (0, 2_000_000)
    truth = write(
        Mixed() if mixed else SmallPackets(acks=options.acks),
        options.path,
        megabytes=options.megabytes,
        packets=options.packets,
    )
    print(json.dumps(asdict(truth)))


if __name__ == "__main__":
    main()
