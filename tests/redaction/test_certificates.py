"""Of a server's certificates a copy keeps what a report tells of them, and no other byte."""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from inspector.credentials.masking import Masker
from inspector.credentials.reader import CredentialReader
from inspector.exchanges.tls import shown
from inspector.model.network import Tls
from inspector.protocols.tls_flight import CHAIN_LIMIT, ServerFlight
from inspector.protocols.x509 import read_certificate
from inspector.redaction.certificates import masked_chain
from inspector.redaction.tls_records import TlsMasker
from tests.protocols.test_tls import record
from tests.redaction.test_canary import unfingerprinted

KEY = "sk-ant-api03-LABONLY" + 30 * "k"
UNSHAPED = "q7LABONLY9zX4mW2vB8tR6y"
SERIAL = int.from_bytes(b"\x4cLABONLY-serial", "big")
PRIVATE = ec.derive_private_key(0x1AB0, ec.SECP256R1())
SERVER_HELLO = b"\x02\x00\x00\x26\x03\x03" + bytes(32) + b"\x00\xc0\x2c\x00"


def certificate(
    common: str = "api.lab.test",
    organization: str = "Lab Web Gateway",
    *names: str,
    coding: _ASN1Type | None = None,
) -> x509.Certificate:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.COMMON_NAME, common, _type=coding),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization, _type=coding),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, UNSHAPED),
        ]
    )
    built = x509.CertificateBuilder(
        name, name, PRIVATE.public_key(), SERIAL,
        datetime(2026, 1, 2, tzinfo=UTC), datetime(2061, 1, 2, tzinfo=UTC),
    )  # fmt: skip
    hosts = x509.SubjectAlternativeName([x509.DNSName(host) for host in names or ("lab.test",)])
    policy = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), UNSHAPED.encode())
    return (
        built.add_extension(policy, critical=False)
        .add_extension(hosts, critical=True)
        .sign(PRIVATE, hashes.SHA256())
    )


def body(*certificates: bytes) -> bytes:
    chain = b"".join([len(data).to_bytes(3, "big") + data for data in certificates])
    return len(chain).to_bytes(3, "big") + chain


def message(*certificates: bytes) -> bytes:
    chain = body(*certificates)
    return b"\x0b" + len(chain).to_bytes(3, "big") + chain


def der(made: x509.Certificate) -> bytes:
    return made.public_bytes(Encoding.DER)


def told(chain: bytes) -> Any:
    """What a report has of the chain of a server."""
    flight = ServerFlight()
    flight.begin(b"\x0b" + len(chain).to_bytes(3, "big") + chain)
    facts = Tls(None, None, (), None, "not seen", (), certificates=flight.certificates)
    facts = shown(facts, CredentialReader(bytes(32)))
    return unfingerprinted(json.loads(json.dumps(asdict(facts)))["certificates"])


@pytest.mark.parametrize(
    ("common", "organization", "coding"),
    [
        ("api.lab.test", "Lab Web Gateway", None),
        ("*.lab.test", "Corp Example", _ASN1Type.PrintableString),
        ("api.lab.test", "Lab Web Gateway", _ASN1Type.BMPString),
        ("api.lab.test", "Lab Web Gateway", _ASN1Type.UniversalString),
        ("Société Générale", "Büro für Prüfung", None),
        (UNSHAPED, "Testing CA " + UNSHAPED, None),
        (KEY, "token=" + UNSHAPED, None),
        ("line\x1b[31m\nbreak", "Lab", None),
    ],
)  # fmt: skip
def test_the_copy_tells_what_the_certificate_tells_and_shows_no_other_byte(
    common: str, organization: str, coding: _ASN1Type | None
) -> None:
    if coding is _ASN1Type.PrintableString:
        common = common.replace("*", "www")
    made = certificate(common, organization, "api.lab.test", "*.lab.test", coding=coding)
    chain = body(der(made))

    copy = masked_chain(chain, Masker(bytes(32)))

    assert len(copy) == len(chain)
    assert told(copy) == told(chain)
    assert len(told(chain)) == 1
    assert b"LABONLY" not in copy
    assert made.signature not in copy
    public = made.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    for at in range(len(public) - 4):
        assert public[at : at + 4] not in copy
    assert told(masked_chain(copy, Masker(bytes(32)))) == told(copy), "of a copy, too"


@pytest.mark.parametrize("host", [UNSHAPED + ".lab.test", KEY.replace("_", "-"), "a" * 300])
def test_a_host_that_a_report_hides_is_hidden_in_the_copy(host: str) -> None:
    plain = der(certificate("lab", "Lab", "y" * len(host)))
    chain = body(plain.replace(b"y" * len(host), host.encode()))

    copy = masked_chain(chain, Masker(bytes(32)))

    assert told(copy) == told(chain)
    assert b"LABONLY" not in copy


def test_of_a_long_chain_the_rest_is_blank() -> None:
    one = der(certificate())
    chain = body(*[one] * (CHAIN_LIMIT + 1))

    copy = masked_chain(chain, Masker(bytes(32)))

    assert told(copy) == told(chain)
    assert copy[-len(one) - 3 :] == b"x" * (len(one) + 3)


@pytest.mark.parametrize("seed", range(6))
def test_damaged_chains_never_raise_and_tell_the_same(seed: int) -> None:
    chance = random.Random(seed)
    whole = body(der(certificate()), der(certificate("other.lab.test")))
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 3)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        chain = bytes(data[: chance.randrange(3, len(data) + 1)])
        copy = masked_chain(chain, Masker(bytes(32)))
        assert len(copy) == len(chain)
        assert len(told(copy)) == len(told(chain))


def test_text_in_the_place_of_types_is_blank() -> None:
    """Values without contents, whose types spell a key."""
    spelt = b"".join([bytes([char, 0]) for char in b"LABONLY" * 3])
    one = der(certificate())
    fields = one.index(b"\xa3", len(one) // 3)
    chain = body(one[:fields] + spelt + one[fields + len(spelt) :])

    copy = masked_chain(chain, Masker(bytes(32)))

    assert b"L\0A\0B" not in copy


def test_the_certificate_of_a_client_is_blank() -> None:
    shown_by = message(der(certificate()))
    masker = TlsMasker(Masker(bytes(32)))

    client = masker.feed(record(22, shown_by))
    server = TlsMasker(Masker(bytes(32))).feed(record(22, SERVER_HELLO) + record(22, shown_by))

    assert client == record(22, shown_by[:4] + b"x" * (len(shown_by) - 4))
    assert read_certificate(bytes(server[-len(shown_by) + 10 :])) is not None


@pytest.mark.parametrize("size", [1, 40, 1000])
def test_a_chain_in_many_records_is_told(size: int) -> None:
    flight = SERVER_HELLO + message(der(certificate()))
    stream = b"".join(record(22, flight[at : at + size]) for at in range(0, len(flight), size))

    masker = TlsMasker(Masker(bytes(32)))
    copy = b"".join([masker.feed(stream[at : at + 7]) for at in range(0, len(stream), 7)])
    bodies = b"".join([copy[at + 5 : at + 5 + size] for at in range(0, len(copy), size + 5)])

    assert bodies[-len(flight) + len(SERVER_HELLO) + 4 :] == masked_chain(
        flight[len(SERVER_HELLO) + 4 :], Masker(bytes(32))
    )
