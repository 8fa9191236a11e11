"""Which fields of a report came with which MINOR of its format.

All that is in no row was there with MAJOR.0, and is written by every version of this MAJOR: a
schema may require it.  What came later is absent from reports of earlier versions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: `Class.field` -> the MINOR that brought it.  A new class needs a row for the field that holds it
#: alone: where it stands, all of its fields do.
SINCE: Final[Mapping[str, int]] = {
    "ApiError.status": 2,
    "CaptureFile.sha256": 2,
    "Chain.header_diff": 2,
    "Chain.stream_diff": 2,
    "Chain.upstream_exchanges": 2,
    "Client.numbers": 2,
    "Client.processes": 2,
    "DirectTls.decryption": 2,
    "Disagreement.file": 2,
    "Exchange.decrypted": 2,
    "Exchange.grpc": 2,
    "Exchange.timing": 2,
    "Report.keys": 2,
    "Report.providers": 2,
    "Report.provenance": 2,
    "Testimony.file": 2,
    "Tool.build": 2,
    "Topology.cli_proxy": 2,
    "Topology.doh_proxy": 2,
    "Topology.mcp_gateway": 2,
    "Topology.subnets": 2,
    "Topology.without": 2,
    "Tool.core": 2,
    "Tunnel.data_down": 2,
    "Tunnel.decryption": 2,
    "WebSocket.bytes_down": 2,
    "WebSocket.bytes_up": 2,
    "WebSocket.close_reason": 2,
    "WebSocket.last_down_at": 2,
    "WebSocket.last_up_at": 2,
    "Witnesses.policy_rules": 2,
}
