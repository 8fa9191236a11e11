from __future__ import annotations

import re
from pathlib import Path

from inspector.policy.checks import CHECKS
from inspector.policy.model import Expect, Ignore, Policy
from inspector.policy.reading import built_in, read_policy
from inspector.policy.sentences import sentences

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_the_built_in_policy_in_sentences() -> None:
    assert list(sentences(built_in("awf"))) == [
        "A finding of level error or warning breaks this policy (exit 3).",
        "placeholders: of all calls: placeholders only.",
        "tls-in-tunnels: of all calls: a complete TLS handshake in every open tunnel.",
        "no-way-around: of all calls: no agent opens a way to the API itself, or past Squid.",
        "What the capture cannot prove fails the run (exit 5).",
    ]


def test_every_name_of_the_example_is_said(tmp_path: Path) -> None:
    page = (DOCS / "policy.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    path = tmp_path / "policy.toml"
    path.write_text(example)
    (tmp_path / "network.toml").touch()
    told = "\n".join(sentences(read_policy(path)))
    for said in (
        "anthropic-calls: of calls to anthropic by clients like claude-cli/*: at most 500 calls.",
        "no-openai: of calls to openai: no call to openai.",
        "no-openai: of calls to openai: no way out to openai.",
        "known-clients: of all calls: no client but claude-cli/* or codex_cli_rs/*.",
        "where-the-agent-goes: of all calls opened by the agent: no way of the agent out but to",
        "no-pastebin: of all calls: no way out to pastebin.com:443, *.pastebin.com:443.",
        "side-traffic-denied is passed over to telemetry.lab.test:443 up to 20 times from",
        "The finding retry-storm counts as note.",
        "The run must have a call to an API.",
    ):
        assert said in told, said


def test_an_ignore_that_nothing_narrows_is_said_as_it_stands() -> None:
    policy = Policy("p", ignore=(Ignore("retry-storm", "it comes back over : and over", None),))
    assert "retry-storm is passed over: it comes back over : and over" in sentences(policy)


def test_what_an_expectation_can_ask_has_a_check() -> None:
    asked = {name for check in CHECKS for name in check.of}
    of_what = {"provider", "client", "process", "container", "name", "level"}
    assert asked | of_what == set(Expect.__struct_fields__)


def test_each_check_says_what_it_speaks_about() -> None:
    assert all(check.about for check in CHECKS)
