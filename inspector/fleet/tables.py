"""The tables of a fleet: one record a table, one field a column, each with its meaning.

The schema of the Parquet files, the JSON Lines and docs/fleet-tables.md are made of these.  A
column has text only as a report grants it; names and paths of files pass `errors.plain_parts`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, Literal, TypeAlias, get_origin, get_type_hints

from inspector.fact import Fact
from inspector.model.capture import Verdict
from inspector.model.conclusions import FindingCode, HypothesisVerdict, Severity
from inspector.model.credentials import CredentialKind
from inspector.model.digests import Sha256
from inspector.policy.result import CheckVerdict
from inspector.report.formats.json import without_none

#: The format of the tables and its version, MAJOR.MINOR: a MINOR only adds columns and members.
SCHEMA: Final = "inspector.fleet-tables/1.0"

RunSource: TypeAlias = Literal["captures", "report"]
Failure: TypeAlias = Literal[
    "unreadable",
    "not-a-capture",
    "no-tcp",
    "not-a-report",
    "time-limit",
    "memory-limit",
    "worker-died",
    "internal-error",
]
Placeholders: TypeAlias = Literal["only", "some", "none"]


class RunRow(Fact, kw_only=True):
    """One run."""

    key: str
    """What tells this run from others: 16 hex digits of SHA-256 of where it lies.

    Of a URL without its user, query and fragment.
    """
    run: str
    """What it is called: by `--run-id`, else its path below the argument."""
    source: str
    """Where it lies; of what may be secret in a path `(not shown)`."""
    kind: RunSource
    """Whether it was judged from captures, or a report was read."""
    labels: Mapping[str, str]
    """What the run is called elsewhere: parts of its path, and its report's labels."""
    failure: Failure | None = None
    """Why there is no judgement of it; null of a run that was judged."""
    error: str | None = None
    """The same in a sentence."""
    started_at: int | None = None
    """The earliest packet's time."""
    ended_at: int | None = None
    """The latest packet's time."""
    files: int
    """Captures that were read."""
    bytes: int
    """Bytes of all its files, logs included, as they are stored."""
    packets: int = 0
    """Packets in the captures."""
    completeness: Verdict | None = None
    """Whether the captures can prove an absence; null without a judgement."""
    unread: tuple[str, ...] = ()
    """Why something was not read, in the order of the words (`Unread.reason`)."""
    cause: FindingCode | None = None
    """The root cause; null where no call failed, or none can be proven."""
    cause_explains: int = 0
    """Failed calls that it explains."""
    cause_of: int = 0
    """All failed calls."""
    cause_sentence: str | None = None
    """The whole story in one sentence."""
    could_tell: bool = False
    """Whether the run can be counted: it has a cause, or is proven to have no failed call."""
    calls: int = 0
    """Calls to an API."""
    calls_failed: int = 0
    """Calls that failed, and that no later one made good."""
    calls_made_good: int = 0
    """Calls that failed at first and were made good by a later one."""
    calls_unknown: int = 0
    """Calls of which the captures do not show how they ended."""
    statuses: Mapping[str, int]
    """Answers to calls by status; `none` where there was no answer, `unknown` where one may be."""
    providers: tuple[str, ...] = ()
    """Whose APIs were asked, in the order of their names."""
    clients: tuple[str, ...] = ()
    """Programs that asked, with versions (`claude-cli/2.1.88`), in the order of their names."""
    auth: tuple[str, ...] = ()
    """How credentials were sent: `x-api-key placeholder`, `authorization Bearer jwt`, in order."""
    placeholders: Placeholders | None = None
    """Whether agents sent placeholders; null where no credential of theirs was read."""
    real_keys: int = 0
    """How often a key that looks real was sent in plaintext (`real-key-on-agent-hop`)."""
    tunnels: int = 0
    """CONNECTs."""
    tunnels_refused: int = 0
    """CONNECTs that a proxy refused, by a rule or because it could not connect."""
    denied: tuple[str, ...] = ()
    """Hosts with ports that a rule denied, in the order of their names."""
    findings: tuple[FindingCode, ...] = ()
    """Codes of the findings, the worst first."""
    worst: Severity | None = None
    """The level of the worst finding."""
    proves_absence: bool = False
    """Whether the captures prove that there is no further finding (exit code 5 otherwise)."""
    hypotheses: Mapping[str, HypothesisVerdict]
    """The verdict on each of the questions that every report answers."""
    policy: str | None = None
    """The policy that the run was judged by; null without one."""
    policy_verdict: CheckVerdict | None = None
    """What it says."""
    policy_exit_code: int | None = None
    """0, 3 or 5: the verdict, but for doubts that the policy lets pass."""
    policy_broken: tuple[str, ...] = ()
    """Codes of findings and expectations that break it, in its order."""
    judged_by: str
    """Version and build of the program that judged: `0.1.0 git-0123456789ab`."""
    report_schema: str | None = None
    """The format of the report; null without one."""
    fingerprint_key: str | None = None
    """The id of the key of the fingerprints: only under equal ids can they be compared."""
    inputs: Sha256 | None = None
    """SHA-256 over names and digests of all files that were read."""
    settings: str
    """16 hex digits of SHA-256 over build, options, policies, key id and schema."""
    stamp: str
    """16 hex digits over names, sizes and times of the files: while it stays, nothing is read.

    Empty where a file was so new that its time proves nothing, or could not be read.
    """


