"""api-proxy-bypassed: where it is found, and where something only resembles it."""

from __future__ import annotations

from pathlib import Path

from inspector import Options, Report, inspect
from tests.canary.wire import AGENT, OPENED, Description, capture
from tests.canary.wire import Talk as Packets
from tests.decryption.made import DATA, Talk, record
from tests.decryption.test_holes import HEAD, keys_of
from tests.diagnosis.calls import cause, found, golden, sent
from tests.exchanges.network import SQUID


def test_an_agent_that_opens_tunnels_to_the_api_itself_bypasses_the_api_proxy() -> None:
    assert "api-proxy-bypassed" in found(golden("agent-bypasses-proxy"))


def test_denied_side_traffic_bypasses_nothing() -> None:
    assert "api-proxy-bypassed" not in found(golden("denied-side-traffic"))


def test_an_agent_that_asks_squid_for_the_api_in_plaintext_bypasses_it_as_well() -> None:
    def asked_for(host: str) -> set[str]:
        return set(found(sent(SQUID, 3128, f"POST http://{host}/v1/messages HTTP/1.1")))

    assert "api-proxy-bypassed" in asked_for("api.anthropic.com")
    assert "api-proxy-bypassed" not in asked_for("telemetry.test")


# -- with the keys of what the agent opened ---------------------------------------------------

#: A key that exists nowhere.
ASKED = (
    b"POST /v1/messages HTTP/1.1\r\nHost: api.anthropic.com\r\nContent-Length: 2\r\n"
    b"x-api-key: sk-ant-api03-LABONLY" + 80 * b"A" + b"\r\n\r\n{}"
)
REFUSED = HEAD.replace(b"200 OK", b"401 Unauthorized") + 40 * b" "


def bypassing(path: Path, talk: Talk, *labels: str) -> Report:
    """The agent's own tunnel to the API, with a key log that has these secrets."""
    host = b"api.anthropic.com:443"
    packets = Packets(server=(SQUID, 3128), client=AGENT)
    packets.up(b"CONNECT " + host + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n").down(OPENED)
    packets.said += talk.flights
    (path / "capture.pcapng").write_bytes(capture([packets], Description()))
    (path / "keys.log").write_bytes(b"\n".join(keys_of(talk, *labels)))
    return inspect(path / "capture.pcapng", options=Options(key_logs=(path / "keys.log",)))


def test_with_keys_it_says_what_the_api_answered(tmp_path: Path) -> None:
    report = bypassing(tmp_path, Talk().tell(True, ASKED).tell(False, REFUSED))
    told = cause(report)
    assert told.code == "api-proxy-bypassed"
    assert "Inside its tunnels the API answered 401 x1." in told.details
    assert told.not_in_packets is None
    assert {one.verdict for one in report.hypotheses} == {"no traffic"}
    assert "no-api-call" not in found(report)


def test_what_was_sent_inside_tls_was_not_sent_in_plaintext(tmp_path: Path) -> None:
    report = bypassing(tmp_path, Talk().tell(True, ASKED).tell(False, REFUSED))
    title = found(report)["real-key-on-agent-hop"].title
    assert title == "A key that looks real was sent inside TLS, past the API proxy"


def test_without_keys_the_answer_is_not_in_the_packets(tmp_path: Path) -> None:
    talk = Talk().tell(True, ASKED).tell(False, REFUSED)
    report = bypassing(tmp_path, talk, "CLIENT_RANDOM_OF_NOBODY")
    assert cause(report).not_in_packets == "what the API answered, which is inside TLS"
    assert {one.because for one in report.hypotheses} == {
        ("what the agent's own tunnels carried is encrypted",)
    }


def test_of_what_was_read_in_part_something_may_be_missing(tmp_path: Path) -> None:
    talk = Talk().tell(True, ASKED).tell(False, REFUSED).say(False, record(DATA, bytes(60)))
    report = bypassing(tmp_path, talk)
    assert cause(report).not_in_packets == "what the API answered, which is inside TLS"
    assert {one.verdict for one in report.hypotheses} == {"not observable"}


def test_what_squid_is_asked_for_in_plaintext_is_in_the_packets() -> None:
    report = sent(SQUID, 3128, "POST http://api.anthropic.com/v1/messages HTTP/1.1")
    assert cause(report).not_in_packets is None
