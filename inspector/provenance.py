"""What a report says of its own run: the key's id, the options, labels; nothing that may be a key.

A label is what somebody typed, or what a runner set.  Those whose value has a grammar of its own
are shown where it fits; of all others, of file names and of header names, words alone.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from typing import Final

from inspector.model.provenance import Provenance, UsedOptions
from inspector.options import Options
from inspector.regex import regex
from inspector.secret import FINGERPRINT_DIGITS

#: Labels of a runner of GitHub Actions -> the variable that has it, and what its value is like.
OF_GITHUB: Final[Mapping[str, tuple[str, re.Pattern[str]]]] = {
    "repository": (
        "GITHUB_REPOSITORY",
        regex(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})/[A-Za-z0-9._-]{1,100}"),
    ),
    "run_id": ("GITHUB_RUN_ID", regex(r"[0-9]{1,20}")),
    "run_attempt": ("GITHUB_RUN_ATTEMPT", regex(r"[0-9]{1,6}")),
    "sha": ("GITHUB_SHA", regex(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")),
}

_KEY_ID: Final = b"inspector: which fingerprint key this is"


def key_id(key: bytes) -> str:
    """What tells one fingerprint key from another, and gives nothing of it away."""
    return hmac.new(key, _KEY_ID, "sha256").hexdigest()[:FINGERPRINT_DIGITS]


def labels_of_runner(environ: Mapping[str, str]) -> dict[str, str]:
    """The labels that a runner of GitHub Actions gives by itself."""
    return {
        name: environ[variable]
        for name, (variable, grammar) in OF_GITHUB.items()
        if grammar.fullmatch(environ.get(variable, ""))
    }


def provenance(
    options: Options, key: bytes, words: Callable[[str], str], scrub: Callable[[str], str]
) -> Provenance:
    """What a report says of its run.

    `words` leaves of a text its words, `scrub` hides in it what is a key: those of the run's vault.
    """

    def shown(name: str, value: str) -> str:
        _, grammar = OF_GITHUB.get(name, (None, None))
        if grammar is not None and grammar.fullmatch(value) and scrub(value) == value:
            return value
        return words(value)

    topology = options.topology_file
    return Provenance(
        fingerprint_key=key_id(key),
        labels={name: shown(name, value) for name, value in sorted(options.labels.items())},
        options=UsedOptions(
            scope=options.scope,
            subnet=next(iter(options.subnets), None),
            subnets=options.subnets,
            agents=options.agents,
            api_proxies=options.api_proxies,
            forward_proxies=options.forward_proxies,
            topology_file=None if topology is None else words(topology.name),
            auth_headers=tuple(map(words, options.auth_headers)),
            kept_headers=tuple(map(words, options.kept_headers)),
            decrypts=options.decrypts,
            preset=options.preset,
        ),
    )
