"""The API proxy stand-in: what it does with headers, keys and answers, and its faults."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from lab import proxy, squid, upstream
from lab.network import Network
from lab.processes import until, why_not

QUICK = {"first_byte": 0.0, "pace": 0.005}
RETIRED = "context-1m-2025-08-07"
KEY = {"anthropic": proxy.ANTHROPIC_KEY}
#: Exit status of curl for a transfer that ended too early.
PARTIAL = 18


@dataclass(frozen=True, slots=True)
class Answer:
    """What curl made of an answer."""

    exit_status: int
    status: int
    headers: Mapping[str, str]
    #: As on the wire, chunks not taken apart.
    raw: bytes

    @property
    def chunks(self) -> list[bytes]:
        """Contents of the chunks; the empty one at the end is in when it came."""
        contents, rest = [], self.raw
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            contents.append(rest[: int(size, 16)])
            rest = rest[int(size, 16) + 2 :]
        return contents

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks) if "transfer-encoding" in self.headers else self.raw


@dataclass(frozen=True, slots=True)
class Lab:
    """A network with Squid and the APIs, and a proxy for as long as a test wants one."""

    network: Network
    upstream: upstream.Upstream

    @contextmanager
    def proxy(self, **settings: Any) -> Iterator[proxy.Proxy]:
        directory = self.network.directory / "proxy"
        usual: dict[str, Any] = {"keys": KEY, "probes": False, "ca": self.upstream.authority.root}
        running = proxy.start(self.network, directory=directory, **(usual | settings))
        with running.process:
            yield running

    def behave(self, **switches: Any) -> None:
        self.upstream.behave({"*": QUICK | switches})

    def curl(self, target: str, *arguments: str, port: int = 10001) -> Answer:
        head, body = self.network.directory / "head", self.network.directory / "body"
        body.write_bytes(b"")
        url = f"http://172.30.0.30:{port}{target}"
        options = ["-sS", "--raw", "-m", "20", "-D", str(head), "-o", str(body)]
        done = self.network.agent.run(["curl", *options, url, *arguments], check=False)
        status, *fields = head.read_text().split("\n")
        named = (line.partition(": ") for line in fields if ": " in line)
        headers = {name.lower(): value.strip() for name, _, value in named}
        return Answer(done.returncode, int(status.split()[1]), headers, body.read_bytes())

    def message(self, *headers: str, **body: Any) -> Answer:
        """A call to Anthropic through the proxy."""
        sent = ("anthropic-version: 2023-06-01", "content-type: application/json", *headers)
        fields = [part for header in sent for part in ("-H", header)]
        return self.curl("/v1/messages", *fields, "-d", json.dumps({"model": "lab"} | body))

    def finished_upstream(self) -> bool:
        """Whether the newest answer went out whole, by the upstream's own account."""
        call = self.told("request")[-1]["call"]
        answers: list[dict[str, Any]] = []

        def answered() -> bool:
            answers[:] = [row for row in self.told("response") if row["call"] == call]
            return bool(answers)

        until(answered, "the upstream to finish")
        return bool(answers[0]["finished"])

    def told(self, event: str) -> list[dict[str, Any]]:
        """The upstream's record."""
        return [row for row in self.upstream.records() if row["event"] == event]


@pytest.fixture(scope="module")
def module_lab(network: Network) -> Lab:
    if reason := why_not("node", "squid", "curl"):
        pytest.skip(reason)
    squid.start(network)
    return Lab(network, upstream.start(network, directory=network.directory / "up"))


@pytest.fixture
def lab(module_lab: Lab) -> Lab:
    module_lab.behave()
    return module_lab


def answered(running: proxy.Proxy, calls: int = 1) -> list[dict[str, Any]]:
    """The proxy's account of its answers: a client can be done before it is written."""
    until(lambda: len(rows(running, "answered")) >= calls, "the proxy's account of its answers")
    return rows(running, "answered")


def rows(running: proxy.Proxy, event: str) -> list[dict[str, Any]]:
    return [row for row in running.records() if row["event"] == event]


# --- headers and keys -------------------------------------------------------------------------


