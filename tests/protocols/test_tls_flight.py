"""What a TLS 1.2 server says in the clear: its certificates, and whether it wants one."""

from __future__ import annotations

import random
import ssl
from collections.abc import Iterator

import pytest

from inspector.model.network import Tls
from inspector.protocols.tls import TlsConversation
from inspector.protocols.tls_flight import FLIGHT_LIMIT, ServerFlight
from tests.protocols.tls_memory import authority, client_context, converse, server_context

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def _facts(version: ssl.TLSVersion, pieces: int = 0, *, wants: bool = False, alpn: str = "") -> Tls:
    """What is told of a real conversation, its flights whole or cut into pieces of a size."""
    protocols = (alpn,) if alpn else ()
    server, client = server_context(version, *protocols), client_context(version, *protocols)
    if wants:
        server.verify_mode = ssl.CERT_OPTIONAL
        authority().configure_trust(server)
    conversation = TlsConversation()
    chance = random.Random(pieces)
    for up, data in converse(client, server, close=True).flights:
        for piece in _cut(data, pieces, chance):
            conversation.receive(up, [(0, 1, piece)])
    return conversation.facts("closed")


def _cut(data: bytes, pieces: int, chance: random.Random) -> Iterator[bytes]:
    while data:
        size = chance.randint(1, pieces) if pieces else len(data)
        yield data[:size]
        data = data[size:]


@pytest.mark.parametrize("pieces", [0, 1, 7, 200])
def test_the_chain_stands_in_the_clear_however_it_is_cut(pieces: int) -> None:
    told = _facts(V12, pieces)

    assert told.handshake == "complete"
    assert told.certificates[0].names == ("api.lab.test",)
    assert "trustme" in told.certificates[0].issuer
    assert told.wants_certificate is False


@pytest.mark.parametrize("pieces", [0, 1])
def test_a_certificate_that_the_server_wants_is_told(pieces: int) -> None:
    assert _facts(V12, pieces, wants=True).wants_certificate is True


def test_what_tls_13_encrypts_is_not_known() -> None:
    told = _facts(V13, wants=True, alpn="h2")

    assert (told.certificates, told.wants_certificate, told.alpn) == ((), None, None)


def test_the_chosen_protocol_is_told_where_it_is_in_the_clear() -> None:
    assert _facts(V12, alpn="h2").alpn == "h2"


def test_a_flight_without_end_is_given_up() -> None:
    flight = ServerFlight()
    flight.begin(b"\x0b" + (FLIGHT_LIMIT + 1).to_bytes(3, "big"))

    assert not flight.is_open
    assert flight.wants_certificate is None


def test_behind_a_certificate_that_cannot_be_read_no_other_one_is_the_servers() -> None:
    one = ssl.PEM_cert_to_DER_cert(authority().cert_pem.bytes().decode())
    listed = [b"\x30\x03no", one]
    chain = b"".join(len(each).to_bytes(3, "big") + each for each in listed)
    body = len(chain).to_bytes(3, "big") + chain
    flight = ServerFlight()
    flight.begin(b"\x0b" + len(body).to_bytes(3, "big") + body)

    assert flight.is_open
    assert flight.certificates == ()
