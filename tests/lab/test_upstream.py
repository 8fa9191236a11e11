"""The upstream stand-in: the real program on loopback, asked over real TLS."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab import proxy, upstream, upstream_behaviour, upstream_websocket
from lab.network import WORLD, Host
from lab.processes import find, until
from lab.upstream_behaviour import TLS
from lab.upstream_scripted import SCRIPTED

ANTHROPIC, OPENAI, COPILOT, GEMINI, BEDROCK = WORLD
PLACEHOLDER = "sk-ant-placeholder-key-for-credential-isolation"
QUICK = {"first_byte": 0.0, "pace": 0.0}
VERSION = ("anthropic-version", "2023-06-01")
KEY = ("x-api-key", proxy.ANTHROPIC_KEY)
#: How long a client waits for an answer that must not come.
PATIENCE = 0.2
_TCP_CLOSE = b"\x07"


class Here(Host):
    """This machine, on loopback: programs are started without a namespace."""

    def argv(self, command: Sequence[str | Path]) -> list[str]:
        return [str(part) for part in command]


@dataclass
class Apis:
    """The running program, and how to ask it."""

    running: upstream.Upstream

    def behave(self, **switches: Any) -> None:
        self.running.behave({"*": QUICK | switches})

    def place(self, host: str) -> tuple[str, int]:
        told = (row for row in self.running.records() if row["event"] == "listening")
        address = next(row["address"] for row in told if row["host"] == host)
        name, _, port = address.rpartition(":")
        return name, int(port)

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.running.authority.root)
        # Else OpenSSL answers a bare FIN by an alert, and the kernel that by RST.
        context.options |= ssl.OP_IGNORE_UNEXPECTED_EOF
        return context

    @contextlib.contextmanager
    def open(self, host: str) -> Iterator[http.client.HTTPConnection]:
        with (
            socket.create_connection(self.place(host), 10) as stream,
            self.context().wrap_socket(stream, server_hostname=host) as secured,
            contextlib.closing(http.client.HTTPConnection(host)) as connection,
        ):
            connection.sock = secured
            yield connection

    def ask(
        self,
        host: str,
        target: str,
        *headers: tuple[str, str],
        body: Mapping[str, Any] | None = None,
    ) -> tuple[http.client.HTTPResponse, bytes]:
        with self.open(host) as connection:
            data = json.dumps(body if body is not None else {"model": "lab"})
            connection.request("POST", target, data, dict(headers))
            response = connection.getresponse()
            return response, response.read()

    def answered(self) -> dict[str, Any]:
        """The record of the newest call's answer: a client can be done before it is written."""
        call = self.records("request")[-1]["call"]
        told: list[dict[str, Any]] = []

        def there() -> bool:
            told[:] = [row for row in self.records("response") if row["call"] == call]
            return bool(told)

        until(there, f"the answer to call {call} in the record")
        return told[0]

    def records(self, event: str) -> list[dict[str, Any]]:
        return [row for row in self.running.records() if row["event"] == event]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apis]:
    here = Here("here", "", "127.0.0.1")
    loopback = dict.fromkeys(WORLD, "127.0.0.1")
    directory = tmp_path_factory.mktemp("upstream")
    running = upstream.launch(here, directory=directory, addresses=loopback, port=0)
    with running.process:
        yield Apis(running)


@pytest.fixture
def apis(program: Apis) -> Apis:
    """Healthy and quick, whatever the test before asked for."""
    program.behave()
    return program


def messages(apis: Apis, *headers: tuple[str, str], **body: Any) -> tuple[int, Any]:
    """A call to Anthropic: status and decoded body."""
    response, data = apis.ask(ANTHROPIC, "/v1/messages", *headers, body={"model": "lab"} | body)
    return response.status, json.loads(data)


def events(data: bytes) -> list[str]:
    """Event names, or the data where there is no name, of a well-formed stream."""
    blocks = data.decode().removesuffix("\n\n").split("\n\n")
    lines = [block.split("\n") for block in blocks]
    return [block[0].removeprefix("event: ").removeprefix("data: ") for block in lines]


# --- credentials ------------------------------------------------------------------------------


