"""The captures with every plant in them, and the search for what was planted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from click.testing import CliRunner

from inspector.cli.main import main
from tests.canary.keys import KNOWN, SHAPES, Canary, Watch, canary
from tests.canary.logs import LOG_KEYS
from tests.canary.plants import CUSTOM_HEADER, POSITIONS, TEXTS, UNSHOWN, Plant
from tests.canary.wire import Description, Talk

#: The options under which everything planted is told.
TOLD: Final = ("--auth-header", CUSTOM_HEADER, "--scope", "all", "--no-progress")


@dataclass(frozen=True)
class Planted:
    """One key in one place, and the talk that shows it."""

    place: str
    key: Canary
    talk: Talk


def planted(table: dict[str, Plant], *shapes: str) -> Iterator[Planted]:
    """Every place of `table` with a key of every shape."""
    for place, plant in table.items():
        for shape in shapes:
            key = canary(place, shape)
            yield Planted(place, key, plant(bytes(key)))


#: Every place with every shape, but no unshaped key in free text.
EVERYTHING: Final = (
    *planted(POSITIONS, *SHAPES),
    *planted(TEXTS, *KNOWN),
    *planted(UNSHOWN, *SHAPES),
)
#: Every place once.
SAMPLE: Final = (
    *planted(POSITIONS, "unshaped"),
    *planted(TEXTS, "anthropic"),
    *planted(UNSHOWN, "unshaped"),
)

IN_THE_FILE: Final = {
    name: canary(name, "anthropic")
    for name in ("interface name", "interface description", "interface filter", "resolved name")
} | {name: canary(name, "unshaped") for name in ("section comment", "packet comment", "key log")}
ABOUT: Final = Description(
    section_comment=f"made with {IN_THE_FILE['section comment'].text}",
    interface_name=f"veth {IN_THE_FILE['interface name'].text}",
    interface_description=IN_THE_FILE["interface description"].text,
    interface_filter=f"host {IN_THE_FILE['interface filter'].text}",
    resolved_name=IN_THE_FILE["resolved name"].text,
    key_log=b"CLIENT_RANDOM 00 " + bytes(IN_THE_FILE["key log"]),
)
WATCH: Final = Watch([*(item.key for item in EVERYTHING), *IN_THE_FILE.values(), *LOG_KEYS])


def run(*arguments: str | Path, code: int = 0) -> tuple[bytes, bytes]:
    """Both outputs of a run of the command line."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.stderr
    return done.stdout_bytes, done.stderr_bytes