def test_the_clients_credentials_are_stripped_and_azures_is_forgotten(lab: Lab) -> None:
    stripped = ["Authorization: Bearer x", "x-api-key: x", "x-goog-api-key: x"]
    stripped += ["Proxy-Authorization: Basic eDp4", "Via: 1.1 x", "X-Forwarded-For: 1.2.3.4"]
    with lab.proxy():
        lab.message(*stripped, "api-key: LABONLY-azure")
    received = lab.told("request")[-1]
    assert received["auth"] == [
        {"name": "api-key", "value": "LABONLY-azure"},
        {"name": "x-api-key", "value": proxy.ANTHROPIC_KEY},
    ]
    assert not {"via", "x-forwarded-for"} & set(received["header_names"])


def test_a_version_is_added_only_where_the_client_sent_none(lab: Lab) -> None:
    with lab.proxy():
        lab.curl("/v1/messages", "-d", "{}")
        without = lab.told("request")[-1]["header_names"]
        lab.message()
        given = lab.told("request")[-1]["header_names"]
    assert without[-4:-2] == ["x-api-key", "anthropic-version"]
    assert given.index("anthropic-version") < given.index("x-api-key")


def test_a_key_in_the_query_is_removed(lab: Lab) -> None:
    with lab.proxy(keys={"gemini": proxy.GEMINI_KEY}):
        lab.curl("/v1beta/models/g:generateContent?key=x&alt=sse&api_key=y", port=10003)
    received = lab.told("request")[-1]
    assert received["target"] == "/v1beta/models/g:generateContent?alt=sse"
    assert received["auth"] == [{"name": "x-goog-api-key", "value": proxy.GEMINI_KEY}]


@pytest.mark.parametrize(("generation", "path"), [("new", "/v1/responses"), ("old", "/responses")])
def test_the_newer_generation_adds_a_missing_v1(lab: Lab, generation: str, path: str) -> None:
    with lab.proxy(keys={"openai": proxy.OPENAI_KEY}, generation=generation):
        lab.curl("/responses", "-d", "{}", port=10000)
    assert lab.told("request")[-1]["target"] == path


def test_a_trailing_space_in_the_key_is_harmless(lab: Lab) -> None:
    with lab.proxy(keys={"anthropic": proxy.ANTHROPIC_KEY + " "}, generation="old") as running:
        assert lab.message().status == 200
    assert rows(running, "sent")[0]["auth"][0]["value"] == proxy.ANTHROPIC_KEY + " "


def test_a_newline_in_the_key_ends_the_older_generation_and_the_record_says_so(lab: Lab) -> None:
    keys = {"anthropic": proxy.ANTHROPIC_KEY + "\n"}
    directory = lab.network.directory / "dies"
    running = proxy.start(lab.network, directory=directory, keys=keys, generation="old")
    with running.process:
        lab.network.agent.run(
            ["curl", "-sS", "http://172.30.0.30:10001/v1/messages", "-d", "{}"], check=False
        )
        assert running.process.wait() == 1
    assert rows(running, "died")[0]["error"] == "ERR_INVALID_CHAR"
    assert rows(running, "answered") == rows(running, "attempt") == []


def test_a_wrong_scheme_is_sent_to_copilot_on_request(lab: Lab) -> None:
    keys = {"copilot": proxy.COPILOT_KEY}
    with lab.proxy(keys=keys, faults={"copilot_scheme": "token"}):
        answer = lab.curl("/chat/completions", "-d", "{}", port=10002)
    assert (answer.status, answer.headers["content-type"][:10]) == (400, "text/plain")
    assert b"badly formatted" in answer.body


def test_a_retired_beta_is_tried_again_without_by_the_newer_generation(lab: Lab) -> None:
    with lab.proxy() as running:
        assert lab.message(f"anthropic-beta: {RETIRED}").status == 200
    statuses = [row["status"] for row in rows(running, "upstream_response")]
    tunnels = {row["tunnel"] for row in rows(running, "attempt")}
    sent = ["anthropic-beta" in row["header_names"] for row in rows(running, "sent")]
    assert (statuses, len(tunnels), sent) == ([400, 200], 2, [True, False])
    assert len(rows(running, "request")) == 1


def test_another_400_is_not_tried_again(lab: Lab) -> None:
    lab.behave(answer="400")
    with lab.proxy() as running:
        assert lab.message("anthropic-beta: files-api-2025-04-14").status == 400
    assert len(rows(running, "attempt")) == 1


