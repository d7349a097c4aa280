import json

import pyarrow.parquet
import pytest

from everygrain.errors import MeasureError
from everygrain.measure.experiment import Experiment

from .comparing import Fixed, collection, first_at

MIXED = Fixed("mixed", first_at(1, 2, 4, 0))
GOOD = Fixed("good", first_at(1, 1, 1, 1))


def run(systems):
    return Experiment(systems, [collection()], ["RR", "R@2"]).run()


def test_values_of_every_query_are_kept(tmp_path):
    results = run({"mixed": MIXED, "good": GOOD})
    results.write_parquet(tmp_path / "queries.parquet")
    rows = pyarrow.parquet.read_table(tmp_path / "queries.parquet").to_pylist()
    assert len(rows) == 8
    assert rows[1] == {
        "collection": "small", "system": "mixed", "query_id": "q1", "RR": 0.5, "R@2": 1.0,
    }  # fmt: skip


def test_json_has_every_figure_of_collection_system_and_measure_and_null_for_nan():
    told = json.loads(json.dumps(run({"mixed": MIXED, "good": GOOD}).to_json(), allow_nan=False))
    assert {name: told[name] for name in ("baseline", "seed", "k")} == {
        "baseline": "mixed", "seed": 0, "k": 100,
    }  # fmt: skip
    assert [(e["collection"], e["measure"], e["system"]) for e in told["figures"]] == [
        ("small", measure, system) for measure in ("RR", "R@2") for system in ("mixed", "good")
    ]
    assert set(told["figures"][0]) == {
        "collection", "system", "measure", "n", "mean", "low", "high", "difference", "p",
        "p_corrected",
    }  # fmt: skip
    assert told["figures"][0]["p"] is None
    assert told["figures"][0]["p_corrected"] is None
    assert told["figures"][1]["p_corrected"] == 0.25


def test_results_know_what_was_measured():
    results = run({"mixed": MIXED, "good": GOOD})
    assert (results.collections, results.systems) == (["small"], ["mixed", "good"])
    assert results.measures == ["RR", "R@2"]
    assert results.values("small", "mixed", "RR").tolist() == [1, 0.5, 0.25, 0]
    with pytest.raises(MeasureError, match="'small' was not measured by 'AP'"):
        results.of("small", "AP")
