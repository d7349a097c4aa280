from everygrain import fuse
from everygrain.measure.experiment import Experiment
from everygrain.measure.sharing import Sharing, same

from .comparing import QUERIES, Fixed, Reversing, collection, first_at

GOOD = Fixed("good", first_at(1, 1, 1, 1))
MIXED = Fixed("mixed", first_at(1, 2, 4, 0))


def run(systems):
    return Experiment(systems, [collection()], ["RR"]).run()


def test_shared_parts_run_once():
    first, second = Fixed("first", first_at(1, 2, 3, 4)), Fixed("second", first_at(4, 3, 2, 1))
    reversing = Reversing()
    systems = {
        "first": first,
        "cut": first % 2,
        "both": fuse(first, second),
        "both, cut": fuse(first, second) % 2,
        "both, reversed": fuse(first, second) >> reversing,
        "again": fuse(first, second) >> reversing,
    }
    alone = {name: run({name: each}).of("small", "RR")[0].mean for name, each in systems.items()}
    first.asked.clear()
    second.asked.clear()
    results = Experiment(systems, [collection()], ["RR"], k=200).run()
    assert first.asked == [200, 2, 100]  # the whole; the cut; the fusion that is cut, at its depth
    assert second.asked == [200, 100]
    assert {each.system: each.mean for each in results.figures} == alone


def test_the_depth_that_a_cut_gives_a_reranker_survives_sharing():
    system = Fixed("first", first_at(1, 2, 3, 4)) % 2 >> Reversing()
    alone = system.retrieve(QUERIES, 10)
    shared = Sharing().share(system).retrieve(QUERIES, 10)
    assert shared == alone
    assert len(shared) == 8


def test_parts_that_print_alike_but_hold_other_things_are_not_shared():
    systems = {"a": Fixed("same", first_at(1, 1, 1, 1)), "b": Fixed("same", first_at(2, 2, 2, 2))}
    assert [each.mean for each in run(systems).of("small", "RR")] == [1, 0.5]


def test_a_shared_part_counts_in_full_for_every_system():
    reranked = MIXED >> Reversing()
    results = run({"plain": MIXED, "once": reranked, "fused": fuse(reranked, GOOD)})
    calls = {each.system: each.model_calls for each in results.costs}
    assert calls == {"plain": None, "once": 4, "fused": 4}
    seconds = {each.system: each.seconds for each in results.costs}
    assert seconds["fused"] > seconds["once"] > 0


def test_same_is_what_surely_does_the_same():
    orders = first_at(1, 1, 1, 1)
    assert same(fuse(MIXED, GOOD) % 5, fuse(MIXED, GOOD) % 5)
    assert not same(MIXED % 5, MIXED % 6)
    assert not same(MIXED, GOOD)
    assert not same(Fixed("a", orders, []), Fixed("a", orders, []))
    assert not same(1, True)
    assert not same([1], [1])  # what can change is only the same if it is one object
