"""What the sending of digests needs to know: from a file of TOML or INI, and the environment."""

from __future__ import annotations

import base64
import configparser
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, get_args

from everygrain.errors import InputError
from everygrain_papers.digest.addresses import checked
from everygrain_papers.digest.plain import one_line, web_address

Encryption = Literal["starttls", "implicit", "none"]
WhenUncertain = Literal["leave", "resend"]
PREFIX = "EVERYGRAIN_MAIL_"  # of the environment: EVERYGRAIN_MAIL_HOST, EVERYGRAIN_MAIL_PASSWORD
_PORTS = {"starttls": 587, "implicit": 465, "none": 25}


@dataclass(frozen=True, slots=True)
class MailServer:
    """A server of SMTP that takes our mail.

    host, port     port 0 is the usual one of the encryption: 587, 465 or 25
    encryption     "starttls" (never without it), "implicit" (TLS from the first byte) or "none"
    user, password for the login; without a user there is none
    timeout        seconds for each answer, above 0
    authority      file of certificates to trust instead of the system's

    The password is in no representation, message or note.

    Raises InputError for values that make no sense, and for a login that would cross a network
    without encryption.
    """

    host: str
    port: int = 0
    encryption: Encryption = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 30.0
    authority: str = ""

    def __post_init__(self) -> None:
        if not self.host or self.host != one_line(self.host) or " " in self.host:
            raise InputError(f"{self.host[:80]!r} is no name of a mail server.", "Set 'host'.")
        if self.encryption not in get_args(Encryption):
            raise InputError(
                f"The mail server's encryption is {self.encryption!r}.",
                "Choose 'starttls', 'implicit' or 'none'.",
            )
        if not 0 <= self.port <= 65535:
            raise InputError(f"{self.port} is no port.", "Choose 1 to 65535, or leave it out.")
        if not (self.user.isascii() and self.password.isascii()):
            raise InputError(
                "The mail server's login holds letters that SMTP cannot send.",
                "Set a password of letters, digits and signs of ASCII.",
            )
        if not 0 < self.timeout <= 3600:
            raise InputError(
                f"The mail server's timeout is {self.timeout:g} s.", "Choose 1 to 3600."
            )
        if self.user and self.encryption == "none" and not _is_loopback(self.host):
            raise InputError(
                f"The password for '{self.host}' would cross the network in the clear.",
                "Set 'encryption' to 'starttls' or 'implicit', or leave 'user' out.",
            )

    @property
    def door(self) -> int:
        """The port that is asked."""
        return self.port or _PORTS[self.encryption]

    def hushed(self, text: str) -> str:
        """Return one line of text in which the password does not stand, however it is written."""
        line = one_line(text, 500)
        for secret in self._secrets():
            line = line.replace(secret, "[password]")
        return line

    def _secrets(self) -> list[str]:
        if not self.password:
            return []
        plain, user = self.password.encode(), self.user.encode()
        pair = b"\0" + user + b"\0" + plain
        coded = [base64.b64encode(each).decode() for each in (pair, user + pair, plain)]
        return [self.password, *coded, *(each.rstrip("=") for each in coded)]


@dataclass(frozen=True, slots=True)
class Settings:
    """How digests leave this machine.

    pages            address that the reading room has for its readers; without it mails hold
                     no links to like, dislike or unsubscribe
    sender           address that mails come from; sender_name stands before it
    unsubscribe_by   address that takes mails of people who unsubscribe, if one does
    server           None: nothing is sent, digests are written to files and feeds
    attempts         how often a mail is tried before it is given up, 1 to 50
    first_wait       seconds before the second try; each further wait is twice as long
    longest_wait     seconds, the most between two tries
    when_uncertain   of a mail whose acceptance was never seen: "leave" or "resend"
    refusals         how many digests in a row a server refuses before the reader's pause
    """

    pages: str = ""
    sender: str = ""
    sender_name: str = "Reading room"
    unsubscribe_by: str = ""
    server: MailServer | None = None
    attempts: int = 10
    first_wait: float = 300.0
    longest_wait: float = 6 * 3600.0
    when_uncertain: WhenUncertain = "leave"
    refusals: int = 3

    def __post_init__(self) -> None:
        if self.pages and not (self.pages.isascii() and web_address(self.pages)):
            raise InputError(
                f"{self.pages[:80]!r} is no address of a page.", "Write https://host[:port]."
            )
        for name in ("sender", "unsubscribe_by"):
            if getattr(self, name):
                object.__setattr__(self, name, checked(getattr(self, name)))
        if self.server is not None and not self.sender:
            raise InputError("The mails have no sender.", "Set 'sender' to an address of mail.")
        if not 1 <= self.attempts <= 50:
            raise InputError(f"{self.attempts} attempts make no sense.", "Choose 1 to 50.")
        if self.refusals < 1:
            raise InputError(f"{self.refusals} refusals make no sense.", "Choose 1 or more.")
        if not 0 <= self.first_wait <= self.longest_wait:
            raise InputError("The waits between attempts make no sense.", "Choose seconds, rising.")
        if self.when_uncertain not in get_args(WhenUncertain):
            raise InputError(
                f"'when_uncertain' is {self.when_uncertain!r}.", "Choose 'leave' or 'resend'."
            )

    def wait(self, attempts: int) -> float:
        """Return the seconds to wait after so many attempts: first_wait x 2^(attempts - 1)."""
        return float(min(self.longest_wait, self.first_wait * 2.0 ** min(attempts - 1, 60)))


