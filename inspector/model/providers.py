"""The providers whose APIs are recognised: one row each, read by every room that asks.

A provider is added here, or by a topology file (docs/topology.md): who is who, paths, key
shapes, event streams and the page take what they need from its row.  Sources: the providers'
public references; ports and auth headers: the firewall's API proxy (`server.js`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, TypeAlias

from inspector.fact import Fact
from inspector.model.credentials import CredentialKind

#: A provider's name.  A topology file may add one, and so may a later version.
Provider: TypeAlias = Annotated[str, "Provider"]

#: The name of what no row stands for.
UNKNOWN: Final[Provider] = "unknown"


class Grammar(Fact):
    """How an API's event streams are told apart, and how they end."""

    name: str
    """The grammar's name."""
    first_events: tuple[str, ...] = ()
    """Events, by their `event:` field or the `type` in their data, that only it has."""
    member: str | None = None
    """A member of the data that only it has, where events have no names."""
    terminal_events: tuple[str, ...] = ()
    """Events that end a stream.

    Empty: it ends with the data `[DONE]`, or with a stop reason.
    """


class ProviderFacts(Fact):
    """What is known of one provider."""

    name: Provider
    """Its name in reports, policies and topology files."""
    port: int | None = None
    """The API proxy's port for it, by default."""
    hosts: tuple[str, ...] = ()
    """Its API's host names, in an order that stays; one `*` stands for anything."""
    auth_header: str | None = None
    """The header that its API takes the key in."""
    key_prefixes: tuple[tuple[CredentialKind, str], ...] = ()
    """(kind, documented prefix) of its keys, in the order in which they are tried."""
    path_prefixes: tuple[str, ...] = ()
    """First parts of the paths in its reference, in an order that stays.

    Empty: it has too many to tell a wrong one.
    """
    grammars: tuple[str, ...] = ()
    """The grammars of its event streams, in the order in which they are tried."""
    networks: tuple[str, ...] = ()
    """Networks, in CIDR notation, in which nothing but its API is served, in its own order.

    It publishes them; a client that asks for an address names no host.
    """


GRAMMARS: Final[tuple[Grammar, ...]] = (
    Grammar("anthropic", first_events=("message_start",), terminal_events=("message_stop",)),
    Grammar(
        "openai-responses",
        first_events=("response.created", "response.in_progress"),
        terminal_events=("response.completed", "response.failed", "response.incomplete"),
    ),
    Grammar("openai-chat", member="choices"),
    Grammar("gemini", member="candidates"),
)

_GOOGLE_KEYS: Final[tuple[tuple[CredentialKind, str], ...]] = (
    ("google-api-key", "AIza"),
    ("google-api-key", "AQ.Ab"),
)

