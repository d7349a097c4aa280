"""Terms and definitions in abstracts: how many are found, how many of them are right, how fast.

    python benchmarks/papers/definitions.py [--draw]

Abstracts: every 41st of ../shared/data/papers, from the third (forms were written on others).
Right: as judged by the forms' author, of at most 25 drawn from each form: the term is named whole
and no more than it, and the definition is a noun phrase that says what it is, or spells it out,
whole. Judgements are kept as places, not as texts, in definitions_judged.json beside this file;
`--draw` prints the drawn ones to be judged. What was missed was not counted: no recall.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np

from everygrain import Document
from everygrain_papers.functions.definitions import FORMS, Definition, find
from everygrain_papers.functions.glossary import Glossary

PAPERS = Path(__file__).resolve().parents[3] / "shared" / "data" / "papers" / "papers.jsonl.gz"
JUDGED = Path(__file__).with_name("definitions_judged.json")
RESULTS = Path(__file__).resolve().parents[1] / "results"
EACH = 25


def wilson(right: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, by Wilson's score."""
    z, share = 1.96, right / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * np.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2)
    return float(middle - half), float(middle + half)


def place(found: Definition) -> str:
    spans = (found.term.start, found.term.end, found.definition.start, found.definition.end)
    return ":".join(map(str, (found.term.document_id, found.form, *spans)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draw", action="store_true")
    options = parser.parse_args()
    with gzip.open(PAPERS, "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in islice(lines, 2, None, 41)]
    documents = {r["id"]: Document(r["id"], r.get("abstract") or "", r["title"]) for r in records}
    start = time.process_time()
    found = [each for document in documents.values() for each in find(document)]
    rate = len(documents) / (time.process_time() - start)
    drawn = []
    for form in FORMS:
        own = [each for each in found if each.form == form]
        order = np.random.default_rng(0).permutation(len(own))[:EACH]
        drawn += [own[i] for i in sorted(order)]
    if options.draw:
        for i, each in enumerate(drawn):
            term, text = each.of(documents[each.term.document_id])
            print(i, each.form, "|", term, "=", text)
        return
    judged: dict[str, bool] = json.loads(JUDGED.read_text(encoding="utf-8"))
    glossary = Glossary.of(documents.values())
    links = sum(len(glossary.links(document)) for document in documents.values())
    forms = Counter(each.form for each in found)
    rows = []
    for form in FORMS:
        verdicts = [judged[p] for e in drawn if e.form == form and (p := place(e)) in judged]
        low, high = wilson(sum(verdicts), len(verdicts)) if verdicts else (0.0, 1.0)
        rows.append({
            "form": form, "found": forms[form], "judged": len(verdicts), "right": sum(verdicts),
            "low": low, "high": high,
        })  # fmt: skip
    told = {
        "abstracts": len(documents), "abstracts_a_second": round(rate), "forms": rows,
        "entries": len(glossary), "links": links,
        "ambiguous": sum(entry.ambiguous for entry in glossary.entries.values()),
    }  # fmt: skip
    (RESULTS / "papers_definitions.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    lines = [
        "# Terms and definitions found in abstracts",
        "",
        "    python benchmarks/papers/definitions.py",
        "",
        f"{len(documents):,} abstracts (every 41st of the papers), {round(rate, -2):,.0f} a second "
        f"of processor time. The glossary has {len(glossary):,} entries, "
        f"{told['ambiguous']} of them abbreviations with more than one long form, and {links:,} "
        "links. Precision as judged by the forms' author on at most 25 drawn from each form, "
        "95 % intervals by Wilson's score; recall is not known.",
        "",
        "| form | found | judged | right | precision |",
        "|---|--:|--:|--:|---|",
    ]
    for row in rows:
        if row["judged"]:
            precision = f"{row['right'] / row['judged']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"
        else:
            precision = "not judged"
        lines.append(
            f"| {row['form']} | {row['found']:,} | {row['judged']} | {row['right']} | {precision} |"
        )
    (RESULTS / "papers_definitions.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
