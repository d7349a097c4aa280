"""Real mail servers of this machine: one that keeps what it takes, and one that fails as told."""

import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

USER, PASSWORD = "ada", "correct-horse-battery"


class Mailbox:
    """Keeps every mail that the server said it took, as (sender, recipient, bytes)."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((envelope.mail_from, envelope.rcpt_tos[0], envelope.content))
        return "250 kept"


@contextmanager
def mail_server(handler, **options):
    """Run aiosmtpd on a free port of loopback, in a thread; yields the port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def login(server, session, envelope, mechanism, data):
    right = LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=data == right, handled=data == right)


def with_starttls(certificate):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    return {
        "tls_context": context, "require_starttls": True,
        "authenticator": login, "auth_required": True,
    }  # fmt: skip


class ImplicitTls(Controller):
    """aiosmtpd behind TLS from the first byte, with a login."""

    def _trigger_server(self):
        """Pay the first visit without asking for the certificate."""
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        with (
            socket.create_connection((self.hostname, self.port), 5) as line,
            trust.wrap_socket(line) as sealed,
        ):
            sealed.recv(1024)

    def factory(self):
        return SMTP(
            self.handler, hostname="localhost", authenticator=login, auth_required=True,
            auth_require_tls=False,
        )  # fmt: skip


def certificate(folder, name="localhost"):
    """Return the files of a certificate for a name, signed by itself, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / f"{name}.crt", folder / f"{name}.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return tuple(map(str, files))


class FaultyServer:
    """A server of SMTP over sockets that answers each step as told, and may hang up at any.

    answers   step -> answer; steps are "connect", "ehlo", "auth", "mail", "rcpt", "data", "half"
              (in the middle of the mail), "end" (after its last byte), "rset". An answer is a
              line, None to hang up, or "silence" to say nothing until the client goes.
    before    step -> called before the answer, such as to kill the client
    kept      the mails that were whole when "end" was reached
    taken     those of them that were answered with 2xx
    """

    def __init__(self, answers=None, before=None):
        self.answers = dict(answers or {})
        self.before = dict(before or {})
        self.kept, self.taken, self.connections = [], [], 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *told):
        self._listener.close()
        self.wait()

    def wait(self):
        """Wait until all that clients sent is worked through."""
        for thread in list(self._threads):
            thread.join(10)

    def _serve(self):
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._talk, args=(line,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _talk(self, line):
        with line, line.makefile("rb") as said:
            try:
                self._dialogue(line, said)
            except (_HungUp, OSError):
                return

    def _say(self, line, step, usual):
        self.before.get(step, lambda: None)()
        answer = self.answers.get(step, usual)
        if callable(answer):
            answer = answer()
        if answer is None:
            raise _HungUp
        if answer == "silence":
            while line.recv(4096):
                pass
            raise _HungUp
        line.sendall(answer.encode() + b"\r\n")
        return answer

    def _dialogue(self, line, said):
        self._say(line, "connect", "220 here")
        while command := said.readline():
            word = command.split()[0].decode().lower()
            if word == "data":
                if self._say(line, "data", "354 go on").startswith("354"):
                    self._mail(line, said)
            elif word == "quit":
                line.sendall(b"221 bye\r\n")
                return
            else:
                usual = "250-here\r\n250 AUTH PLAIN LOGIN" if word == "ehlo" else "250 fine"
                self._say(line, word, "235 in" if word == "auth" else usual)

    def _mail(self, line, said):
        mail = b""
        while True:
            part = said.readline()
            if not part:
                raise _HungUp
            if part == b".\r\n":
                break
            mail += part[1:] if part.startswith(b"..") else part
            if "half" in self.answers and len(mail) > 400:
                self._say(line, "half", None)
                raise _HungUp
        self.kept.append(mail)
        if self._say(line, "end", "250 kept").startswith("2"):
            self.taken.append(mail)


class _HungUp(Exception):
    pass
