import json
from pathlib import Path

from everygrain.data import bundled

from .conftest import Run


def test_an_index_is_calibrated_and_searched_with_an_end(run: Run, tmp_path: Path) -> None:
    cards = str(bundled())
    assert run("add", "cards", cards, "--encoder", "latent").returncode == 0
    refused = run("search", "cards", "dense retriever", "--cutoff", "conformal:0.1")
    assert refused.returncode == 1
    assert "everygrain calibrate INDEX" in refused.stderr

    own = run("calibrate", "cards")
    assert "queries made of the index's own documents" in own.stdout
    assert "everygrain search cards QUERY --cutoff conformal:0.1" in own.stdout
    told = json.loads(run("calibrate", "cards", "--judged", cards, "--json").stdout)
    assert told["judged"] is True
    assert told["queries"] >= 20

    found = json.loads(
        run("search", "cards", "dense retriever", "--cutoff", "conformal:0.2", "--json").stdout
    )
    assert found["cutoff"]["kept"] >= len(found["hits"]) > 0
    assert found["cutoff"]["no_good_answer"] is False
    shown = run("search", "cards", "dense retriever", "--cutoff", "conformal:0.2")
    assert "kept, with a score of" in shown.stdout

    told = json.loads(run("search", "cards", "of the", "--cutoff", "adapted", "--json").stdout)
    assert told["cutoff"]["candidates"] == 0
    assert told["cutoff"]["best"] is None
    nothing = run("search", "cards", "of the", "--cutoff", "adapted")
    assert "The query holds only stop words (of, the)" in " ".join(nothing.stdout.split())

    nothing = run("search", "cards", "dense retriever", "--cutoff", "adapted:1")
    assert nothing.returncode == 0
    assert nothing.stdout.startswith("No good answer: the best of")
    asked = ("search", "cards", "dense retriever", "--cutoff", "adapted:1", "--json")
    told = json.loads(run(*asked).stdout)
    assert told["hits"] == []
    assert told["cutoff"]["no_good_answer"] is True
