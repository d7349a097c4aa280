import pytest

from everygrain.read.latex import characters


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (r"G{\"o}del", "Gödel"),
        (r"G\"odel and M\"{u}ller", "Gödel and Müller"),
        (r"\'{\i}, \'\i, {\'E}t{\'e}", "í, í, Été"),
        (r"Erd\H{o}s, {\v{C}}ech, Fran\c cois, \c{c}", "Erdős, Čech, François, ç"),
        (r"{\O}re, P{\aa}l, Stra{\ss}e, \L ukasz", "Øre, Pål, Straße, Łukasz"),
        (r"{BERT}: a {B}ig \& 50\% \{set\}", "BERT: a Big & 50% {set}"),
        (r"on $x_{1} \leq \hat{y}$ {A}", r"on $x_{1} \leq \hat{y}$ A"),
        (r"\leq \url \alpha \vec", r"\leq \url \alpha \vec"),
        ("plain", "plain"),
    ],
)
def test_accents_letters_and_braces_become_characters(value, meant):
    assert characters(value) == meant
