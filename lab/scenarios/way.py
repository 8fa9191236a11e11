"""What befalls a request on its way: closed, forgotten, swallowed, waited for, or misaddressed."""

from __future__ import annotations

from lab import obstacles
from lab.clients import ANTHROPIC_PLACEHOLDER
from lab.network import SILENT, WORLD
from lab.proxy import PORTS
from lab.record import Lab, message
from lab.scenarios import Expect, scenario

API_KEY = ("x-api-key", ANTHROPIC_PLACEHOLDER)
JSON = ("content-type", "application/json")
HOST = "api.anthropic.com"
#: The client's own patience, in place of the minutes that agents have.
_PATIENCE = ("--max-time", "3")


@scenario(
    "stale-connection",
    title="A request on a connection that the API proxy closed before",
    what="A client that uses Python's http.client makes a call, pauses 7 s and makes another on "
    "the same connection.",
    wrong="The API proxy closes an idle connection after 5 s, and the client does not look.",
    learn="FIN from the API proxy, seconds later a request, then RST: nobody processed it, and the "
    "API proxy is well.",
    expect=Expect(root_cause="stale-connection", H4a=None),
    ended_by="server",
)
def stale(lab: Lab) -> None:
    lab.claude_code(API_KEY, stream=False, times=2, pause=7.0, keep_alive=True)


@scenario(
    "forgotten-connection",
    title="A RST after seconds of silence, and the API proxy lives",
    what="curl makes a call that is not streamed and takes 30 s; it probes the connection after "
    "3 s. A second call takes a few ms.",
    wrong="A stateful filter between agent and API proxy forgets a connection after 2 s.",
    learn="Request, silence, a keep-alive probe, RST from the API proxy's address; its tunnel goes "
    "on, and the next call is answered: something in between forgot the connection.",
    expect=Expect(root_cause="connection-reset", H4a=None),
    upstream={HOST: {"first_byte": 30.0}},
    ended_by="reset-by-server",
    filtered=True,
    settle=False,
)
def forgotten(lab: Lab) -> None:
    obstacles.forgets(lab.network.api_proxy, PORTS["anthropic"], 2)
    lab.anthropic(options=("--keepalive-time", "3"))
    lab.openai()


@scenario(
    "mtu-black-hole",
    title="Small requests get through, a larger one is never acknowledged",
    what="curl makes a small call, then one with 2 KB of body; it gives up after 3 s.",
    wrong="Packets of more than 1000 bytes vanish between the bridge and the API proxy.",
    learn="The same bytes are sent again and again and never acknowledged; nothing was forwarded.",
    expect=Expect(root_cause="request-not-acknowledged", H3=None, H4a=None),
    verdict="incomplete",
    ended_by="capture-end",
    filtered=True,
    settle=False,
)
def black_hole(lab: Lab) -> None:
    obstacles.swallows(lab.network.api_proxy, PORTS["anthropic"], 1000)
    lab.anthropic()
    lab.anthropic(body=message(system="Ledger. " * 250), options=_PATIENCE)


@scenario(
    "request-body-too-short",
    title="Content-Length promises more than the body has",
    what="curl makes a call, then one with a Content-Length of its own, 30 larger than the body; "
    "it gives up after 3 s.",
    wrong="The client states a wrong Content-Length.",
    learn="The API proxy waits for the rest of the request, the client for an answer: nothing was "
    "forwarded, no key was judged.",
    expect=Expect(root_cause="request-malformed", H3=None, H4a=None),
    ended_by="client",
)
def too_short(lab: Lab) -> None:
    body = message()
    length = ("Content-Length", str(len(body) + 30))
    lab.anthropic()
    lab.anthropic(API_KEY, length, body=body, options=_PATIENCE)


@scenario(
    "squid-silent",
    title="Squid takes the CONNECT and says nothing while the client waits",
    what="curl to a host whose address is silent; Squid waits 30 s for it, curl 3 s.",
    wrong="Packets to the API's address vanish behind Squid, and Squid is patient.",
    learn="CONNECT without one byte in answer: neither refused nor denied, Squid waits.",
    expect=Expect(root_cause="squid-silent", H4a=None),
    squid={"hosts": {**WORLD, HOST: SILENT}, "connect_timeout": 30},
    ended_by="client",
    verdict="incomplete",
    settle=False,
)
def silent(lab: Lab) -> None:
    lab.anthropic(options=_PATIENCE)


@scenario(
    "tls-expected",
    title="Plain HTTP inside a CONNECT, to a box in the middle that wants TLS",
    what="undici with a ProxyAgent asks Squid for a tunnel to 172.30.0.30:10001 and makes its call "
    "in it; the Squid peeks at a ClientHello.",
    wrong="The client takes Squid for the way to the API proxy, and Squid takes every tunnel for "
    "TLS.",
    learn="200 to CONNECT, the call in plain, and then no answer of the API proxy's: it never saw "
    "the call.",
    expect=Expect(root_cause="tls-expected", H4a=None),
    squid={"peek": True},
    ended_by="server",
)
def wants_tls(lab: Lab) -> None:
    headers = [API_KEY, ("anthropic-version", "2023-06-01"), JSON]
    url = f"{lab.api()}/v1/messages"
    lab.agent.undici(url, headers, message(), proxy=lab.squid.url, tunnel=True)


@scenario(
    "base-url-https",
    title="The base URL says https: TLS to the API proxy's plain port",
    what="curl to https://172.30.0.30:10001, twice.",
    wrong="The client's base URL says https in place of http.",
    learn="A ClientHello where HTTP is spoken, answered by HTTP's 400 or a close; no call was "
    "made.",
    expect=Expect(root_cause="wrong-protocol"),
    is_noted=True,
    # What was to be asked stands in no packet.
    verdicts=dict.fromkeys(("H1", "H2", "H3", "H4a", "H4b"), "not observable"),
    oddities={"tls-bad-record": 2},
)
def https(lab: Lab) -> None:
    for _ in range(2):
        url = lab.api().replace("http:", "https:")
        lab.agent.curl(f"{url}/v1/messages", [API_KEY, JSON], message())


@scenario(
    "api-proxy-gone",
    title="Nobody answers at the API proxy's address",
    what="The API proxy's host is off the bridge; curl calls it twice and gives up after 2 s.",
    wrong="The API proxy's container does not run.",
    learn="SYNs, or only ARP, and no answer: whether it ever ran is not in the capture.",
    expect=Expect(H1=None, H2=None, H3=None, H4a=None, H4b=None),
    findings=("api-proxy-unreachable",),
    capture="late",
    partial=True,
    settle=False,
)
def gone(lab: Lab) -> None:
    # The agent knows its address from before: what it sends is more than ARP.
    lab.agent.probe(lab.network.api_proxy.address, PORTS["anthropic"])
    lab.network.unplug(lab.network.api_proxy)
    lab.begin_capture()
    for _ in range(2):
        lab.anthropic(options=("--max-time", "2"))
