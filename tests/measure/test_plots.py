import sys

import numpy as np
import pytest

from everygrain.errors import MeasureError
from everygrain.measure.experiment import Experiment
from everygrain.measure.plots import cost, differences, quality, write_plots

from .comparing import Fixed, collection, first_at

pytest.importorskip("matplotlib")
SYSTEMS = {
    "mixed $x^2$": Fixed("mixed", first_at(1, 2, 4, 0)),
    "good": Fixed("good", first_at(1, 1, 1, 1)),
    "other": Fixed("other", first_at(2, 2, 2, 2)),
}


@pytest.fixture(scope="module")
def results():
    return Experiment(SYSTEMS, [collection("one"), collection("two")], ["RR", "R@2"]).run()


def size(path):
    """Return a PNG's width and height in pixels."""
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG")
    return int.from_bytes(content[16:20], "big"), int.from_bytes(content[20:24], "big")


def test_three_pictures_are_written(results, tmp_path):
    written = write_plots(results, tmp_path)
    assert [path.name for path in written] == ["quality.png", "cost.png", "differences.png"]
    assert all(min(size(path)) > 200 for path in written)


def test_the_same_results_give_the_same_pictures(results, tmp_path):
    first = [path.read_bytes() for path in write_plots(results, tmp_path)]
    assert first == [path.read_bytes() for path in write_plots(results, tmp_path)]


def test_quality_shows_every_mean_in_the_panel_of_its_collection_and_measure(results):
    panels = quality(results).axes
    assert len(panels) == 4
    drawn = [line.get_xdata()[0] for line in panels[0].lines if line.get_marker() == "o"]
    assert drawn == [each.mean for each in results.of("one", "RR")]
    assert panels[0].get_xlabel() == "RR"


def test_cost_shows_milliseconds_of_a_query(results):
    panels = cost(results).axes
    drawn = {line.get_xdata()[0] for line in panels[1].lines if line.get_marker() in "osD"}
    assert drawn == {250 * each.seconds for each in results.costs_of("two")}
    assert panels[1].get_xscale() == "log"


def test_differences_are_those_of_the_queries_from_best_to_worst(results):
    panels = differences(results).axes
    assert len(panels) == 4
    base = results.values("one", "mixed $x^2$", "RR")
    heights = [bar.get_height() for bar in panels[0].patches]
    assert heights == sorted(results.values("one", "good", "RR") - base, reverse=True)
    assert np.ptp([axes.get_ylim() for axes in panels[:2]], axis=0).tolist() == [0, 0]


def test_a_single_system_has_no_differences_to_draw(tmp_path):
    alone = Experiment({"good": SYSTEMS["good"]}, [collection()], ["RR"]).run()
    assert [path.name for path in write_plots(alone, tmp_path)] == ["quality.png", "cost.png"]


def test_without_matplotlib_the_remedy_is_told(results, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MeasureError, match=r"not installed.*everygrain\[bench\]"):
        write_plots(results, tmp_path)
