"""squid-auth-required: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import DENIED, cause, found
from tests.diagnosis.rules.test_parent_proxy_refused import BASIC, OWN_502, of, refused
from tests.exchanges.network import response

OWN_407 = response(
    "407 Proxy Authentication Required",
    "Server: squid/5.7",
    "X-Squid-Error: ERR_CACHE_ACCESS_DENIED 0",
    BASIC,
)


def test_squids_own_407_names_what_it_asks_for_and_where_to_set_it() -> None:
    told = cause(refused(OWN_407, OWN_502))

    assert (told.code, told.explains, told.of) == ("squid-auth-required", 1, 1)
    assert 'Proxy-Authenticate: Basic realm="corp".' in told.details
    assert "HTTPS_PROXY" in told.advice
    assert "proxy_auth" in told.advice


def test_another_proxys_407_and_squids_403_are_not() -> None:
    for answer in (of("407 Proxy Authentication Required", BASIC), DENIED):
        assert "squid-auth-required" not in found(refused(answer))
