"""From records to facts, once the whole capture was seen and roles are known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import cast

from inspector.exchanges.cleaning import Cleaner
from inspector.exchanges.clients import clients
from inspector.exchanges.ledger import DirectTlsRecord, ExchangeRecord, Ledger, TunnelRecord
from inspector.exchanges.legs import Legs
from inspector.exchanges.numbers import NumbersTally
from inspector.exchanges.relays import find_egress, find_relays
from inspector.exchanges.services import service_of
from inspector.exchanges.timing import timing
from inspector.exchanges.topology import Roles, fronts
from inspector.exchanges.turns import TunnelTurn
from inspector.fact import Fact
from inspector.model.addresses import path_of
from inspector.model.http import Exchange, Hop
from inspector.model.ids import connection_id, direct_tls_id, exchange_id, tunnel_id
from inspector.model.network import (
    ClosedBy,
    Connection,
    DirectTls,
    Egress,
    Process,
    Tunnel,
    opens_tunnel,
)
from inspector.model.numbers import ProviderNumbers
from inspector.model.providers import Provider
from inspector.model.topology import Client
from inspector.packed import PackedList, arranged, drained


class Assembled(Fact):
    """All that the report says of the traffic itself."""

    clients: tuple[Client, ...]
    connections: Sequence[Connection]
    exchanges: Sequence[Exchange]
    tunnels: Sequence[Tunnel]
    direct_tls: tuple[DirectTls, ...]
    #: The turns of tunnels that may have carried several requests, by the tunnel's number.
    turns: Mapping[int, Sequence[TunnelTurn]]
    #: The numbers of the calls to each provider.
    providers: tuple[ProviderNumbers, ...]


def assemble(ledger: Ledger, roles: Roles) -> Assembled:
    """Give every record its role, hop, provider and partner.

    Each fact is made once, and takes the place of its record: the ledger's archives are empty
    afterwards.
    """
    cleaned = Cleaner(ledger.credentials).cleaned
    ledger.exchanges, in_order = arranged(ledger.exchanges, by_number(ledger.exchange_order))
    relays: dict[int, int] = {}
    before = fronts(ledger.spoken, roles)
    if before or any(roles.hop(*pair) == "forward-proxy-to-api-proxy" for pair in ledger.spoken):
        relays = find_relays(ledger.exchanges, roles, before)
    inside_proxy, direct = _split_tls(ledger.tls, roles)
    for record in inside_proxy:
        ledger.add_tunnel(_unannounced(record, ledger.next_tunnel()))
    egress = find_egress(ledger.tunnels, direct)
    egress_connections = {record.connection for record in egress.values()}
    legs = Legs(ledger.tunnels, egress, inside_proxy)

    connections = PackedList(
        cleaned(connection)
        for connection in drained(*arranged(ledger.connections, by_number(ledger.connection_order)))
    )
    exchanges: PackedList[Exchange] = PackedList()
    known = RememberedRoles(roles)

    def made() -> Iterator[tuple[Exchange, tuple[str, int]]]:
        """Each exchange, kept, and the service that it is for."""
        for record in drained(ledger.exchanges, in_order):
            placed = legs.placed(record) if record.decrypted else record
            clean = cleaned(placed, record.written_at)
            service = service_of(clean)
            exchange = exchange_fact(clean, known, service, relays.get(record.number))
            exchanges.append(exchange)
            yield exchange, service

    callers = _client_processes(connections) if ledger.processes.any else {}
    providers: dict[Provider, NumbersTally] = {}
    return Assembled(
        clients=clients(made(), roles, callers, providers),
        connections=connections,
        exchanges=exchanges,
        tunnels=PackedList(
            tunnel_fact(legs.whole(cleaned(record)), egress.get(record.number))
            for record in drained(*arranged(ledger.tunnels, by_number(ledger.tunnel_order)))
        ),
        direct_tls=tuple(
            _direct_fact(cleaned(record), index)
            for index, record in enumerate(
                (record for record in direct if record.connection not in egress_connections),
                start=1,
            )
        ),
        turns=ledger.turns,
        providers=tuple(
            ProviderNumbers(provider, numbers)
            for provider, tally in providers.items()
            if (numbers := tally.numbers()) is not None
        ),
    )


def _client_processes(connections: Sequence[Connection]) -> dict[str, Process]:
    """Who called, by connection."""
    return {
        connection.id: connection.client_process
        for connection in connections
        if connection.client_process is not None
    }


def by_number(numbers: Sequence[int]) -> list[int]:
    """The positions of records in the order of their numbers."""
    return sorted(range(len(numbers)), key=numbers.__getitem__)


class RememberedRoles:
    """What roles say of addresses and services, remembered: a capture has few of them."""

    def __init__(self, roles: Roles) -> None:
        self.hop = lru_cache(maxsize=256)(roles.hop)
        self.provider = lru_cache(maxsize=64)(roles.provider)


def exchange_fact(
    record: ExchangeRecord, known: RememberedRoles, service: tuple[str, int], relayed: int | None
) -> Exchange:
    """A record as the report shows it; `service` is what its request is for."""
    hop: Hop = "inside-tunnel"
    if record.tunnel is None:
        hop = known.hop(record.client.ip, record.server.ip)
    path = "" if record.request is None else path_of(record.request.target)
    # By place: it takes a third of the instructions that the names of the fields do.
    return Exchange(
        exchange_id(record.number),
        hop,
        None if relayed is None else exchange_id(relayed),
        connection_id(record.connection),
        record.client,
        record.server,
        known.provider(*service, path),
        None if record.tunnel is None else tunnel_id(record.tunnel),
        record.request,
        record.response,
        record.upgrade,
        record.ended_by,
        record.interim,
        record.websocket,
        record.decrypted,
        None,  # who made it good is known to the diagnosis
        timing(record.request, record.response, is_upgrade=record.upgrade is not None),
        record.grpc,
    )


def tunnel_fact(record: TunnelRecord, egress: DirectTlsRecord | None) -> Tunnel:
    """A tunnel as the report shows it."""
    status = record.connect_status
    return Tunnel(
        id=tunnel_id(record.number),
        connection=connection_id(record.connection),
        client=record.client,
        proxy=record.proxy,
        authority=record.authority,
        auth=record.auth,
        headers=record.headers,
        interim=tuple(record.interim),
        connect_status=status,
        established=opens_tunnel(status),
        proxy_error=record.proxy_error,
        reply_latency=record.reply_latency,
        protocol=record.protocol,
        tls=record.tls,
        bytes_up=record.bytes_up,
        bytes_down=record.bytes_down,
        records_up=record.records_up,
        records_down=record.records_down,
        opened_at=record.opened_at,
        first_data_at=record.first_data_at,
        last_data_at=record.last_data_at,
        closed_at=record.closed_at,
        closed_by=cast("ClosedBy | None", record.closed_by),
        exchanges=tuple(exchange_id(number) for number in sorted(record.exchanges)),
        egress=None if egress is None else Egress(egress.server, connection_id(egress.connection)),
        packet=record.packet,
        last_down_at=record.last_down_at,
        challenges=record.challenges,
        inner=record.inner,
        tls_answer=record.tls_answer,
        decryption=record.decryption,
        data_down=record.data_down,
    )


def _split_tls(
    records: list[DirectTlsRecord], roles: Roles
) -> tuple[list[DirectTlsRecord], list[DirectTlsRecord]]:
    """TLS to a forward proxy's port is the inside of a tunnel whose CONNECT was not captured."""
    inside: list[DirectTlsRecord] = []
    direct: list[DirectTlsRecord] = []
    for record in sorted(records, key=lambda item: item.connection):
        is_proxy = (
            roles.role(record.server.ip) == "forward-proxy"
            and record.server.port in roles.proxy_ports
        )
        (inside if is_proxy and record.midstream else direct).append(record)
    return inside, direct


def _unannounced(record: DirectTlsRecord, number: int) -> TunnelRecord:
    return TunnelRecord(
        number=number,
        connection=record.connection,
        client=record.client,
        proxy=record.server,
        packet=record.packet,
        opened_at=record.opened_at,
        protocol="tls",
        tls=record.tls,
        hello=record.hello,
        bytes_up=record.bytes_up,
        bytes_down=record.bytes_down,
        records_up=record.records_up,
        records_down=record.records_down,
        first_data_at=record.first_data_at,
        last_data_at=record.last_data_at,
        closed_at=record.closed_at,
        closed_by=record.closed_by,
        decryption=record.decryption,
    )


def _direct_fact(record: DirectTlsRecord, index: int) -> DirectTls:
    return DirectTls(
        id=direct_tls_id(index),
        connection=connection_id(record.connection),
        client=record.client,
        server=record.server,
        tls=record.tls,
        bytes_up=record.bytes_up,
        bytes_down=record.bytes_down,
        records_up=record.records_up,
        records_down=record.records_down,
        opened_at=record.opened_at,
        closed_at=record.closed_at,
        packet=record.packet,
        decryption=record.decryption,
    )
