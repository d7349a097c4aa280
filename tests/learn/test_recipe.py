"""A recipe is checked when it is read, and chooses sources by what documents have."""

import pytest

from everygrain.document import Document
from everygrain.errors import InputError, QueryError
from everygrain.learn.recipe import Recipe


def with_titles(count=60):
    return [
        Document(f"d{i}", f"The {i} rivers run north. Boats carry stone there. "
                 "Nobody lives near the old bridge today.", f"Rivers of region {i}")
        for i in range(count)
    ]  # fmt: skip


def test_titles_train_and_sentences_test_where_there_are_titles():
    settled = Recipe().settled(with_titles())
    assert settled.train == ("title",)
    assert settled.test == ("cloze(each=4)",)
    assert Recipe(train=("cloze",)).settled(with_titles()).test == ("body_first",)
    assert Recipe(test=("cloze",)).settled(with_titles()).train == ("title",)


def test_sentences_train_and_first_parts_test_without_titles():
    documents = [Document(d.id, d.text) for d in with_titles()]
    settled = Recipe().settled(documents)
    assert settled.train == ("cloze(each=2)",)
    assert settled.test == ("body_first",)


def test_one_sentence_documents_have_nothing_to_test_with():
    documents = [Document(f"d{i}", f"river {i}") for i in range(60)]
    with pytest.raises(InputError, match="no two kinds of questions"):
        Recipe().settled(documents)


def test_a_source_that_trains_cannot_test():
    with pytest.raises(InputError, match="trains on 'cloze' and tests on 'cloze\\(seed=1\\)'"):
        Recipe(train=("cloze",), test=("cloze(seed=1)",))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("trian = ['title']", "unknown key 'trian'"),
        ("train = 'title'", "a list of strings"),
        ("epochs = 'two'", "a number"),
        ("epochs = 0", "above 0"),
        ("epochs = inf", "finite"),
        ("teacher = 'latent'", "knows nothing"),
        ("batch = 1", "at least 2"),
        ("train = ['tilte']", "no source of pairs 'tilte'"),
        ("loss = 'hinge'", "no loss 'hinge'"),
        ("teacher = 'nobody'", "no encoder 'nobody'"),
        ("train = [", "cannot be read"),
    ],
)
def test_a_bad_file_is_told_of_with_its_name_or_key(tmp_path, text, told):
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    with pytest.raises((InputError, QueryError), match=told):
        Recipe.read(path)


def test_a_file_holds_what_the_value_holds(tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text('train = ["title"]\ntest = ["cloze"]\nepochs = 1\nteacher = ""\n')
    read = Recipe.read(path)
    assert read == Recipe(train=("title",), test=("cloze",), epochs=1, teacher="")
