"""The lab by hand: start it, record scenarios, see what there is, clean up."""

from __future__ import annotations

import contextlib
import json
import shlex
import signal
import sys
import time
from pathlib import Path
from types import FrameType

import click

from lab import docker as lab_docker
from lab import network as lab_network
from lab import proxy, squid, upstream
from lab.clients import ANTHROPIC_PLACEHOLDER
from lab.docker import DockerNetwork
from lab.network import Network
from lab.processes import LabError, why_not

#: What a lab starts beside `ip`.
PROGRAMS = ("squid", "node", "dumpcap")


@click.group(context_settings={"max_content_width": 100})
def main() -> None:
    """A real bridge with a real Squid, real TLS and real clients, in namespaces; needs root."""


on_docker = click.option("--docker", is_flag=True, help="Hosts are containers (docs/lab.md).")


@main.command()
@on_docker
@click.option("--one-network", is_flag=True, help="Squid's way to the world crosses the bridge.")
@click.option("--ipv6", is_flag=True, help="Hosts on the bridge are addressed by IPv6.")
@click.option(
    "--capture",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Record the bridge into this file.",
)
def up(docker: bool, one_network: bool, ipv6: bool, capture: Path | None) -> None:
    """Start network, Squid, upstreams and API proxy; print where; end all of it on Ctrl-C."""
    if docker and (one_network or ipv6):
        raise click.UsageError("--docker has neither --one-network nor --ipv6")
    _check()
    lab = DockerNetwork() if docker else Network(one_network=one_network, ipv6=ipv6)
    with contextlib.suppress(KeyboardInterrupt), lab as network:
        place = network.directory
        apis = upstream.start(network, directory=place / "upstream")
        gateway = squid.start(network)
        with network.capture(capture) if capture else contextlib.nullcontext():
            proxy.start(network, directory=place / "proxy", ca=apis.authority.root)
            click.echo(_described(network, gateway, capture))
            _wait_until_told()
    click.echo("ended; nothing is left")


def _wait_until_told() -> None:
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            signal.pause()


def _described(network: Network, gateway: squid.Squid, capture: Path | None) -> str:
    """The addresses, and what to try."""
    host = network.api_proxy.address
    url = f"http://{f'[{host}]' if ':' in host else host}:{proxy.PORTS['anthropic']}/v1/messages"
    body = {
        "model": "claude-lab-1",
        "max_tokens": 64,
        "messages": [{"role": "user", "content": "Say hello to the lab."}],
    }
    headers = (
        f"x-api-key: {ANTHROPIC_PLACEHOLDER}",
        "anthropic-version: 2023-06-01",
        "content-type: application/json",
    )
    command = ["curl", "-sS", url]
    for header in headers:
        command += ["-H", header]
    request = network.agent.by_hand([*command, "-d", json.dumps(body)])
    place = network.bridge.namespace or "the machine's own namespace"
    lines = [f"lab {network.id}: {network.device} in {place}", ""]
    lines += [f"  {host.name:<9}  {host.address}" for host in network.hosts.values()]
    lines += [
        "",
        f"Squid: {gateway.url}  {gateway.access_log}",
        f"recording: {capture.absolute()}" if capture else "not recording (--capture FILE)",
        "",
        "A request as an agent makes it:",
        f"  {shlex.join(request)}",
        "",
        "Ctrl-C ends the lab.",
    ]
    return "\n".join(lines)


@main.command()
@on_docker
@click.argument("names", nargs=-1, metavar="[NAME]...")
def record(docker: bool, names: tuple[str, ...]) -> None:
    """Record scenarios anew into captures/; without a name all of them.

    One that fails keeps the folder it had, and does not keep the others from their turn.
    """
    from lab import index
    from lab import record as recording

    wanted = _known(names)
    _check()
    failed = []
    for name in wanted:
        begun = time.monotonic()
        try:
            recording.record(name, docker=docker)
        except LabError as error:
            failed.append(name)
            click.echo(f"{name}: {error}", err=True)
        else:
            index.write()
            click.echo(f"{name}  {time.monotonic() - begun:.1f} s")
    if failed:
        raise LabError(f"not recorded: {', '.join(failed)}")


@main.command()
@click.argument("calls", type=click.IntRange(min=1))
@click.option("--plain", is_flag=True, help="Answers are JSON, not event streams.")
@click.option("--alike", is_flag=True, help="Bodies are of one size.")
@click.option("--again", is_flag=True, help="The API proxy tries each call again, by itself.")
@click.option("--pooled", is_flag=True, help="Through Envoy, which keeps its tunnels, in 5 s.")
@click.option(
    "--loss",
    type=click.FloatRange(0, 100),
    multiple=True,
    help="Judge the recording once more without so many percent of its frames.",
)
@click.option(
    "--capture",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the recording in this file.",
)
def load(
    calls: int,
    plain: bool,
    alike: bool,
    again: bool,
    pooled: bool,
    loss: tuple[float, ...],
    capture: Path | None,
) -> None:
    """So many calls in flight at once; which chains are right, by how sure they are."""
    from inspector import inspect
    from lab import load as loads

    _check()
    with Network() as network:
        kept = capture or network.directory / "load.pcapng"
        played = loads.play(
            network,
            kept,
            calls,
            stream=not plain,
            within=5.0 if pooled else 0.2,
            alike=alike,
            again=again,
            pooled=pooled,
        )
        found = loads.judge(inspect(kept), played)
        lossy = {each: loads.judge(loads.losing(kept, each), played) for each in loss}
    for status, count in sorted(played.statuses.items()):
        click.echo(f"{count} calls were answered by {status}")
    click.echo(found)
    click.echo(f"wrong at {loads.RELIABLE} or more: {len(found.wrong_and_sure)}")
    for percent, score in lossy.items():
        click.echo(f"\nwithout {percent:g} % of the frames: {score}")
        click.echo(f"wrong at {loads.RELIABLE} or more: {len(score.wrong_and_sure)}")


@main.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
def expected(names: tuple[str, ...]) -> None:
    """Write scenario.toml and expected.json anew from what was recorded; without a name all."""
    from lab import index
    from lab.restate import restate

    for name in _known(names):
        restate(name)
    index.write()


@main.command("list")
def list_command() -> None:
    """The scenarios, and the labs that run on this machine."""
    from lab.scenarios import catalogue

    known = catalogue()
    width = max(map(len, known), default=0)
    for name, scenario in known.items():
        click.echo(f"{name:<{width}}  {scenario.description}")
    for identity, alive in lab_network.labs().items():
        click.echo(f"lab {identity}: {'running' if alive else 'its owner was killed (clean)'}")


@main.command()
def clean() -> None:
    """Remove what killed labs left; running ones stay."""
    for identity in lab_network.clean():
        click.echo(f"removed lab {identity}")
    lab_docker.clean()


def _known(names: tuple[str, ...]) -> tuple[str, ...]:
    """The scenarios named, or all of them."""
    from lab.scenarios import catalogue

    known = catalogue()
    if unknown := [name for name in names if name not in known]:
        raise click.BadParameter(f"{', '.join(unknown)}: see `python -m lab list`")
    return names or tuple(known)


def _check() -> None:
    if reason := why_not(*PROGRAMS):
        raise LabError(reason)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    # Told to end, it ends as on Ctrl-C: with everything it has started.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        main.main(prog_name="python -m lab", standalone_mode=False)
    except LabError as error:
        sys.exit(f"lab: {error}")
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
