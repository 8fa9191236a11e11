"""Gateways in the API proxy's place: what they are told, and which program is taken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lab import envoy, gateways, litellm
from lab.clients import ANTHROPIC_PLACEHOLDER

CA = Path("/lab/ca.pem")
SQUID = ("172.30.0.10", 3128)
KEY = "sk-ant-api03-LABONLYkey"


def of_envoy(**limits: str) -> dict[str, object]:
    told = envoy.configuration(
        ("172.30.0.30", 10001), SQUID, ("api.anthropic.com", "203.0.113.10"), KEY, CA, limits
    )
    found: dict[str, object] = json.loads(told)
    return found


def test_envoy_asks_squid_for_the_host_and_writes_its_own_key() -> None:
    told = json.dumps(of_envoy())

    assert '"hostname": "api.anthropic.com"' in told
    assert '{"address": "172.30.0.10", "port_value": 3128}' in told
    assert f'{{"key": "x-api-key", "value": "{KEY}"}}' in told
    assert f'"trusted_ca": {{"filename": "{CA}"}}' in told


def test_envoys_limits_are_those_of_the_scenario() -> None:
    assert '"timeout": "1s"' in json.dumps(of_envoy(timeout="1s"))
    assert "hostname" not in json.dumps(of_envoy(endpoints="none"))
    assert '"path": "/lab/access.log"' in json.dumps(of_envoy(access_log="/lab/access.log"))
    assert '"access_log": []' in json.dumps(of_envoy())


def test_litellm_has_one_model_and_takes_the_placeholder_for_its_own_key() -> None:
    told = json.loads(litellm.configuration("api.anthropic.com", KEY, {}))

    (model,) = told["model_list"]
    assert model["litellm_params"]["api_key"] == KEY
    assert told["general_settings"]["master_key"] == ANTHROPIC_PLACEHOLDER
    assert "timeout" not in model["litellm_params"]


def test_litellms_limits_are_those_of_the_scenario() -> None:
    limits = {"timeout": "1", "master_key": "sk-LABONLY"}
    told = json.loads(litellm.configuration("api.anthropic.com", KEY, limits))

    assert told["model_list"][0]["litellm_params"]["timeout"] == 1.0
    assert told["general_settings"]["master_key"] == "sk-LABONLY"


def test_litellm_leaves_by_squid_and_trusts_the_labs_authority() -> None:
    told = litellm.environment(SQUID, CA)

    assert told["HTTPS_PROXY"] == "http://172.30.0.10:3128"
    assert told["SSL_CERT_FILE"] == str(CA)


@pytest.mark.parametrize("kind", sorted(gateways.VARIABLES))
def test_a_program_that_is_not_installed_can_be_named(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(gateways.VARIABLES[kind], "/opt/there")

    assert gateways.program(kind) == "/opt/there"
    assert gateways.why_not_gateway(kind) is None


@pytest.mark.parametrize("kind", sorted(gateways.VARIABLES))
def test_without_a_program_the_reason_names_its_variable(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(gateways.VARIABLES[kind], raising=False)
    monkeypatch.setattr(gateways, "find", lambda program: None)
    monkeypatch.setattr(gateways, "_PROGRAMS", tmp_path)

    assert gateways.program(kind) is None
    assert gateways.VARIABLES[kind] in str(gateways.why_not_gateway(kind))
    (tmp_path / kind).touch()
    assert gateways.program(kind) == str(tmp_path / kind)
