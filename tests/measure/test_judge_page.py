"""The page in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from everygrain.measure.desk import Desk
from everygrain.measure.judge_page import JudgingServer
from everygrain.measure.ledger import Ledger

from .judging import ATTACK, items

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="chromium or chromedriver is not installed"
)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--window-size=1000,800",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


class Page:
    """The page, as a judge uses it."""

    def __init__(self, browser: Any, url: str) -> None:
        self.browser = browser
        browser.get(url)
        self.wait_for(lambda: self.text("place") != "")

    def wait_for(self, holds: Callable[[], bool]) -> None:
        from selenium.webdriver.support.wait import WebDriverWait

        WebDriverWait(self.browser, 20, 0.02).until(lambda _: holds())

    def element(self, identity: str) -> Any:
        return self.browser.find_element("id", identity)

    def text(self, identity: str) -> str:
        return str(self.element(identity).get_property("textContent"))

    def type(self, keys: str, place: str) -> None:
        """Type keys, and wait until the page is at a place."""
        webdriver.ActionChains(self.browser).send_keys(keys).perform()
        self.wait_for(lambda: self.text("place") == place)

    def pressed(self) -> list[str]:
        found = self.browser.find_elements("css selector", "#grades [aria-pressed=true]")
        return [button.get_attribute("data-grade") for button in found]

    def console(self) -> list[Any]:
        return [entry["message"] for entry in self.browser.get_log("browser")]


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Callable[[str], Page]]:
    """Open the page for a judge, on a server of its own."""
    servers: list[JudgingServer] = []

    def page_of(judge: str) -> Page:
        desk = Desk(items(), Ledger(tmp_path / "pool.judgements.jsonl"), judge)
        servers.append(JudgingServer(desk))
        Thread(target=servers[-1].serve_forever, args=(0.01,), daemon=True).start()
        return Page(browser, servers[-1].url)

    yield page_of
    browser.get("about:blank")
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "pool.judgements.jsonl")


FIRST, SECOND, THIRD = (f"Query 1 of 2 · document {i} of 3" for i in (1, 2, 3))
LAST = "Query 2 of 2 · document 1 of 1"
DONE = "2 queries"


def test_grades_that_are_typed_are_in_the_file_and_a_reload_goes_on_from_there(
    opened: Callable[[str], Page], ledger: Ledger
) -> None:
    page = opened("ada")
    assert page.text("place") == FIRST
    page.type("3", SECOND)
    page.type("0", THIRD)
    assert [(line.document_id, line.grade) for line in ledger.lines()] == [("d1", 3), ("d2", 0)]
    page.browser.refresh()
    page.wait_for(lambda: page.text("place") == THIRD)
    assert "2 of 4 judged" in page.text("judge")
    page.type("k", SECOND)
    assert page.pressed() == ["0"]


def test_undo_takes_back_one_thing_after_another_even_after_a_reload(
    opened: Callable[[str], Page], ledger: Ledger
) -> None:
    page = opened("ada")
    page.type("2", SECOND)
    page.type("s", THIRD)
    page.browser.refresh()
    page.wait_for(lambda: page.text("place") == THIRD)
    page.type("u", SECOND)
    assert not ledger.of("ada")["q1", "d2"].skipped
    page.type("u", FIRST)
    assert ledger.of("ada")["q1", "d1"].grade is None
    page.type("u", FIRST)
    page.wait_for(lambda: page.text("said") == "There is nothing to take back")
    assert len(ledger.lines()) == 4


def test_all_keys_move_and_the_end_tells_what_was_done(opened: Callable[[str], Page]) -> None:
    page = opened("ada")
    page.type("j", SECOND)
    page.type("\ue014", THIRD)  # right arrow
    page.type("\ue012", SECOND)  # left arrow
    page.type("g", THIRD)
    for key, place in (("1", LAST), ("s", FIRST), ("3", SECOND), ("2", DONE)):
        page.type(key, place)
    assert page.element("finished").is_displayed()
    assert page.text("finished-counts") == "3 of 4 documents have a grade, 1 skipped."
    page.type("k", LAST)
    assert page.element("skip").get_attribute("aria-pressed") == "true"


def test_a_note_is_kept_beside_the_grade_and_its_letters_grade_nothing(
    opened: Callable[[str], Page], ledger: Ledger
) -> None:
    page = opened("ada")
    page.type("n", FIRST)
    page.type("s3 undue ü\ue00c", FIRST)  # then Escape
    page.wait_for(lambda: page.text("said") == "Note kept")
    page.type("2", SECOND)
    kept = ledger.of("ada")["q1", "d1"]
    assert (kept.note, kept.grade, kept.skipped) == ("s3 undue ü", 2, False)
    page.type("k", FIRST)
    assert page.element("note").get_property("value") == "s3 undue ü"


def test_help_lists_the_keys_and_no_key_judges_while_it_shows(
    opened: Callable[[str], Page], ledger: Ledger
) -> None:
    page = opened("ada")
    page.type("?", FIRST)
    assert page.element("help").is_displayed()
    assert "Perfect: answers it fully" in page.text("help")
    page.type("3\ue00c", FIRST)  # then Escape
    page.wait_for(lambda: not page.element("help").is_displayed())
    assert ledger.lines() == []


def test_what_a_document_holds_is_text_and_does_nothing(opened: Callable[[str], Page]) -> None:
    page = opened("ada")
    page.console()
    page.type("j", SECOND)
    assert page.text("text") == ATTACK
    assert page.text("title") == ATTACK
    assert page.browser.title == "0/4 judged · ada"
    assert not page.browser.find_elements("css selector", "main script, main img")
    assert page.console() == []


def test_the_browser_itself_refuses_html_from_a_script(opened: Callable[[str], Page]) -> None:
    page = opened("ada")
    told = page.browser.execute_script(
        "try { document.body.innerHTML = '<b>x</b>'; return 'set'; } catch (e) { return e.name; }"
    )
    assert told == "TypeError"


def test_the_words_of_the_query_are_marked_whatever_their_form(
    opened: Callable[[str], Page],
) -> None:
    page = opened("ada")
    page.type("j", SECOND)
    page.type("j", THIRD)
    marks = page.browser.find_elements("css selector", "#text mark")
    assert [mark.text for mark in marks] == ["Comet", "COMETS"]
    assert page.text("text") == "\U0001f30d A Comet’s tail; COMETS return."


def test_a_second_judge_starts_afresh_and_leaves_the_first_alone(
    opened: Callable[[str], Page], ledger: Ledger
) -> None:
    opened("ada").type("3", SECOND)
    page = opened("bob")
    assert (page.text("place"), page.pressed()) == (FIRST, [])
    assert page.text("judge") == "bob · 0 of 4 judged"
    page.type("1", SECOND)
    grades = {name: said["q1", "d1"].grade for name, said in ledger.by_judge().items()}
    assert grades == {"ada": 3, "bob": 1}


def test_a_grade_that_cannot_be_kept_is_told_and_nothing_moves_on(
    opened: Callable[[str], Page], ledger: Ledger
) -> None:
    page = opened("ada")
    ledger.path.write_text("broken\nbroken\n", encoding="utf-8")
    page.type("3", FIRST)
    page.wait_for(lambda: page.element("problem").is_displayed())
    assert "line 1" in page.text("problem")
    assert (page.text("place"), page.pressed()) == (FIRST, [])
    ledger.path.unlink()
    page.type("3", SECOND)
    assert not page.element("problem").is_displayed()
