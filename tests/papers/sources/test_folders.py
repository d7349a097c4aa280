"""Folders of files are read file by file, go on where they stopped, and tell what is damaged."""

import gzip
import json

import pytest

from everygrain.errors import InputError
from everygrain_papers.sources import Addition, Progress, resumed
from everygrain_papers.sources.named import Named

from .test_jsonl import CROSSREF, OPENALEX
from .test_references import ACL


def works(*numbers):
    lines = [json.dumps(OPENALEX | {"id": f"https://openalex.org/W{n}"}) for n in numbers]
    return gzip.compress("\n".join(lines).encode())


@pytest.fixture
def snapshot(tmp_path):
    root = tmp_path / "openalex"
    for day, numbers in [("2024-01-01", range(3)), ("2024-02-01", range(3, 900))]:
        part = root / f"data/works/updated_date={day}/part_000.gz"
        part.parent.mkdir(parents=True)
        part.write_bytes(works(*numbers))
    (root / "data/works/manifest").write_text('{"entries": []}')
    people = root / "data/authors/updated_date=2024-01-01/part_000.gz"
    people.parent.mkdir(parents=True)
    line = {"id": "https://openalex.org/A5", "display_name": "Ann See"}
    people.write_bytes(gzip.compress(json.dumps(line).encode()))
    return root


def read(folder, kind=""):
    rejects = []
    batches = Named(str(folder), kind).source().batches(None, rejects.append)
    return [item for batch in batches for item in batch.items], rejects


def test_of_a_snapshot_of_openalex_the_works_are_read_and_no_authors(snapshot):
    papers, rejects = read(snapshot)
    assert not rejects
    assert [paper.id for paper in papers] == [f"openalex:W{n}" for n in range(900)]
    people, rejects = read(snapshot / "data/authors")
    assert not people
    assert "'A5' is no work" in rejects[0].reason


def test_what_was_read_is_not_read_again_and_what_is_new_or_changed_is(snapshot, tmp_path):
    progress, source = Progress(tmp_path / "state.json"), Named(str(snapshot)).source()

    def ids():
        return [item.id for items in resumed(source, progress) for item in items]

    assert len(ids()) == 900
    assert ids() == []
    later = snapshot / "data/works/updated_date=2024-03-01/part_000.gz"
    later.parent.mkdir()
    later.write_bytes(works(900))
    (snapshot / "data/works/updated_date=2024-01-01/part_000.gz").write_bytes(works(0, 1, 2, 77))
    assert ids() == [f"openalex:W{n}" for n in (0, 1, 2, 77, 900)]
    assert ids() == []


def test_an_interrupted_reading_goes_on_within_its_file(snapshot):
    source = Named(str(snapshot)).source()
    batches = list(source.batches())
    for number, batch in enumerate(batches):
        cursor = json.loads(json.dumps(batch.cursor))
        rest = [item.id for each in source.batches(cursor) for item in each.items]
        assert rest == [item.id for each in batches[number + 1 :] for item in each.items]


def test_many_files_of_crossref_and_other_files_beside_them(tmp_path):
    for number in range(5):
        told = {"items": [CROSSREF | {"DOI": f"10.1000/{number}.{n}"} for n in range(2)]}
        (tmp_path / f"{number}.json.gz").write_bytes(gzip.compress(json.dumps(told).encode()))
    (tmp_path / "3.json.gz").write_bytes(b"no gzip at all")
    (tmp_path / "4.json.gz").write_bytes(gzip.compress(b'{"items": [' * 9)[:15])
    (tmp_path / "library.bib").write_text(ACL)
    (tmp_path / "notes.txt").write_text("of mine")
    (tmp_path / "README.md").write_text("# About")
    (tmp_path / ".hidden.jsonl").write_text("no JSON")
    papers, rejects = read(tmp_path)
    assert [paper.id for paper in papers] == [
        *(f"doi:10.1000/{number}.{n}" for number in range(3) for n in range(2)),
        "bibtex:library:devlin-etal-2019-bert",
    ]  # fmt: skip
    assert {reject.place.rpartition("/")[2].partition(",")[0] for reject in rejects} == {
        "3.json.gz", "4.json.gz", "notes.txt",
    }  # fmt: skip
    works_alone, _ = read(tmp_path, "crossref")
    assert [paper.id for paper in works_alone] == [paper.id for paper in papers[:-1]]


def test_a_folder_of_papers_and_abstracts_of_semantic_scholar(tmp_path):
    (tmp_path / "abstracts").mkdir()
    (tmp_path / "abstracts/0.jsonl").write_text(
        '{"corpusid": 7, "openaccessinfo": {"license": null}, "abstract": "What\\nit says."}\n'
        '{"corpusid": 8, "abstract": []}\n{"corpusid": {}, "abstract": "A"}\n'
    )
    (tmp_path / "papers-0.jsonl").write_text('{"corpusid": 7, "title": "T", "abstract": null}\n')
    items, rejects = read(tmp_path)
    assert items[1] == Addition("s2:7", {"abstract": "What it says."})
    assert items[0].id == "s2:7"
    assert [reject.place.rpartition("line ")[2] for reject in rejects] == ["2", "3"]


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="no folder"):
        Named(str(tmp_path / "none"), "files").source()
