"""One mail to one person over SMTP, so that it is known what the server was asked and said."""

from __future__ import annotations

import re
import select
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from types import TracebackType

from everygrain.errors import EverygrainError
from everygrain_papers.digest.settings import MailServer

_LINE_END = re.compile(rb"\r\n|\r|\n")
_LEADING_DOT = re.compile(rb"(?m)^\.")
LONGEST_LISTEN = 1.0  # seconds


class SendingError(EverygrainError):
    """A mail did not go out; each kind says what that means for trying again."""


class ServerAwayError(SendingError):
    """The server could not be asked for anybody: unreachable, no TLS, login refused, closing."""


class PutOffError(SendingError):
    """The server put this mail off, or was lost before it had it whole: it is not delivered."""


class RefusedError(SendingError):
    """The server refused this mail for good (5xx)."""


class RecipientRefusedError(RefusedError):
    """The server refused whom the mail is for: there may be nobody of this address any more."""


class UncertainError(SendingError):
    """The server had the mail whole, and its answer was not seen: it may be delivered."""


class Post:
    """A connection to a mail server, opened when it is first needed and again when it is lost.

    server   whom to ask, and how
    sender   checked address that all mails come from

    `send` speaks the protocol in two steps: everything up to the last byte of the mail, then
    the end that makes the server answer for it. Nothing is delivered before the end is sent; so
    the one moment that can leave a doubt is between the end and the answer.
    """

    def __init__(self, server: MailServer, sender: str) -> None:
        self._server = server
        self._sender = sender
        self._line: smtplib.SMTP | None = None

    def __enter__(self) -> Post:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._line is not None:
            with suppress(OSError, smtplib.SMTPException):
                self._line.quit()
            self._hang_up()

    def send(self, recipient: str, mail: bytes, before_end: Callable[[], None]) -> str:
        """Hand one mail over and return the server's answer.

        before_end   called when all but the end of the mail is sent: it must keep in store that
                     from here on the mail may be delivered. What it raises ends the connection
                     without delivery.

        Raises ServerAwayError, PutOffError, RefusedError or UncertainError.
        """
        line = self._open()
        try:
            self._ask(line, f"MAIL FROM:<{self._sender}>", "the sender")
            try:
                self._ask(line, f"RCPT TO:<{recipient}>", "the recipient")
            except RefusedError as error:
                raise RecipientRefusedError(error.problem, error.remedy) from None
            asked = monotonic()
            self._ask(line, "DATA", "the mail", wanted=(354,))
            line.send(_stuffed(mail))
            self._listen(line, min(LONGEST_LISTEN, 2 * (monotonic() - asked) + 0.01))
        except (smtplib.SMTPException, OSError) as error:
            self._hang_up()
            raise self._lost(error) from None
        try:
            before_end()
        except BaseException:
            self._hang_up()  # the server drops a mail that has no end
            raise
        try:
            line.send(b".\r\n")
        except (smtplib.SMTPException, OSError) as error:
            self._hang_up()  # the end did not even leave this machine
            raise self._lost(error) from None
        try:
            code, said = line.getreply()
        except (smtplib.SMTPException, OSError) as error:
            self._hang_up()
            raise UncertainError(
                f"The mail server had the mail, but its answer was lost ({self._said(error)}).",
                "Look whether it arrived.",
            ) from None
        answer = self._answer(code, said)
        if 200 <= code < 300:
            return answer
        self._refused(code, f"The mail server did not take the mail ({answer}).")
        raise UncertainError(f"The mail server's answer makes no sense ({answer}).", "Look there.")

    def _listen(self, line: smtplib.SMTP, seconds: float) -> None:
        """Hear whether the server hung up, or refused, while the mail was on its way.

        Two round trips are enough for most of such news to come; without it, a server that was
        lost half-way would look like one that may have taken the mail.
        """
        if line.sock is not None and select.select([line.sock], [], [], seconds)[0]:
            code, said = line.getreply()
            self._hang_up()
            self._refused(code, f"The mail server broke off ({self._answer(code, said)}).")
            raise smtplib.SMTPServerDisconnected(self._answer(code, said))

    def _open(self) -> smtplib.SMTP:
        if self._line is not None:
            with suppress(smtplib.SMTPException, OSError):
                if self._line.docmd("RSET")[0] == 250:
                    return self._line
            self._hang_up()
        server = self._server
        # Naming the sender's domain spares the search for this machine's name, and tells no host.
        name = self._sender.rpartition("@")[2]
        try:
            if server.encryption == "implicit":
                self._line = smtplib.SMTP_SSL(
                    server.host, server.door, name, timeout=server.timeout, context=self._trust()
                )
            else:
                self._line = smtplib.SMTP(server.host, server.door, name, timeout=server.timeout)
            self._line.ehlo_or_helo_if_needed()
            if server.encryption == "starttls":
                self._line.starttls(context=self._trust())
                self._line.ehlo()
            if server.user:
                self._line.login(server.user, server.password)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            self._hang_up()
            raise ServerAwayError(
                f"The mail server {server.host}:{server.door} did not let us in"
                f" ({self._said(error)}).",
                "See whether it runs, and the mail settings: host, port, encryption, login.",
            ) from None
        return self._line

    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._server.authority or None)

    def _ask(
        self, line: smtplib.SMTP, command: str, what: str, wanted: tuple[int, ...] = (250, 251)
    ) -> None:
        code, said = line.docmd(command)
        if code not in wanted:
            answer = self._answer(code, said)
            self._refused(code, f"The mail server refused {what} ({answer}).")
            self._hang_up()
            raise PutOffError(
                f"The mail server's answer makes no sense ({answer}).", "It is tried again."
            )

    def _refused(self, code: int, problem: str) -> None:
        if code == 421:  # it closes the connection, whoever the mail is for
            self._hang_up()
            raise ServerAwayError(problem, "It is tried again.")
        if 400 <= code < 500:
            raise PutOffError(problem, "It is tried again.")
        if 500 <= code < 600:
            raise RefusedError(problem, "It is not tried again.")

    def _lost(self, error: Exception) -> PutOffError:
        return PutOffError(
            f"The mail server was lost before it had the mail ({self._said(error)}).",
            "It is tried again.",
        )

    def _hang_up(self) -> None:
        if self._line is not None:
            with suppress(OSError):
                self._line.close()
        self._line = None

    def _answer(self, code: int, said: bytes) -> str:
        return self._server.hushed(f"{code} {said.decode('utf-8', 'replace')}")

    def _said(self, error: Exception) -> str:
        if isinstance(error, smtplib.SMTPResponseException):
            said = error.smtp_error
            return self._answer(
                error.smtp_code, said if isinstance(said, bytes) else str(said).encode()
            )
        return self._server.hushed(str(error) or type(error).__name__)


def _stuffed(mail: bytes) -> bytes:
    """Return a mail as DATA sends it: lines end in CR LF, a dot before a leading dot."""
    lines = _LINE_END.sub(b"\r\n", mail)
    if not lines.endswith(b"\r\n"):
        lines += b"\r\n"
    return _LEADING_DOT.sub(b"..", lines)
