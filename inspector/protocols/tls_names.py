"""Numbers of TLS and the names its specifications give them.

Sources: the IANA registries "TLS Cipher Suites" and "TLS Alerts", RFC 8446
appendix B, RFC 5246 appendix A, RFC 8701 for GREASE.
"""

from __future__ import annotations

from typing import Final

from inspector.fact import Fact

#: ContentType, RFC 8446 B.1 and RFC 6520 6.
CHANGE_CIPHER_SPEC: Final = 20
ALERT: Final = 21
HANDSHAKE: Final = 22
APPLICATION_DATA: Final = 23
HEARTBEAT: Final = 24

#: HandshakeType, RFC 8446 B.3.
CLIENT_HELLO: Final = 1
SERVER_HELLO: Final = 2
#: Of TLS 1.2 and older in the clear, RFC 5246 7.4.
CERTIFICATE: Final = 11
CERTIFICATE_REQUEST: Final = 13
SERVER_HELLO_DONE: Final = 14

#: HandshakeType with those of earlier versions, RFC 8446 B.3 and 4; names as registered.
HANDSHAKE_TYPES: Final[dict[int, str]] = {
    0: "hello_request",
    CLIENT_HELLO: "client_hello",
    SERVER_HELLO: "server_hello",
    3: "hello_verify_request",
    4: "new_session_ticket",
    5: "end_of_early_data",
    6: "hello_retry_request",
    8: "encrypted_extensions",
    CERTIFICATE: "certificate",
    12: "server_key_exchange",
    CERTIFICATE_REQUEST: "certificate_request",
    SERVER_HELLO_DONE: "server_hello_done",
    15: "certificate_verify",
    16: "client_key_exchange",
    20: "finished",
    21: "certificate_url",
    22: "certificate_status",
    23: "supplemental_data",
    24: "key_update",
    25: "compressed_certificate",
    254: "message_hash",
}

VERSIONS: Final[dict[int, str]] = {
    0x0300: "SSL 3.0",
    0x0301: "TLS 1.0",
    0x0302: "TLS 1.1",
    0x0303: "TLS 1.2",
    0x0304: "TLS 1.3",
}

ALERT_LEVELS: Final[dict[int, str]] = {1: "warning", 2: "fatal"}

#: AlertDescription, RFC 8446 B.2 with those of earlier versions.
ALERTS: Final[dict[int, str]] = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
    121: "ech_required",
}

CIPHERS: Final[dict[int, str]] = {
    0x1301: "TLS_AES_128_GCM_SHA256",
    0x1302: "TLS_AES_256_GCM_SHA384",
    0x1303: "TLS_CHACHA20_POLY1305_SHA256",
    0x1304: "TLS_AES_128_CCM_SHA256",
    0x1305: "TLS_AES_128_CCM_8_SHA256",
    0xC02B: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    0xC02C: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    0xC02F: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    0xC030: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    0xCCA8: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    0xCCA9: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    0xCCAA: "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    0xC009: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    0xC00A: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    0xC013: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    0xC014: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    0xC023: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    0xC024: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
    0xC027: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    0xC028: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
    0xC0AC: "TLS_ECDHE_ECDSA_WITH_AES_128_CCM",
    0xC0AD: "TLS_ECDHE_ECDSA_WITH_AES_256_CCM",
    0xC0AE: "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8",
    0xC0AF: "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8",
    0xC008: "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA",
    0xC012: "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    0xC007: "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    0xC011: "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    0x009C: "TLS_RSA_WITH_AES_128_GCM_SHA256",
    0x009D: "TLS_RSA_WITH_AES_256_GCM_SHA384",
    0x009E: "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
    0x009F: "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
    0x002F: "TLS_RSA_WITH_AES_128_CBC_SHA",
    0x0033: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
    0x0035: "TLS_RSA_WITH_AES_256_CBC_SHA",
    0x0039: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
    0x003C: "TLS_RSA_WITH_AES_128_CBC_SHA256",
    0x003D: "TLS_RSA_WITH_AES_256_CBC_SHA256",
    0x0067: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256",
    0x006B: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256",
    0x000A: "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    0x0004: "TLS_RSA_WITH_RC4_128_MD5",
    0x0005: "TLS_RSA_WITH_RC4_128_SHA",
    0x0041: "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA",
    0x0084: "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA",
    0x008C: "TLS_PSK_WITH_AES_128_CBC_SHA",
    0x008D: "TLS_PSK_WITH_AES_256_CBC_SHA",
    0x00A8: "TLS_PSK_WITH_AES_128_GCM_SHA256",
    0x00A9: "TLS_PSK_WITH_AES_256_GCM_SHA384",
    0xC035: "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA",
    0xC036: "TLS_ECDHE_PSK_WITH_AES_256_CBC_SHA",
    0xCCAC: "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256",
}


class RecordSizes(Fact):
    """Body lengths of the TLS 1.3 records that tell themselves apart by size.

    A record's body is content, one byte of content type, and the AEAD's tag
    (RFC 8446 5.2): a Finished is 4 bytes of header and a hash, an alert 2 bytes.
    """

    finished: frozenset[int]
    alert: int


def _sizes(tag: int, *hashes: int) -> RecordSizes:
    return RecordSizes(frozenset(4 + size + 1 + tag for size in hashes), 2 + 1 + tag)


_SHA256: Final = 32
_SHA384: Final = 48

SIZES: Final[dict[int, RecordSizes]] = {
    0x1301: _sizes(16, _SHA256),
    0x1302: _sizes(16, _SHA384),
    0x1303: _sizes(16, _SHA256),
    0x1304: _sizes(16, _SHA256),
    0x1305: _sizes(8, _SHA256),
}
#: Used when the cipher suite is unknown, as where the ServerHello was not captured.
ANY_SIZES: Final = _sizes(16, _SHA256, _SHA384)


def handshake_name(number: int) -> str:
    """`client_hello`, or `handshake type 99` for one that is not registered."""
    return HANDSHAKE_TYPES.get(number, f"handshake type {number}")


def version_name(number: int) -> str:
    """`TLS 1.3` for 0x0304; a number without a name in hexadecimal."""
    return VERSIONS.get(number, f"0x{number:04x}")


def cipher_name(number: int) -> str:
    """The registered name of a cipher suite, or its number in hexadecimal."""
    return CIPHERS.get(number, f"0x{number:04x}")


def alert_name(level: int, description: int, sender: str) -> str:
    """An alert as reports write it: `fatal unknown_ca (client)`."""
    return (
        f"{ALERT_LEVELS.get(level, f'level {level}')} "
        f"{ALERTS.get(description, f'alert {description}')} ({sender})"
    )


def is_grease(number: int) -> bool:
    """Whether a two-byte value is one of RFC 8701's: 0x0A0A, 0x1A1A … 0xFAFA."""
    return number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF
