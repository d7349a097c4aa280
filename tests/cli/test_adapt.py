"""`everygrain adapt` tells the domains of what trained, and refuses a senseless recipe."""

import json
import random
from pathlib import Path

import pytest

from .conftest import TOPICS, Run

pytest.importorskip("sentence_transformers")

RECIPE = """
teacher = ""
words = 0
fewest_steps = 20
domains = "field:topic"
experts = true
"""


def collection(folder: Path) -> None:
    chance = random.Random(0)
    lines = []
    for number in range(320):
        topic = list(TOPICS)[number % len(TOPICS)]
        words = TOPICS[topic].split()
        one, other = (" ".join(chance.choices(words, k=6)).capitalize() for _ in range(2))
        lines.append({
            "_id": f"d{number}", "title": " ".join(chance.choices(words, k=3)),
            "text": f"{one} {number}. {other} {number}.", "metadata": {"topic": topic},
        })  # fmt: skip
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    (folder / "texts.jsonl").write_text(text, encoding="utf-8")


@pytest.mark.slow
def test_domains_are_told_with_their_sizes_and_experts_pass_the_gate_or_not(
    run: Run, tmp_path: Path
) -> None:
    collection(tmp_path)
    (tmp_path / "recipe.toml").write_text(RECIPE)
    (tmp_path / "wrong.toml").write_text('domains = "topic"\n')
    assert run("add", "texts", "texts.jsonl", "--encoder", "latent").returncode == 0
    refused = run("adapt", "texts", "--recipe", "wrong.toml")
    assert refused.returncode == 1
    assert 'as "field:NAME"' in " ".join(refused.stderr.split())
    told = run("adapt", "texts", "--recipe", "recipe.toml", "--budget", "1")
    assert told.returncode == 0, told.stderr
    report = json.loads((tmp_path / "texts" / "adaptation" / "report.json").read_text())
    assert set(report["domains"]["sizes"]) == set(TOPICS)
    named = ", ".join(f"{name} ({count})" for name, count in report["domains"]["sizes"].items())
    shown = " ".join(told.stdout.split())
    assert f"Domains of the documents that trained: {named}." in shown
    assert shown.count("Promoted: ") + shown.count("Refused: ") == 1
    assert "an expert each" in (tmp_path / "texts" / "adaptation" / "report.html").read_text()
