"""Numbers and facts in the few words of a table cell.  Captured text comes out escaped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from inspector.credentials.kinds import label
from inspector.model.capture import Redacted
from inspector.model.credentials import AuthHeader, Credential
from inspector.model.http import EventStream, Grpc
from inspector.model.network import Endpoint, Process, Tunnel
from inspector.model.topology import ClientAuth
from inspector.report.page.escape import clipped, visible
from inspector.wire import packet_label

_LISTED: Final = 3
#: Statuses that one sentence tells apart.
FEW: Final = 8
_SHORT_ID: Final = 12

#: Longest captured text in one cell, in characters.
CELL: Final = 120
#: Longest message of an API that is shown.
MESSAGE: Final = 300


def size(count: int) -> str:
    """Bytes with a decimal unit: `812 B`, `92.9 kB`, `1.2 GB`."""
    if count < 1000:
        return f"{count} B"
    value = float(count)
    for unit in ("kB", "MB", "GB"):
        value /= 1000
        if value < 999.95 or unit == "GB":
            break
    return f"{value:.1f} {unit}"


def file_name(name: str, width: int) -> str:
    """A path in at most `width` columns; its end tells files apart, so that is kept.

    Where the folder is all that tells them apart (`h1-wrong-path/capture.pcapng`), that is kept.
    """
    shown = visible(name)
    if len(shown) <= width:
        return shown
    *_, folder, file = ("", "", *shown.split("/"))
    if folder and file.startswith("capture."):
        for told in (f".../{folder}/{file}", f"{folder}/{file}", f".../{folder}/", f"{folder}/"):
            if len(told) <= width:
                return told
    end = shown[3 - width :]
    _, slash, parts = end.partition("/")
    return f".../{parts}" if slash and parts else f"...{end}"


def duration(ns: int) -> str:
    """Seconds, in minutes or hours where these are easier to read."""
    seconds = ns / 1e9
    if seconds < 600:
        return f"{seconds:.1f} s"
    if seconds < 36_000:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:.1f} h"


def seconds(value: float) -> str:
    """A duration in s: `0.4 ms`, `53.4 ms`, `1.23 s`, in minutes or hours as `duration` has it."""
    if value < 0.9995:
        return f"{value * 1000:.1f} ms"
    return f"{value:.2f} s" if value < 600 else duration(round(value * 1e9))


def count(number: int, noun: str) -> str:
    """`1 packet`, `2 packets`, `1,200 packets`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def copied(told: Sequence[Redacted], captures: int) -> str | None:
    """What is blank in the captures of which `told` are redacted copies; None of none."""
    if not told:
        return None
    if captures == 1:
        what, where = "The capture is a redacted copy", "it"
    elif len(told) == 1:
        what, where = f"1 of {captures} captures is a redacted copy", "it"
    else:
        what, where = f"{len(told)} of {captures} captures are redacted copies", "them"
    blank = [
        *["what bodies say"] * any(copy.bodies for copy in told),
        *["what is encrypted in TLS"] * any(copy.ciphertext for copy in told),
        "all that was not understood",
    ]
    listed = ", ".join(blank[:-1]) + " and " * (len(blank) > 1) + blank[-1]
    verb = "are" if len(blank) > 1 else "is"
    return f"{what}: credentials are masked in {where}, and {listed} {verb} blank"


def apart(ns: int) -> str:
    """What to think of captures of which nothing is for so long."""
    return f"Nothing was captured for {duration(ns)} between files: they may be of different runs"


def some(names: Sequence[str], unlisted: int = 0) -> str:
    """The first few names, and how many more there are; `unlisted` are not among them."""
    more = max(0, len(names) - _LISTED) + (unlisted if names else 0)
    listed = ", ".join(names[:_LISTED])
    return f"{listed} +{more:,}" if more > 0 else listed


_WITHOUT: Final[Mapping[str, str]] = {"none": "no answer", "unknown": "none that was captured"}


