"""A transformer tuned on pairs: what moves, what is saved, and what an interrupt leaves."""

import resource
import sys

import numpy as np
import pytest

from everygrain.encode.pooling import with_pooling
from everygrain.encode.transformer import Transformer
from everygrain.encode.tuned import Tuned
from everygrain.errors import InputError, ModelError, StorageError
from everygrain.learn.losses.contrastive import MultipleNegatives
from everygrain.learn.losses.temperatures import IndividualTemperatures
from everygrain.learn.pairs.base import Pair
from everygrain.learn.train.checkpoint import Checkpoint, recover, replaced
from everygrain.learn.train.fine_tuning import FineTuning
from everygrain.learn.train.transformer import counted, fine_tune, open_model

torch = pytest.importorskip("torch")
from .pretrain.small import WORDS, tiny_transformer  # noqa: E402

PAIRS = [
    Pair(f"{a} {b}", f"the {b} of a {a}", "made", f"q{a}{b}", f"d{a}{b}")
    for a in WORDS[:4]
    for b in WORDS[8:12]
]
SETTINGS = FineTuning(epochs=4, batch=4, learning_rate=1e-2, tokens=16)
LOSS = MultipleNegatives()


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny_transformer(tmp_path_factory.mktemp("models") / "base")


def weights(encoder):
    return {name: weight.clone() for name, weight in open_model(encoder.name).state_dict().items()}


def moved(before, after):
    return {name for name in before if not torch.equal(before[name], after[name])}


def stop_at(step):
    def progress(told):
        if told.step == step:
            raise KeyboardInterrupt

    return progress


def test_the_loss_falls_and_a_query_comes_nearer_to_its_text(tmp_path, base):
    losses = []
    tuned = fine_tune(PAIRS, LOSS, tmp_path / "tuned", base=base, settings=SETTINGS,
                      progress=lambda told: losses.append(told.loss))  # fmt: skip
    assert np.mean(losses[-4:]) < np.mean(losses[:4])

    def lead(encoder):
        queries = encoder.encode([pair.query for pair in PAIRS])
        scores = queries @ encoder.encode([pair.positive for pair in PAIRS]).T
        return scores.diagonal().mean() - scores.mean()

    assert lead(tuned) > lead(base) + 0.05


def test_with_domains_an_interrupt_changes_nothing_and_their_number_must_fit(tmp_path, base):
    domains = [pair.query.split()[0] if i % 5 else None for i, pair in enumerate(PAIRS)]
    ways = {"base": base, "settings": SETTINGS, "domains": domains}
    whole = fine_tune(PAIRS, LOSS, tmp_path / "whole", **ways)
    plain = fine_tune(PAIRS, LOSS, tmp_path / "plain", base=base, settings=SETTINGS)
    assert moved(weights(whole), weights(plain))
    with pytest.raises(KeyboardInterrupt):
        fine_tune(PAIRS, LOSS, tmp_path / "cut", progress=stop_at(5), **ways)
    cut = fine_tune(PAIRS, LOSS, tmp_path / "cut", **ways)
    assert not moved(weights(whole), weights(cut))
    with pytest.raises(InputError, match="16 pairs to train on, and 1 domains"):
        fine_tune(PAIRS, LOSS, tmp_path / "none", base=base, domains=["a"])


@pytest.mark.parametrize("ways", [{}, {"rank": 2}, {"layers": 1}], ids=["all", "rank", "layers"])
def test_an_interrupted_training_ends_with_the_weights_of_one_that_was_not(tmp_path, base, ways):
    settings = FineTuning(epochs=2, batch=4, learning_rate=1e-2, tokens=16, **ways)
    whole = fine_tune(PAIRS, LOSS, tmp_path / "whole", base=base, settings=settings)
    for step in (3, 6):
        with pytest.raises(KeyboardInterrupt):
            fine_tune(PAIRS, LOSS, tmp_path / "cut", base=base, settings=settings,
                      progress=stop_at(step))  # fmt: skip
        assert not (tmp_path / "cut").exists()
    steps = []
    cut = fine_tune(PAIRS, LOSS, tmp_path / "cut", base=base, settings=settings,
                    progress=lambda told: steps.append(told.step))  # fmt: skip
    assert steps == [7, 8]
    assert not moved(weights(whole), weights(cut))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut", "whole"]


def test_temperatures_that_a_loss_learned_go_on_after_an_interrupt(tmp_path, base):
    def tuned(folder, progress=None):
        loss = IndividualTemperatures(rate=0.1)
        made = fine_tune(PAIRS, loss, tmp_path / folder, base=base, settings=SETTINGS,
                         progress=progress)  # fmt: skip
        return weights(made), loss.state["temperatures"]

    whole, learned = tuned("whole")
    assert learned.unique().numel() > 4
    with pytest.raises(KeyboardInterrupt):
        tuned("cut", stop_at(9))
    cut, again = tuned("cut")
    assert not moved(whole, cut)
    assert torch.equal(learned, again)


@pytest.mark.parametrize("pooling", ["tokens", "layers"])
def test_a_model_with_a_trainable_pooling_is_tuned_and_encodes_as_any_other(
    tmp_path, base, pooling
):
    pooled = with_pooling(open_model(base.folder), pooling)
    start = Transformer.of(pooled, tmp_path / "start")
    tuned = fine_tune(PAIRS, LOSS, tmp_path / "tuned", base=start, settings=SETTINGS)
    found = moved(weights(start), weights(tuned))
    assert {name for name in found if name.startswith("1.")} >= {"1.query", "1.out.weight"}
    served = Tuned(tmp_path / "tuned").encode(["a cat", "the tree of a dog"])
    expected = tuned.model.encode(["a cat", "the tree of a dog"])
    np.testing.assert_allclose(served, expected, atol=1e-5)