def test_the_older_generation_relays_the_400(lab: Lab) -> None:
    with lab.proxy(generation="old") as running:
        assert lab.message(f"anthropic-beta: {RETIRED}").status == 400
    assert len(rows(running, "attempt")) == 1


# --- answers of its own -----------------------------------------------------------------------


@pytest.mark.parametrize(("name", "status"), list(zip(proxy.GUARDS, (429, 429, 403), strict=True)))
def test_a_guard_answers_without_a_tunnel(lab: Lab, name: str, status: int) -> None:
    with lab.proxy(faults={"guard": {"name": name, "after": 1}}) as running:
        first, second = lab.message(), lab.message()
        sources = [row["source"] for row in answered(running, calls=2)]
    assert (first.status, second.status) == (200, status)
    assert json.loads(second.body)["error"]["type"] == name
    assert len(rows(running, "attempt")) == 1
    assert sources == ["upstream", "proxy"]


def test_a_body_over_ten_megabytes_is_refused(lab: Lab) -> None:
    large = lab.network.directory / "large"
    large.write_bytes(bytes(10 * 1024 * 1024 + 1))
    with lab.proxy() as running:
        answer = lab.curl("/v1/messages", "--data-binary", f"@{large}", "-H", "Expect:")
    assert answer.status == 413
    assert rows(running, "attempt") == []


def test_an_upstream_that_is_not_trusted_never_sees_the_key(lab: Lab) -> None:
    with lab.proxy(ca=None) as running:
        answer = lab.message()
    assert answer.status == 502
    assert json.loads(answer.body)["error"] == "Proxy error"
    assert [row["status"] for row in rows(running, "attempt")] == [200]
    assert rows(running, "sent") == []


@pytest.mark.parametrize("target", ["/health", "/reflect", "/metrics"])
def test_management_is_answered_on_the_first_port_only(lab: Lab, target: str) -> None:
    with lab.proxy() as running:
        assert lab.curl(target, port=10000).status == 200
        assert lab.curl(target).status == 404
    assert len(rows(running, "attempt")) == 1


def upgrade(lab: Lab, running: proxy.Proxy) -> int:
    """The status that answers a WebSocket upgrade; curl leaves once it has it."""
    fields = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
    fields.append("Sec-WebSocket-Key: bGFib25seWxhYm9ubHlsYQ==")
    sent = [part for header in fields for part in ("-H", header)]
    answer = lab.curl("/v1/responses", "--http1.1", "-m", "1", *sent, port=10000)
    assert answered(running)[0]["status"] == answer.status
    return answer.status


def test_an_upgrade_is_passed_on_or_refused(lab: Lab) -> None:
    keys = {"openai": proxy.OPENAI_KEY}
    with lab.proxy(keys=keys) as running:
        assert upgrade(lab, running) == 101
    with lab.proxy() as running:
        assert upgrade(lab, running) == 503
    with lab.proxy(keys=keys, ca=None) as running:
        assert upgrade(lab, running) == 502


def test_a_newline_in_the_key_ends_the_header_block_of_an_upgrade(lab: Lab) -> None:
    keys = {"openai": proxy.OPENAI_KEY + "\n"}
    with lab.proxy(keys=keys, generation="old") as running:
        assert upgrade(lab, running) == 400
        assert running.process.running


# --- what happens to an answer on its way -----------------------------------------------------


def test_a_rechunked_stream_holds_the_same_events(lab: Lab) -> None:
    with lab.proxy():
        plain = lab.message(stream=True)
    with lab.proxy(faults={"stream": "rechunk"}):
        cut = lab.message(stream=True)
    assert max(map(len, cut.chunks)) == 100
    assert cut.chunks[-1] == b""
    assert cut.body.count(b"event: ") == plain.body.count(b"event: ")
    assert cut.body.endswith(b'data: {"type":"message_stop"}\n\n')


def test_a_buffered_stream_comes_at_once(lab: Lab) -> None:
    with lab.proxy(faults={"stream": "buffer"}):
        answer = lab.message(stream=True)
    assert len(answer.chunks) == 2
    assert b"message_start" in answer.chunks[0]
    assert b"message_stop" in answer.chunks[0]


