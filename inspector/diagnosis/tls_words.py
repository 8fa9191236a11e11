"""What Node, OpenSSL and others say when TLS fails, and what that means.

The API proxy writes its own 502 and quotes the error; the certificate itself may be encrypted.
Texts are those of OpenSSL 3 (x509_txt.c, ssl_err.c), Node 20 to 24 and undici.
"""

from __future__ import annotations

from typing import Final

from inspector.fact import Fact
from inspector.regex import regex


class Reason(Fact):
    """Why a handshake failed, and what to do; `{host}` is the API's."""

    why: str
    advice: str
    #: It is about what came after the handshake.
    after: bool = False


_AUTHORITY: Final = (
    "Give the API proxy the certificate authority that signed it: NODE_EXTRA_CA_CERTS=/path/ca.pem"
    " in its container (a company's TLS inspection signs with its own), or let the inspection"
    " leave {host} alone."
)
UNTRUSTED: Final = Reason("the issuer is not trusted", _AUTHORITY)
EXPIRED: Final = Reason(
    "the certificate's dates are off",
    "Compare the clock of the API proxy's container with the certificate's dates; if the clock is"
    " right, the certificate of {host} has to be renewed.",
)
OTHER_NAME: Final = Reason(
    "the certificate is for other names",
    "See where {host} resolves to inside Squid's container, and whether the API proxy's target"
    " host is spelt right: somebody else answers there.",
)
WANTS_CERTIFICATE: Final = Reason(
    "the host wants a client certificate",
    "{host} accepts clients with a certificate only (mutual TLS). The API proxy sends none: use"
    " the API's public host, or a gateway that holds the certificate.",
)
NO_PROTOCOL: Final = Reason(
    "no protocol in common (ALPN)",
    "{host} takes no HTTP/1.1, which is all that the API proxy speaks: put a gateway between them"
    " that speaks both, or use the API's public host.",
)
OTHER_PROTOCOL: Final = Reason(
    "what came back is no HTTP/1.1",
    "{host} speaks another protocol than HTTP/1.1, HTTP/2 most likely, and the API proxy speaks"
    " HTTP/1.1 only: put a gateway between them that speaks both, or use the API's public host.",
    after=True,
)
VERSIONS: Final = Reason(
    "no TLS version or cipher in common",
    "Compare the TLS versions that {host} takes with those of the API proxy (TLS 1.2 and 1.3).",
)
NO_TLS: Final = Reason(
    "what answered speaks no TLS",
    "Look at what listens at {host}, port 443: its first bytes are no TLS.",
)
REFUSED_NAME: Final = Reason(
    "the host does not know the name",
    "See whether the API proxy's target host is spelt right; {host} is not served there.",
)

#: The first that fits decides.
_TABLE: Final[tuple[tuple[str, Reason], ...]] = (
    (r"altnames?|err_tls_cert_altname_invalid|hostname mismatch", OTHER_NAME),
    (r"certificate has expired|cert_has_expired|certificate is not yet valid|cert_not_yet_valid"
     r"|alert certificate expired", EXPIRED),
    (r"self.signed certificate|unable to verify the first certificate"
     r"|unable to get (?:local )?issuer certificate|unable_to_(?:verify|get_issuer)"
     r"|depth_zero_self_signed|self_signed_cert|unable_to_get_issuer_cert|unknown ca\b"
     r"|certificate verify failed|cert_untrusted|certificate not trusted", UNTRUSTED),
    (r"certificate required|alert number 116|certificate_required", WANTS_CERTIFICATE),
    (r"no application protocol|alert number 120|no_application_protocol", NO_PROTOCOL),
    (r"expected http/|hpe_invalid_constant|invalid http response|hpe_invalid_version"
     r"|malformed http response", OTHER_PROTOCOL),
    (r"unrecognized name|alert number 112", REFUSED_NAME),
    (r"unsupported protocol|protocol version|no shared cipher|no protocols available", VERSIONS),
    (r"wrong version number|packet length too long|http request", NO_TLS),
)  # fmt: skip
_COMPILED: Final = tuple((regex(pattern), reason) for pattern, reason in _TABLE)


def reason_in(message: str) -> Reason | None:
    """Return what an error's text, in lower case, says of TLS; None where it says nothing."""
    return next((reason for known, reason in _COMPILED if known.search(message)), None)