def test_without_torch_a_training_names_the_remedy(tmp_path, base, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # as where it is not installed
    with pytest.raises(ModelError, match="needs torch") as caught:
        fine_tune(PAIRS, LOSS, tmp_path / "m", base=base, settings=SETTINGS)
    assert 'pip install "everygrain[models]"' in caught.value.remedy


def test_only_the_top_layer_moves_when_the_others_are_frozen(tmp_path, base):
    settings = FineTuning(batch=4, learning_rate=1e-2, layers=1)
    tuned = fine_tune(PAIRS, LOSS, tmp_path / "tuned", base=base, settings=settings)
    found = moved(weights(base), weights(tuned))
    assert found
    assert all(".layer.1." in name for name in found)


def test_adapters_change_attention_by_a_low_rank_and_leave_a_plain_model(tmp_path, base):
    settings = FineTuning(batch=4, learning_rate=1e-2, rank=2)
    tuned = fine_tune(PAIRS, LOSS, tmp_path / "tuned", base=base, settings=settings)
    before, after = weights(base), weights(tuned)
    found = moved(before, after)
    assert len(found) == 2 * 4  # query, key, value and output of two layers
    assert set(before) == set(after)
    for name in found:
        values = torch.linalg.svdvals(after[name] - before[name])
        assert "attention" in name
        assert values[1] > 1e-4 > 1e-5 > values[2]


def test_another_loss_or_other_pairs_do_not_go_on_from_a_foreign_checkpoint(tmp_path, base):
    with pytest.raises(KeyboardInterrupt):
        fine_tune(PAIRS, LOSS, tmp_path / "m", base=base, settings=SETTINGS, progress=stop_at(2))
    steps = []
    fine_tune(PAIRS[:8], LOSS, tmp_path / "m", base=base, settings=SETTINGS,
              progress=lambda told: steps.append(told.step))  # fmt: skip
    assert steps[0] == 1


def test_a_budget_plans_fewer_steps_and_keeps_what_was_learned(tmp_path, base):
    told = []
    settings = FineTuning(epochs=5000, batch=4, budget=1.5, tokens=16)
    tuned = fine_tune(PAIRS, LOSS, tmp_path / "m", base=base, settings=settings,
                      progress=told.append)  # fmt: skip
    assert told[0].steps == 20_000
    assert told[-1].step < 20_000
    assert moved(weights(base), weights(tuned))


def test_a_document_that_may_be_right_is_no_negative():
    pairs = [
        Pair("a", "one", "s", "q1", "d1"),
        Pair("b", "one", "s", "q2", "d2"),
        Pair("c", "two", "s", "d1", "d3"),
        Pair("d", "six", "s", "q4", "d3"),
    ]
    assert counted(pairs) == [
        [True, False, True, True],
        [False, True, True, True],
        [False, True, True, False],
        [True, True, False, True],
    ]


def test_a_full_disk_leaves_the_former_model_and_says_what_to_do(tmp_path, base):
    settings = FineTuning(batch=4, tokens=16)
    former = fine_tune(PAIRS, LOSS, tmp_path / "m", base=base, settings=settings)
    kept = former.fingerprint
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))  # no file may grow beyond
    try:
        with pytest.raises(StorageError, match="refused") as caught:
            fine_tune(PAIRS, LOSS, tmp_path / "m", base=base, settings=SETTINGS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "Free some space" in caught.value.remedy
    assert Transformer(str(tmp_path / "m")).fingerprint == kept
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path):
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "old").write_text("old")

    def half_written():
        with replaced(folder) as made:
            (made / "new").write_text("new")
            raise ValueError("half")

    with pytest.raises(ValueError, match="half"):
        half_written()
    assert [path.name for path in tmp_path.rglob("*")] == ["m", "old"]
    with replaced(folder) as made:
        (made / "new").write_text("new")
    assert [path.name for path in tmp_path.rglob("*")] == ["m", "new"]
    folder.rename(tmp_path / ".m.former")  # as a kill between the two renames leaves it
    recover(folder)
    assert [path.name for path in tmp_path.rglob("*")] == ["m", "new"]


def test_a_damaged_checkpoint_is_not_read(tmp_path):
    checkpoint = Checkpoint.beside(tmp_path / "m", "key")
    checkpoint.write({"numbers": {"step": 3}})
    assert checkpoint.read() == {"key": "key", "numbers": {"step": 3}}
    assert Checkpoint(checkpoint.path, "another").read() is None
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:40])
    assert checkpoint.read() is None


def test_bad_settings_pairs_and_models_are_errors_with_a_remedy(tmp_path, base):
    for wrong in ({"batch": 1}, {"rank": -1}, {"warm_up": 1.0}, {"budget": 0.0}):
        with pytest.raises(InputError, match=next(iter(wrong))) as caught:
            FineTuning(**wrong)
        assert caught.value.remedy
    with pytest.raises(InputError, match="1 pairs"):
        fine_tune(PAIRS[:1], LOSS, tmp_path / "m", base=base)
    with pytest.raises(InputError, match="the model has 2"):
        fine_tune(PAIRS, LOSS, tmp_path / "m", base=base, settings=FineTuning(layers=3))
    with pytest.raises(ModelError, match="nowhere"):
        fine_tune(PAIRS, LOSS, tmp_path / "m", base=Transformer(str(tmp_path / "nowhere")))
    assert not list(tmp_path.iterdir())
