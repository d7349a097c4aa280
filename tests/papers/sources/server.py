"""A real server on this machine: pages as they are, an OAI-PMH repository, and faults."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape


def answer(content=b"", status=200, headers=()):
    """Make a reply of this status and content."""

    def send(handler):
        body = content.encode() if isinstance(content, str) else content
        handler.send_response_only(status)
        for name, value in {"Content-Length": str(len(body)), **dict(headers)}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return send


def close_midway(handler):
    """A fault: the connection ends in the middle of the reply."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"<?xml version='1.0'?><OAI-PMH>")
    handler.close_connection = True


def endless(handler):
    """A fault: a reply that has no end."""
    handler.send_response(200)
    handler.end_headers()
    handler.close_connection = True
    try:
        while not handler.server.stopped.is_set():
            handler.wfile.write(b"<record>and on</record>" * 1000)
    except OSError:
        pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        server = self.server.owner
        with server.counting:
            server.at_once += 1
            server.most_at_once = max(server.most_at_once, server.at_once)
        try:
            server.requests.append((parts.path, asked, dict(self.headers)))
            if server.faults:
                server.faults.pop(0)(self)
            else:
                server.page(parts.path, asked, self.headers)(self)
        finally:
            with server.counting:
                server.at_once -= 1

    def log_message(self, *_):
        pass


class Server:
    """Runs between `with`; `faults` are given in turn, then every reply is right.

    pages      path -> bytes, or a function of the headers that gives a reply
    requests   (path, parameters, headers) of every request so far
    """

    def __init__(self, pages=None):
        self.pages = pages or {}
        self.faults, self.requests = [], []
        self.counting, self.at_once, self.most_at_once = threading.Lock(), 0, 0

    def page(self, path, asked, headers):
        page = self.pages.get(path)
        if page is None:
            return answer(b"not here", 404)
        return page(headers) if callable(page) else answer(page)

    def __enter__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.owner = self
        self.server.stopped = threading.Event()
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        return self

    def __exit__(self, *_):
        self.server.stopped.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


METADATA = """<arXiv xmlns="http://arxiv.org/OAI/arXiv/">
 <id>{number}</id><created>{date}</created><authors>
 <author><keyname>Bal\\'azs</keyname><forenames>C.</forenames></author>
 <author><keyname>King</keyname><forenames>Martin Luther</forenames><suffix>Jr</suffix></author>
 </authors><title>{title}</title><categories>cs.IR cs.CL</categories>
 <comments>12 pages</comments><journal-ref>Proc. of Things 3 (2021)</journal-ref>
 <doi>10.1000/Thing.{number}</doi><license>http://arxiv.org/licenses/x/</license>
 <abstract>  We study $x &lt; 3$ for
  {number}.
</abstract></arXiv>"""


def record(number, stamp="2024-01-01", title="A title", deleted=False, metadata=None):
    """Write a record as arXiv does."""
    status = ' status="deleted"' if deleted else ""
    told = metadata or METADATA.format(number=number, date="2021-02-03", title=escape(title))
    body = "" if deleted else f"<metadata>{told}</metadata>"
    return (
        f"<record><header{status}><identifier>oai:arXiv.org:{number}</identifier>"
        f"<datestamp>{stamp}</datestamp><setSpec>cs</setSpec></header>{body}</record>"
    )


def reply(records=(), token=None, error="", date="2024-06-01T12:00:00Z"):
    """Write a whole reply."""
    listed = "".join(records)
    if token is not None:
        listed += f'<resumptionToken cursor="0" completeListSize="9">{token}</resumptionToken>'
    body = error or f"<ListRecords>{listed}</ListRecords>"
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/">'
        f'<responseDate>{date}</responseDate><request verb="ListRecords">http://x</request>'
        f"{body}</OAI-PMH>"
    )


class Repository(Server):
    """Speaks OAI-PMH over rows of (number, datestamp, deleted), `size` to a page.

    issued   token -> (from, until, offset); a test forgets tokens by clearing it
    """

    def __init__(self, rows, size=2):
        super().__init__()
        self.rows, self.size, self.issued = list(rows), size, {}
        self.date = "2024-06-01T12:00:00Z"

    def page(self, path, asked, headers):
        if asked.get("verb") != "ListRecords":
            return answer(reply(error='<error code="badVerb">Bad verb</error>'))
        token = asked.get("resumptionToken")
        if token is not None and (len(asked) != 2 or token not in self.issued):
            return answer(reply(error='<error code="badResumptionToken">expired</error>'))
        if token is None and asked.get("metadataPrefix") != "arXiv":
            return answer(reply(error='<error code="cannotDisseminateFormat">no</error>'))
        begin, end, offset = self.issued.get(
            token, (asked.get("from", ""), asked.get("until", "9999"), 0)
        )
        rows = [row for row in self.rows if begin <= row[1] <= end]
        if not rows:
            return answer(reply(error='<error code="noRecordsMatch">none</error>', date=self.date))
        shown, rest = rows[offset : offset + self.size], rows[offset + self.size :]
        following = ""
        if rest:
            following = f"t|{begin}|{offset + self.size}"
            self.issued[following] = (begin, end, offset + self.size)
        told = [record(number, stamp, deleted=deleted) for number, stamp, deleted in shown]
        return answer(reply(told, following if offset or rest else None, date=self.date))
