from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from inspector.cli.main import main
from inspector.cli.parameters import Address, HeaderName, ServiceParameter, Subnet
from lab.index import CAPTURES

HEALTHY = str(CAPTURES / "healthy-json")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [("172.30.0.0/24", "172.30.0.0/24"), ("172.30.0.7/24", "172.30.0.0/24"), ("fd00::/64",) * 2],
)
def test_a_subnet_may_be_named_by_an_address_in_it(text: str, canonical: str) -> None:
    assert Subnet().checked(text) == canonical


def test_an_address_is_written_in_its_shortest_form() -> None:
    assert Address().checked("FD00:0:0::0020") == "fd00::20"


@pytest.mark.parametrize(
    "text", ["172.30.0.10", "172.30.0.10:3128", "fd00::10", "[fd00::10]", "[fd00::10]:3128"]
)
def test_a_service_is_an_address_with_or_without_a_port(text: str) -> None:
    assert ServiceParameter().checked(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "squid",
        "172.30.0.10:",
        "[fd00::10]3128",
        "172.30.0.10:0",
        "172.30.0.10:65536",
        "172.30.0.10:x",
    ],
)
def test_what_is_no_service_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        ServiceParameter().checked(text)


def test_a_header_name_is_a_token() -> None:
    assert HeaderName().checked("X-My_Key.1") == "X-My_Key.1"
    for text in ("", "a b", "a:b", "a\n", "\u00fc"):
        with pytest.raises(ValueError, match="is no header name"):
            HeaderName().checked(text)


def test_several_subnets_are_what_the_report_is_about() -> None:
    two = ("--subnet", "172.31.0.0/24", "--subnet", "172.30.0.9/24")
    for told in (two, ("--scope", "subnet", *two)):
        result = CliRunner().invoke(main, ["analyze", "--format", "json", *told, HEALTHY])
        assert result.exit_code == 0, result.stderr
        report = json.loads(result.stdout)
        assert report["topology"]["subnets"] == ["172.31.0.0/24", "172.30.0.0/24"]
        assert report["topology"]["subnet"] == "172.31.0.0/24"
        assert report["provenance"]["options"]["subnets"] == report["topology"]["subnets"]
        assert report["exchanges"]
        assert report["completeness"]["verdict"] == "complete"