def test_a_key_is_accepted_and_a_placeholder_is_not(apis: Apis) -> None:
    assert messages(apis, VERSION, KEY)[0] == 200
    status, body = messages(apis, VERSION, ("x-api-key", PLACEHOLDER))
    assert (status, body["error"]["message"]) == (401, "invalid x-api-key")


def test_the_message_of_a_401_tells_which_header_was_judged(apis: Apis) -> None:
    _, key = messages(apis, VERSION, ("x-api-key", PLACEHOLDER), ("authorization", "Bearer x"))
    _, bearer = messages(apis, VERSION, ("authorization", f"Bearer {PLACEHOLDER}"))
    _, none = messages(apis, VERSION)
    assert [body["error"]["message"] for body in (key, bearer, none)] == [
        "invalid x-api-key",
        "Invalid bearer token",
        "x-api-key header is required",
    ]


def test_the_id_of_an_anthropic_error_is_in_header_and_body(apis: Apis) -> None:
    response, data = apis.ask(ANTHROPIC, "/v1/messages")
    assert response.getheader("request-id") == json.loads(data)["request_id"]


def test_only_listed_keys_are_accepted_where_there_is_a_list(apis: Apis) -> None:
    apis.behave(accepts=["sk-ant-api03-LABONLY-other"])
    assert messages(apis, VERSION, KEY)[0] == 401
    assert messages(apis, VERSION, ("x-api-key", "sk-ant-api03-LABONLY-other"))[0] == 200


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ([KEY], "anthropic-version: header is required"),
        ([KEY, ("anthropic-version", "2099-01-01")], "is not a valid version"),
        ([KEY, VERSION, ("anthropic-beta", "a,context-1m-2025-08-07")], "`anthropic-beta` header"),
    ],
)
def test_headers_that_steer_are_judged(
    apis: Apis, headers: list[tuple[str, str]], said: str
) -> None:
    status, body = messages(apis, *headers)
    assert status == 400
    assert said in body["error"]["message"]


def test_openai_echoes_both_ends_of_a_wrong_key(apis: Apis) -> None:
    apis.behave(accepts=["nothing"])
    key = proxy.OPENAI_KEY
    response, data = apis.ask(OPENAI, "/v1/responses", ("authorization", f"Bearer {key}"))
    error = json.loads(data)["error"]
    assert (response.status, error["code"]) == (401, "invalid_api_key")
    assert f"{key[:8]}***" in error["message"]
    assert f"***{key[-4:]}." in error["message"]
    assert key not in error["message"]


def test_copilot_refuses_another_scheme_in_plain_text(apis: Apis) -> None:
    token = ("authorization", f"token {proxy.COPILOT_KEY}")
    response, data = apis.ask(COPILOT, "/chat/completions", token)
    assert (response.status, response.getheader("content-type")) == (
        400,
        "text/plain; charset=utf-8",
    )
    assert b"badly formatted" in data


@pytest.mark.parametrize("place", ["header", "query"])
def test_gemini_calls_a_bad_key_a_bad_request(apis: Apis, place: str) -> None:
    apis.behave(accepts=[proxy.GEMINI_KEY])
    target = "/v1beta/models/gemini-2.5-pro:generateContent"
    bad = [("x-goog-api-key", "AIzaLABONLYbad")] if place == "header" else []
    query = "" if bad else "?key=AIzaLABONLYbad"
    response, data = apis.ask(GEMINI, target + query, *bad)
    error = json.loads(data)["error"]
    assert (response.status, error["details"][0]["reason"]) == (400, "API_KEY_INVALID")


def test_gemini_takes_no_api_key_for_a_token(apis: Apis) -> None:
    target = "/v1beta/models/gemini-2.5-pro:generateContent"
    bearer = ("authorization", f"Bearer {proxy.GEMINI_KEY}")
    response, data = apis.ask(GEMINI, target, bearer)
    reason = json.loads(data)["error"]["details"][0]["reason"]
    assert (response.status, reason) == (401, "ACCESS_TOKEN_TYPE_UNSUPPORTED")


def test_bedrock_takes_a_signature_for_five_minutes(apis: Apis) -> None:
    signed = ("authorization", "AWS4-HMAC-SHA256 Credential=AKIALABONLY, Signature=0")
    for age, status in ((60, 200), (360, 403)):
        made = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(time.time() - age))
        response, data = apis.ask(BEDROCK, "/model/m/invoke", signed, ("x-amz-date", made))
        assert response.status == status
    assert json.loads(data)["message"].startswith(f"Signature expired: {made} ")


