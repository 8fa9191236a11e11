"""sni-mismatch: where it is found, and where something only resembles it."""

from __future__ import annotations

import pytest

from tests.diagnosis.calls import found
from tests.exchanges.network import ESTABLISHED, Network, connect, play, say, tls


@pytest.mark.parametrize(
    ("authority", "unlike"),
    [
        ("api.anthropic.com:443", True),
        ("API.lab.test:443", False),
        ("api.lab.test.:443", False),
    ],
)
def test_the_name_in_tls_is_held_against_the_connect(authority: str, *, unlike: bool) -> None:
    net = Network()
    play(say(net.to_squid(), connect(authority), ESTABLISHED), tls()).close()

    assert ("sni-mismatch" in found(net.report())) is unlike


@pytest.mark.parametrize("host", ["203.0.113.7", "[2001:db8::7]"])
def test_a_name_in_tls_does_not_differ_from_an_address_in_connect(host: str) -> None:
    """RFC 6066 3: an address never is a server name."""
    net = Network()
    play(say(net.to_squid(), connect(f"{host}:443"), ESTABLISHED), tls()).close()

    assert "sni-mismatch" not in found(net.report())
