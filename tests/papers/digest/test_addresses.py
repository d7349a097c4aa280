"""Addresses of mail that may stand in a header."""

import pytest

from everygrain.errors import InputError
from everygrain_papers.digest.addresses import checked, named


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.org\r\nBcc: all@example.org",
        "ada@example.org\nRCPT TO:<x@y.z>",
        "ada@example.org, bob@example.org",
        "ada bob@example.org",
        '"ada@x"@example.org',
        "<ada@example.org>",
        "ada@example.org>",
        "ada",
        "@example.org",
        "ada@",
        "ada@-example.org",
        "ada@example..org",
        ".ada@example.org",
        "ada\0@example.org",
        "ädá@example.org",
        "ada@" + "a" * 64 + ".org",
        "a" * 65 + "@example.org",
        "",
        None,
    ],
)
def test_what_is_no_address_of_one_person_is_refused(address):
    with pytest.raises(InputError):
        checked(address)


def test_a_domain_in_other_letters_is_written_in_ascii():
    assert checked("o'hara+x@BÜCHER.Example") == "o'hara+x@xn--bcher-kva.example"


def test_a_name_cannot_add_a_header():
    header = str(named('Ada"\r\nBcc: all@example.org', "ada@example.org"))
    assert "\r" not in header
    assert "\n" not in header
    assert header.endswith(" <ada@example.org>")
