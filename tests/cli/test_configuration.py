"""The configuration file: whose it is, what it may say, and what root does not take from it."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from inspector.cli.configuration import SETTINGS, ConfigurationError, defaults, own_file
from inspector.cli.main import COMMANDS, main
from inspector.errors import ExitCode
from tests.cli.test_main import ROOT

HEALTHY = str(ROOT / "captures" / "healthy-json")
NOBODY = pwd.getpwnam("nobody")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="sudo's own view needs root")


def write(home: Path, text: str) -> Path:
    path = home / "inspector" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def run(*arguments: str, home: Path, **env: str) -> Result:
    told = {"XDG_CONFIG_HOME": str(home), "SUDO_UID": None, **env}
    return CliRunner().invoke(main, arguments, env=told)


def used(result: Result) -> dict[str, object]:
    assert result.exit_code == 0, result.stderr
    options: dict[str, object] = json.loads(result.stdout)["provenance"]["options"]
    return options


def test_the_command_line_comes_before_the_variable_before_the_file(tmp_path: Path) -> None:
    write(tmp_path, 'subnet = "172.30.0.0/16"\nagents = ["172.30.0.20", "172.30.0.21"]\n')
    show = ("analyze", "--format", "json", HEALTHY)
    assert used(run(*show, home=tmp_path))["subnet"] == "172.30.0.0/16"
    assert used(run(*show, home=tmp_path))["agents"] == ["172.30.0.20", "172.30.0.21"]
    env = {"INSPECTOR_SUBNET": "172.30.0.0/20", "INSPECTOR_AGENT": "172.30.0.22 172.30.0.20"}
    assert used(run(*show, home=tmp_path, **env))["subnet"] == "172.30.0.0/20"
    assert used(run(*show, home=tmp_path, **env))["agents"] == ["172.30.0.22", "172.30.0.20"]
    typed = run(*show, "--subnet", "172.30.0.0/24", home=tmp_path, **env)
    assert used(typed)["subnet"] == "172.30.0.0/24"


def test_a_policy_and_a_topology_are_found_from_the_files_directory_on(tmp_path: Path) -> None:
    place = write(tmp_path, 'policy = "team.toml"\ntopology = "net.toml"\n').parent
    (place / "team.toml").write_text('[[expect]]\nprovider = "openai"\nstatuses = [404]\n')
    (place / "net.toml").write_text('agents = ["172.30.0.20"]\n')
    assert run("check", HEALTHY, home=tmp_path).exit_code == ExitCode.BROKEN
    found = defaults(None, {"XDG_CONFIG_HOME": str(tmp_path)})
    assert [command for command in COMMANDS if "policy" in found.of(command)] == ["check"]
    result = run("analyze", "--format", "json", HEALTHY, home=tmp_path)
    assert used(result)["topology_file"] == "net.toml"


def test_colour_from_the_file(tmp_path: Path) -> None:
    write(tmp_path, 'color = "always"\n')
    assert "\x1b[" in run("analyze", HEALTHY, home=tmp_path).stdout
    assert "\x1b[" not in run("analyze", "--color", "never", HEALTHY, home=tmp_path).stdout


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("colour = 'auto'", "has an unknown name: colour. Known are scope, subnet"),
        ("subnet = 'somewhere'", "subnet in the configuration"),
        ("agents = '10.0.0.1'", "is no list of texts"),
        ("color = 'sometimes'", "none of auto, always, never"),
        ("color = 1", "it is no text"),
        ("= =", "cannot be read"),
    ],
)
def test_what_it_cannot_say_is_an_error_of_usage_that_names_the_file(
    tmp_path: Path, text: str, sentence: str
) -> None:
    path = write(tmp_path, text)
    result = run("analyze", HEALTHY, home=tmp_path)
    assert result.exit_code == ExitCode.USAGE
    assert str(path) in result.stderr
    assert sentence in result.stderr
    assert result.stdout == ""


def test_a_key_that_stands_in_it_by_mistake_is_not_quoted(tmp_path: Path) -> None:
    write(tmp_path, "subnet = 'sk-ant-api03-LABONLY0000000000000000000000'")
    assert "LABONLY" not in run("analyze", HEALTHY, home=tmp_path).stderr


def test_nothing_is_read_from_the_current_directory_unless_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "artifact"
    for name in (".inspector/config.toml", "inspector/config.toml", "config.toml", ".config.toml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("this is = no = configuration")
    monkeypatch.chdir(folder)
    home = tmp_path / "home"
    assert run("analyze", HEALTHY, home=home).exit_code == 0
    assert own_file({"XDG_CONFIG_HOME": "relative", "HOME": "."}) is None
    named = run("--config", "config.toml", "analyze", HEALTHY, home=home)
    assert named.exit_code == ExitCode.USAGE


def test_a_file_that_was_named_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        defaults(str(tmp_path / "absent.toml"), {})
    assert defaults(None, {"HOME": str(tmp_path)}).values == {}


@as_root
def test_under_sudo_it_is_the_callers_and_decides_nothing_that_root_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "home"
    write(place / ".config", "".join(f"{name} = {value}\n" for name, value in {
        "scope": '"all"', "subnet": '"10.0.0.0/8"', "topology": '"/etc/shadow"',
        "preset": '"litellm"', "policy": '"x.toml"', "agents": '["10.0.0.1"]', "color": '"always"',
    }.items()))  # fmt: skip
    caller = ("nobody", "*", NOBODY.pw_uid, NOBODY.pw_gid, "", str(place), "/bin/sh")
    monkeypatch.setattr(pwd, "getpwuid", lambda _: pwd.struct_passwd(caller))
    environ = {"SUDO_UID": str(NOBODY.pw_uid), "SUDO_GID": str(NOBODY.pw_gid), "HOME": "/root"}
    opened = tmp_path
    while opened != Path("/tmp") and opened != opened.parent:
        opened.chmod(0o755)
        opened = opened.parent
    found = defaults(None, environ)
    assert found.values == {"agents": ("10.0.0.1",), "color": "always"}
    assert set(found.left_out) == {"scope", "subnet", "preset", "topology", "policy"}
    assert set(found.left_out) == {name for name, each in SETTINGS.items() if each.opens}
    assert os.geteuid() == 0

    (place / ".config" / "inspector" / "config.toml").chmod(0o600)  # root's, and nobody else's
    with pytest.raises(ConfigurationError, match="Permission denied"):
        defaults(None, environ)
    assert os.geteuid() == 0
