"""Settings of mail, from files and the environment."""

import base64

import pytest

from everygrain.errors import InputError
from everygrain_papers.digest.settings import MailServer, Settings, read_settings

SECRET = "correct-horse-battery"


@pytest.mark.parametrize(
    "text",
    [
        "[mail\nhost = 'x'",
        "[mail]\nhost = 5",
        "[mail]\nhost = 'x'\nsender = 'nobody'",
        "[mail]\nhost = 'x'\nsender = 'a@b.c'\nencryption = 'ssl'",
        "[mail]\nhost = 'x'\nsender = 'a@b.c'\nport = 'many'",
        "[mail]\nhost = 'x'\nsender = 'a@b.c'\nport = 70000",
        "[mail]\nhost = 'x'\nsender = 'a@b.c'\ntimeout = 0",
        "[mail]\nhost = 'x'\nsender = 'a@b.c'\ntimeout = 'nan'",
        "[mail]\nhost = 'x y'\nsender = 'a@b.c'",
        "[mail]\nhost = 'x'",
        "[mail]\nhosst = 'x'",
        "[mail]\npages = 'javascript:alert(1)'",
        "[mail]\npages = 'https://example.org/\\r\\nBcc: x'",
        "[mail]\nattempts = 0",
        "[mail]\nwhen_uncertain = 'perhaps'",
        "mail = 3",
        f"[mail]\npassword = {SECRET}",
        f"[mail]\nhost='x'\nsender='a@b.c'\nuser='u'\nencryption='none'\npassword='{SECRET}'",
        "[mail]\nhost='x'\nsender='a@b.c'\nuser='u'\npassword='pässword'",
    ],
)
def test_settings_that_make_no_sense_are_refused_without_telling_the_password(tmp_path, text):
    path = tmp_path / "mail.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as told:
        read_settings(path, {})
    shown = f"{told.value} {told.getrepr()}"
    assert SECRET not in str(told.value)
    assert "pässword" not in str(told.value)
    assert told.value.__cause__ is None
    assert shown


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        read_settings(tmp_path / "nowhere.toml", {})


def test_toml_ini_and_the_environment_say_the_same(tmp_path):
    (tmp_path / "secret").write_text(SECRET + "\n")
    values = {
        "host": "smtp.example.org", "port": "2525", "encryption": "implicit", "user": "ada",
        "password_file": "secret", "timeout": "9.5", "sender": "digest@example.org",
        "pages": "https://papers.example.org", "attempts": "4",
    }  # fmt: skip
    quoted = "\n".join(f'{name} = "{value}"' for name, value in values.items())
    (tmp_path / "mail.toml").write_text(f"[mail]\n{quoted}")
    bare = "\n".join(f"{name} = {value}" for name, value in values.items())
    (tmp_path / "mail.ini").write_text(f"[mail]\n{bare}")
    environment = {f"EVERYGRAIN_MAIL_{name.upper()}": value for name, value in values.items()}
    environment["EVERYGRAIN_MAIL_PASSWORD_FILE"] = str(tmp_path / "secret")
    expected = Settings(
        pages="https://papers.example.org",
        sender="digest@example.org",
        attempts=4,
        server=MailServer("smtp.example.org", 2525, "implicit", "ada", SECRET, 9.5),
    )
    assert read_settings(tmp_path / "mail.toml", {}) == expected
    assert read_settings(tmp_path / "mail.ini", {}) == expected
    assert read_settings(None, environment) == expected


def test_the_environment_goes_before_the_file(tmp_path):
    path = tmp_path / "mail.toml"
    path.write_text("[mail]\nhost = 'one.example.org'\nsender = 'a@b.c'\n")
    settings = read_settings(path, {"EVERYGRAIN_MAIL_HOST": "two.example.org", "HOME": "x"})
    assert settings.server.host == "two.example.org"


def test_without_a_host_there_is_no_server():
    assert read_settings(None, {}) == Settings()


def test_the_password_is_in_no_representation_and_no_hushed_text():
    server = MailServer("mail.example.org", user="ada", password=SECRET)
    assert SECRET not in repr(server)
    assert SECRET not in repr(Settings(sender="a@b.c", server=server))
    login = base64.b64encode(f"\0ada\0{SECRET}".encode()).decode()
    told = server.hushed(f"535 AUTH PLAIN {login}\r\nwrong: {SECRET}")
    assert told == "535 AUTH PLAIN [password] wrong: [password]"


def test_waits_double_up_to_the_longest():
    settings = Settings(first_wait=300, longest_wait=3600)
    assert [settings.wait(n) for n in range(1, 7)] == [300, 600, 1200, 2400, 3600, 3600]
