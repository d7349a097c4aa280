"""A small cross-encoder: what it starts from, what it learns from, what it can teach."""

import numpy as np
import pytest

from everygrain.document import Document
from everygrain.encode.transformer import quiet_transformers
from everygrain.errors import InputError, ModelError, QueryError
from everygrain.learn.negatives.base import Negatives
from everygrain.learn.pairs.base import Pair
from everygrain.learn.pairs.words import RepresentativeWords

torch = pytest.importorskip("torch")
from everygrain.learn.losses.base import Batch  # noqa: E402
from everygrain.learn.losses.distilled import DistilledSentenceEmbedding  # noqa: E402
from everygrain.learn.losses.margins import MarginMSE  # noqa: E402
from everygrain.learn.train.cross import (  # noqa: E402
    CrossTraining,
    Hinge,
    Softmax,
    train_cross,
)
from everygrain.learn.train.cross_contests import (  # noqa: E402
    Contest,
    against_negatives,
    bare,
    titled,
    word_sets,
)
from everygrain.learn.train.cross_matching import Matching  # noqa: E402
from everygrain.learn.train.cross_start import (  # noqa: E402
    FirstLayers,
    Narrow,
    principal,
    strongest,
)
from everygrain.learn.train.cross_teacher import teacher_scores  # noqa: E402
from everygrain.rank.cross import CrossEncoderScorer  # noqa: E402
from tests.rank.tiny_cross_encoder import write_tiny_cross_encoder  # noqa: E402

from .pretrain.small import WORDS, tiny_transformer  # noqa: E402

# a query asks for the text that begins with it
CONTESTS = [
    Contest(((a, f"{a} of the {b}"), (a, f"{b} of the {a}"), (a, f"{b} the of")))
    for a in WORDS[:5]
    for b in WORDS[8:12]
    if a != b
]
SETTINGS = CrossTraining(epochs=6, batch=5, learning_rate=1e-2, tokens=16, words=True)


@pytest.fixture(autouse=True)
def one_thread():
    quiet_transformers()
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return tiny_transformer(tmp_path_factory.mktemp("models") / "base").name


def weights(folder):
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def stop_at(step):
    def progress(told):
        if told.step == step:
            raise KeyboardInterrupt

    return progress


def test_the_winner_comes_to_score_above_the_others(tmp_path, source):
    losses = []
    start = FirstLayers(2, source=source)
    scorer = train_cross(CONTESTS, tmp_path / "cross", start=start, settings=SETTINGS,
                         progress=lambda told: losses.append(told.loss))  # fmt: skip
    assert np.mean(losses[-4:]) < 0.5 * np.mean(losses[:4])
    won = [
        scores.argmax() == 0
        for contest in CONTESTS
        for scores in [scorer.score_pairs(contest.pairs)]
    ]
    assert np.mean(won) > 0.9


def test_any_user_of_the_library_can_load_what_was_trained(tmp_path, source):
    from sentence_transformers import CrossEncoder

    scorer = train_cross(CONTESTS, tmp_path / "cross", start=Narrow(1, 8, 2, 12, source),
                         settings=SETTINGS)  # fmt: skip
    found = CrossEncoder(str(tmp_path / "cross"), device="cpu").predict(CONTESTS[0].pairs)
    np.testing.assert_allclose(scorer.score_pairs(CONTESTS[0].pairs), found, atol=1e-5)
    assert np.ptp(found) > 0.01


def test_an_interrupted_training_ends_with_the_weights_of_one_that_was_not(tmp_path, source):
    start = FirstLayers(1, source=source)
    train_cross(CONTESTS, tmp_path / "whole", start=start, settings=SETTINGS)
    for step in (3, 9):
        with pytest.raises(KeyboardInterrupt):
            train_cross(CONTESTS, tmp_path / "cut", start=start, settings=SETTINGS,
                        progress=stop_at(step))  # fmt: skip
        assert not (tmp_path / "cut").exists()
    steps = []
    train_cross(CONTESTS, tmp_path / "cut", start=start, settings=SETTINGS,
                progress=lambda told: steps.append(told.step))  # fmt: skip
    assert steps[0] == 10
    whole, cut = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert all(torch.equal(whole[name], cut[name]) for name in whole)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut", "whole"]


def test_training_goes_on_from_a_trained_one_and_leaves_words_alone_unless_told(tmp_path, source):
    first = train_cross(CONTESTS, tmp_path / "first", start=FirstLayers(1, source=source),
                        loss=Hinge(), settings=SETTINGS)  # fmt: skip
    settings = CrossTraining(batch=5, learning_rate=1e-2, tokens=16)
    train_cross(CONTESTS, tmp_path / "second", start=first, settings=settings)
    before, after = weights(tmp_path / "first"), weights(tmp_path / "second")
    same = [name for name in before if torch.equal(before[name], after[name])]
    assert [name for name in same if "word_embeddings" in name]
    assert len(same) < len(before) / 2