# --- errors on demand -------------------------------------------------------------------------


@pytest.mark.parametrize("answer", SCRIPTED)
def test_a_scripted_answer_is_the_apis_own_error(apis: Apis, answer: str) -> None:
    apis.behave(answer=answer, retry_after=7)
    response, data = apis.ask(ANTHROPIC, "/v1/messages", VERSION, KEY)
    status, kind, *_ = SCRIPTED[answer]
    assert (response.status, json.loads(data)["error"]["type"]) == (status, kind)
    assert response.getheader("retry-after") == ("7" if answer in ("429", "529") else None)


def test_a_scripted_answer_can_be_given_only_so_many_times(apis: Apis) -> None:
    statuses = []
    apis.running.behave({"*": QUICK, OPENAI: {"answer": "429", "times": 2}})
    for _ in range(3):
        auth = ("authorization", f"Bearer {proxy.OPENAI_KEY}")
        statuses.append(apis.ask(OPENAI, "/v1/responses", auth)[0].status)
    assert statuses == [429, 429, 200]


@pytest.mark.parametrize(
    ("host", "target", "header"),
    [
        (ANTHROPIC, "/v1/complete", KEY),
        (OPENAI, "/chat/completions", ("authorization", f"Bearer {proxy.OPENAI_KEY}")),
        (COPILOT, "/v1/elsewhere", ("authorization", f"Bearer {proxy.COPILOT_KEY}")),
        (GEMINI, "/v1beta/models", ("x-goog-api-key", proxy.GEMINI_KEY)),
        (BEDROCK, "/v1/chat/completions", ("authorization", "AWS4-HMAC-SHA256 Signature=0")),
    ],
)
def test_a_wrong_path_is_404(apis: Apis, host: str, target: str, header: tuple[str, str]) -> None:
    assert apis.ask(host, target, header, VERSION)[0].status == 404


# --- streams ----------------------------------------------------------------------------------

STREAMS = [
    (ANTHROPIC, "/v1/messages", KEY, "message_start", "message_stop"),
    (OPENAI, "/v1/chat/completions", ("authorization", "Bearer sk-LABONLY"), "{", "[DONE]"),
    (
        OPENAI,
        "/v1/responses",
        ("authorization", "Bearer sk-LABONLY"),
        "response.created",
        "response.completed",
    ),
    (
        GEMINI,
        "/v1beta/models/g:streamGenerateContent?alt=sse",
        ("x-goog-api-key", "AIzaLABONLY"),
        "{",
        "{",
    ),
]


@pytest.mark.parametrize(("host", "target", "key", "first", "last"), STREAMS)
def test_a_stream_begins_and_ends_as_its_provider_says(
    apis: Apis, host: str, target: str, key: tuple[str, str], first: str, last: str
) -> None:
    response, data = apis.ask(host, target, key, VERSION, body={"model": "lab", "stream": True})
    assert str(response.getheader("content-type")).startswith("text/event-stream")
    told = events(data)
    assert told[0].startswith(first)
    assert told[-1].startswith(last)


def stream(apis: Apis) -> bytes:
    asked = {"model": "lab", "stream": True}
    return apis.ask(ANTHROPIC, "/v1/messages", KEY, VERSION, body=asked)[1]


def test_an_error_event_follows_a_200(apis: Apis) -> None:
    apis.behave(stream="error-event", after=3)
    assert events(stream(apis))[3:] == ["error"]


def test_a_stream_can_end_properly_and_too_early(apis: Apis) -> None:
    apis.behave(stream="end-early", after=4)
    assert len(events(stream(apis))) == 4


def test_bad_framing_spoils_two_events(apis: Apis) -> None:
    apis.behave(stream="bad-framing")
    data = stream(apis)
    assert data.count(b"\ndata {") == 1
    assert data.count(b"}\nevent: ") == 1


def connected(stream: socket.socket) -> bool:
    """Whether the kernel still knows a peer (TCP_INFO's first byte is not TCP_CLOSE)."""
    return stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) != _TCP_CLOSE


