"""One mail over SMTP, to servers that take it, refuse it, and fail at every step."""

import logging
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from everygrain_papers.digest.sending import (
    Post,
    PutOffError,
    RecipientRefusedError,
    RefusedError,
    ServerAwayError,
    UncertainError,
    _stuffed,
)
from everygrain_papers.digest.settings import MailServer

from .servers import (
    PASSWORD,
    USER,
    FaultyServer,
    ImplicitTls,
    Mailbox,
    certificate,
    mail_server,
    with_starttls,
)

SENDER = "digest@example.org"
MAIL = b"Subject: papers\r\n\r\n.a leading dot\r\n" + b"a line of the mail\r\n" * 2000


def send(port, mail=MAIL, to="ada@example.org", before_end=lambda: None, **fields):
    fields = {"encryption": "none", "timeout": 5.0} | fields
    with Post(MailServer("127.0.0.1", port, **fields), SENDER) as post:
        return post.send(to, mail, before_end)


def test_a_mail_arrives_byte_for_byte_after_its_end_was_announced():
    box, steps = Mailbox(), []
    with mail_server(box) as port:
        answer = send(port, before_end=lambda: steps.append(len(box.mails)))
    assert answer == "250 kept"
    assert steps == [0]
    assert box.mails == [(SENDER, "ada@example.org", MAIL)]


def test_one_connection_carries_several_mails_even_after_a_refusal():
    with FaultyServer({"rcpt": iter(["250 x", "550 nobody", "250 x"]).__next__}) as server:
        with Post(MailServer("127.0.0.1", server.port, "none"), SENDER) as post:
            post.send("a@example.org", b"one\r\n", lambda: None)
            with pytest.raises(RecipientRefusedError):
                post.send("b@example.org", b"two\r\n", lambda: None)
            post.send("c@example.org", b"three\r\n", lambda: None)
        assert server.connections == 1
        assert server.taken == [b"one\r\n", b"three\r\n"]


@pytest.mark.parametrize(
    ("step", "answer", "kind"),
    [
        ("connect", "554 go away", ServerAwayError),
        ("connect", None, ServerAwayError),
        ("connect", "silence", ServerAwayError),
        ("connect", "what?", ServerAwayError),
        ("connect", "x" * 20_000, ServerAwayError),
        ("mail", "550 not this sender", RefusedError),
        ("mail", "451 later", PutOffError),
        ("mail", "421 closing", ServerAwayError),
        ("mail", "what?", PutOffError),
        ("rcpt", "550 nobody of this name", RecipientRefusedError),
        ("rcpt", "450 greylisted", PutOffError),
        ("rcpt", None, PutOffError),
        ("rcpt", "silence", PutOffError),
        ("data", "554 no", RefusedError),
        ("data", "451 later", PutOffError),
        ("data", "250 strange", PutOffError),
        ("half", None, PutOffError),
        ("half", "452 disk full", PutOffError),
        ("half", "552 too big", RefusedError),
        ("half", "421 closing", ServerAwayError),
        ("end", "554 spam", RefusedError),
        ("end", "451 later", PutOffError),
        ("end", "421 closing", ServerAwayError),
        ("end", None, UncertainError),
        ("end", "silence", UncertainError),
        ("end", "what?", UncertainError),
        ("end", "354 strange", UncertainError),
    ],
)
def test_each_failure_says_whether_the_mail_may_have_been_delivered(step, answer, kind):
    begun = []
    with FaultyServer({step: answer}) as server:
        with pytest.raises(kind) as told:
            send(server.port, before_end=lambda: begun.append(1), timeout=0.5)
        assert type(told.value) is kind
        server.wait()
        assert server.taken == []
    assert bool(begun) == (step == "end")
    if answer and answer[:3].isdigit() and len(answer) < 100:
        assert answer in str(told.value)


def test_a_server_that_is_not_there_is_away():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ServerAwayError, match=r"127\.0\.0\.1"):
        send(port)


