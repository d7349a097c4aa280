"""A language model by rules behind a real server: it reads a prompt's tags and answers in JSON."""

import json
import random
import re

from endpoint.server import Handler, Service, answer

from everygrain.analyze import Analyzer


def tagged(prompt, tag):
    """Return what stands between a tag, at its last place in a prompt."""
    return re.findall(rf"<{tag}>(.*?)</{tag}>", prompt, re.DOTALL)[-1]


def salient(text, count=5):
    """Return the content words of a text, the rarest of it first, in an order of their own."""
    words = [w for w in re.findall(r"\w+", text.lower()) if Analyzer("en").query(w)]
    rare = sorted(set(words), key=lambda word: (words.count(word), -len(word), word))[:count]
    random.Random(text).shuffle(rare)
    return rare


def obedient(prompt, seed):
    """Answer every kind of question as it asks."""
    if '"queries"' in prompt:
        words = salient(tagged(prompt, "document"))
        return {"queries": [" ".join(words), "what is known of " + " ".join(words[:3])]}
    if '"sentences"' in prompt:
        words = salient(tagged(prompt, "document"), 4)
        return {"sentences": [f"It is said that {words[0]} goes with {words[1]} here."]}
    if '"entailed"' in prompt:
        words = tagged(prompt, "sentence").rstrip(".").split()
        return {
            "entailed": "In other words: " + " ".join(words) + ".",
            "contradictory": "It is not so that " + " ".join(words[:-1]) + ".",
        }
    if '"first"' in prompt:
        return {"first": 4.5, "second": 1.0}
    if '"question"' in prompt:
        words = salient(tagged(prompt, "sentence"), 4)
        return {"question": f"What is the link of {' and '.join(words)}?"}
    document = tagged(prompt, "document")
    query = tagged(prompt, "query")
    sentences = document.split(". ")
    worse = {
        "relevance": f"About {query} much remains to be said by others elsewhere.",
        "comprehensiveness": " ".join(sentences[0].split()[:3]),
        "purity": document + " Meanwhile bananas ripen slowly under tropical clouds.",
    }
    kind = next(each for each in worse if f"for the sake of {each}" in prompt)
    return {"better": document, "worse": worse[kind]}


class RuledHandler(Handler):
    def do_POST(self):
        if self.server.faults:
            super().do_POST()
            return
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, dict(self.headers), asked))
        said = self.server.rule(asked["messages"][-1]["content"], asked["seed"])
        reason = "stop"
        if isinstance(said, tuple):
            said, reason = said
        text = said if isinstance(said, str) else json.dumps(said)
        choice = {"message": {"content": text}, "finish_reason": reason}
        usage = {"prompt_tokens": 10, "completion_tokens": 2}
        answer(content={"choices": [choice], "usage": usage})(self)


class LanguageModel(Service):
    """A service whose answers are a rule's: (prompt, seed) -> text, or what JSON can hold, or
    either with a finish reason."""

    def __init__(self, rule=obedient):
        super().__init__()
        self.rule = rule

    def __enter__(self):
        super().__enter__()
        self.server.RequestHandlerClass = RuledHandler
        self.server.rule = lambda prompt, seed: self.rule(prompt, seed)
        return self

    @property
    def prompts(self):
        return [body["messages"][-1]["content"] for _, _, body in self.requests]