@pytest.mark.parametrize("how", ["cut", "reset"])
@pytest.mark.parametrize("switch", ["stream", "body"])
def test_an_answer_breaks_off(apis: Apis, switch: str, how: str) -> None:
    apis.behave(**{switch: how})
    asked = json.dumps({"model": "lab", "stream": switch == "stream"})
    with apis.open(ANTHROPIC) as connection:
        connection.request("POST", "/v1/messages", asked, dict([KEY, VERSION]))
        stream = connection.sock
        assert stream is not None
        with connection.getresponse() as response, pytest.raises(http.client.IncompleteRead):
            response.read()
        # ssl tells no RST from a FIN.  The kernel does: after a reset there is no peer.
        assert connected(stream) == (how == "cut")
    assert apis.answered()["finished"] is False


@pytest.mark.parametrize("stream", [False, True])
def test_a_connection_is_reset_in_place_of_an_answer(apis: Apis, stream: bool) -> None:
    apis.behave(body="hang-up")

    with pytest.raises(ConnectionResetError):
        apis.ask(ANTHROPIC, "/v1/messages", KEY, VERSION, body={"model": "lab", "stream": stream})


@pytest.mark.parametrize("at", [1, 60, 222])
@pytest.mark.parametrize("switch", ["stream", "body"])
def test_an_answer_breaks_off_at_any_byte(apis: Apis, switch: str, at: int) -> None:
    apis.behave(**{switch: "cut", "at": at})
    asked = json.dumps({"model": "lab", "stream": switch == "stream"})
    with apis.open(ANTHROPIC) as connection:
        connection.request("POST", "/v1/messages", asked, dict([KEY, VERSION]))
        with (
            connection.getresponse() as response,
            pytest.raises(http.client.IncompleteRead) as cut,
        ):
            response.read()
    assert len(cut.value.partial) == at


def test_a_stalled_stream_says_nothing_more(apis: Apis) -> None:
    apis.behave(stream="stall", after=2)
    asked = json.dumps({"model": "lab", "stream": True})
    with apis.open(ANTHROPIC) as connection:
        connection.request("POST", "/v1/messages", asked, dict([KEY, VERSION]))
        assert connection.sock is not None
        connection.sock.settimeout(PATIENCE)
        with connection.getresponse() as response:
            assert response.readline() == b"event: message_start\n"
            with pytest.raises(TimeoutError):
                response.read()


def test_a_label_can_lie_about_gzip(apis: Apis) -> None:
    apis.behave(body="gzip-label")
    response, data = apis.ask(ANTHROPIC, "/v1/messages", KEY, VERSION)
    assert response.getheader("content-encoding") == "gzip"
    assert data.startswith(b"{")


# --- TLS --------------------------------------------------------------------------------------


#: What a client makes of each way.
HANDSHAKE_FAILURES: dict[str, Any] = {
    "alert": ssl.SSLError,
    "silence": TimeoutError,
    "close": (ssl.SSLZeroReturnError, ssl.SSLEOFError),
    "reset": ConnectionResetError,
    "reset-in-handshake": ConnectionResetError,
}


@pytest.mark.parametrize("how", sorted(set(TLS) - {"normal"}))
def test_a_handshake_fails_as_asked(apis: Apis, how: str) -> None:
    apis.behave(tls=how)
    raw = socket.create_connection(apis.place(ANTHROPIC), 10)
    if how == "silence":
        raw.settimeout(PATIENCE)
    with raw, pytest.raises(HANDSHAKE_FAILURES[how]) as raised:
        apis.context().wrap_socket(raw, server_hostname=ANTHROPIC)
    if how == "alert":
        assert "ALERT_HANDSHAKE_FAILURE" in str(raised.value)
    # A connection is recorded as it begins; its end once the program has seen it.
    number = apis.records("connection")[-1]["connection"]
    until(
        lambda: any(row["connection"] == number for row in apis.records("tls_failed")),
        "the failed handshake in the record",
    )


def test_tls_1_2_can_be_all_that_is_spoken(apis: Apis) -> None:
    apis.behave(tls_version="1.2")
    apis.ask(ANTHROPIC, "/v1/messages", KEY, VERSION)
    assert apis.records("tls")[-1]["version"] == "TLSv1.2"


def test_the_name_in_the_client_hello_is_recorded(apis: Apis) -> None:
    apis.ask(GEMINI, "/")
    assert apis.records("tls")[-1]["sni"] == GEMINI


