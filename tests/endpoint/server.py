"""A real service on this machine that speaks the protocol, and its faults when told to."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def vector_of(text):
    """Return the vector that the service gives a text."""
    return [float(len(text)), float(text.count("e")), 1.0, -float(text.count("a"))]


def answer(status=200, content=None, headers=()):
    """Make a fault: an answer of this status and content (bytes as they are, else as JSON)."""

    def send(handler):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
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
    handler.wfile.write(b'{"data": [')
    handler.close_connection = True


def hang(handler):
    """A fault: no reply until the service stops."""
    handler.server.stopped.wait(30)
    handler.close_connection = True


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = json.loads(body)
        self.server.requests.append((self.path, dict(self.headers), asked))
        if self.server.faults:
            self.server.faults.pop(0)(self)
        elif self.path.partition("?")[0].endswith("/embeddings"):
            rows = [
                {"index": i, "embedding": vector_of(text)} for i, text in enumerate(asked["input"])
            ]
            answer(content={"data": rows})(self)
        else:
            said = f"You said: {asked['messages'][-1]['content']}"
            choice = {"message": {"content": said}, "finish_reason": "stop"}
            usage = {"prompt_tokens": 7, "completion_tokens": 3}
            answer(content={"choices": [choice], "usage": usage})(self)

    def log_message(self, *_):
        pass


class Service:
    """Runs between `with`; `faults` are given in turn, then every reply is right.

    requests   (path, headers, body) of every request so far
    """

    def __init__(self):
        self.faults = []
        self.requests = []

    def __enter__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.faults, self.server.requests = self.faults, self.requests
        self.server.stopped = threading.Event()
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.stopped.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}/v1"
