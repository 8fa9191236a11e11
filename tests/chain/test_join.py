"""Which tunnel belongs to which call, told as situations at the API proxy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from inspector.chain.join import join
from inspector.chain.verdict import REASONS
from inspector.model.capture import Completeness, Gap
from inspector.model.conclusions import RELIABLE, Chain
from inspector.model.http import EndedBy, Exchange, Hop, Request, Response
from inspector.model.ids import ExchangeId, TunnelId, connection_id, exchange_id, tunnel_id
from inspector.model.network import (
    ClosedBy,
    Connection,
    ConnectOutcome,
    Endpoint,
    Tls,
    Tunnel,
)
from inspector.model.topology import Topology

# Not the defaults on purpose: roles come from the topology.
AGENT, PROXY, SQUID = "10.9.0.5", "10.9.0.6", "10.9.0.7"
PORT = 20001
MS = 1_000_000
START = 1_700_000_000_000_000_000

RELAYED = (("x-request-id", "r"), ("content-type", "application/json"), ("Connection", "close"))
OWN = (("X-Request-ID", "r"), ("Content-Type", "application/json"), ("Date", "today"))
SQUIDS = (("content-type", "text/html"), ("x-squid-error", "ERR_ACCESS_DENIED 0"))

WHOLE = Completeness(
    packets=1,
    dropped_by_kernel=None,
    truncated_packets=0,
    duplicate_packets=0,
    gaps=(),
    midstream_connections=0,
    limits_hit=(),
    capture_filter=None,
    verdict="complete",
    because=(),
)
LOSSY = replace(WHOLE, gaps=(Gap(connection_id(1), "down", 10, 1),), verdict="incomplete")
TOPOLOGY = Topology(
    subnet="10.9.0.0/24",
    agent=(AGENT,),
    api_proxy=(PROXY,),
    forward_proxy=(SQUID,),
    providers={str(PORT): "anthropic"},
    source="options",
    scope="subnet",
)


def at(ms: float | None) -> int | None:
    return None if ms is None else START + int(ms * MS)


def moment(ms: float) -> int:
    return START + int(ms * MS)


#: Bytes that a tunnel carries up before its request (CONNECT, ClientHello, Finished).
HANDSHAKE = 850


@dataclass
class Scene:
    """What crossed the bridge, in milliseconds."""

    exchanges: list[Exchange] = field(default_factory=list)
    tunnels: list[Tunnel] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)

    def connect(
        self,
        client: str,
        server: str,
        port: int,
        opened: float,
        closed: float | None,
        by: ClosedBy | None = None,
        outcome: ConnectOutcome = "established",
        bytes_up: int = 0,
    ) -> Connection:
        number = len(self.connections) + 1
        connection = Connection(
            id=connection_id(number),
            client=Endpoint(client, 40000 + number),
            server=Endpoint(server, port),
            opened_at=moment(opened),
            closed_at=at(closed),
            closed_by=by,
            outcome=outcome,
            bytes_up=bytes_up,
            bytes_down=0,
            packet=number,
        )
        self.connections.append(connection)
        return connection

    def call(
        self,
        sent: float,
        answered: float | None,
        done: float | None = None,
        *,
        status: int = 200,
        headers: tuple[tuple[str, str], ...] = RELAYED,
        up: int = 100,
        down: int = 300,
        port: int = PORT,
        client: str = AGENT,
        hop: Hop = "agent-to-api-proxy",
        ended_by: EndedBy = "complete",
        closed: float | None = None,
        closed_by: ClosedBy | None = None,
        is_whole: bool = True,
        asked: float | None = None,
    ) -> ExchangeId:
        end = answered if done is None else done
        connection = self.connect(
            client,
            PROXY,
            port,
            sent - 1,
            closed if closed is not None else end,
            closed_by,
        )
        response = None
        if answered is not None:
            response = Response(
                status=status,
                reason="",
                http_version="HTTP/1.1",
                interim=(),
                headers=headers,
                content_type=None,
                content_encoding=None,
                body_bytes=down,
                complete=True,
                packet=1,
                started_at=moment(answered),
                ended_at=at(end),
                stream=None,
                api_error=None,
                model=None,
                usage=None,
            )
        exchange = Exchange(
            id=exchange_id(len(self.exchanges) + 1),
            hop=hop,
            relays=None,
            connection=connection.id,
            client=connection.client,
            server=connection.server,
            provider="anthropic",
            tunnel=None,
            request=Request(
                method="POST",
                target="/v1/messages",
                http_version="HTTP/1.1",
                host=None,
                user_agent=None,
                headers=(("content-type", "application/json"),),
                auth=(),
                steering={},
                body_bytes=up,
                complete=is_whole,
                packet=1,
                started_at=moment(sent if asked is None else asked),
                ended_at=at(sent) if is_whole else None,
            ),
            response=response,
            upgrade="websocket" if status == 101 else None,
            ended_by=ended_by,
        )
        self.exchanges.append(exchange)
        return exchange.id

    def tunnel(
        self,
        opened: float,
        last: float | None,
        closed: float | None = None,
        *,
        authority: str = "llm.example:443",
        status: int = 200,
        tls: str = "complete",
        up: int = 1100,
        down: int = 4000,
    ) -> TunnelId:
        end = last if closed is None else closed
        # TLS adds 22 bytes to each 16 KiB of the request, of which the handshake is no part.
        span = up + 22 * (max(0, up - HANDSHAKE) >> 14)
        connection = self.connect(PROXY, SQUID, 3128, opened, end, "server", bytes_up=span)
        established = status == 200
        carried = established and tls == "complete"
        tunnel = Tunnel(
            id=tunnel_id(len(self.tunnels) + 1),
            connection=connection.id,
            client=connection.client,
            proxy=connection.server,
            authority=authority,
            auth=(),
            headers=(),
            interim=(),
            connect_status=status,
            established=established,
            proxy_error=None if established else "ERR_ACCESS_DENIED 0",
            reply_latency=0.001,
            protocol="tls" if established else "none",
            tls=Tls(None, "TLS 1.3", (), None, "complete" if carried else "failed")
            if established
            else None,
            bytes_up=up if carried else 0,
            bytes_down=down if carried else 0,
            records_up=0,
            records_down=0,
            opened_at=moment(opened + 0.5),
            first_data_at=at(opened + 5) if carried else None,
            last_data_at=at(last) if carried else None,
            closed_at=at(end) if established else None,
            closed_by="server",
            exchanges=(),
            egress=None,
            packet=1,
        )
        self.tunnels.append(tunnel)
        return tunnel.id

    def chains(self, completeness: Completeness = WHOLE) -> Sequence[Chain]:
        return join(self.exchanges, self.tunnels, self.connections, TOPOLOGY, completeness)

    def only(self, completeness: Completeness = WHOLE) -> Chain:
        (chain,) = self.chains(completeness)
        return chain


def test_a_tunnel_opened_while_one_call_waits_is_that_calls() -> None:
    scene = Scene()
    call = scene.call(0, 100)
    tunnel = scene.tunnel(5, 99)
    chain = scene.only()
    assert (chain.agent_exchange, chain.tunnel, chain.attempts) == (call, tunnel, ())
    assert (chain.answered_by, chain.status) == ("upstream", 200)
    assert chain.confidence >= RELIABLE
    assert REASONS["alone"] in chain.reasons


def test_a_tunnel_opened_before_the_request_was_whole_is_not_its() -> None:
    scene = Scene()
    scene.tunnel(-10, 99)
    scene.call(0, 100, headers=OWN, status=403)
    chain = scene.only()
    assert chain.tunnel is None
    assert chain.answered_by == "api-proxy"
    assert chain.confidence >= RELIABLE


def test_start_up_tunnels_beside_a_call_are_the_proxys_own() -> None:
    scene = Scene()
    scene.call(0, 100)
    scene.tunnel(1, 60, up=500, down=3000)
    mine = scene.tunnel(6, 99)
    chain = scene.only()
    assert chain.tunnel == mine
    assert chain.attempts == ()


def test_a_refusal_passed_on_is_the_forward_proxys_answer() -> None:
    scene = Scene()
    scene.call(0, 10, status=403, headers=SQUIDS)
    tunnel = scene.tunnel(5, 9, status=403)
    chain = scene.only()
    assert (chain.tunnel, chain.answered_by) == (tunnel, "forward-proxy")
    assert chain.confidence >= RELIABLE


def test_a_502_after_tls_failed_is_the_api_proxys_answer_with_its_tunnel() -> None:
    scene = Scene()
    scene.call(0, 30, status=502, headers=OWN)
    tunnel = scene.tunnel(5, 28, tls="failed")
    chain = scene.only()
    assert (chain.tunnel, chain.answered_by) == (tunnel, "api-proxy")
    assert REASONS["tls-failed"] in chain.reasons


def test_an_own_answer_is_not_given_the_tunnel_of_a_call_that_waits_beside_it() -> None:
    scene = Scene()
    scene.call(0, 100)
    scene.call(3, 8, headers=OWN)
    tunnel = scene.tunnel(5, 99)
    assert [chain.tunnel for chain in scene.chains()] == [tunnel, None]


def test_a_502_without_a_tunnel_says_that_the_forward_proxy_did_not_accept() -> None:
    scene = Scene()
    scene.connect(PROXY, SQUID, 3128, 5, None, outcome="refused")
    scene.call(0, 8, status=502, headers=OWN)
    chain = scene.only()
    assert (chain.tunnel, chain.answered_by) == (None, "api-proxy")
    assert REASONS["in-vain"] in chain.reasons


def test_a_bare_fin_and_no_tunnel_means_that_nobody_answered() -> None:
    scene = Scene()
    scene.call(0, None, ended_by="server", closed=5, closed_by="server")
    chain = scene.only()
    assert (chain.tunnel, chain.answered_by, chain.status) == (None, "nobody", None)
    assert chain.confidence >= RELIABLE


def test_a_call_still_open_at_the_end_is_unknown_and_unsure() -> None:
    scene = Scene()
    scene.call(0, None, ended_by="capture-end")
    scene.tunnel(5, 20)
    chain = scene.only()
    assert chain.answered_by == "unknown"
    assert chain.confidence < RELIABLE


def test_a_tunnel_that_was_over_before_the_next_is_an_earlier_attempt() -> None:
    scene = Scene()
    scene.call(0, 100)
    first = scene.tunnel(5, 50)
    second = scene.tunnel(51, 99)
    chain = scene.only()
    assert (chain.tunnel, chain.attempts) == (second, (first,))
    assert REASONS["retried"] in chain.reasons


def test_calls_at_once_are_told_apart_by_order_and_ends() -> None:
    scene = Scene()
    for number in range(20):
        scene.call(number * 10, 300 + number * 15)
    tunnels = [scene.tunnel(150 + number * 10, 299 + number * 15) for number in range(20)]
    chains = scene.chains()
    assert [chain.tunnel for chain in chains] == tunnels
    assert all(chain.confidence >= RELIABLE for chain in chains)


def test_two_requests_of_one_turn_may_be_taken_in_the_other_order() -> None:
    scene = Scene()
    scene.call(0, 400, up=100, down=300)
    scene.call(0.2, 300, up=150, down=2000)
    second = scene.tunnel(100, 299, up=1150, down=5700)
    first = scene.tunnel(110, 399, up=1100, down=4000)
    assert [chain.tunnel for chain in scene.chains()] == [first, second]


def test_a_call_whose_answer_was_passed_on_gets_its_tunnel_even_out_of_order() -> None:
    scene = Scene()
    first, second = scene.call(0, 100), scene.call(1, 10)
    seconds, firsts = scene.tunnel(5, 9), scene.tunnel(12, 99)
    found = {chain.agent_exchange: chain.tunnel for chain in scene.chains()}
    assert found == {first: firsts, second: seconds}


def test_twins_that_nothing_tells_apart_are_said_to_be_ambiguous() -> None:
    scene = Scene()
    for _ in range(2):
        scene.call(0, 100)
        scene.tunnel(5, 99)
    for chain in scene.chains():
        assert chain.confidence < RELIABLE
        assert REASONS["ambiguous"] in chain.reasons
        assert "2 calls and 2 tunnels: which is which is not known" in chain.reasons


def test_a_call_without_a_tunnel_is_not_missing_while_tunnels_without_a_call_are_there() -> None:
    scene = Scene()
    scene.call(0, 100)
    scene.tunnel(5, 150, up=1)  # less than the request: not its own as far as can be told
    chain = scene.only()
    assert chain.tunnel is None
    assert REASONS["missing"] not in chain.reasons
    assert "1 call and 1 tunnel: which is which is not known" in chain.reasons
    assert chain.confidence < RELIABLE


def test_a_keep_alive_connections_calls_have_a_tunnel_each() -> None:
    scene = Scene()
    tunnels = []
    for number in range(300):
        scene.call(number * 50, number * 50 + 40)
        tunnels.append(scene.tunnel(number * 50 + 3, number * 50 + 39))
    chains = scene.chains()
    assert [chain.tunnel for chain in chains] == tunnels
    assert [chain.id for chain in chains] == [f"h{number}" for number in range(1, 301)]


def test_hosts_are_learned_so_that_another_services_tunnel_is_not_taken() -> None:
    scene = Scene()
    for number in range(3):
        scene.call(number * 1000, number * 1000 + 100)
        scene.tunnel(number * 1000 + 5, number * 1000 + 99)
        scene.call(number * 1000 + 500, number * 1000 + 600, port=20000)
        scene.tunnel(number * 1000 + 505, number * 1000 + 599, authority="gpt.example:443")
    scene.call(5000, 5100)
    scene.call(5000.1, 5101, port=20000)
    other = scene.tunnel(5005, 5100, authority="gpt.example:443")
    mine = scene.tunnel(5006, 5099, authority="llm.example:443")
    assert [chain.tunnel for chain in scene.chains()][-2:] == [mine, other]


def test_a_call_of_whoever_has_no_other_role_is_an_agents() -> None:
    scene = Scene()
    scene.call(0, 90, client="10.9.0.1", hop="other")
    scene.call(2, 150)
    tunnels = [scene.tunnel(5, 89), scene.tunnel(8, 149)]
    chains = scene.chains()
    assert [(chain.agent_exchange, chain.tunnel) for chain in chains] == [
        ("e1", tunnels[0]),
        ("e2", tunnels[1]),
    ]


def test_others_calls_take_their_tunnels_but_have_no_chain() -> None:
    """The API proxy's own, and a look at its pages."""
    scene = Scene()
    scene.call(0, 90, client=PROXY, hop="other")
    scene.call(2, 150)
    scene.call(300, 301, client="10.9.0.1", hop="other")
    request = scene.exchanges[-1].request
    assert request is not None
    look = replace(request, method="GET", target="/health")
    scene.exchanges[-1] = replace(scene.exchanges[-1], request=look)
    scene.tunnel(5, 89)
    mine = scene.tunnel(8, 149)
    chain = scene.only()
    assert (chain.agent_exchange, chain.tunnel) == ("e2", mine)