class AuthRow(Fact, kw_only=True):
    """One credential that a client sent, with its header."""

    name: str
    """The header's name as sent; a query parameter has the name `?key`."""
    scheme: str | None
    """The authorization scheme as sent."""
    kind: CredentialKind
    """What its shape or its position says it is."""
    prefix: str | None
    """The documented, public part of its shape."""
    length: int
    """Bytes of the value, without the scheme."""
    fingerprint: str | None
    """12 hex digits of HMAC-SHA-256 under the key of the run's `fingerprint_key`."""
    placeholder: str | None
    """The public constant itself, when the value is one."""
    anomalies: tuple[str, ...]
    """What is odd in the value as sent."""
    requests: int
    """In how many of the client's requests."""


class ClientRow(Fact, kw_only=True):
    """A client of a run towards one service."""

    key: str
    """The run."""
    ip: str
    """The client's address."""
    role: str
    """The address's role."""
    user_agent: str | None
    """The User-Agent header."""
    program: str | None
    """The product of the user agent (RFC 9110 10.1.5): `claude-cli`."""
    version: str | None
    """Its version: `2.1.88`."""
    provider: str
    """Whose API the service's port stands for."""
    service: str
    """Who was asked, host and port."""
    requests: int
    """Requests sent."""
    statuses: Mapping[str, int]
    """Answers by status, as of the report's client."""
    auth: tuple[AuthRow, ...]
    """Each credential that was sent, in the order of their first use."""


class ExchangeRow(Fact, kw_only=True):
    """An HTTP exchange of a run."""

    key: str
    """The run."""
    exchange: str
    """Its id in the report of the run."""
    is_call: bool
    """Whether it is a call of a client to an API."""
    outcome: str | None
    """What became of a call: `answered`, `status`, `cut`, `unanswered`, `unknown`, ..."""
    recovered_by: str | None
    """The later call that made it good."""
    hop: str
    """Between whom, by role."""
    provider: str
    """Whose API the server's port stands for."""
    client: str
    """The address that asked."""
    server: str
    """Who was asked, address and port."""
    user_agent: str | None
    """The User-Agent header."""
    method: str | None
    """The method; null where the request was not captured."""
    target: str | None
    """The request target as the report shows it."""
    host: str | None
    """The Host header."""
    auth: tuple[str, ...]
    """Its credentials as in `runs.auth`, in wire order."""
    status: int | None
    """The status of the answer."""
    error: str | None
    """The type of the error that the body states."""
    model: str | None
    """The model that the body names."""
    request_bytes: int | None
    """Bytes of the request's body."""
    response_bytes: int | None
    """Bytes of the answer's body."""
    events: int | None
    """Events of its event stream; null where it is none."""
    started_at: int | None
    """When its first byte came."""
    seconds: float | None
    """From its first byte to the answer's last."""
    ended_by: str
    """How it ended."""
    decrypted: bool
    """Whether it was read inside TLS."""
    packet: int | None
    """The number of its first packet in its capture."""


class TunnelRow(Fact, kw_only=True):
    """A CONNECT of a run and what went through it."""

    key: str
    """The run."""
    tunnel: str
    """Its id in the report of the run."""
    client: str
    """The address that asked for it."""
    proxy: str
    """Who was asked, address and port."""
    host: str | None
    """The host that the CONNECT names."""
    port: int | None
    """The port that it names."""
    established: bool | None
    """Whether the tunnel opened; null when the capture cannot tell."""
    status: int | None
    """The final status of the answer to the CONNECT."""
    denied: bool
    """Whether a rule of the proxy forbids it."""
    proxy_error: str | None
    """Squid's reason."""
    protocol: str
    """What the first bytes inside are."""
    sni: str | None
    """The server name of the ClientHello."""
    tls_version: str | None
    """The negotiated version."""
    handshake: str | None
    """How far the handshake came."""
    bytes_up: int
    """Bytes that it carried to the server."""
    bytes_down: int
    """Bytes that it carried back."""
    opened_at: int
    """When the CONNECT's first byte came."""
    closed_at: int | None
    """When its connection was first closed."""
    closed_by: str | None
    """Who closed it first."""


class FindingRow(Fact, kw_only=True):
    """A finding of a run."""

    key: str
    """The run."""
    code: FindingCode
    """Its stable name (docs/findings.md)."""
    severity: Severity
    """How bad it is."""
    title: str
    """What it says, in one line."""
    count: int
    """How often it occurs."""


Row: TypeAlias = RunRow | ClientRow | ExchangeRow | TunnelRow | FindingRow

#: Name of a table -> its record.
TABLES: Final[Mapping[str, type[Row]]] = {
    "runs": RunRow,
    "clients": ClientRow,
    "exchanges": ExchangeRow,
    "tunnels": TunnelRow,
    "findings": FindingRow,
}


def empty_row(kind: type[Row], columns: Collection[str] | None = None) -> dict[str, Any]:
    """What a row, or some columns of one, has where nothing is known: null, or what is empty.

    A table of an earlier MINOR lacks columns; whoever reads it meets these.
    """
    hints = get_type_hints(kind)
    return {name: _empty(hints[name]) for name in hints if columns is None or name in columns}


def _empty(hint: Any) -> Any:
    bare = without_none(hint)
    if bare is not hint:
        return None
    origin = get_origin(bare)
    if origin is tuple:
        return []
    if origin is Mapping:
        return {}
    return {bool: False, int: 0, float: 0.0}.get(bare, "")
