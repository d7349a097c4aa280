"""Topics found, named, given to new papers, kept in a folder."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from everygrain.errors import InputError, ModelError
from everygrain_papers.paper import Paper
from everygrain_papers.topics import TopicModel
from everygrain_papers.topics.model import NO_TOPIC, limit_of, usual_count
from tests.papers.topics.groups import SUBJECTS, grouped


def fitted(count=4, **more):
    papers, vectors, groups = grouped(**more)
    return TopicModel.fit(papers, vectors, count=count), papers, vectors, groups


# bad input


def test_a_fit_without_papers_is_refused():
    with pytest.raises(InputError, match="no paper with a vector"):
        TopicModel.fit([], np.zeros((0, 4), dtype=np.float32))
    with pytest.raises(InputError, match="no paper with a vector"):
        TopicModel.fit([Paper("a", "A")], np.zeros((1, 4), dtype=np.float32))


@pytest.mark.parametrize(
    ("vectors", "told"),
    [
        (np.ones((2, 4)), "1 papers and 2 vectors"),
        (np.ones(4), "shape"),
        (np.ones((1, 0)), "shape"),
        (np.full((1, 4), np.nan), "not finite"),
        ([["a", "b"]], "no numbers"),
    ],
)
def test_vectors_that_do_not_fit_are_refused(vectors, told):
    with pytest.raises(InputError, match=told):
        TopicModel.fit([Paper("a", "A")], vectors)


def test_a_count_below_1_and_vectors_of_another_encoder_are_refused():
    papers, vectors, _ = grouped()
    with pytest.raises(InputError, match="0 topics"):
        TopicModel.fit(papers, vectors, count=0)
    model = TopicModel.fit(papers, vectors, count=4)
    with pytest.raises(InputError, match="5 dimensions"):
        model.assign(np.ones((1, 5), dtype=np.float32))


def test_a_damaged_folder_is_told(tmp_path):
    with pytest.raises(ModelError, match="missing or damaged"):
        TopicModel.load(tmp_path / "nowhere")
    model, *_ = fitted()
    model.save(tmp_path / "kept")
    arrays, told = tmp_path / "kept" / "topics.safetensors", tmp_path / "kept" / "topics.json"
    whole, text = arrays.read_bytes(), told.read_text(encoding="utf-8")
    for damaged in (whole[:-5], b"", whole[:100] + b"x" + whole[101:]):
        arrays.write_bytes(damaged)
        with pytest.raises(ModelError, match="missing or damaged"):
            TopicModel.load(tmp_path / "kept")
    arrays.write_bytes(whole)
    described = json.loads(text)
    for damaged in (
        text[:40],
        "[]",
        json.dumps({**described, "topics": described["topics"][:-1]}),
        json.dumps({**described, "limit": -1}),
        json.dumps({**described, "form": 99}),
        json.dumps({k: v for k, v in described.items() if k != "rest"}),
    ):
        told.write_text(damaged, encoding="utf-8")
        with pytest.raises(ModelError, match="missing or damaged"):
            TopicModel.load(tmp_path / "kept")
    told.write_text(text, encoding="utf-8")
    assert TopicModel.load(tmp_path / "kept").topics == model.topics


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    model, *_ = fitted()
    with pytest.raises(InputError, match="cannot be written"):
        model.save(tmp_path / "file" / "kept")


# topics


def test_groups_far_apart_are_found_and_named_by_their_words():
    model, papers, vectors, groups = fitted()
    numbers = model.assign(vectors)
    assert len(model.topics) == 4
    for group, subject in enumerate(SUBJECTS.values()):
        own = set(numbers[groups == group].tolist()) - {NO_TOPIC}
        assert len(own) == 1
        topic = model.topics[own.pop()]
        assert set(topic.name.replace(",", "").split()) <= set(subject.split())
        assert topic.terms[0] in topic.name
        by_id = {paper.id: paper for paper in papers}
        assert all(by_id[id].title.lower() == subject for id in topic.central)


def test_sizes_fall_and_count_what_assign_says():
    model, _, vectors, _ = fitted(noise=2.0, each=50)
    sizes = [topic.size for topic in model.topics]
    assert sizes == sorted(sizes, reverse=True)
    assert [topic.id for topic in model.topics] == list(range(len(sizes)))
    numbers = model.assign(vectors)
    assert np.bincount(numbers[numbers >= 0], minlength=len(sizes)).tolist() == sizes


def test_a_text_from_elsewhere_and_one_without_a_vector_have_no_topic():
    model, _, vectors, _ = fitted(each=100)
    elsewhere = np.random.default_rng(9).normal(size=(20, 32)).astype(np.float32)
    elsewhere /= np.linalg.norm(elsewhere, axis=1, keepdims=True)
    assert set(model.assign(elsewhere).tolist()) == {NO_TOPIC}
    assert model.assign(np.zeros((1, 32))).tolist() == [NO_TOPIC]
    assert (model.assign(vectors) != NO_TOPIC).mean() > 0.97


def test_the_limit_is_met_by_99_of_100_new_papers():
    _, vectors, _ = grouped(each=2000)
    limit = limit_of(vectors[:4000])
    odd = fitted_space(vectors[:4000]).oddness(vectors[4000:])
    assert 0.98 < (odd <= limit).mean() < 1.0


def fitted_space(vectors):
    from everygrain_papers.topics.space import Space

    return Space.fit(vectors)


def test_the_same_seed_gives_the_same_topics():
    one, _, vectors, _ = fitted(count=7, noise=2.0)
    other, *_ = fitted(count=7, noise=2.0)
    assert one.topics == other.topics
    assert np.array_equal(one.centres, other.centres)
    assert np.array_equal(one.assign(vectors), other.assign(vectors))


def test_a_new_paper_is_assigned_without_a_fit():
    model, _, vectors, groups = fitted()
    _, new, new_groups = grouped(seed=0, each=60)
    before = model.centres.copy()
    numbers = model.assign(new[120:])
    for group in range(4):
        known = set(model.assign(vectors[groups == group]).tolist()) - {NO_TOPIC}
        assert set(numbers[new_groups[120:] == group].tolist()) - {NO_TOPIC} == known
    assert np.array_equal(before, model.centres)
    assert [model.assign(row[None])[0] for row in new[120:140]] == numbers[:20].tolist()


def test_a_kept_model_is_the_same(tmp_path):
    model, _, vectors, _ = fitted()
    model.save(tmp_path)
    model.save(tmp_path)
    kept = TopicModel.load(tmp_path)
    assert kept.topics == model.topics
    assert np.array_equal(kept.assign(vectors), model.assign(vectors))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "topics.json",
        "topics.safetensors",
    ]


def test_the_count_grows_as_a_root():
    assert [usual_count(n) for n in (1, 16, 318, 5_000, 87_233, 10**7)] == [2, 2, 9, 35, 148, 200]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(1, 6), st.integers(1, 8), st.integers(0, 99))
def test_any_few_papers_make_a_model(papers, width, count, seed):
    lot = np.random.default_rng(seed)
    vectors = lot.integers(-1, 2, (papers, width)).astype(np.float32)
    vectors[0, 0] = 1.0
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.where(lengths > 0, lengths, 1)
    shown = [Paper(str(i), lot.choice(["!", "of the", "robot arms", "LaTeX \\alpha $x$"])) for i in
             range(papers)]  # fmt: skip
    model = TopicModel.fit(shown, vectors, count=count, seed=seed)
    numbers = model.assign(vectors)
    assert 1 <= len(model.topics) <= count
    assert ((numbers >= NO_TOPIC) & (numbers < len(model.topics))).all()
    assert (numbers[~vectors.any(axis=1)] == NO_TOPIC).all()
    assert len({topic.name.lower() for topic in model.topics}) == len(model.topics)
    assert sum(topic.size for topic in model.topics) == (numbers >= 0).sum()
