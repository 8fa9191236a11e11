"""What a certificate says, held against another reader of the same bytes."""

from __future__ import annotations

import random
from datetime import UTC

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from inspector.protocols.x509 import NAMES_LIMIT, read_certificate

CA = trustme.CA(organization_name="Lab Web Gateway", organization_unit_name="TLS Inspection")


def _der(*names: str) -> bytes:
    pem = CA.issue_cert(*names, organization_name="Lab").cert_chain_pems[0].bytes()
    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


def test_names_issuer_and_dates_are_those_that_another_reader_finds() -> None:
    data = _der("api.lab.test", "other.lab.test")
    theirs = x509.load_der_x509_certificate(data)

    ours = read_certificate(data)

    assert ours is not None
    assert ours.issuer == "O=Lab Web Gateway, OU=TLS Inspection"
    assert ours.subject.startswith("O=Lab")
    assert ours.names == ("api.lab.test", "other.lab.test")
    begin, end = theirs.not_valid_before_utc, theirs.not_valid_after_utc
    assert begin.tzinfo is UTC
    assert ours.not_before == begin.isoformat().replace("+00:00", "Z")
    assert ours.not_after == end.isoformat().replace("+00:00", "Z")


def test_of_many_names_the_first_few_are_kept() -> None:
    ours = read_certificate(_der(*(f"n{number}.lab.test" for number in range(30))))

    assert ours is not None
    assert len(ours.names) == NAMES_LIMIT


@pytest.mark.parametrize(
    ("digits", "year"), [(b"491231235959Z", "2049"), (b"500101000000Z", "1950")]
)
def test_two_digits_of_a_year_are_1950_to_2049(digits: bytes, year: str) -> None:
    der = _der("api.lab.test")
    begin = x509.load_der_x509_certificate(der).not_valid_before_utc

    ours = read_certificate(der.replace(begin.strftime("%y%m%d%H%M%SZ").encode(), digits))

    assert ours is not None
    assert (ours.not_before or "")[:4] == year


@pytest.mark.parametrize("seed", range(8))
def test_damaged_bytes_never_raise(seed: int) -> None:
    chance = random.Random(seed)
    whole = _der("api.lab.test")
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        read_certificate(bytes(data))
        read_certificate(whole[: chance.randrange(len(whole))])


def test_control_characters_in_a_name_are_not_kept() -> None:
    data = _der("api.lab.test").replace(b"TLS Inspection", b"TLS\x1b[31m\nInsp!")

    ours = read_certificate(data)

    assert ours is not None
    assert ours.issuer.endswith("OU=TLS?[31m?Insp!")
