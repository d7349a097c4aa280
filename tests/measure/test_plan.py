import pytest

from everygrain.errors import InputError
from everygrain.measure.plan import read_plan

PLAIN = 'collections = ["papers"]\nsystems = ["lexical", "dense"]\nencoder = "latent"\n'


@pytest.fixture
def file(tmp_path):
    (tmp_path / "papers").mkdir()

    def write(text):
        path = tmp_path / "e.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_folders_are_relative_to_the_file_and_the_rest_has_defaults(file, tmp_path):
    plan = read_plan(file(PLAIN))
    assert plan.collections == (str(tmp_path / "papers"),)
    assert {name: system.encoder for name, system in plan.systems.items()} == {
        "lexical": "none", "dense": "latent",
    }  # fmt: skip
    assert (plan.measures, plan.baseline) == (("nDCG@10",), "lexical")
    assert (plan.seed, plan.k, plan.split) == (0, 100, None)


def test_every_key_is_read(file):
    text = (
        'collections = "ir_datasets:beir/x"\nsystems = "fuse( lexical,dense )"\n'
        'encoder = ["latent", "static"]\nmeasures = ["R@5", "P(rel=2)@5"]\n'
        'baseline = "fuse(lexical,dense) [static]"\nseed = 7\nk = 20\nsplit = "dev"\n'
    )
    plan = read_plan(file(text))
    assert plan.collections == ("ir_datasets:beir/x",)
    assert list(plan.systems) == ["fuse(lexical, dense) [latent]", "fuse(lexical, dense) [static]"]
    assert [system.encoder for system in plan.systems.values()] == ["latent", "static"]
    assert plan.baseline == "fuse(lexical, dense) [static]"
    assert (plan.measures, plan.seed, plan.k) == (("R@5", "P(rel=2)@5"), 7, 20)
    assert plan.split == "dev"


def test_a_baseline_may_be_written_in_another_way_than_its_system(file):
    more = 'systems = ["dense", "lexical(k1=1, b=0.50)"]\nbaseline = "lexical(b=.5,k1=1)"\n'
    plan = read_plan(file('collections = "papers"\nencoder = "latent"\n' + more))
    assert plan.baseline == "lexical(k1=1, b=0.5)"


NAMED = 'collections = "papers"\nencoder = "latent"\nbaseline = "both"\n[systems]\n'


def test_systems_may_have_names_that_others_use(file):
    text = 'both = "fuse(lexical, dense)"\nfew = "both % 100 >> late"\nwords_alone = "lexical"\n'
    plan = read_plan(file(NAMED + text))
    assert {name: str(system.composition) for name, system in plan.systems.items()} == {
        "both": "fuse(lexical, dense)",
        "few": "fuse(lexical, dense) % 100 >> late",
        "words_alone": "lexical",
    }
    assert plan.systems["words_alone"].encoder == "none"
    assert plan.baseline == "both"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('a = "b % 5"\nboth = "a >> late"\nb = "both"', "made of itself: a -> b -> both -> a"),
        ('both = "both"', "made of itself: both -> both"),
        ('both = "dense"\ndense = "lexical"', "'dense' cannot be the name of a system"),
        ('both = "dense"\n"a b" = "lexical"', "'a b' cannot be the name of a system"),
        ("both = 5", "The system 'both' is 5"),
        ('both = "bth"', "there is no system 'bth'; perhaps 'both' is meant"),
        ("", "'systems' is empty"),
    ],
)
def test_wrong_names_of_systems_are_errors(file, text, told):
    with pytest.raises(InputError, match=rf"(?s)e\.toml.*{told}"):
        read_plan(file(NAMED + text))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (PLAIN + "sed = 1", "There is no key 'sed'. Perhaps 'seed' is meant"),
        (PLAIN + "zzz = 1", "There is no key 'zzz'. There are collections, systems"),
        ('systems = ["lexical"]', "The key 'collections' is missing"),
        ('collections = ["papers"]', "The key 'systems' is missing"),
        (PLAIN.replace("papers", "nowhere"), "'nowhere' is no folder.*relative to the file"),
        (PLAIN.replace('"lexical"', '"lexcial"'), "no system 'lexcial'; perhaps 'lexical'"),
        (PLAIN.replace('"dense"', '" lexical "'), "The system 'lexical' is named twice"),
        (PLAIN.replace('"dense"', '"lexical"'), "'systems' names 'lexical' twice"),
        (PLAIN.replace("latent", "latnet"), "There is no encoder 'latnet'"),
        (PLAIN.replace("latent", "none"), "'dense' needs an encoder"),
        (PLAIN + 'measures = ["nDGC@10"]', "Perhaps nDCG is meant"),
        (PLAIN + 'measures = ["R@5000"]', "'R@5000' looks deeper than the 100"),
        (PLAIN + "measures = []", "'measures' is empty"),
        (PLAIN + "measures = [1]", r"'measures' is \[1\]. Give a list of texts"),
        (PLAIN + 'baseline = "hybrid"', "The baseline 'hybrid' is none of the systems"),
        (PLAIN + "baseline = 1", "'baseline' is 1. Give one text"),
        (PLAIN + "seed = -1", "'seed' is -1. Give a whole number of at least 0"),
        (PLAIN + "seed = 0.5", "'seed' is 0.5"),
        (PLAIN + "k = true", "'k' is True"),
        (PLAIN + "k = 0", "'k' is 0. Give a whole number of at least 1"),
        ("collections =", "is not TOML: .*line 1|is not TOML: .*end of document"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_the_file_and_the_remedy(file, text, told):
    with pytest.raises(InputError, match=rf"(?s)e\.toml.*{told}"):
        read_plan(file(text))


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.toml"):
        read_plan(tmp_path / "nowhere.toml")
    (tmp_path / "latin.toml").write_bytes(b'systems = "\xe9"')
    with pytest.raises(InputError, match=r"latin\.toml is not UTF-8"):
        read_plan(tmp_path / "latin.toml")
