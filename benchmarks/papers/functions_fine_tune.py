"""A small transformer, fine-tuned plainly, on the draws of functions.py.

    python benchmarks/papers/functions_fine_tune.py [--draws 1] [--sizes 10 50 200]

MiniLM (6 layers), the mean over a sentence's tokens, a linear layer; each sentence by itself, at
most 64 tokens, batches of 16, AdamW with rate 5e-5 (a tenth of the steps up, then down to zero),
20, 12, 6 and 3 passes for 10, 50, 200 and more abstracts. Nothing was tuned. It needs the extra
`models`, and with all labels hours on a shared core: leave that to a larger machine.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np
import torch
from functions import DATA, RESULTS, confusions, each_f1, numbers, resampled
from transformers import AutoModel, AutoTokenizer

from everygrain.encode.transformer import minilm_folder
from everygrain_papers.functions.base import FUNCTIONS
from everygrain_papers.functions.labels import read

BATCH, RATE, LONGEST = 16, 5e-5, 64


class Classifier(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = AutoModel.from_pretrained(str(minilm_folder()))
        self.head = torch.nn.Linear(self.body.config.hidden_size, len(FUNCTIONS))

    def forward(self, batch: dict[str, Any]) -> torch.Tensor:
        states = self.body(**batch).last_hidden_state
        mask = batch["attention_mask"].unsqueeze(-1).float()
        return self.head((states * mask).sum(1) / mask.sum(1).clamp(min=1))


def passes(size: int) -> int:
    return next((n for most, n in ((10, 20), (50, 12), (200, 6)) if size <= most), 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=1)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 50, 200])
    options = parser.parse_args()
    known, dev = read(DATA / "train.jsonl.gz"), read(DATA / "dev.jsonl.gz")
    asked = [s for e in dev for s in e.sentences]
    tokenizer = AutoTokenizer.from_pretrained(str(minilm_folder()))

    def batch(texts: list[str]) -> dict[str, Any]:
        made: dict[str, Any] = tokenizer(
            texts, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt"
        )
        return made

    figures = []
    for size in options.sizes:
        counts, took = [], []
        for draw in range(options.draws):
            torch.manual_seed(draw)
            start = time.process_time()
            order = np.random.default_rng(draw).permutation(len(known))
            chosen = [known[i] for i in order[:size]]
            texts = [s for e in chosen for s in e.sentences]
            wanted = torch.tensor(np.concatenate([numbers(e.functions) for e in chosen]))
            model = Classifier()
            model.train()
            steps = passes(size) * -(-len(texts) // BATCH)
            optimiser = torch.optim.AdamW(model.parameters(), lr=RATE)
            schedule = torch.optim.lr_scheduler.OneCycleLR(
                optimiser, RATE, total_steps=steps, pct_start=0.1, anneal_strategy="linear"
            )
            for _ in range(passes(size)):
                mixed = torch.randperm(len(texts))
                for taken in mixed.split(BATCH):
                    loss = torch.nn.functional.cross_entropy(
                        model(batch([texts[i] for i in taken])), wanted[taken]
                    )
                    optimiser.zero_grad()
                    loss.backward()
                    optimiser.step()
                    schedule.step()
            took.append(time.process_time() - start)
            model.eval()
            told = np.zeros(len(asked), dtype=np.int64)
            by_length = np.argsort([len(text) for text in asked], kind="stable")
            with torch.no_grad():
                for taken in np.array_split(by_length, len(asked) // 32):
                    told[taken] = model(batch([asked[i] for i in taken])).argmax(1).numpy()
            split = np.split(told, np.cumsum([len(e.sentences) for e in dev])[:-1])
            counts.append(confusions(dev, split))
        samples = resampled(np.array(counts))
        low, high = np.quantile(samples, [0.025, 0.975])
        f1 = each_f1(np.array(counts).sum(axis=1))
        figures.append({
            "labelled": size, "draws": options.draws, "macro_f1": float(f1.mean()),
            "low": float(low), "high": float(high), "training_seconds": float(np.mean(took)),
            "f1": dict(zip(FUNCTIONS, f1.mean(axis=0).tolist(), strict=True)),
        })  # fmt: skip
        print(figures[-1], flush=True)
        (RESULTS / "papers_functions_fine_tune.json").write_text(
            json.dumps(figures, indent=1), encoding="utf-8"
        )
        write(figures, options.draws)


def write(figures: list[dict[str, Any]], draws: int) -> None:
    sizes = " ".join(str(each["labelled"]) for each in figures)
    lines = [
        "# What a sentence of an abstract does: a plain fine-tune",
        "",
        f"    python benchmarks/papers/functions_fine_tune.py --draws {draws} --sizes {sizes}",
        "",
        "MiniLM, each sentence by itself, nothing tuned; draws, figures and intervals are those of "
        "papers_functions.md. Seconds of processor time.",
        "",
        "| labelled | draws | macro-F1 | " + " | ".join(FUNCTIONS) + " | seconds to train |",
        "|--:|--:|---|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {each['labelled']:,} | {each['draws']} | {each['macro_f1']:.3f} [{each['low']:.3f}, "
        f"{each['high']:.3f}] | "
        + " | ".join(f"{each['f1'][f]:.3f}" for f in FUNCTIONS)
        + f" | {each['training_seconds']:.0f} |"
        for each in figures
    ]
    (RESULTS / "papers_functions_fine_tune.md").write_text(
        "\n".join(lines) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
