"""A stand-in for a language model behind a real server: it knows what each passage is worth."""

import json
import re
import threading

from endpoint.server import Handler, Service, answer

TAGGED = re.compile(r"<passage>(.*?)</passage>", re.DOTALL)


def passages_of(prompt):
    return TAGGED.findall(prompt)


def by_worth(worth):
    """Answer every kind of question rightly; worth: text of a passage -> number."""

    def rule(prompt):
        values = [worth(passage) for passage in passages_of(prompt)]
        best_first = sorted(range(len(values)), key=lambda i: -values[i])
        if "Output all" in prompt:
            return " > ".join(f"[{i + 1}]" for i in best_first)
        label = chr(ord("A") + best_first[0])
        return f"Passage {label}" if "Output Passage A" in prompt else label

    return rule


class JudgeHandler(Handler):
    def do_POST(self):
        if self.server.faults:
            super().do_POST()
            return
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.server.lock:
            self.server.requests.append((self.path, dict(self.headers), asked))
        said = self.server.rule(asked["messages"][-1]["content"])
        if not isinstance(said, str):
            said(self)
            return
        choice = {"message": {"content": said}, "finish_reason": "stop"}
        if asked.get("logprobs") and self.server.likelihoods:
            tokens = self.server.likelihoods(asked["messages"][-1]["content"])
            alternatives = [{"token": t, "logprob": p} for t, p in tokens]
            first = {**alternatives[0], "top_logprobs": alternatives}
            choice["logprobs"] = {"content": [first]}
        usage = {"prompt_tokens": 10, "completion_tokens": 2}
        answer(content={"choices": [choice], "usage": usage})(self)


class Judge(Service):
    """A service whose answers are a rule's: prompt -> text, or a fault of the server's module."""

    def __init__(self, rule):
        super().__init__()
        self.rule = rule

    def __enter__(self):
        super().__enter__()
        self.server.RequestHandlerClass = JudgeHandler
        self.server.lock = threading.Lock()
        self.server.rule = lambda prompt: self.rule(prompt)
        self.server.likelihoods = None
        self.server.likelihoods = None
        return self

    def tell_likelihoods(self, likelihoods):
        """Give log-probabilities, too: prompt -> [(token, logprob), ...], likeliest first."""
        self.server.likelihoods = likelihoods

    @property
    def prompts(self):
        return [body["messages"][-1]["content"] for _, _, body in self.requests]
