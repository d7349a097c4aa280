"""The user's labels: none, few and several examples, no label, keeping."""

import json

import numpy as np
import pytest
from scipy.optimize import check_grad
from scipy.sparse import csr_matrix

from everygrain.errors import InputError, ModelError
from everygrain_papers.topics import Tagger, logistic
from tests.papers.topics.groups import grouped
from tests.papers.topics.words import Trigrams

NAMES = ("honey bees", "cargo ships")


def fitted(labels=None, **more):
    papers, vectors, groups = grouped(**more)
    chosen = {name: [] for name in NAMES} if labels is None else labels
    return Tagger.fit(chosen, papers, vectors, Trigrams()), papers, vectors, groups


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ({}, "no labels"),
        ({" ": []}, "no name"),
        ({"Bees": [], "bees ": []}, "two labels"),
        ({"bees": ["p0", "nobody"]}, "'nobody' of 'bees' is no paper"),
        ({"bees": "nobody"}, "'nobody' of 'bees' is no paper"),
    ],
)
def test_labels_that_cannot_be_learned_are_refused(labels, told):
    papers, vectors, _ = grouped()
    with pytest.raises(InputError, match=told):
        Tagger.fit(labels, papers, vectors, Trigrams())


def test_vectors_that_do_not_fit_are_refused():
    tagger, papers, vectors, _ = fitted()
    with pytest.raises(InputError, match="119 vectors"):
        tagger.probabilities(papers, vectors[:-1])
    with pytest.raises(InputError, match="dimensions"):
        tagger.tag(papers[:1], np.ones((1, 5)))
    with pytest.raises(InputError, match="no paper with a vector"):
        Tagger.fit({"a": []}, papers, np.zeros_like(vectors), Trigrams())


def test_names_alone_rank_their_own_papers_first():
    tagger, papers, vectors, groups = fitted()
    probable = tagger.probabilities(papers, vectors)
    for label in range(2):
        assert set(groups[np.argsort(-probable[:, label])[:25]]) == {label}
    assert ((probable >= 0) & (probable <= 1)).all()


def test_examples_teach_what_a_name_does_not_say():
    papers, vectors, groups = grouped()
    own = [paper.id for paper, group in zip(papers, groups, strict=True) if group == 3][:4]
    other = [paper.id for paper, group in zip(papers, groups, strict=True) if group == 2][:4]
    unsaid = {"zzqx": own, "wvvk": other}
    blind = Tagger.fit({name: [] for name in unsaid}, papers, vectors, Trigrams())
    taught = Tagger.fit(unsaid, papers, vectors, Trigrams())

    def found(tagger):
        probable = tagger.probabilities(papers, vectors)[:, 0]
        return float((groups[np.argsort(-probable)[:30]] == 3).mean())

    assert found(taught) > 0.95
    assert found(blind) < found(taught)


def test_a_paper_may_have_several_labels_or_none():
    papers, vectors, groups = grouped(each=60)
    ids = np.array([paper.id for paper in papers])
    bees, ships = ids[groups == 0][:8].tolist(), ids[groups == 1][:8].tolist()
    both = {"honey bees": bees, "cargo ships": ships, "of bees and ships": [*bees, *ships]}
    tagger = Tagger.fit(both, papers, vectors, Trigrams())
    tags = tagger.tag(papers, vectors, least=0.1)
    told = [{tag.label for tag in each} for each in tags]
    assert all({"honey bees"} <= told[i] for i in np.flatnonzero(groups == 0))
    assert any(len(each) == 2 for each in told)
    assert all(not told[i] & {"honey bees", "cargo ships"} for i in np.flatnonzero(groups > 1))
    first = tags[int(np.flatnonzero(groups == 0)[0])]
    assert [tag.probability for tag in first] == sorted(
        (tag.probability for tag in first), reverse=True
    )
    assert any("bees" in term for term in first[0].terms)


def test_a_paper_without_a_vector_has_no_label():
    tagger, papers, vectors, _ = fitted()
    assert tagger.tag(papers[:1], np.zeros_like(vectors[:1]), least=1e-9) == [()]


def test_a_kept_tagger_says_the_same_and_a_damaged_one_is_told(tmp_path):
    tagger, papers, vectors, _ = fitted({"honey bees": ["p0", "p4"], "cargo ships": ["p1"]})
    tagger.save(tmp_path)
    kept = Tagger.load(tmp_path)
    assert kept.tag(papers, vectors) == tagger.tag(papers, vectors)
    assert np.array_equal(
        kept.probabilities(papers, vectors), tagger.probabilities(papers, vectors)
    )
    told = json.loads((tmp_path / "labels.json").read_text(encoding="utf-8"))
    for change in ({"labels": ["one"]}, {"terms": []}, {"deviation": 0}, {"digest": "x"}):
        text = json.dumps({**told, **change})
        (tmp_path / "labels.json").write_text(text, encoding="utf-8")
        with pytest.raises(ModelError, match="missing or damaged"):
            Tagger.load(tmp_path)


def test_the_same_examples_give_the_same_tagger():
    one, papers, vectors, _ = fitted({"honey bees": ["p0", "p4"]})
    other, *_ = fitted({"honey bees": ["p4", "p0"]})
    assert np.array_equal(one.probabilities(papers, vectors), other.probabilities(papers, vectors))


def test_the_gradient_is_that_of_the_loss():
    lot = np.random.default_rng(0)
    rows = csr_matrix(lot.normal(size=(12, 4)))
    signs, weights, known = lot.choice([-1.0, 1.0], 12), lot.random(12), lot.normal(size=12)
    told = (rows, signs, weights, known, 0.3)
    apart = check_grad(
        lambda flat: logistic.loss_and_gradient(flat, *told)[0],
        lambda flat: logistic.loss_and_gradient(flat, *told)[1],
        lot.normal(size=5),
    )
    assert apart < 1e-5


def test_a_label_without_examples_keeps_what_is_known():
    rows = csr_matrix(np.eye(3))
    wanted = np.array([[1.0, 0], [0, 0], [1, 0]])
    fitted = logistic.fit(rows, wanted, np.ones((3, 2)), np.zeros((3, 2)), 0.1)
    assert not fitted[:, 1].any()
    assert fitted[0, 0] > 0 > fitted[1, 0]
