"""Terms of papers are read once, and what was kept is what reading anew would give."""

from datetime import UTC, datetime

import pytest

from everygrain.errors import ModelError
from everygrain_papers.topics import Tagger
from everygrain_papers.topics.held import HeldTerms, text_of
from everygrain_papers.topics.lexicon import Lexicon
from tests.papers.topics.groups import grouped
from tests.papers.topics.words import Trigrams

PAPERS, VECTORS, _ = grouped()
IDS = [paper.id for paper in PAPERS]
READ = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def terms():
    made = HeldTerms(Lexicon.fit([text_of(paper) for paper in PAPERS])[0], len(PAPERS), READ)
    made.add(PAPERS)
    return made


def test_rows_are_those_of_the_lexicon_in_any_order(terms):
    back = [paper.id for paper in PAPERS[::-1]]
    wanted = terms.lexicon.held([text_of(paper) for paper in PAPERS[::-1]])
    assert (terms.rows(back) != wanted).nnz == 0
    assert terms.rows([]).shape == (0, len(terms.lexicon.terms))


def test_papers_come_and_go_and_a_changed_one_is_read_anew(terms):
    terms.remove(["p0", "nobody"])
    assert "p0" not in terms
    assert len(terms) == len(PAPERS) - 1
    terms.add([PAPERS[0], type(PAPERS[0])("p1", "Sourdough bread")])
    assert (terms.rows(["p0"]) != terms.lexicon.held([text_of(PAPERS[0])])).nnz == 0
    assert (terms.rows(["p1"]) != terms.lexicon.held(["Sourdough bread. "])).nnz == 0


def test_what_was_kept_is_the_same_after_loading(terms, tmp_path):
    terms.save(tmp_path)
    again = HeldTerms.load(tmp_path)
    assert (again.fitted_on, again.read) == (len(PAPERS), READ)
    assert again.lexicon.terms == terms.lexicon.terms
    assert (again.rows(IDS) != terms.rows(IDS)).nnz == 0
    HeldTerms(Lexicon.fit([])[0], 0, READ).save(tmp_path)
    assert len(HeldTerms.load(tmp_path)) == 0


@pytest.mark.parametrize("harm", ["missing", "cut", "strange"])
def test_damaged_files_are_told(terms, tmp_path, harm):
    if harm != "missing":
        terms.save(tmp_path)
    if harm == "cut":
        path = tmp_path / "label-terms.safetensors"
        path.write_bytes(path.read_bytes()[:-9])
    if harm == "strange":
        (tmp_path / "label-terms.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ModelError):
        HeldTerms.load(tmp_path)


def test_labels_learned_of_kept_terms_are_those_learned_of_the_papers(terms):
    labels = {"honey bees": ["p0", "p4"], "cargo ships": ["p1"]}
    told = Tagger.fit(labels, PAPERS, VECTORS, Trigrams())
    # the lexicon of a sample holds the terms in the same order as that of all, which it is here
    kept = Tagger.fit_held(labels, IDS, terms.rows(IDS), terms.lexicon, VECTORS, Trigrams())
    assert kept.probabilities(PAPERS, VECTORS) == pytest.approx(told.probabilities(PAPERS, VECTORS))
    assert kept.probabilities_held(terms.rows(IDS), VECTORS) == pytest.approx(
        kept.probabilities(PAPERS, VECTORS)
    )