def test_a_mangled_stream_has_two_broken_events(lab: Lab) -> None:
    with lab.proxy(faults={"stream": "mangle"}):
        body = lab.message(stream=True).body
    assert body.count(b"\ndata {") == 1
    assert body.count(b"}\nevent: ") == 1
    assert b"message_stop" in body


@pytest.mark.parametrize(("fault", "status"), [("truncate", PARTIAL), ("truncate-clean", 0)])
def test_a_truncated_stream_goes_on_in_the_tunnel(lab: Lab, fault: str, status: int) -> None:
    with lab.proxy(faults={"stream": fault, "stream_after": 3}) as running:
        answer = lab.message(stream=True)
        assert lab.finished_upstream()
        finished = answered(running)[0]["finished"]
    assert answer.exit_status == status
    assert b"message_start" in answer.body
    assert b"message_stop" not in answer.body
    assert finished == (status == 0)


def test_a_label_is_changed(lab: Lab) -> None:
    with lab.proxy(faults={"stream": "content-type"}):
        assert lab.message(stream=True).headers["content-type"] == "text/plain"
    with lab.proxy(faults={"stream": "gzip-label"}):
        answer = lab.message(stream=True)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.body.startswith(b"event: ")


def test_a_compressed_stream_can_lose_its_label(lab: Lab) -> None:
    with lab.proxy(faults={"stream": "gzip-unlabelled"}):
        answer = lab.message("Accept-Encoding: gzip", stream=True)
    assert "content-encoding" not in answer.headers
    assert gzip.decompress(answer.body).startswith(b"event: message_start")


def test_json_is_left_alone_by_a_stream_fault_unless_told(lab: Lab) -> None:
    with lab.proxy(faults={"stream": "content-type"}):
        assert lab.message().headers["content-type"] == "application/json"
    with lab.proxy(faults={"stream": "content-type", "stream_any": True}):
        assert lab.message().headers["content-type"] == "text/plain"


def test_the_older_generation_hides_a_cut_behind_a_clean_last_chunk(lab: Lab) -> None:
    lab.behave(stream="cut", after=4)
    with lab.proxy(generation="old"):
        answer = lab.message(stream=True)
    assert (answer.exit_status, answer.chunks[-1]) == (0, b"")
    assert json.loads(answer.chunks[-2])["error"] == "Response stream error"


@pytest.mark.parametrize("how", ["cut", "reset"])
def test_the_newer_generation_shows_a_cut(lab: Lab, how: str) -> None:
    lab.behave(stream=how, after=4)
    with lab.proxy():
        answer = lab.message(stream=True)
    assert answer.exit_status == PARTIAL
    assert answer.chunks[-1] != b""


def test_a_session_is_resumed_on_request(lab: Lab) -> None:
    with lab.proxy(faults={"resume": True}) as running:
        lab.message()
        lab.message()
    assert [row["resumed"] for row in rows(running, "sent")] == [False, True]
    assert [row["resumed"] for row in lab.told("tls")][-2:] == [False, True]


def test_tls_1_2_is_spoken_on_request(lab: Lab) -> None:
    with lab.proxy(faults={"tls_version": "TLSv1.2"}) as running:
        assert lab.message().status == 200
    assert rows(running, "sent")[0]["tls"] == lab.told("tls")[-1]["version"] == "TLSv1.2"


# --- start-up ---------------------------------------------------------------------------------


def test_the_newer_generation_tries_its_keys_before_any_agent_asks(lab: Lab) -> None:
    keys = KEY | {"openai": proxy.OPENAI_KEY}
    with lab.proxy(keys=keys, probes=True) as running:
        attempts = rows(running, "attempt")
    assert [row["purpose"] for row in attempts] == ["startup"] * 4
    verdicts = [json.loads(line) for line in running.output.read_text().splitlines()]
    told = {row["provider"]: row["status"] for row in verdicts if row["event"] == "key_validation"}
    assert told == {"anthropic": "valid", "openai": "valid"}


def test_an_unknown_fault_is_refused(lab: Lab) -> None:
    with (
        pytest.raises(ValueError, match="no such fault of the proxy: gard"),
        lab.proxy(faults={"gard": {}}),
    ):
        pass
