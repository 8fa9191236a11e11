"""The user's configuration file: defaults of options about the network, policy and colour.

It is the user's own: under sudo that of whoever called sudo, and opened with that user's rights.
What decides what root opens (the network of a capture, files) is then not taken from it.  Nothing
is ever read from the current directory, which may be an artifact of somebody else.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from inspector.cli.parameters import Address, HeaderName, ServiceParameter, Subnet
from inspector.errors import ExitCode, InspectorError, plain
from inspector.fact import Fact
from inspector.presets import PRESETS

#: Its place below the directory for configuration.
PLACE: Final = Path("inspector") / "config.toml"
DOCS: Final = "docs/configuration.md"


class ConfigurationError(InspectorError):
    """A configuration file that cannot be used."""

    exit_code = ExitCode.USAGE


class Setting(Fact):
    """A name in the file."""

    #: The parameter of the commands for which it is the default.
    parameter: str
    #: Returns the value as the option takes it; raises ValueError with a sentence.
    checked: Callable[[Any], Any]
    #: Whether it decides what root would open.
    opens: bool = False
    #: Whether it may name a file, from the configuration's own directory on.
    is_file: bool = False
    #: The one command that it is for; empty: all that have such a parameter.
    command: str = ""


def _text(check: Callable[[str], Any]) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError("it is no text; write it in quotes.")
        return check(value)

    return checked


def _texts(check: Callable[[str], str]) -> Callable[[Any], tuple[str, ...]]:
    def checked(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError("it is no list of texts.")
        return tuple(map(check, value))

    return checked


def _text_or_texts(check: Callable[[str], str]) -> Callable[[Any], tuple[str, ...]]:
    def checked(value: Any) -> tuple[str, ...]:
        return (check(value),) if isinstance(value, str) else _texts(check)(value)

    return checked


def _one_of(*known: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in known:
            raise ValueError(f"it is none of {', '.join(known)}.")
        return text

    return check


#: All names of the file.
SETTINGS: Final[Mapping[str, Setting]] = MappingProxyType({
    "scope": Setting("scope", _text(_one_of("subnet", "all")), opens=True),
    "subnet": Setting("subnet", _text_or_texts(Subnet().checked), opens=True),
    "agents": Setting("agents", _texts(Address().checked)),
    "api_proxies": Setting("api_proxies", _texts(Address().checked)),
    "squids": Setting("forward_proxies", _texts(ServiceParameter().checked)),
    "preset": Setting("preset", _text(_one_of(*PRESETS)), opens=True),
    "topology": Setting("topology_file", _text(str), opens=True, is_file=True),
    "auth_headers": Setting("auth_headers", _texts(HeaderName().checked)),
    "policy": Setting("policy", _text(str), opens=True, is_file=True, command="check"),
    "color": Setting("color", _text(_one_of("auto", "always", "never"))),
})  # fmt: skip


class Defaults(Fact):
    """What a configuration gives."""

    #: By the name of a commands' parameter, as click takes them.
    values: dict[str, Any]
    #: Names that were left out, because root does not open what a user's file says.
    left_out: tuple[str, ...] = ()

    def of(self, command: str) -> dict[str, Any]:
        """What of it is for one command."""
        others = {each.parameter for each in SETTINGS.values() if each.command not in ("", command)}
        return {name: value for name, value in self.values.items() if name not in others}


def defaults(named: str | None, environ: Mapping[str, str] = os.environ) -> Defaults:
    """Defaults of options: those of the file `named`, or of the user's own if there is one.

    Raises `ConfigurationError` for a file that was named and is not there, or says what it cannot.
    """
    path = Path(named) if named else own_file(environ)
    if path is None:
        return Defaults({})
    settings = dict(_settings(path, _read(path, environ, wanted=bool(named))))
    # A file that was named on the command line is as much root's word as any option.
    is_root = _behind_sudo(environ) and not named
    left_out = tuple(name for name in settings if is_root and SETTINGS[name].opens)
    values = {
        SETTINGS[name].parameter: value for name, value in settings.items() if name not in left_out
    }
    return Defaults(values, left_out)


def own_file(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Where the user's own file would be (XDG Base Directory Specification).

    Under sudo it is below the caller's home as the system knows it: HOME and XDG_CONFIG_HOME may be
    root's, or whatever sudo was told to keep.
    """
    if _behind_sudo(environ):
        try:
            return Path(pwd.getpwuid(int(environ["SUDO_UID"])).pw_dir) / ".config" / PLACE
        except (KeyError, ValueError):
            return None
    told = environ.get("XDG_CONFIG_HOME", "")
    if told.startswith("/"):  # the specification: a relative one is to be ignored
        return Path(told) / PLACE
    home = environ.get("HOME", "")
    return Path(home) / ".config" / PLACE if home.startswith("/") else None


def _behind_sudo(environ: Mapping[str, str]) -> bool:
    return os.geteuid() == 0 and environ.get("SUDO_UID", "0") != "0"


def _read(path: Path, environ: Mapping[str, str], *, wanted: bool) -> dict[str, Any]:
    from inspector.toml import Unreadable, read_table

    with _as_caller(environ):
        try:
            there = path.is_file()
        except OSError:
            there = False
        if not there and not wanted:
            return {}
        try:
            return read_table(path)
        except Unreadable as error:
            raise ConfigurationError(
                f"The configuration {path} cannot be read: {error}",
                f"It is TOML with the names {', '.join(SETTINGS)} ({DOCS})",
                "No capture was read yet",
            ) from error


def _settings(path: Path, table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        setting = SETTINGS.get(name)
        if setting is None:
            raise ConfigurationError(
                f"The configuration {path} has an unknown name: {plain(name)}",
                f"Known are {', '.join(SETTINGS)} ({DOCS})",
            )
        try:
            checked = setting.checked(value)
        except ValueError as error:
            raise ConfigurationError(
                f"{name} in the configuration {path}: {str(error).rstrip('.')}", f"See {DOCS}"
            ) from error
        yield name, _from(path.parent, checked) if setting.is_file else checked


def _from(directory: Path, named: str) -> str:
    """A file by its path from a directory on; the name of a built-in policy as it is."""
    from inspector.policy.reading import BUILT_IN

    return named if named in BUILT_IN else str(directory / named)


@contextmanager
def _as_caller(environ: Mapping[str, str]) -> Iterator[None]:
    """Open files as the user behind sudo: root's hand is not lent to what that user wrote."""
    if not _behind_sudo(environ):
        yield
        return
    uid, gid = int(environ["SUDO_UID"]), int(environ.get("SUDO_GID", environ["SUDO_UID"]))
    groups = os.getgroups()
    os.setgroups([gid])
    os.setegid(gid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)