PROVIDERS: Final[tuple[ProviderFacts, ...]] = (
    ProviderFacts(
        "openai",
        port=10000,
        hosts=("api.openai.com",),
        auth_header="Authorization",
        key_prefixes=(
            ("openai-project-key", "sk-proj-"),
            ("openai-api-key", "sk-svcacct-"),
            ("openai-api-key", "sk-admin-"),
            ("openai-api-key", "sk-None-"),
            ("openai-api-key", "sk-"),
        ),
        path_prefixes=(
            "/v1/chat/completions", "/v1/responses", "/v1/models", "/v1/embeddings", "/v1/files",
            "/v1/images", "/v1/audio", "/v1/moderations", "/v1/batches", "/v1/completions",
            "/v1/realtime", "/v1/assistants", "/v1/threads", "/v1/vector_stores",
            "/v1/conversations",
        ),
        grammars=("openai-responses", "openai-chat"),
    ),
    ProviderFacts(
        "anthropic",
        port=10001,
        hosts=("api.anthropic.com",),
        auth_header="x-api-key",
        key_prefixes=(
            ("anthropic-api-key", "sk-ant-api03-"),
            ("anthropic-api-key", "sk-ant-api02-"),
            ("anthropic-api-key", "sk-ant-api01-"),
            ("anthropic-admin-key", "sk-ant-admin01-"),
            ("anthropic-oauth", "sk-ant-oat01-"),
            ("anthropic-oauth", "sk-ant-ort01-"),
            ("anthropic-api-key", "sk-ant-"),
        ),
        path_prefixes=(
            "/v1/messages", "/v1/models", "/v1/files", "/v1/skills", "/v1/organizations",
        ),
        grammars=("anthropic",),
        networks=("160.79.104.0/23", "2607:6bc0::/48"),
    ),
    ProviderFacts(
        "copilot",
        port=10002,
        hosts=("*.githubcopilot.com", "copilot-api.*.ghe.com"),
        auth_header="Authorization",
        key_prefixes=(
            ("github-token", "github_pat_"),
            ("github-token", "ghp_"),
            ("github-token", "gho_"),
            ("github-token", "ghu_"),
            ("github-token", "ghs_"),
            ("github-token", "ghr_"),
        ),
        path_prefixes=(
            "/chat/completions", "/models", "/responses", "/embeddings", "/agents", "/v1/messages",
            "/mcp", "/v1/",
        ),
        grammars=("openai-chat", "openai-responses", "anthropic"),
    ),
    ProviderFacts(
        "gemini",
        port=10003,
        hosts=("generativelanguage.googleapis.com",),
        auth_header="x-goog-api-key",
        key_prefixes=_GOOGLE_KEYS,
        path_prefixes=("/v1beta/", "/v1/", "/v1alpha/"),
        grammars=("gemini",),
    ),
    ProviderFacts(
        "vertex",
        port=10004,
        hosts=("aiplatform.googleapis.com", "*-aiplatform.googleapis.com"),
        auth_header="x-goog-api-key",
        key_prefixes=_GOOGLE_KEYS,
        grammars=("gemini", "anthropic"),
    ),
    ProviderFacts(
        "azure-openai",
        hosts=("*.openai.azure.com",),
        auth_header="api-key",
        grammars=("openai-responses", "openai-chat"),
    ),
)  # fmt: skip

#: The names above, and the one for everything else.
KNOWN: Final[tuple[Provider, ...]] = (*(row.name for row in PROVIDERS), UNKNOWN)

#: Port of the API proxy -> the provider behind it, by default.
DEFAULT_PORTS: Final[Mapping[int, Provider]] = {
    row.port: row.name for row in PROVIDERS if row.port is not None
}


#: What stands for a provider at a port of a gateway that serves several: its path tells which.
BY_PATH: Final[Provider] = "by-path"

#: First part of a path at such a port -> the provider whose format it is, in the order in which
#: they are tried; and whether that part is the gateway's own, before the provider's path.  Sources:
#: docs.litellm.ai (anthropic_completion, pass_through), docs.getbifrost.ai (integrations).
GATEWAY_PATHS: Final[tuple[tuple[str, Provider, bool], ...]] = (
    ("/anthropic/", "anthropic", True),
    ("/openai/", "openai", True),
    ("/azure/", "azure-openai", True),
    ("/genai/", "gemini", True),
    ("/gemini/", "gemini", True),
    ("/vertex_ai/", "vertex", True),
    ("/v1/messages", "anthropic", False),
    ("/v1beta/", "gemini", False),
    ("/v1/", "openai", False),
    ("/chat/completions", "openai", False),
    ("/responses", "openai", False),
    ("/embeddings", "openai", False),
)


def provider_at(path: str) -> Provider:
    """The provider whose format a path at a gateway's port is of."""
    return next((name for first, name, _ in GATEWAY_PATHS if path.startswith(first)), UNKNOWN)


def without_mount(path: str) -> str:
    """A path at a gateway's port without the part that is the gateway's own."""
    for first, _, is_own in GATEWAY_PATHS:
        if is_own and path.startswith(first):
            return path[len(first) - 1 :]
    return path


def kind_of_key(provider: Provider) -> str:
    """The kind of the keys of a provider that a topology file added."""
    return f"{provider}-api-key"