def test_with_losses_a_link_whose_ends_differ_is_not_relied_on() -> None:
    scene = Scene()
    scene.call(0, 500)
    scene.tunnel(5, 99)
    assert scene.only(LOSSY).confidence < RELIABLE


@pytest.mark.parametrize(
    ("rule", "believed"),
    [
        ("net 10.9.0.0/24; TLS cut behind its handshake, records counted", True),
        ("net 10.9.0.0/24 and port 3128", False),
    ],
)
def test_a_filter_counts_only_if_it_holds_something_back(rule: str, believed: bool) -> None:
    scene = Scene()
    scene.call(0, 500)
    scene.tunnel(5, 99)
    found = scene.only(replace(WHOLE, capture_filter=rule))
    assert (found.confidence >= RELIABLE) is believed


@pytest.mark.parametrize("completeness", [WHOLE, LOSSY])
def test_an_answer_passed_on_without_a_tunnel_is_never_sure(completeness: Completeness) -> None:
    scene = Scene()
    scene.call(0, 100)
    chain = scene.only(completeness)
    assert chain.tunnel is None
    assert chain.confidence < RELIABLE
    assert REASONS["hop-unseen"] in chain.reasons


def test_calls_that_never_end_do_not_hold_the_others_up() -> None:
    scene = Scene()
    scene.call(0, None, ended_by="capture-end", is_whole=False)
    tunnels = []
    for number in range(1000):
        scene.call(number * 50 + 1, number * 50 + 41)
        tunnels.append(scene.tunnel(number * 50 + 4, number * 50 + 40))
    assert [chain.tunnel for chain in scene.chains()][1:] == tunnels


def test_a_client_that_half_closed_has_the_tunnel_that_was_opened_behind_its_fin() -> None:
    """`nc -N` shuts its side with the request: the API proxy has the request all the same."""
    scene = Scene()
    scene.call(0, None, ended_by="client", closed=0.1, closed_by="client")
    tunnel = scene.tunnel(12, 600)
    chain = scene.only()

    assert (chain.tunnel, chain.answered_by) == (tunnel, "nobody")
    assert chain.confidence >= RELIABLE


@pytest.mark.parametrize(("ms", "is_joined"), [(1000, True), (1003, False)])
def test_behind_the_clients_fin_a_tunnel_may_follow_within_a_second(
    ms: float, is_joined: bool
) -> None:
    scene = Scene()
    scene.call(0, None, ended_by="client", closed=0.1, closed_by="client")
    scene.tunnel(ms, 2000)

    assert (scene.only().tunnel is not None) is is_joined
