"""The findings catalogue as data: every code, what it means, what it needs, what to do.

`inspector explain`, docs/findings.md, severities and the order in which causes are
considered all come from this table.  A cause's place in `CAUSES` is how near it lies to the
origin of a call; what is in `OTHERS` never heads a report.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from inspector.model.conclusions import Severity


@dataclass(frozen=True, slots=True)
class Code:
    """One kind of finding.

    `needs` is what a capture must hold for it to be said; `shown_by` names the golden
    capture that has it, or is null where none has.
    """

    code: str
    severity: Severity
    title: str
    needs: str
    text: str
    advice: str
    shown_by: str | None = None


_AGENT_HOP: Final = "the call at the API proxy, plaintext"
_BOTH_HOPS: Final = "the call at the API proxy and the API proxy's connections to Squid"

#: Those that can be a root cause, from the origin of a call outward and back.
CAUSES: Final[tuple[Code, ...]] = (
    Code(
        "api-proxy-bypassed", "error", "The agent goes past the API proxy",
        "the agent's CONNECTs and requests at Squid",
        "The agent itself opens tunnels to an API's host, told by the CONNECT or by the name in"
        " TLS, or asks Squid for it in plaintext. What it holds is a placeholder, which"
        " no API accepts, or a real key, which it should not have. An error where no call came"
        " to the API proxy at all, else a warning.",
        "Point the client's base URL at the API proxy; look for a client that ignores it.",
        "agent-bypasses-proxy",
    ),
    Code(
        "credential-malformed", "error", "A credential cannot be sent as it is",
        "the request's head, whole",
        "The credential holds a control character, quotes, a doubled scheme, or nothing. A"
        " trailing space is harmless (measured) and is not meant. A note where the call"
        " succeeded all the same.",
        "Trim the value where it is set; look at its anomalies in the report.",
    ),
    Code(
        "wrong-path", "error", "The API has no such path",
        _AGENT_HOP,
        "The API answered 404 to a path that its reference does not have: a base URL that lacks"
        " or repeats /v1, or a retired endpoint. The credential was not the trouble.",
        "Compare the path with the API's reference; mostly the client's base URL is wrong.",
        "h1-wrong-path",
    ),
    Code(
        "proxy-died", "error", "The API proxy died of a call",
        "the call, the close without an answer, later connection attempts",
        "The API proxy took a request and closed without one byte of answer or in the middle of"
        " one, and from then on nobody answers at its address: connection attempts meet RST or"
        " silence. A key that ends in a newline does this: Node refuses the header and the"
        " process ends.",
        "Read the API proxy's stderr and its log; check its key for a trailing newline.",
        "issue-1527",
    ),
    Code(
        "proxy-not-listening", "error", "The API proxy does not listen on that port",
        "connection attempts to the port, and a sign of life of the API proxy after one",
        "Connections to the provider's port are refused while the API proxy is alive: it has no"
        " key for that provider (older versions do not listen then).",
        "Give the API proxy the provider's key, or use the port of a provider that it has.",
        "proxy-not-listening",
    ),
    Code(
        "proxy-not-configured", "error", "The API proxy has no key for that provider",
        _AGENT_HOP,
        "The API proxy itself answered that the provider is not configured. Nothing was sent"
        " to the API.",
        "Give the API proxy the key that its answer names.",
        "proxy-not-configured",
    ),
    Code(
        "proxy-refused", "error", "The API proxy refused the call itself",
        _AGENT_HOP,
        "The answer is the API proxy's own (its header names are in Title-Case, its error of its"
        " own kind, and it opened no tunnel): a budget guard, a rate limit, a body too large.",
        "Raise the limit that the answer names, or make fewer calls; the API never saw them.",
        "proxy-guard-429",
    ),
    Code(
        "squid-down", "error", "Squid does not answer",
        _BOTH_HOPS,
        "The API proxy's connections to Squid are refused or meet silence, or Squid closed a"
        " tunnel in mid-stream and was not there afterwards.",
        "Look at Squid's container: its state, its cache.log, its memory.",
        "squid-down",
    ),
    Code(
        "squid-denied", "error", "Squid denied the host or port",
        _BOTH_HOPS,
        "Squid answered CONNECT with 403. The API proxy relays Squid's HTML page as if it were"
        " the API's answer; no key left. Or the agent asked Squid for the API proxy itself, as"
        " clients do that ignore NO_PROXY, and Squid does not let the port through.",
        "Add the domain to the allow-list, or use a port that Squid lets through.",
        "squid-denied",
    ),
    Code(
        "squid-dns-failure", "error", "Squid cannot resolve the API's name",
        _BOTH_HOPS,
        "Squid answered with ERR_DNS_FAIL or, as version 5.7 does, 500 ERR_CANNOT_FORWARD.",
        "Resolve the name inside Squid's container; look at its resolver.",
        "squid-dns-failure",
    ),
    Code(
        "squid-cannot-connect", "error", "Squid cannot connect to the API",
        _BOTH_HOPS,
        "Squid answered 503 ERR_CONNECT_FAIL with an errno: 111 refused, 113 no route, 110"
        " timed out.",
        "Try the connection from Squid's container; look at routes and firewalls behind it.",
        "squid-connection-refused",
    ),
    Code(
        "tls-failed-in-tunnel", "error", "TLS failed inside an established tunnel",
        _BOTH_HOPS,
        "Squid said 200 and the tunnel carried no byte of HTTP: an alert, a close or reset"
        " during the handshake, silence, or a certificate that the API proxy refused (its"
        " alert is encrypted in TLS 1.3).",
        "Read the API proxy's error; check its CA certificates and what the API's host speaks.",
        "tls-untrusted",
    ),
    Code(
        "wrong-auth-scheme", "error", "The Authorization scheme is wrong for the host",
        _AGENT_HOP,
        "The API answered that the Authorization header is badly formatted: `token` where it"
        " wants `Bearer`, or the reverse. The API proxy writes that header.",
        "Look at which host the API proxy talks to and which scheme it takes for it.",
        "copilot-wrong-scheme",
    ),
    Code(
        "upstream-rejected-credential", "error", "The API rejected the credential",
        _AGENT_HOP,
        "The API answered 401 (Gemini: 400 API_KEY_INVALID). Its message tells which header it"
        " judged. What the agent sent was replaced by the API proxy: the key it holds is bad.",
        "Check the key that the API proxy holds, not the agent's placeholder.",
        "h4-401-inside-tunnel",
    ),
    Code(
        "upstream-forbidden", "error", "The API forbids the call",
        _AGENT_HOP,
        "The API answered 403: the key is known and may not do this.",
        "Look at what the key's organization, region and plan allow.",
        "upstream-403",
    ),
    Code(
        "upstream-bad-request", "error", "The API finds the request wrong",
        _AGENT_HOP,
        "The API answered 400, 404, 413 or another 4xx. Its message names what it dislikes.",
        "Read the message; compare model, headers and body with the API's reference.",
        "upstream-413",
    ),
    Code(
        "upstream-rate-limited", "error", "The API limits the rate",
        _AGENT_HOP,
        "The API answered 429; retry-after says how long to wait.",
        "Wait as long as retry-after says; spread the calls or ask for a higher limit.",
        "upstream-429",
    ),
    Code(
        "upstream-overloaded", "error", "The API is overloaded",
        _AGENT_HOP,
        "The API answered 529. Nothing on this side is wrong.",
        "Try later, with growing pauses.",
        "upstream-529",
    ),
    Code(
        "upstream-server-error", "error", "The API failed",
        _AGENT_HOP,
        "The API answered 5xx, or its side closed an intact tunnel without an answer.",
        "Look at the provider's status page; try again.",
        "upstream-500",
    ),
    Code(
        "stream-error-event", "error", "The API reported an error inside its stream",
        _AGENT_HOP,
        "The status was 200, and an event of the stream is an error.",
        "Treat it as that error: overloaded_error is to be tried again.",
        "h3-upstream-error-event",
    ),
    Code(
        "stream-malformed", "error", "A stream cannot be read as what it is labelled",
        _AGENT_HOP,
        "Events are broken in framing or JSON, or content-type or content-encoding contradict"
        " the bytes. Where the damage arose is not to be seen without the keys of the tunnel.",
        "Decrypt the tunnel with a key log and compare both sides of the API proxy.",
        "h3-proxy-mangles",
    ),
    Code(
        "stream-stalled", "error", "The answer stopped coming",
        _AGENT_HOP,
        "Nothing came for a second or more, far longer than between the pieces before, and the"
        " client gave up.",
        "Try again; see whether the tunnel was silent as well.",
        "upstream-stream-stalls",
    ),
    Code(
        "stream-cut", "error", "A stream ended before its last event",
        _AGENT_HOP,
        "The provider's terminal event is missing. A clean last chunk does not help: the API"
        " proxy 0.25.4 appends an error text and one, and an SDK reports success.",
        "See H3 for which side closed first.",
        "h3-upstream-cut",
    ),
    Code(
        "response-cut", "error", "An answer is shorter than promised",
        _AGENT_HOP,
        "The connection closed before the body was as long as its head said.",
        "Try again; see which side closed first.",
        "upstream-json-cut",
    ),
    Code(
        "client-aborted", "error", "The client left before the answer was whole",
        _AGENT_HOP,
        "The agent's side closed first while nothing else was wrong.",
        "Look at the client: a time limit, a cancelled task, a crash.",
        "client-leaves-mid-stream",
    ),
)  # fmt: skip

#: Everything else worth saying.
OTHERS: Final[tuple[Code, ...]] = (
    Code(
        "call-unanswered", "error", "A call got no answer",
        _AGENT_HOP,
        "The server's side closed without one byte, and went on living.",
        "Read the API proxy's log at that time.",
    ),
    Code(
        "call-failed", "error", "A call failed, of no cause that can be proven",
        _AGENT_HOP,
        "The answer is an error, cut, or damaged, and no cause of this catalogue accounts for it:"
        " the API proxy's own 500, 502 or 504 without a tunnel, or an error whose text was not"
        " captured whole. What was answered is under FAILED OR CUT. Calls that end outside the"
        " capture are not meant.",
        "Read the API proxy's log at that time; the answer's own words say what it tried.",
    ),
    Code(
        "api-proxy-unreachable", "error", "Nobody answers at the API proxy's address",
        "connection attempts",
        "Connection attempts to the API proxy failed, and nothing shows whether it had been"
        " there before. Dead, gone, or never started: the capture begins too late to say.",
        "Start the capture earlier; look at the state of the API proxy's container.",
    ),
    Code(
        "real-key-on-agent-hop", "error", "A key that looks real was sent in plaintext",
        "the head of a request or CONNECT on the bridge",
        "A credential of a real key's shape was sent in plaintext on the bridge: to the API proxy,"
        " to another host of the bridge, out of it through Squid or past it, or in a CONNECT."
        " Isolation is broken, even where the call succeeds. A key is told by its documented"
        " prefix, in whatever header or in the target; on the way to an API or out of the bridge"
        " also by its form (a JSON Web Token, 32 hexadecimal digits). An opaque value, a"
        " session's cookie or a password is not meant: a policy's placeholder_only is.",
        "Take the key out of the agent's environment and replace it at the provider.",
        "agent-holds-real-key",
    ),
    Code(
        "no-auth-header", "note", "A call without any credential",
        "the head of a request, whole",
        "The client sent no credential. Behind the API proxy that is harmless: it writes its"
        " own. An error where the answer shows that nobody did: 401 of the API proxy, or 401 or"
        " 403 of the API about no credential that it was sent.",
        "Nothing, as long as the calls succeed; else give the client a placeholder, and the API"
        " proxy the provider's key.",
    ),
    Code(
        "squid-page-relayed", "warning", "Squid's error page was relayed as the API's answer",
        _AGENT_HOP,
        "The agent got Squid's HTML page with the API proxy's blessing. A log that asks to"
        " check the API key is wrong about it: the key never left.",
        "See the cause; ignore what the page's status would mean if the API had sent it.",
        "squid-denied",
    ),
    Code(
        "retry-storm", "warning", "The same call was tried many times",
        _AGENT_HOP,
        "Five or more failed tries in a row from one client to one service, connection"
        " attempts included.",
        "Find the cause first; then let the client wait longer between tries.",
        "retry-storm",
    ),
    Code(
        "anthropic-beta-retired", "note", "An anthropic-beta value that the API refuses",
        "the API's 400, or a second tunnel for one call",
        "The API named the anthropic-beta header in a 400; or the API proxy sent the call again,"
        " shorter by exactly what the header or one of its values takes, and the agent never"
        " learnt of the 400.",
        "Take the retired value out of the client's configuration.",
        "retired-beta-refused",
    ),
    Code(
        "anthropic-version-unusual", "note", "An anthropic-version other than 2023-06-01",
        "the head of a request",
        "The header goes through unchanged. An API that does not know it answers 400.",
        "Nothing, as long as the calls succeed.",
        "h1-newer-version",
    ),
    Code(
        "credentials-differ", "note", "A request carries two credentials that differ",
        "the head of a request",
        "Two credential headers have different values. Measured: this breaks nothing by itself.",
        "Nothing; set both alike to be sure which one is meant.",
        "h2-two-placeholders",
    ),
    Code(
        "call-through-squid", "note", "A call for the API proxy went through Squid",
        "the agent's requests at Squid",
        "The client ignores NO_PROXY for a bare address. The API proxy then sees Squid's.",
        "Nothing, as long as the calls succeed.",
        "through-squid-absolute",
    ),
    Code(
        "plain-http-in-connect", "note", "Plain HTTP inside a CONNECT",
        "the agent's CONNECTs at Squid",
        "A tunnel to the API proxy carries plain HTTP.",
        "Nothing, as long as the calls succeed.",
        "plain-http-in-connect",
    ),
    Code(
        "stream-buffered", "note", "A stream's events came all at once",
        _AGENT_HOP,
        "Five or more events arrived in one moment after a wait of a second or more.",
        "Look for something that buffers: a proxy, a compressor.",
        "h3-proxy-buffers",
    ),
    Code(
        "sni-mismatch", "warning", "The name in TLS is not the name in CONNECT",
        "the tunnel's CONNECT and ClientHello",
        "The server name that the client asked for in TLS differs from the tunnel's authority.",
        "Look at who opened the tunnel and why; domain fronting looks like this.",
    ),
    Code(
        "tunnel-without-data", "note", "A tunnel was established and carried nothing",
        "the tunnel, whole",
        "Squid said 200 and not one byte followed. Its log has the 200 all the same.",
        "Nothing by itself.",
    ),
    Code(
        "origin-form-at-squid", "warning", "A web server's request at Squid's port",
        "the agent's requests at Squid",
        "A request in origin form (GET /path) reached Squid, which answers 400: something"
        " redirects web traffic to it without the client's knowledge.",
        "Look for a DNAT rule; set the client's proxy variables instead.",
        "origin-form-at-squid",
    ),
    Code(
        "agent-bypasses-squid", "error", "The agent goes out without Squid",
        "the agent's connections",
        "The agent itself is connected, by TLS, plain HTTP or whatever else, with an address that"
        " is no host of the bridge: neither Squid's allow-list nor the API proxy saw it. A"
        " warning where not one byte followed; a note where nobody took the connection, which is"
        " the firewall at work. Name look-ups over TCP port 53 are not meant.",
        "Look at the firewall's rules for the agent's container, and at the client that ignores"
        " HTTPS_PROXY.",
    ),
    Code(
        "api-proxy-bypasses-squid", "warning", "The API proxy goes out without Squid",
        "the API proxy's connections",
        "A TLS connection of the API proxy, or another that carried bytes to an address that is no"
        " host of the bridge, does not go through Squid.",
        "Look at the API proxy's HTTPS_PROXY and at the firewall's rules.",
    ),
    Code(
        "side-traffic-denied", "warning", "Other traffic of the agent was denied",
        "the agent's requests and CONNECTs at Squid",
        "Squid refused something that the agent asked for beside its API calls.",
        "Allow the domain if the agent needs it.",
        "denied-side-traffic",
    ),
    Code(
        "no-api-call", "note", "There is no API call in the capture",
        "a capture of the bridge",
        "No agent's request to an API provider was seen.",
        "Capture on the bridge while the agent runs, both directions, from its start.",
        "start-up-only",
    ),
    Code(
        "client-left-after-end", "note", "The client left after the stream's last event",
        _AGENT_HOP,
        "Healthy: the terminal event had come, and the client did not wait for the last chunk.",
        "Nothing.",
        "client-leaves-after-done",
    ),
    Code(
        "capture-incomplete", "note", "The capture cannot show how some calls ended",
        "completeness",
        "The end of these calls is in a gap, or after the end of the capture.",
        "Capture with full frames and a larger buffer, and stop after the agent has ended.",
        "lost-packets",
    ),
    Code(
        "log-tunnel-empty", "note", "A log's 200 stands for a tunnel that brought nothing back",
        "Squid's log beside the capture, the tunnel",
        "Squid wrote 200 when the tunnel closed; not one byte had come back through it. The 200"
        " says that a tunnel was made, never that the API answered.",
        "Believe the packets: look at what is said of the call itself.",
        "tls-silence",
    ),
    Code(
        "log-status-differs", "warning", "A log and the packets name different statuses",
        "a log beside the capture, the call or tunnel",
        "The status that Squid or the API proxy wrote down is not the one on the wire.",
        "Check that the logs are of this run; then believe the packets.",
    ),
    Code(
        "log-without-packets", "warning", "A log tells of calls or tunnels without packets",
        "a log beside the capture",
        "Squid or the API proxy wrote of a call or a tunnel within the capture's time, and no"
        " packet of it is there. The capture is not whole.",
        "Capture on the bridge itself, promiscuous, without a filter and with a larger buffer.",
    ),
)  # fmt: skip

CODES: Final[dict[str, Code]] = {entry.code: entry for entry in (*CAUSES, *OTHERS)}
#: How near to the origin of a call a cause lies.
ORIGIN: Final[dict[str, int]] = {entry.code: place for place, entry in enumerate(CAUSES)}
