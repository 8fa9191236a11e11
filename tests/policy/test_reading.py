from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from inspector.errors import InspectorError
from inspector.policy.contradictions import asked
from inspector.policy.model import Auth, Expect, HeaderRules, Ignore, TlsRules, Tunnels
from inspector.policy.places import PolicyError
from inspector.policy.reading import built_in, read_policy
from inspector.policy.tables import TOP

DOCS = Path(__file__).parent.parent.parent / "docs"

_IGNORED = '[[ignore]]\ncode = "retry-storm"\nreason = "r"\n'


def _written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_built_in_policy_is_known_by_its_name() -> None:
    assert read_policy("awf") is built_in("awf")


def test_the_example_in_the_documentation_is_a_policy(tmp_path: Path) -> None:
    page = (DOCS / "policy.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (tmp_path / "network.toml").touch()
    policy = read_policy(_written(tmp_path, example))
    assert policy.fail_on == "warning"
    assert policy.require == ("complete",)
    assert policy.topology == str(tmp_path / "network.toml")
    assert policy.severity == {"retry-storm": "note", "stream-buffered": "never"}
    names = [expect.name for expect in policy.expect]
    assert names[:4] == ["placeholders", "tls-in-tunnels", "no-way-around", "anthropic-calls"]
    assert policy.expect[3] == Expect(
        provider="anthropic",
        client="claude-cli/*",
        name="anthropic-calls",
        auth=Auth(("x-api-key", "Authorization"), ("Bearer",), query=False),
        placeholder_only=True,
        statuses=("2xx", "429"),
        min_calls=1,
        max_calls=500,
        max_retries=3,
        max_failed=2,
        headers=HeaderRules(("x-forwarded-for",), ("anthropic-version",)),
        models=("claude-*",),
        paths=("/v1/messages", "/v1/messages/count_tokens"),
        tunnels=Tunnels(("api.anthropic.com:443",), "complete"),
        direct_connect="never",
    )
    assert policy.ignore == (
        Ignore(
            "side-traffic-denied",
            "the client asks for it at start-up and lives without it",
            date(2027, 1, 31),
            host="telemetry.lab.test:443",
            count=20,
            start=date(2026, 8, 1),
        ),
        Ignore(
            None,
            "the smoke test of the image",
            date(2027, 1, 31),
            expectation="known-clients",
            client="curl/*",
        ),
    )


def test_every_name_of_the_format_is_in_the_documentation() -> None:
    page = (DOCS / "policy.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    for name in TOP.names:
        assert name in example, name
    for kind in (Expect, Auth, HeaderRules, TlsRules, Tunnels):
        assert all(f"`{name}`" in page for name in kind.__struct_fields__), kind


def test_the_example_has_every_name_of_an_expectation() -> None:
    page = (DOCS / "policy.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    missing = {name for name in Expect.__struct_fields__ if f"\n{name} = " not in example}
    assert missing == {"process", "container"}, "which no file without BPF knows"


def test_what_is_not_said_is_not_asked(tmp_path: Path) -> None:
    policy = read_policy(_written(tmp_path, "[[expect]]\nmin_calls = 1\n"))
    assert policy.expect == (Expect(min_calls=1),)
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
        ("[[expect]]\ndirect_connect = {}", "direct_connect .* is not one of never, allowed"),
        ("schema = 2", "schema in the policy .* is not 1, the only format"),
        ("[[expect]]\nauth = []", "line 1.* has an empty list auth"),
        ("[[expect]]\nstatuses = []", "has an empty list statuses"),
        ("[[expect]]\ntunnels = {}", "has an empty table tunnels, which asks nothing"),
        ('[[expect]]\nhosts = ["api.lab.test"]', "it has no port; write host:443"),
        ('[[expect]]\nhosts = ["https://api.lab.test"]', "it is an URL; write host:port"),
        ('[[expect]]\nhosts = [" a:443"]', "it has space around it"),
        ('[[expect]]\ntunnels = { authorities = ["*.a:443"] }', r"\* is known to hosts alone"),
        ('[[expect]]\nauth = ["X Api Key"]', "letters, digits and hyphens alone"),
        ('[[expect]]\nprovider = "antropic"', "Did you mean anthropic"),
        ("[[expect]]\nplaceholderonly = true", "Did you mean placeholder_only"),
        ('[[expect]]\nplaceholder_only = "some"', 'true or false, or "everywhere"'),
        ("[[expect]]\nmin_calls = 3\nmax_calls = 2", "at least 3 calls and at most 2"),
        ("[[expect]]\nmax_failed = -1", "a number of failed calls, 0 or more"),
        ('[[expect]]\nmodels = "claude"', "a list of patterns of a model"),
        ('[[expect]]\npaths = ["v1"]', "a path begins with /"),
        ("[[expect]]\ntls = { min_version = 1.2 }", "min_version .* is not one of 1.0, 1.1"),
        ('[[expect]]\nauth = { kinds = ["jwts"] }', "did you mean jwt"),
        (2 * '[[expect]]\nname = "a"\nmin_calls = 1\n', 'more than one .* of the name "a"'),
        (
            '[[expect]]\nmin_calls = 1\n[[expect]]\nlevel = "bad"',
            r"\[\[expect\]\] 2 \(line 3\) of the policy",
        ),
        ("[[expect]]\nforbid = true\nmin_calls = 2", "forbids all calls, and asks for at least 2"),
        (
            '[[expect]]\nheaders = { absent = ["X-A"], present = ["x-a"] }',
            "a header both in absent and in present",
        ),
        (
            '[[expect]]\nauth = { names = ["?key"], query = false }',
            "lets a query parameter carry the credential, and query = false forbids it",
        ),
        (
            '[[expect]]\nopened_by = "api-proxy"\ndirect_connect = "never"',
            "speaks of the api-proxy alone",
        ),
        ('[[expect]]\nprovider = "openai"', "asks nothing: only of what it would ask is said"),
        (
            '[[expect]]\nopened_by = "agent"\nstatuses = [200]',
            "has opened_by, and asks nothing of what is opened",
        ),
        (
            _IGNORED + "from = 2027-01-02\nuntil = 2027-01-01",
            "begins on 2027-01-02, after it ended on 2027-01-01",
        ),
        (
            _IGNORED + "until = 2027-01-01\nexpires = 2027-01-01",
            "has until and expires, which are the same. Write one of them",
        ),
        (
            _IGNORED + 'until = 2027-01-01\nprovider = "antropic"',
            "provider .* is not one of .*Did you mean anthropic",
        ),
        ('require = ["logz"]', "did you mean logs"),
        ('when_not_proven = "ignore"', "is not one of fail, warn, pass"),
        ('[severity]\nretry-strom = "note"', "Did you mean retry-storm"),
        ('[severity]\nretry-storm = "bad"', "is not one of error, warning, note, never"),
        (
            '[[ignore]]\nexpectation = "x"\nreason = "r"\nuntil = 2027-01-01',
            r"expectation .* is not the name of an \[\[expect\]\]: none has a name",
        ),
        (
            '[[ignore]]\ncode = "retry-strom"\nreason = "r"\nuntil = 2027-01-01',
            "Did you mean retry-storm",
        ),
        ("expects = 1", "the policy .* has unknown names: expects. Did you mean expect"),
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
        ('[[expect]]\ndirect_connect = "rarely"', "direct_connect .* is not one of never, allowed"),
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


def test_a_byte_order_mark_is_no_part_of_a_policy(tmp_path: Path) -> None:
    path = tmp_path / "policy.toml"
    path.write_bytes(b"\xef\xbb\xbffail_on = 'note'\n")
    assert read_policy(path).fail_on == "note"


def test_a_file_of_a_built_in_name_is_read_where_its_path_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "awf").write_text('fail_on = "note"\n')
    monkeypatch.chdir(tmp_path)
    assert read_policy("./awf").fail_on == "note"
    assert read_policy("awf").fail_on == "warning"


@pytest.mark.parametrize(
    "text",
    [
        '[[expect]]\nforbid = true\nhosts = ["a.lab.test:443"]\nmin_calls = 2',
        '[[expect]]\nopened_by = "agent"\ndirect_connect = "never"',
        '[[expect]]\nopened_by = "api-proxy"\nforbid = true',
        '[[expect]]\nauth = { names = ["x-api-key"], query = false }',
        _IGNORED + "from = 2027-01-01\nuntil = 2027-01-01",
    ],
)
def test_what_only_resembles_a_contradiction_is_read(tmp_path: Path, text: str) -> None:
    read_policy(_written(tmp_path, text))


def test_an_ignore_may_name_a_provider_that_a_report_adds(tmp_path: Path) -> None:
    text = _IGNORED + 'until = 2027-01-01\nprovider = "mistral"'
    assert read_policy(_written(tmp_path, text), ["mistral"]).ignore[0].provider == "mistral"
    with pytest.raises(PolicyError, match=r"provider .* is not one of"):
        read_policy(_written(tmp_path, text))


# -- extending -----------------------------------------------------------------------


def test_a_policy_starts_from_the_one_that_it_extends(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(
        'fail_on = "note"\nwhen_not_proven = "warn"\n[severity]\nretry-storm = "note"\n'
        '[[expect]]\nname = "a"\nmin_calls = 1\n[[expect]]\nname = "b"\nmin_calls = 1\n'
        '[[ignore]]\ncode = "retry-storm"\nreason = "r"\nuntil = 2027-01-01\n'
    )
    policy = read_policy(
        _written(
            tmp_path,
            'extends = "base.toml"\nfail_on = "error"\n'
            '[[expect]]\nname = "b"\nmin_calls = 9\n[[expect]]\nmax_calls = 9\n'
            '[[ignore]]\nexpectation = "a"\nreason = "r"\nuntil = 2027-01-01\n',
        )
    )
    assert (policy.fail_on, policy.when_not_proven) == ("error", "warn")
    assert [(e.name, e.min_calls) for e in policy.expect] == [("a", 1), ("b", 9), ("", 0)]
    assert [ignore.of for ignore in policy.ignore] == ["retry-storm", "a"]
    assert policy.severity == {"retry-storm": "note"}


def test_the_built_in_one_can_be_extended(tmp_path: Path) -> None:
    policy = read_policy(_written(tmp_path, 'extends = "awf"\n'))
    assert policy.expect == built_in("awf").expect
    assert policy.fail_on == built_in("awf").fail_on


def test_an_expectation_of_the_one_that_it_extends_can_be_taken_out(tmp_path: Path) -> None:
    text = 'extends = "awf"\n[[expect]]\nname = "no-way-around"\n'
    names = [expect.name for expect in read_policy(_written(tmp_path, text)).expect]
    assert names == ["placeholders", "tls-in-tunnels", "no-way-around"]
    assert list(asked(read_policy(_written(tmp_path, text)).expect[-1])) == []
    with pytest.raises(PolicyError, match="asks nothing"):
        read_policy(_written(tmp_path, text.replace("no-way-around", "no-way-arond")))


def test_policies_that_extend_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text('extends = "policy.toml"\n')
    with pytest.raises(PolicyError, match=r"extends policy\.toml, which extends it"):
        read_policy(_written(tmp_path, 'extends = "other.toml"\n'))


def test_many_in_a_row_are_refused(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"{number}.toml").write_text(f'extends = "{number + 1}.toml"\n')
    with pytest.raises(PolicyError, match="extends more than 8 others in a row"):
        read_policy(tmp_path / "0.toml")


KEY = "sk-ant-api03-LABONLYq7Zw9Rt2Xv5Nb8Mk1LpQ"
_IGNORE = '[[ignore]]\ncode = "retry-storm"\nreason = "r"\nuntil = 2027-01-01\n'


@pytest.mark.parametrize(
    "text",
    [
        # the file is no TOML
        "{key} = 1\n{key} = 2", "[{key}]\n[{key}]", "a = {key}", 'a = "{key}', "{key}",
        '"{key}" "a" = 1', "['{key}']\n['{key}']", 'a = {{ "{key}" = 1, "{key}" = 2 }}',
        "{key} = {{}}\n[{key}.a]", "['{key} (at ']\n['{key} (at ']", "a = '{key}\x01'",
        # names, and values of each kind
        "{key} = 1", "[[expect]]\n{key} = 1", "[[expect]]\nauth = {{ {key} = 1 }}",
        'schema = "{key}"', 'fail_on = "{key}"', 'require = ["{key}"]', 'require_calls = "{key}"',
        'extends = "{key}"', 'extends = "{key}/./x"', 'topology = "{key}"', 'topology = "./{key}"',
        'auth_headers = ["{key} "]', 'auth_headers = ["{key}:"]', 'expect = "{key}"',
        '[severity]\n{key} = "note"', '[severity]\nretry-storm = "{key}"', 'severity = "{key}"',
        '[[expect]]\nprovider = "{key}"', '[[expect]]\nhosts = ["{key}"]',
        '[[expect]]\nhosts = ["https://{key}"]', '[[expect]]\nhosts = ["{key} :443"]',
        '[[expect]]\npaths = ["{key}"]', '[[expect]]\nstatuses = ["{key}"]',
        '[[expect]]\nmin_calls = "{key}"', '[[expect]]\nauth = "{key}"',
        '[[expect]]\nauth = {{ kinds = ["{key}"] }}', '[[expect]]\nplaceholder_only = "{key}"',
        '[[expect]]\nauth = {{ placeholders = ["{key}"] }}', '[[expect]]\ntls = "{key}"',
        '[[expect]]\ntunnels = {{ authorities = ["{key}"] }}', '[[expect]]\nname = " {key}"',
        2 * '[[expect]]\nname = "{key}"\nmin_calls = 1\n',
        _IGNORE.replace("retry-storm", "{key}"), _IGNORE + 'host = "{key}"',
        _IGNORE.replace("2027-01-01", '"{key}"'), _IGNORE + 'provider = "{key}"',
        _IGNORE.replace('code = "retry-storm"', 'expectation = "{key}"'),
        '[[expect]]\nname = "{key}"\nmin_calls = 1\n'
        + _IGNORE.replace('code = "retry-storm"', 'expectation = "{key}."'),
    ],
)  # fmt: skip
def test_no_mistake_repeats_what_may_be_a_key(text: str, tmp_path: Path) -> None:
    with pytest.raises(InspectorError) as caught:
        read_policy(_written(tmp_path, text.format(key=KEY)))
    told = str(caught.value)
    assert not any(KEY[at : at + 12] in told for at in range(len(KEY) - 11))
    assert "policy" in told or "topology" in told