def read_settings(
    path: Path | None = None, environment: Mapping[str, str] = os.environ
) -> Settings:
    """Read settings from a file (.toml, or .ini with a part [mail]) and from the environment.

    The names are those of Settings and of MailServer, all in one table [mail]; the environment
    (EVERYGRAIN_MAIL_HOST, ...) goes before the file. `password_file` names a file that holds the
    password alone.

    Raises InputError, naming the file and the value, for what cannot be read; a password is
    never told.
    """
    told: dict[str, Any] = {}
    if path is not None:
        told = _of_file(path)
    told |= {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX)
    }
    where = f"'{path.name}'" if path is not None else "the environment"
    return _of_values(told, where, path.parent if path is not None else Path())


def _of_file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise InputError(
            f"The settings '{path}' cannot be read: {reason}.", "Give a file of TOML or INI."
        ) from None
    try:
        if path.suffix.lower() in (".ini", ".cfg", ".conf"):
            parser = configparser.ConfigParser(interpolation=None)
            parser.read_string(text)
            table: Any = dict(parser["mail"]) if parser.has_section("mail") else {}
        else:
            table = tomllib.loads(text).get("mail", {})
    except (tomllib.TOMLDecodeError, configparser.Error):
        # What a parser says may quote the line that it stumbled on, and so a password.
        raise InputError(
            f"The settings '{path}' are no TOML or INI.", "Write a table [mail], a value a line."
        ) from None
    if not isinstance(table, dict):
        raise InputError(f"'mail' in '{path}' is no table.", "Write a table [mail].")
    return table


def _of_values(told: Mapping[str, Any], where: str, folder: Path) -> Settings:
    of_server = {each.name: each for each in fields(MailServer)}
    of_mail = {each.name: each for each in fields(Settings) if each.name != "server"}
    server: dict[str, Any] = {}
    mail: dict[str, Any] = {}
    for name, value in told.items():
        if name == "password_file":
            server["password"] = _password(folder / str(value))
        elif name in of_server:
            server[name] = _kind(name, value, of_server[name].type, where)
        elif name in of_mail:
            mail[name] = _kind(name, value, of_mail[name].type, where)
        else:
            known = [*of_server, *of_mail, "password_file"]
            near = get_close_matches(name, known, n=1)
            raise InputError(
                f"Nothing is called '{name[:40]}' in the mail settings of {where}.",
                f"Did you mean '{near[0]}'?" if near else f"Known: {', '.join(known)}.",
            )
    settings = Settings(**mail)
    if not server.get("host"):
        return settings
    return replace(settings, server=MailServer(**server))


def _kind(name: str, value: Any, kind: Any, where: str) -> Any:
    try:
        if kind == "int":
            return int(str(value))
        if kind == "float":
            return float(str(value))
    except ValueError:
        raise InputError(f"'{name}' of {where} is no number.", "Write a number.") from None
    if not isinstance(value, str):
        raise InputError(f"'{name}' of {where} is no text.", "Write it in quotes.")
    return value


def _password(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise InputError(
            f"The file of the mail password, '{path}', cannot be read.", "Make it readable."
        ) from None


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
