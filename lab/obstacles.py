"""What stands in the way to the API proxy: rules of nftables on its host, so behind the bridge.

The frames that they judge have crossed the bridge, where the capture sees them; what the rules
drop never reaches a program.
"""

from __future__ import annotations

from typing import Final

from lab.network import Host
from lab.processes import LabError, find

_TABLE: Final = "inspector_lab"


def why_not_obstacles() -> str | None:
    """The reason why there can be none here; None where there can."""
    return None if find("nft") else "no nft: tools/system-packages lab installs nftables"


def forgets(host: Host, port: int, seconds: int) -> None:
    """A stateful filter that forgets a connection of which it saw nothing for so many seconds.

    What comes then on that connection is answered with RST from the host's address, as NATs,
    load balancers and firewalls do; the program behind the port learns nothing of it.

    :raises LabError: no nftables, or no connection tracking in this kernel.
    """
    settings = {"tcp_timeout_established": seconds, "tcp_loose": 0}
    rule = f"tcp dport {port} tcp flags & rst == 0 ct state invalid reject with tcp reset"
    _add(host, rule)
    for name, value in settings.items():
        path = f"/proc/sys/net/netfilter/nf_conntrack_{name}"
        host.run(["sh", "-c", f"echo {value} >{path}"])


def swallows(host: Host, port: int, above: int) -> None:
    """A link with a smaller MTU that says nothing: packets of more than `above` bytes vanish.

    :raises LabError: no nftables.
    """
    _add(host, f"tcp dport {port} ip length > {above} drop")


def _add(host: Host, rule: str) -> None:
    if reason := why_not_obstacles():
        raise LabError(reason)
    hook = "type filter hook input priority 0"
    table = f"table ip {_TABLE} {{\nchain input {{\n{hook}\n{rule}\n}}\n}}\n"
    host.run([find("nft") or "nft", "-f", "-"], input=table)