def test_the_losses_equal_their_formulas_and_pay_no_heed_to_missing_pairs():
    scores = torch.tensor([[0.3, 0.1, -0.9], [0.2, 1.4, float("-inf")]], requires_grad=True)
    hinge = [max(0, 1 - 0.3 + 0.1) + max(0, 1 - 0.3 - 0.9), 1 - 0.2 + 1.4]
    softmax = [
        -np.log(np.exp(0.3) / (np.exp(0.3) + np.exp(0.1) + np.exp(-0.9))),
        -np.log(np.exp(0.2) / (np.exp(0.2) + np.exp(1.4))),
    ]
    for loss, expected in ((Hinge(), hinge), (Softmax(), softmax)):
        found = loss(scores)
        assert found.tolist() == pytest.approx(expected, abs=1e-6)
        (gradient,) = torch.autograd.grad(found.sum(), scores)
        assert gradient.isfinite().all()
        assert gradient[1, 2] == 0


def test_all_units_kept_the_first_layers_compute_what_the_source_does(source):
    from transformers import AutoModel

    body = AutoModel.from_pretrained(source).eval()
    made = FirstLayers(1, source=source).model(16).model.bert.eval()
    ids = torch.tensor([[5, 9, 7, 30, 12]])
    with torch.inference_mode():
        expected = body(ids, output_hidden_states=True).hidden_states[1]
        found = made(ids, output_hidden_states=True).hidden_states[1]
    torch.testing.assert_close(found, expected)


def test_units_without_weight_can_go_and_nothing_changes(source):
    into, out = torch.randn(6, 4), torch.randn(4, 6)
    into[[1, 4]] = 0.0
    kept = strongest(into, out, 4)
    assert kept.tolist() == [0, 2, 3, 5]
    rows = torch.randn(9, 4)
    torch.testing.assert_close((rows @ into[kept].T) @ out[:, kept].T, (rows @ into.T) @ out.T)
    made = FirstLayers(1, inner=10, source=source).model(16).model
    assert made.bert.encoder.layer[0].intermediate.dense.weight.shape == (10, 16)


def test_narrow_words_keep_the_directions_of_largest_variance():
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(50, 6)) * [5, 1, 4, 0.1, 3, 0.2] + 7
    found = principal(torch.tensor(rows), 3).numpy()
    centred = rows - rows.mean(axis=0)
    left, values, _ = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(found @ found.T, (left[:, :3] * values[:3] ** 2) @ left[:, :3].T)


DOCUMENTS = [
    Document(f"d{i}", f"{a} stands near the {b}. a {a} sees {b} and {a}. the end", f"{a} {b}")
    for i, (a, b) in enumerate(zip(WORDS[:6], WORDS[9:15], strict=True))
]


def test_sets_of_words_compete_for_their_document():
    source = RepresentativeWords(words=2)
    contests = list(word_sets(source, DOCUMENTS))
    made = list(source.sets(DOCUMENTS))
    assert len(contests) == len(made) > 0
    for contest, each in zip(contests, made, strict=True):
        (more, text), (less, same) = contest.pairs
        document = next(d for d in DOCUMENTS if d.id == each.document_id)
        assert text == same == f"{document.title} {document.text}"
        assert (more, less) == (" ".join(each.more), " ".join(each.less))


def test_negatives_compete_in_the_form_of_the_positive():
    pairs = [Pair("what", "an answer", "made", "d0", "d0"), Pair("why", "none", "made", "d1", "d1")]
    negatives = Negatives((("d2", "d3"), ()))
    found = list(against_negatives(pairs, negatives, DOCUMENTS, bare()))
    assert [text for _, text in found[0].pairs] == [
        "an answer", DOCUMENTS[2].text, DOCUMENTS[3].text
    ]  # fmt: skip
    assert len(found) == 1
    shown = titled(5)(DOCUMENTS[2])
    assert shown.startswith(f"{DOCUMENTS[2].title} {DOCUMENTS[2].text[:8]}")


def untrained(tmp_path, source):
    return train_cross(CONTESTS[:1], tmp_path / "teacher", start=FirstLayers(1, source=source),
                       settings=SETTINGS)  # fmt: skip


def test_its_margins_feed_the_losses_that_copy_a_teacher(tmp_path, source):
    teacher = untrained(tmp_path, source)
    queries, documents = ["tree", "cat"], ["a tree", "the cat", "river stone", "house"]
    asked = np.array([[True, True, True, False], [True, True, False, True]])
    told = teacher_scores(teacher, queries, documents, asked)
    generator = torch.Generator().manual_seed(0)
    vectors = torch.nn.functional.normalize(torch.randn(6, 8, generator=generator), dim=1)
    batch = Batch(vectors[:2], vectors[2:], torch.eye(2, 4), torch.ones(2, 4, dtype=torch.bool),
                  torch.arange(2), told)  # fmt: skip
    expected = []
    for row, query in enumerate(queries):
        exact = teacher.score(query, documents)
        student = (vectors[row] @ vectors[2:].T).tolist()
        others = [j for j in range(4) if j != row and asked[row, j]]
        errors = [(student[row] - student[j] - exact[row] + exact[j]) ** 2 for j in others]
        expected.append(np.mean(errors))
    assert MarginMSE()(batch).tolist() == pytest.approx(expected, rel=1e-4)
    # a head that starts as the cosine errs by the cosine less the teacher's score
    distilled = [
        np.mean([(float(vectors[row] @ vectors[2 + j]) - float(told[row, j])) ** 2
                 for j in range(4) if asked[row, j]])
        for row in range(2)
    ]  # fmt: skip
    loss = DistilledSentenceEmbedding(dimensions=8)
    assert loss(batch).tolist() == pytest.approx(distilled, rel=1e-4)


