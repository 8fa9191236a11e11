"""tunnel-without-data: where it is found, and where something only resembles it."""

from __future__ import annotations

from tests.diagnosis.calls import found
from tests.exchanges.network import ESTABLISHED, Network, connect, play, say, tls


def test_a_tunnel_in_which_nothing_went_is_told() -> None:
    empty, used = Network(), Network()
    say(empty.to_squid(), connect(), ESTABLISHED).close()
    play(say(used.to_squid(), connect(), ESTABLISHED), tls()).close()

    assert "tunnel-without-data" in found(empty.report())
    assert "tunnel-without-data" not in found(used.report())
