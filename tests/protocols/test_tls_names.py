"""Names and sizes of TLS, against the tables of OpenSSL and the RFCs' arithmetic."""

from __future__ import annotations

import re
import ssl

import pytest

from inspector.protocols.tls_names import (
    CIPHERS,
    SIZES,
    alert_name,
    cipher_name,
    is_grease,
    version_name,
)


def test_sizes_are_those_measured_on_real_connections() -> None:
    assert SIZES[0x1301].finished == {53}
    assert SIZES[0x1302].finished == {69}
    assert {sizes.alert for number, sizes in SIZES.items() if number != 0x1305} == {19}


def test_suites_that_openssl_knows_have_openssls_numbers() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:@SECLEVEL=0")
    compared = 0
    for cipher in context.get_ciphers():
        number, name = cipher["id"] & 0xFFFF, cipher["name"]
        if number in CIPHERS:
            # OpenSSL writes ECDHE-RSA-AES128-GCM-SHA256, the registry ..._AES_128_GCM_SHA256.
            words = set(re.split("[-_]", name)) - {"TLS"}
            flat = re.sub("[-_]", "", CIPHERS[number])
            missing = {word for word in words if word not in flat and word not in ("EDH", "CBC3")}
            assert not missing, (name, CIPHERS[number])
            compared += 1
    assert compared >= 20


@pytest.mark.parametrize("number", [0x0A0A, 0x1A1A, 0xFAFA])
def test_grease_is_recognised(number: int) -> None:
    assert is_grease(number)


@pytest.mark.parametrize("number", [0x0304, 0x0A1A, 0x1301, 0x6832])
def test_other_numbers_are_not_grease(number: int) -> None:
    assert not is_grease(number)


def test_numbers_without_a_name_are_shown_as_numbers() -> None:
    assert version_name(0x7F1C) == "0x7f1c"
    assert cipher_name(0xABCD) == "0xabcd"
    assert alert_name(2, 40, "server") == "fatal handshake_failure (server)"
    assert alert_name(7, 200, "client") == "level 7 alert 200 (client)"
