from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from inspector.policy.model import AWF, Expect, Ignore, Tunnels
from inspector.policy.reading import PolicyError, read_policy

DOCS = Path(__file__).parent.parent.parent / "docs"


def _written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_built_in_policy_is_known_by_its_name() -> None:
    assert read_policy("awf") is AWF


def test_the_example_in_the_documentation_is_a_policy(tmp_path: Path) -> None:
    page = (DOCS / "policy.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    policy = read_policy(_written(tmp_path, example))
    assert policy.fail_on == "warning"
    assert policy.expect[0] == Expect(
        provider="anthropic",
        auth=("x-api-key", "Authorization"),
        placeholder_only=True,
        statuses=("2xx", "429"),
        min_calls=1,
        tunnels=Tunnels(("api.anthropic.com:443",), "complete"),
        direct_connect="never",
    )
    assert policy.ignore == (
        Ignore("retry-storm", "the test provokes one on purpose", date(2027, 1, 31)),
    )


def test_every_name_of_the_format_is_in_the_documentation() -> None:
    page = (DOCS / "policy.md").read_text(encoding="utf-8")
    for kind in (Expect, Tunnels, Ignore):
        assert all(f"`{name}`" in page for name in kind.__slots__), kind


def test_what_is_not_said_is_not_asked(tmp_path: Path) -> None:
    policy = read_policy(_written(tmp_path, "[[expect]]\n"))
    assert policy.expect == (Expect(),)
    assert policy.fail_on == "error"


def test_findings_may_be_left_to_others(tmp_path: Path) -> None:
    assert read_policy(_written(tmp_path, 'fail_on = "never"\n')).fail_on is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no toml at all [", "cannot be read"),
        pytest.param(
            "fail_on = " + "[" * 5000, "cannot be read: brackets are nested too deeply", id="deep"
        ),
        pytest.param("[[expect]]\nmin_calls = " + "9" * 5000, "cannot be read: ", id="digits"),
        pytest.param("#" * (1 << 20) + "\n", "cannot be read: it is longer than 1 MiB", id="long"),
        ('fail_on = ["error"]', "fail_on .* is not one of"),
        ('[[expect]]\nprovider = ["openai"]', "provider .* is not one of"),
        ("[[expect]]\nstatuses = [[200], {a = 1}]", "statuses .* is not a list such as"),
        ("[[expect]]\ntunnels = { tls = [1] }", 'tls .* is not "complete"'),
        ("[[expect]]\ndirect_connect = {}", 'direct_connect .* is not "never"'),
        ("expects = 1", "the top level of the policy .* has unknown names: expects"),
        ('fail_on = "disaster"', "fail_on .* is not one of error, warning, note, never"),
        ("expect = 1", r"expect .* is not written as \[\[expect\]\]"),
        ("[[expect]]\nproviders = 1", "has unknown names: providers"),
        ('[[expect]]\nprovider = "acme"', "provider .* is not one of openai"),
        ('[[expect]]\nauth = "x"', "auth .* is not a list of header names"),
        ("[[expect]]\nplaceholder_only = 1", "placeholder_only .* is not true or false"),
        ("[[expect]]\nstatuses = [99]", "statuses .* is not a list such as"),
        ("[[expect]]\nstatuses = 200", "statuses .* is not a list such as"),
        ("[[expect]]\nmin_calls = true", "min_calls .* is not a number of calls"),
        ("[[expect]]\ntunnels = 1", "tunnels .* is not a table"),
        ('[[expect]]\ntunnels = { tls = "maybe" }', 'tls .* is not "complete"'),
        ('[[expect]]\ndirect_connect = "rarely"', 'direct_connect .* is not "never"'),
        (
            '[[ignore]]\ncode = ["retry-storm"]\nreason = "r"\nexpires = 2027-01-01',
            "code .* is not a finding",
        ),
        ('[[ignore]]\nreason = "r"\nexpires = 2027-01-01', "code .* is not a finding's code"),
        (
            '[[ignore]]\ncode = "no-such-code"\nreason = "r"\nexpires = 2027-01-01',
            "code .* is not a finding's code",
        ),
        ('[[ignore]]\ncode = "no-api-call"\nexpires = 2027-01-01', "reason .* is not a text"),
        ('[[ignore]]\ncode = "no-api-call"\nreason = "r"', "expires .* is not a date"),
        (
            '[[ignore]]\ncode = "no-api-call"\nreason = "r"\nexpires = 2027-01-01T00:00:00Z',
            "expires .* is not a date",
        ),
    ],
)
def test_a_mistake_is_a_usage_error_that_names_its_place(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(PolicyError, match=said) as caught:
        read_policy(_written(tmp_path, text))
    assert caught.value.exit_code == 2


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs /dev/zero")
def test_a_policy_that_never_ends_is_not_read_to_its_end() -> None:
    with pytest.raises(PolicyError, match="longer than 1 MiB"):
        read_policy("/dev/zero")


def test_a_policy_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"absent\.toml cannot be read"):
        read_policy(tmp_path / "absent.toml")
