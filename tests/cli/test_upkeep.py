import json
import shutil
from pathlib import Path

import pytest

from everygrain import Index

from .conftest import Run


@pytest.fixture
def copy(words: str, tmp_path: Path) -> str:
    """An index that may be changed."""
    shutil.copytree(words, tmp_path / "copy")
    return "copy"


def test_info_tells_documents_fields_and_encoder(run: Run, both: str, words: str) -> None:
    told = json.loads(run("info", both, "--json").stdout)
    assert told["documents"] == 200
    assert told["fields"] == {"topic": 200, "year": 200}
    assert told["encoder"]["name"] == "latent"
    result = run("info", both)
    assert result.returncode == 0
    assert "200, of " in result.stdout
    assert "topic (200), year (200)" in result.stdout
    assert "encoder    none" in run("info", words).stdout


def test_deleting_by_id_and_by_filter(run: Run, copy: str) -> None:
    result = run("delete", copy, "d1", "d2", "nonesuch")
    assert result.returncode == 0
    assert "Deleted 2 documents. copy holds 198 documents." in result.stdout
    assert "There is no document 'nonesuch'." in result.stderr
    told = json.loads(run("delete", copy, "--where", 'topic = "bread"', "--json").stdout)
    assert told == {"deleted": 50, "notes": []}
    assert json.loads(run("info", copy, "--json").stdout)["documents"] == 148
    assert run("delete", copy, "d1").returncode == 1


def test_a_healthy_index_has_no_findings(run: Run, both: str) -> None:
    result = run("doctor", both)
    assert result.returncode == 0
    assert result.stdout == "All is well.\n"
    assert json.loads(run("doctor", both, "--json").stdout) == {"findings": []}


def test_damage_is_found_and_repaired_from_the_stored_texts(
    run: Run, copy: str, tmp_path: Path
) -> None:
    before = run("search", copy, "comet").stdout
    for file in (tmp_path / copy / "segments").glob("*/*"):
        file.write_bytes(file.read_bytes()[:-8] + b"damaged!")
    result = run("doctor", copy)
    assert result.returncode == 1
    assert "is not what was written" in " ".join(result.stdout.split())
    assert f"everygrain doctor {copy} --repair" in " ".join(result.stdout.split())
    findings = json.loads(run("doctor", copy, "--json").stdout)["findings"]
    assert list(findings[0]) == ["problem", "remedy", "segment"]
    assert run("doctor", copy, "--repair").returncode == 0
    assert run("search", copy, "comet").stdout == before


def test_compacting_drops_what_was_deleted_and_changes_no_result(run: Run, copy: str) -> None:
    run("delete", copy, "--where", "year < 1920")
    before = run("search", copy, "comet").stdout
    result = run("compact", copy)
    assert result.returncode == 0
    assert "1 segment became 1" in result.stdout
    told = json.loads(run("info", copy, "--json").stdout)
    assert sum(segment["deleted"] for segment in told["segments"]) == 0
    assert run("search", copy, "comet").stdout == before


def test_another_encoder_is_swapped_in_and_out(run: Run, copy: str) -> None:
    result = run("reencode", copy, "--encoder", "latent")
    assert result.returncode == 0
    assert "copy now has the encoder latent (latent-" in result.stdout
    assert json.loads(run("search", copy, "comet", "--system", "dense", "--json").stdout)["hits"]
    assert run("reencode", copy, "--encoder", "none").returncode == 0
    assert run("search", copy, "comet", "--system", "dense").returncode == 1


def test_words_are_not_encoded_in_the_background(run: Run, copy: str) -> None:
    for more in ((), ("--encoder", "latent")):
        result = run("reencode", copy, "--words", "words:16", "--background", *more)
        assert result.returncode == 2
        assert "word vectors" in " ".join(result.stderr.split())
    assert json.loads(run("info", copy, "--json").stdout)["encoder"]["name"] == "none"


def test_a_reencode_that_was_stopped_is_shown(run: Run, copy: str, tmp_path: Path) -> None:
    def stop(done: int) -> None:
        raise KeyboardInterrupt

    with Index.open(tmp_path / copy) as index, pytest.raises(KeyboardInterrupt):
        index.reencode("latent", stop, background=True)
    assert "a re-encode to latent (latent-" in " ".join(run("info", copy).stdout.split())
    assert run("reencode", copy, "--encoder", "latent", "--background").returncode == 0
    assert "a re-encode" not in run("info", copy).stdout


def test_an_encoder_is_swapped_in_from_the_background(run: Run, copy: str) -> None:
    result = run("reencode", copy, "--encoder", "latent", "--background")
    assert result.returncode == 0
    assert "copy now has the encoder latent (latent-" in result.stdout
    assert json.loads(run("info", copy, "--json").stdout)["reencoding"] is None
    assert json.loads(run("search", copy, "comet", "--system", "dense", "--json").stdout)["hits"]


def test_an_unknown_encoder_leaves_the_index_as_it_is(run: Run, copy: str) -> None:
    result = run("reencode", copy, "--encoder", "glove")
    assert result.returncode == 1
    assert "There is no encoder 'glove'." in result.stderr
    assert json.loads(run("info", copy, "--json").stdout)["encoder"]["name"] == "none"


def test_words_are_dropped_by_name_and_an_unknown_name_is_refused(run: Run, copy: str) -> None:
    result = run("reencode", copy, "--words", "wordz")
    assert result.returncode == 1
    assert "There is no word encoder 'wordz'." in result.stderr
    result = run("reencode", copy, "--words", "none")
    assert result.returncode == 0
    assert "copy now has the word encoder none." in result.stdout
    result = run("reencode", copy)
    assert result.returncode == 2
    assert "name the new encoder, or the new word encoder" in result.stderr
