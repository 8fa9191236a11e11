"""What was read inside TLS outside of any CONNECT, and is of a tunnel all the same.

Two kinds: the CONNECT was not captured, so that it is only known at the end that the connection
is a tunnel; or the session crosses the bridge twice and its first ClientHello was that of the
forward proxy's own leg, so that it was read there (`Keystore.take`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from inspector.exchanges.ledger import DirectTlsRecord, ExchangeRecord, TunnelRecord
from inspector.fact import Changing, field, replace
from inspector.model.network import Endpoint


class _Home(Changing):
    """The tunnel of a connection, and the exchanges that are given to it."""

    number: int
    connection: int
    client: Endpoint
    proxy: Endpoint
    authority: str | None
    exchanges: list[int] = field(default_factory=list)


class Legs:
    """Gives exchanges that were read inside TLS to the tunnels that they are of.

    `egress`: by the number of a tunnel, the forward proxy's own leg; `unannounced`: connections of
    tunnels whose CONNECT was not captured.
    """

    def __init__(
        self,
        tunnels: Iterable[TunnelRecord],
        egress: Mapping[int, DirectTlsRecord],
        unannounced: Iterable[DirectTlsRecord],
    ) -> None:
        self._egress = egress
        self._homes: dict[int, _Home] = {}
        self._by_tunnel: dict[int, _Home] = {}
        own = {record.connection for record in unannounced if record.decryption is not None}
        if not own and not any(record.decryption is not None for record in egress.values()):
            return
        for tunnel in tunnels:
            home = _Home(
                tunnel.number, tunnel.connection, tunnel.client, tunnel.proxy, tunnel.authority
            )
            leg = egress.get(tunnel.number)
            if leg is not None and leg.decryption is not None:
                self._homes[leg.connection] = self._by_tunnel[tunnel.number] = home
            if tunnel.connection in own:
                self._homes[tunnel.connection] = self._by_tunnel[tunnel.number] = home

    def placed(self, record: ExchangeRecord) -> ExchangeRecord:
        """The exchange, as one of its tunnel if it was read on a leg of one."""
        if not record.decrypted or record.tunnel is not None:
            return record
        home = self._homes.get(record.connection)
        if home is None:
            return record
        home.exchanges.append(record.number)
        return replace(
            record,
            tunnel=home.number,
            authority=home.authority,
            connection=home.connection,
            client=home.client,
            server=home.proxy,
        )

    def whole(self, tunnel: TunnelRecord) -> TunnelRecord:
        """The tunnel with all that was read of it on either leg, once exchanges are placed."""
        home = self._by_tunnel.get(tunnel.number)
        if home is None:
            return tunnel
        leg = self._egress.get(tunnel.number)
        if tunnel.decryption is None and leg is not None:
            tunnel = replace(tunnel, decryption=leg.decryption)
        return replace(tunnel, exchanges=[*tunnel.exchanges, *home.exchanges])