def answers(statuses: Mapping[str, int], few: int | None = None) -> str:
    """`2 got 401, 1 got no answer`; statuses as keys, `none` for no answer.

    `unknown` is for an answer that may lie outside the capture.

    With more than `few` statuses the rarest are one number.
    """
    shown = dict(statuses)
    if few is not None and len(shown) > few:
        frequent = sorted(statuses, key=lambda status: -statuses[status])[: few - 1]
        shown = {status: statuses[status] for status in frequent}
    told = [
        f"{number:,} got {_WITHOUT.get(status, visible(status))}"
        for status, number in sorted(shown.items())
    ]
    if len(shown) < len(statuses):
        others = sum(statuses.values()) - sum(shown.values())
        told.append(f"{others:,} got {len(statuses) - len(shown):,} other statuses")
    return ", ".join(told) or "0 answered"


def although(failed: int) -> str:
    """What is added to statuses of success, of which so many are of calls that failed."""
    return f" ({failed:,} failed)" if failed else ""


def packets(references: Iterable[int], *, several_files: bool) -> str:
    """Packet numbers as the report writes them: `3, 17` or `1:3, 2:17`."""
    return ", ".join(str(packet_label(r, several_files=several_files)) for r in references)


def address(ip: str, subnet_prefix: str | None) -> str:
    """The last part of an address on the bridge (`.30`), the whole of any other."""
    if subnet_prefix and ip.startswith(subnet_prefix):
        return ip[len(subnet_prefix) - 1 :]
    return visible(ip)


def service(endpoint: Endpoint, subnet_prefix: str | None) -> str:
    """An address as above, and the port."""
    ip = address(endpoint.ip, subnet_prefix)
    return f"[{ip}]:{endpoint.port}" if ":" in ip else f"{ip}:{endpoint.port}"


def container(process: Process) -> str | None:
    """The container of a process by its name, else by as much of its id as Docker shows."""
    return process.container or (process.container_id or "")[:_SHORT_ID] or None


def header(auth: AuthHeader | ClientAuth) -> str:
    """The header's name and scheme as sent."""
    name = clipped(auth.name, CELL)
    return f"{name} {clipped(auth.scheme, 40)}" if auth.scheme else name


def credential(value: Credential) -> str:
    """Its label (a placeholder in full), and what is wrong with it."""
    text = visible(label(value)).removeprefix("<").removesuffix(">")
    anomalies = [anomaly for anomaly in value.anomalies if anomaly != value.kind]
    return f"{text} ({', '.join(anomalies)})" if anomalies else text


def connect_reply(tunnel: Tunnel) -> str:
    """What the proxy answered to a CONNECT."""
    if tunnel.connect_status is None:
        return "no reply" if tunnel.authority is not None else "not seen"
    return str(tunnel.connect_status)


def tls_outcome(tunnel: Tunnel) -> str:
    """How far TLS came inside a tunnel, or what was there in its place.

    For a refused CONNECT the forward proxy's name of the error.
    """
    if tunnel.inner is not None:
        error = (tunnel.inner.error or "").split(" ")[0]
        return clipped(f"no, plain {tunnel.inner.status} {error}".rstrip(), 40)
    if tunnel.tls_answer is not None:
        return clipped(f"alert to plain HTTP: {tunnel.tls_answer}", 60)
    if tunnel.tls is not None:
        alerts = "; ".join(clipped(alert, 40) for alert in tunnel.tls.alerts)
        return f"{tunnel.tls.handshake}: {alerts}" if alerts else tunnel.tls.handshake
    if tunnel.proxy_error:
        return clipped(tunnel.proxy_error.split(" ")[0], 40)
    if tunnel.protocol == "none":
        return "silence" if tunnel.established else "-"
    return f"no, {tunnel.protocol}"


def stream(shown: EventStream) -> str:
    """An event stream: its length, and whether it came to its provider's end."""
    words = [count(shown.events, "event")]
    if shown.error:
        words.append(f"error {clipped(shown.error, 40)}")
    if shown.malformed:
        words.append(f"{shown.malformed} malformed")
    words.append("ended" if shown.terminated else "NO END")
    return ", ".join(words)


def grpc(call: Grpc) -> str:
    """How a call of gRPC ended: `gRPC status 16 UNAUTHENTICATED`."""
    if call.status is None:
        return "gRPC, its status not captured"
    name = "" if call.name is None else f" {clipped(call.name, CELL)}"
    return f"gRPC status {call.status}{name}"
