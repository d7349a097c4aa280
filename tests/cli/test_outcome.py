import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from everygrain import EverygrainError, Index, __version__

from .conftest import COMMAND, Run, environment


def test_version_and_help(run: Run) -> None:
    assert run("--version").stdout == f"everygrain {__version__}\n"
    told = run("--help").stdout
    for command in (
        "demo", "add", "search", "delete", "info", "doctor", "compact", "reencode", "run",
        "evaluate", "systems",
    ):  # fmt: skip
        assert f"  {command} " in told
        assert run(command, "--help").returncode == 0


def test_help_loads_no_arrays_and_no_models() -> None:
    script = (
        "import sys, everygrain.cli\n"
        "heavy = {'numpy', 'scipy', 'torch', 'pyarrow', 'everygrain.engine'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    result = subprocess.run([COMMAND[0], "-c", script], capture_output=True, check=False)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonesuch",),
        ("search",),
        ("search", "{}"),
        ("search", "{}", "comet", "-k", "0"),
        ("search", "{}", "comet", "-k", "-1"),
        ("search", "{}", "comet", "-k", "many"),
        ("search", "{}", "comet", "--system", "magic"),
        ("search", "{}", "comet", "--grain", "word"),
        ("search", "{}", "comet", "--nonesuch"),
        ("search", "", "comet"),
        ("add", "index"),
        ("delete", "{}"),
        ("delete", "{}", "d1", "--where", "year > 1"),
        ("run", "{}", "queries.jsonl"),
        ("reencode", "{}"),
        ("systems", "--status", "broken"),
        ("evaluate", "{}", "--systems", "lexical,magic"),
        ("evaluate", "{}", "--systems", "lexical,lexical"),
    ],
)
def test_wrong_usage_ends_with_2(run: Run, words: str, arguments: tuple[str, ...]) -> None:
    result = run(*(part.format(words) for part in arguments))
    assert result.returncode == 2
    assert result.stdout + result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("command", ["search", "info", "doctor", "compact", "delete", "reencode"])
def test_an_index_that_is_missing_is_named_with_the_remedy(run: Run, command: str) -> None:
    more = {"search": ["comet"], "delete": ["d1"], "reencode": ["--encoder", "none"]}
    result = run(command, "nowhere", *more.get(command, []))
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr == (
        "Error: There is no index in nowhere. Name an existing index, or build one with "
        "`everygrain add INDEX SOURCE`.\n"
    )


def test_an_index_that_is_a_file_is_no_traceback(run: Run, docs: str) -> None:
    for arguments in (("search", docs, "comet"), ("info", docs), ("doctor", docs)):
        result = run(*arguments)
        assert result.returncode == 1
        assert result.stderr.startswith("Error: ")
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("yaer > 1", "No document has the field 'yaer'. See the fields with"),
        ("year >", "makes no sense at character 7: expected a value, found the end."),
        ("", "makes no sense"),
        ("[bold]", "'[' means nothing here"),
    ],
)
def test_a_broken_filter_says_where(run: Run, words: str, where: str, told: str) -> None:
    result = run("search", words, "comet", "--where", where)
    assert result.returncode == 1
    assert told in result.stderr


def test_a_broken_composition_is_shown_with_a_mark_below_the_character(
    run: Run, words: str
) -> None:
    result = run("search", words, "comet", "--system", "fuse(lexical, dnse) % 9")
    assert result.returncode == 2
    message, *shown = result.stderr.splitlines()
    assert "at character 15: there is no system 'dnse'; perhaps 'dense' is meant." in message
    assert shown == ["  fuse(lexical, dnse) % 9", "                ^"]


def test_vectors_are_asked_of_an_index_that_has_none(run: Run, words: str) -> None:
    result = run("search", words, "comet", "--system", "dense")
    assert result.returncode == 1
    assert "This index has no dense leg." in result.stderr


def test_the_unexpected_is_one_line_and_the_traceback_comes_on_wish(words: str) -> None:
    script = (
        "import sys, everygrain.engine\n"
        "def broken(*_, **__): raise RuntimeError('two\\nlines')\n"
        "everygrain.engine.Index.search = broken\n"
        "sys.argv = ['everygrain', 'search', sys.argv[1], 'comet']\n"
        "from everygrain.cli import main\n"
        "sys.exit(main())"
    )
    command = [COMMAND[0], "-c", script, words]
    for debug in ("", "1"):
        result = subprocess.run(
            command, env=environment(EVERYGRAIN_DEBUG=debug), capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert result.returncode == 1
        assert "(RuntimeError: two lines)" in result.stderr
        assert "EVERYGRAIN_DEBUG=1" in result.stderr
        assert ("Traceback" in result.stderr) == bool(debug)
        assert debug or result.stderr.count("\n") == 1


def test_a_reader_that_goes_away_is_no_error(both: str) -> None:
    for arguments in ("systems", f"search {both} comet -k 100", "systems --json", "--help"):
        result = subprocess.run(
            ["sh", "-c", f"{' '.join(COMMAND)} {arguments} | head -c 10"], env=environment(),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert result.stderr == ""
        assert len(result.stdout) == 10


def test_offline_forbids_requests_and_keeps_the_rest(run: Run, words: str, docs: str) -> None:
    assert run("--offline", "search", words, "comet").returncode == 0
    encoder = "endpoint:model@https://example.org/v1"
    result = run("--offline", "add", "index", docs, "--encoder", encoder)
    assert result.returncode == 1
    assert "--offline is on" in result.stderr


def test_ctrl_c_keeps_what_was_committed_and_says_so(tmp_path: Path) -> None:
    committed = 20_000
    lines = [json.dumps({"id": str(i), "text": f"comet number {i}"}) for i in range(30_000)]
    process = subprocess.Popen(
        [*COMMAND, "add", "index", "-", "--encoder", "none"], cwd=tmp_path, env=environment(),
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.write("\n".join(lines))
    process.stdin.flush()  # and no end: the command waits for more
    _wait_for(tmp_path / "index", committed)
    process.send_signal(signal.SIGINT)
    told = process.stderr.read()
    process.stdin.close()
    assert process.wait(60) == 130
    assert told == (
        "Interrupted. Everything committed so far is kept; run the same command again to go on.\n"
    )
    with Index.open(tmp_path / "index") as index:
        assert len(index) == committed
        assert index.doctor() == []
    again = subprocess.run(
        [*COMMAND, "add", "index", "-", "--json"], cwd=tmp_path, env=environment(),
        input="\n".join(lines), capture_output=True, text=True, check=True,
    )  # fmt: skip
    counts = json.loads(again.stdout)
    assert (counts["unchanged"], counts["added"]) == (committed, len(lines) - committed)


def _wait_for(folder: Path, documents: int) -> None:
    for _ in range(600):
        time.sleep(0.1)
        try:
            with Index.open(folder) as index:
                if len(index) >= documents:
                    return
        except EverygrainError:
            continue
    raise AssertionError("nothing was committed within a minute")