def test_bad_input_is_named(tmp_path, source):
    start = FirstLayers(1, source=source)
    with pytest.raises(InputError, match="No contests"):
        train_cross([], tmp_path / "m", start=start)
    with pytest.raises(InputError, match="has 1 pairs"):
        Contest((("a", "b"),))
    for wrong in ({"epochs": 0}, {"batch": 0}, {"learning_rate": 0.0}, {"tokens": 4},
                  {"warm_up": 1.0}, {"budget": 0.0}):  # fmt: skip
        with pytest.raises(InputError, match=next(iter(wrong))):
            CrossTraining(**wrong)
    for make in (lambda: FirstLayers(0), lambda: FirstLayers(1, -1), lambda: Narrow(heads=3),
                 lambda: Narrow(1, 32, 2, 8, source).model(16)):  # fmt: skip
        with pytest.raises(InputError):
            make()
    for where in (str(tmp_path / "nowhere"), str(tmp_path)):
        with pytest.raises(ModelError, match="cannot be loaded"):
            FirstLayers(1, source=where).model(16)
    with pytest.raises(ModelError, match="nowhere"):
        train_cross(CONTESTS, tmp_path / "m", start=CrossEncoderScorer(str(tmp_path / "nowhere")))


def test_a_teacher_that_fails_names_the_query():
    class Silent:
        def score(self, query, texts):
            return np.full(len(texts), np.nan)

    with pytest.raises(QueryError, match="Query '0'"):
        teacher_scores(Silent(), ["a"], ["b"])
    with pytest.raises(InputError, match=r"asked by \(2, 2\)"):
        teacher_scores(Silent(), ["a"], ["b"], np.ones((2, 2), dtype=bool))
    none = teacher_scores(Silent(), ["a"], ["b"], np.zeros((1, 1), dtype=bool))
    assert bool(none.isnan().all())


@pytest.fixture(scope="module")
def paired(tmp_path_factory):
    """A BERT whose tokenizer tells the texts of a pair apart, with vectors that are far apart."""
    folder = tmp_path_factory.mktemp("paired")
    write_tiny_cross_encoder(folder)
    return str(folder / "parts")


def test_a_model_whose_weights_are_written_down_finds_words_before_any_training(tmp_path, paired):
    model = Matching(136, 8, sink=0.5, source=paired).model(24)
    model.save_pretrained(str(tmp_path / "matching"), create_model_card=False)
    scorer = CrossEncoderScorer(str(tmp_path / "matching"))
    texts = ["of the in a", "cat of the in", "cat tree of the", "cat tree garden of"]
    scores = scorer.score("cat tree garden", texts)
    assert (np.diff(scores) > 0.2).all()


def test_what_it_finds_is_the_soft_matching_of_its_formula(paired):
    model = Matching(136, 8, sharpness=9.0, sink=0.5, source=paired).model(24)
    tokenizer, bert = model.tokenizer, model.model.bert.eval()
    told = tokenizer(["tree dog red"], ["dog garden a house the"], return_tensors="pt")
    with torch.inference_mode():
        first, second = (
            each[0].numpy() for each in bert(**told, output_hidden_states=True).hidden_states[:2]
        )
    ids = told["input_ids"][0].tolist()
    types = told["token_type_ids"][0].tolist()
    segment, mark, one = first[:, 0], first[:, 1], first[:, 3]
    asked = [i for i, t in enumerate(types) if t == 0 and ids[i] not in tokenizer.all_special_ids]
    assert len(asked) == 3
    for head in range(2):
        vectors = first[:, 8 + 64 * head : 72 + 64 * head] / 64**0.5
        for i in asked:
            found, everything = 0.0, 0.0
            for j in range(len(ids)):
                alike = 9.0 * (vectors[i] @ vectors[j])
                own = 9.0 * 0.5 * one[i] * mark[j]
                attended = np.exp(alike + own - 8.0 * segment[i] * segment[j])
                found += attended * (segment[j] / 2 + one[j] / 2 - mark[j])
                everything += attended
            # layer normalisation and the small drawn weights leave it nearly as it is
            assert float(second[i, 4 + head]) == pytest.approx(2 * found / everything, abs=0.2)


def test_a_model_that_cannot_be_written_down_is_refused(source):
    for wrong in ({"width": 15}, {"width": 16}, {"inner": 0}, {"sharpness": 0.0}, {"sink": 2.0}):
        with pytest.raises(InputError, match="no model"):
            Matching(**wrong)
    with pytest.raises(ModelError, match="does not tell the two texts"):
        Matching(24, 8, source=source).model(16)