def test_the_key_log_has_the_secrets_of_every_session(apis: Apis) -> None:
    apis.ask(ANTHROPIC, "/v1/messages", KEY, VERSION)
    assert "CLIENT_TRAFFIC_SECRET_0" in apis.running.keylog.read_text()


def test_certificates_of_another_authority_are_refused(tmp_path: Path) -> None:
    here = Here("here", "", "127.0.0.1")
    running = upstream.launch(
        here, directory=tmp_path, addresses={ANTHROPIC: "127.0.0.1"}, port=0, untrusted=True
    )
    with (
        running.process,
        pytest.raises(ssl.SSLCertVerificationError),
        Apis(running).open(ANTHROPIC),
    ):
        pass


def test_http_2_is_spoken_with_who_offers_it(apis: Apis) -> None:
    curl = find("curl")
    if curl is None or "HTTP2" not in subprocess.check_output([curl, "--version"], text=True):
        pytest.skip("needs a curl with HTTP/2")
    name, port = apis.place(ANTHROPIC)
    command = [curl, "-sS", "--http2", "--cacert", str(apis.running.authority.root)]
    command += ["--noproxy", "*", "--resolve", f"{ANTHROPIC}:{port}:{name}", "-d", "{}"]
    command += ["-w", " %{http_version} %{http_code}", "-H", f"x-api-key: {PLACEHOLDER}"]
    said = subprocess.check_output([*command, f"https://{ANTHROPIC}:{port}/v1/messages"], text=True)
    assert "authentication_error" in said
    assert said.endswith(" 2 401")
    request = apis.records("request")[-1]
    assert (request["http_version"], request["auth"]) == (
        "2",
        [{"name": "x-api-key", "value": PLACEHOLDER}],
    )


# --- the rest ---------------------------------------------------------------------------------


def test_the_record_tells_what_came_and_what_went(apis: Apis) -> None:
    apis.ask(ANTHROPIC, "/v1/messages", KEY, VERSION, ("x-request-id", "lab-1"))
    request, response = apis.records("request")[-1], apis.answered()
    assert request["auth"] == [{"name": KEY[0], "value": KEY[1]}]
    assert (request["x_request_id"], request["target"]) == ("lab-1", "/v1/messages")
    assert (response["call"], response["status"]) == (request["call"], 200)


def test_one_connection_carries_many_calls(apis: Apis) -> None:
    with apis.open(ANTHROPIC) as connection:
        for _ in range(3):
            connection.request("POST", "/v1/messages", '{"model":"lab"}', dict([KEY, VERSION]))
            assert connection.getresponse().read().startswith(b"{")
    told = apis.records("request")[-3:]
    assert len({row["connection"] for row in told}) == 1


def test_a_chunked_request_is_read_to_its_end(apis: Apis) -> None:
    parts = iter([b'{"model":', b'"lab"}'])
    headers = dict([KEY, VERSION])
    with apis.open(ANTHROPIC) as connection:
        connection.request("POST", "/v1/messages", parts, headers, encode_chunked=True)
        assert connection.getresponse().read().startswith(b'{"id"')
    assert apis.records("request")[-1]["body_bytes"] == len(b'{"model":"lab"}')


def test_an_unknown_switch_is_refused_before_it_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such switch of the upstream: anwser"):
        upstream_behaviour.write(tmp_path / "switches.json", {"*": {"anwser": "401"}})
    with pytest.raises(ValueError, match="tls: 'broken' is none of"):
        upstream_behaviour.write(tmp_path / "switches.json", {"*": {"tls": "broken"}})
    assert list(tmp_path.iterdir()) == []


def test_the_websocket_key_of_the_standard_has_the_standards_answer() -> None:
    # RFC 6455 section 1.3.
    assert upstream_websocket.accept("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize("size", [0, 125, 126, 65535])
def test_frames_are_counted_however_they_are_cut(size: int) -> None:
    sent = upstream_websocket.text(bytes(size)) + upstream_websocket.close()
    frames = upstream_websocket.Frames()
    told = [op for at in range(len(sent)) for op in frames.feed(sent[at : at + 1])]
    assert told == upstream_websocket.Frames().feed(sent) == [1, 8]