def test_what_fails_before_the_end_leaves_nothing_delivered():
    def fail():
        raise RuntimeError("the disk is full")

    with FaultyServer() as server:
        with pytest.raises(RuntimeError):
            send(server.port, before_end=fail)
        server.wait()
        assert server.kept == []


def test_starttls_and_login_with_a_certificate_that_is_trusted(tmp_path, monkeypatch):
    files = certificate(tmp_path)
    box = Mailbox()
    with mail_server(box, **with_starttls(files)) as port:
        server = MailServer("localhost", port, "starttls", USER, PASSWORD, 5.0, files[0])
        with Post(server, SENDER) as post:
            post.send("ada@example.org", MAIL, lambda: None)
    assert len(box.mails) == 1


@pytest.mark.filterwarnings("ignore:Requiring AUTH:UserWarning")  # TLS is there, underneath
def test_tls_from_the_first_byte(tmp_path):
    import ssl

    files = certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*files)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    box = Mailbox()
    controller = ImplicitTls(box, hostname="127.0.0.1", port=port, ssl_context=context)
    controller.start()
    try:
        server = MailServer("localhost", port, "implicit", USER, PASSWORD, 5.0, files[0])
        with Post(server, SENDER) as post:
            post.send("ada@example.org", MAIL, lambda: None)
    finally:
        controller.stop()
    assert [mail for _, _, mail in box.mails] == [MAIL]


def test_a_certificate_that_nobody_signed_gets_neither_password_nor_mail(tmp_path):
    files = certificate(tmp_path)
    box = Mailbox()
    with mail_server(box, **with_starttls(files)) as port:
        server = MailServer("localhost", port, "starttls", USER, PASSWORD, 5.0)
        with pytest.raises(ServerAwayError, match="certificate"), Post(server, SENDER) as post:
            post.send("ada@example.org", MAIL, lambda: None)
    assert box.mails == []


def test_a_certificate_of_another_host_is_refused(tmp_path):
    files = certificate(tmp_path, "elsewhere.example.org")
    with mail_server(Mailbox(), **with_starttls(files)) as port:
        server = MailServer("localhost", port, "starttls", USER, PASSWORD, 5.0, files[0])
        with pytest.raises(ServerAwayError, match="localhost"), Post(server, SENDER) as post:
            post.send("ada@example.org", MAIL, lambda: None)


def test_a_server_without_starttls_is_told_nothing():
    with FaultyServer() as server:
        with pytest.raises(ServerAwayError, match="STARTTLS"):
            send(server.port, encryption="starttls", user=USER, password=PASSWORD)
        server.wait()
        assert server.kept == []


def test_a_refused_login_tells_no_password_anywhere(caplog, capfd):
    import base64

    login = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
    with (
        caplog.at_level(logging.DEBUG),
        FaultyServer({"auth": f"535 wrong: {PASSWORD} {login}"}) as server,
        pytest.raises(ServerAwayError) as told,
    ):
        send(server.port, user=USER, password=PASSWORD)
    out, err = capfd.readouterr()
    shown = "".join([str(told.value), repr(told.value), caplog.text, out, err])
    assert PASSWORD not in shown
    assert login not in shown
    assert "535 wrong: [password]" in shown


@given(st.binary(max_size=200).map(lambda raw: raw.replace(b"x", b"\r\n.").replace(b"y", b"\n")))
def test_what_a_server_unstuffs_is_the_mail(mail):
    """By the rule of RFC 5321, 4.5.2, written out line by line."""
    wire = _stuffed(mail)
    lines = wire.split(b"\r\n")
    assert lines.pop() == b""
    assert not any(b"\n" in line or b"\r" in line or line == b"." for line in lines)
    received = [line[1:] if line.startswith(b".") else line for line in lines]
    ended = mail.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    assert received == (ended[:-1] if ended[-1] == b"" and len(ended) > 1 else ended)
