"""`inspector redact`: a capture that may be shared."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import click

from inspector.cli.group import verbose_option
from inspector.cli.help import Described
from inspector.cli.interrupts import AtOnce
from inspector.cli.messages import say
from inspector.cli.outcome import keep_ciphertext_option
from inspector.cli.parameters import HeaderName
from inspector.cli.printing import no_progress_option

if TYPE_CHECKING:
    from inspector.redaction import RedactionSummary

#: Why bytes were blanked -> how it is said.
BLANKED: Final = {
    "bodies": "bodies, but for their structure",
    "compressed": "compressed bodies with a key in them",
    "internal-error": "readings that failed, by an error of this program",
    "forgotten": "packets whose first copy is not here to compare with",
    "no-time": "connections that came faster than they were read",
    "options": "options in headers of packets that are not numbers of TCP",
    "plaintext": "directions of plaintext that is no HTTP",
    "quoted": "packets quoted in ICMP errors",
    "tls": "directions of TLS, but for the headers of its records and the names in hellos",
    "undecided": "packets at a limit",
    "unplaced": "packets that fit nowhere in their connection",
    "unmatched": "retransmissions with other bytes than the first",
    "unreadable": "bytes that could not be read",
}

#: What --keep-bodies means for a file.
KEPT: Final = (
    "--keep-bodies: {} holds prompts, answers and whatever the agent read; keys in them are"
    " masked only where they look like keys or were sent as such"
)

#: What --keep-ciphertext means for a file.
KEPT_CIPHERTEXT: Final = (
    "--keep-ciphertext: {} holds what is encrypted in TLS; whoever gets the session keys later"
    " reads real keys in it"
)


@click.command(cls=Described)
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--keep-bodies",
    is_flag=True,
    help="Keep what prompts and answers say. Only what looks like a key is masked in them.",
)
@click.option("--drop-bodies", is_flag=True, help="Does nothing: bodies are blanked anyway.")
@keep_ciphertext_option
@click.option(
    "--auth-header",
    "auth_headers",
    type=HeaderName(),
    metavar="NAME",
    multiple=True,
    help="A further header that carries a credential.",
)
@click.option(
    "--keep-header",
    "kept_headers",
    type=HeaderName(),
    metavar="NAME",
    multiple=True,
    help="A header whose value stays as it is, but for keys in it. Default: it is masked, "
    "unless it is known and plain.",
)
@click.option("--force", is_flag=True, help="Replace OUT if it is there.")
@no_progress_option
@verbose_option
def redact(
    source: str,
    target: Path,
    keep_bodies: bool,
    drop_bodies: bool,
    keep_ciphertext: bool,
    auth_headers: tuple[str, ...],
    kept_headers: tuple[str, ...],
    force: bool,
    no_progress: bool,
) -> None:
    """Write a capture without its credentials, to be shared.

    IN is a capture as for analyze, OUT becomes a pcapng file. Credentials are
    masked in place, and so is what bodies say: of JSON and event streams the
    structure stays. Lengths, times and packet numbers stay, and the report of
    OUT is that of IN but for fingerprints. Before it is left there OUT is audited
    against IN; what should not be in it is blanked and counted.
    """
    with AtOnce():
        from inspector.artifacts import check_directory, write_file
        from inspector.cli.progress import Progress
        from inspector.redaction import redact_into

    if (target.exists() or target.is_symlink()) and not force:
        raise click.UsageError(f"{click.format_filename(target)} is there; --force replaces it.")
    if source != "-" and target.exists() and os.path.samefile(source, target):  # noqa: PTH121
        raise click.UsageError("IN and OUT are the same file.")
    if drop_bodies and keep_bodies:
        raise click.UsageError("--drop-bodies and --keep-bodies contradict each other.")
    if drop_bodies:
        say("--drop-bodies does nothing any more: bodies are blanked unless --keep-bodies is given")
    check_directory(target.parent)
    with Progress(wanted=not no_progress) as progress:
        read = 0

        def tell(more: int) -> None:
            nonlocal read
            read += more
            progress(read, None)

        def write(out: BinaryIO) -> RedactionSummary:
            return redact_into(
                source,
                out,
                auth_headers=auth_headers,
                kept_headers=kept_headers,
                keep_bodies=keep_bodies,
                keep_ciphertext=keep_ciphertext,
                on_progress=tell,
            )

        summary = write_file(target, write)
    if keep_ciphertext:
        say(KEPT_CIPHERTEXT.format(click.format_filename(target)))
    if keep_bodies:
        say(KEPT.format(click.format_filename(target)))
    for line in told(summary):
        say(line)


def told(summary: RedactionSummary) -> list[str]:
    """What was done, in numbers and names, never values."""
    names = ", ".join(f"{name} x{count}" for name, count in sorted(summary.positions.items()))
    lines = [
        f"{summary.changed} of {summary.packets} packets changed;"
        f" {sum(summary.positions.values())} credentials masked" + (f": {names}" if names else "")
    ]
    if summary.echoes:
        lines.append(f"{summary.echoes} keys masked in other text")
    lines += () if summary.audit is None else summary.audit.told
    lines += [
        f"blanked: {count} {BLANKED.get(why, why)}"
        for why, count in sorted(summary.blanked.items())
    ]
    return lines
