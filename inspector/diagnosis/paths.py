"""Whether a path is one of a provider's API, whose it is instead, and how it is mended.

What a provider's reference has is `ProviderFacts.path_prefixes`; a provider without any has too
many to tell a wrong one, and nothing is said of its paths.
"""

from __future__ import annotations

from typing import Final

from inspector.diagnosis.call import FailedCall
from inspector.diagnosis.case import Case
from inspector.diagnosis.words import upstream_host
from inspector.exchanges.topology import provider_of
from inspector.fact import Fact
from inspector.model.addresses import path_of
from inspector.model.providers import BY_PATH, PROVIDERS, UNKNOWN, Provider, without_mount
from inspector.regex import regex
from inspector.secrets.labels import shortened

#: What servers say to a path that they do not have: OpenAI and Groq, Express, FastAPI and
#: Anthropic, Go, Kong, Traefik, Databricks, Google, AWS, Azure, Spring, Envoy, nginx.
NO_PATH: Final = regex(
    r"invalid url|unknown_?(?: request)? ?url|cannot (?:get|post|put|delete|patch) /"
    r"|^(?:\S{1,40} )?not found\.?$|page not found|no route|route not found|no api found"
    r"|requested url .{0,200}not found|unknownoperation|unable to determine service/operation"
    r"|resource not found|no (?:handler|resource|static resource|such (?:path|route|endpoint))"
    r"|endpoint.{0,40}(?:not found|does not exist)|path.{0,80}not found|method not allowed"
    r"|no matching (?:route|operation)|unrecognized request url|not_found_error: not found"
)
#: Statuses of a path, or of a method at a path, that is not there.
STATUSES: Final = (404, 405, 410, 501)
#: A version of an API as the first part of a path.
_VERSIONS: Final = ("/v1", "/v1beta")


class AskedPath(Fact):
    """The path of a call, and who has it."""

    path: str
    #: Who answered: the host of its tunnel, or of all that may be it; None where that is not known.
    host: str | None
    #: Whose host that is by its name; "unknown" for a host of nobody's.
    host_of: Provider
    #: Whether the reference of the port's provider has it; None where that cannot be told.
    in_reference: bool | None
    #: Whether the reference of the answering host's provider has it; None as above.
    on_host: bool | None
    #: The path as the reference has it, where a version is missing or doubled.
    mended: str | None

    @property
    def is_foreign(self) -> bool:
        """Whether the provider has the path and the host that answered is another's."""
        return self.in_reference is True and self.host is not None and not self.on_host


def asked(call: FailedCall, case: Case) -> AskedPath | None:
    """The path of a call; None without a request."""
    request = call.exchange.request
    if request is None:
        return None
    path = path_of(request.target)
    if path.startswith("//"):
        path = path[1:]
    host = upstream_host(call) or _only_host(call, case)
    host_of = UNKNOWN if host is None else provider_of(host, case.topology.added)
    # A port may be pointed at another provider's host (Azure, Gemini behind OpenAI's port).
    provider = call.exchange.provider
    if case.topology.providers.get(str(call.exchange.server.port)) == BY_PATH:
        path = without_mount(path)
    in_reference = has(provider, path, case)
    on_host = None if host_of == UNKNOWN else has(host_of, path, case)
    whose = provider if host_of == UNKNOWN else host_of
    return AskedPath(path, host, host_of, in_reference, on_host, _mended(whose, path, case))


def _only_host(call: FailedCall, case: Case) -> str | None:
    """The host of all tunnels that the API proxy had asked for when the upstream answered a call.

    Which of them carried it need not be known; a tunnel that is missing may lead elsewhere.
    """
    response = call.exchange.response
    if response is None or call.answered_by != "upstream" or case.not_read.is_lossy:
        return None
    asked = case.connects.asked_between(call.exchange.server.ip, 0, response.started_at)
    hosts = {tunnel.host for tunnel in asked}
    return shortened(hosts.pop(), 80) or None if len(hosts) == 1 else None


def has(provider: Provider, path: str, case: Case) -> bool | None:
    """Whether a provider's reference has a path; None where that cannot be told."""
    rows = (row for row in (*case.topology.added, *PROVIDERS) if row.name == provider)
    known = next((row.path_prefixes for row in rows), ())
    return path.startswith(known) if known else None


def says_no_path(call: FailedCall) -> bool:
    """Whether whoever answered says that the path is not there: by its words, or by no word."""
    if call.status not in STATUSES or call.answered_by == "forward-proxy":
        return False
    return not call.words or NO_PATH.search(call.words) is not None


def _mended(provider: Provider, path: str, case: Case) -> str | None:
    """The path with its version added, or taken off once, if the reference then has it."""
    if has(provider, path, case) is None:
        return None
    for version in _VERSIONS:
        if path.startswith(version + version):
            return path[len(version) :]
    if has(provider, path, case):
        return None
    tried = [version + path for version in _VERSIONS]
    # A prefix too much, as in /openai/v1/responses, or another version than the API has.
    parts = path.split("/")
    tried += ["/" + "/".join(parts[start:]) for start in range(2, len(parts))]
    return next((other for other in tried if has(provider, other, case)), None)
