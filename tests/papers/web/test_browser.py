"""The pages in a real browser, from a real server."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from everygrain_papers.people import People
from everygrain_papers.room import ReadingRoom
from everygrain_papers.tags import labels_of, remove_label
from everygrain_papers.web import Settings, create_app
from everygrain_papers.web.rendering import paper_address

from .reading_room import ATTACK, people_of

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="chromium or chromedriver is not installed"
    ),
]
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--window-size=1100,900",
)  # fmt: skip
EVERY = (
    "/", "/search?q=comets+in+rivers&from=1990", "/paper/rivers-1", "/paper/long", "/paper/latex",
    "/paper/bad-abstract", paper_address("arxiv:2101.00001"), "/trending", "/topics", "/interests",
    "/digest?preview=1", "/judge?q=birds", "/help", "/alike?id=bread-1&facet=method", "/nowhere",
)  # fmt: skip


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    with people_of(tmp_path_factory.mktemp("people")) as made:
        yield made


@pytest.fixture(scope="module")
def address(room: ReadingRoom, people: People) -> Iterator[str]:
    """Serve the room on a free port of this machine."""
    config = uvicorn.Config(
        create_app(room, people, Settings()), port=0, log_level="error", ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    try:
        yield made
    finally:
        made.quit()


class Browser:
    """A reader's browser on the pages of one server."""

    def __init__(self, driver: Any, address: str) -> None:
        self.driver, self.address = driver, address

    def open(self, path: str) -> None:
        self.driver.get(self.address + path)

    def wait_for(self, holds: Callable[[], bool]) -> None:
        """Wait until it holds; while a page goes and the next one comes, nothing does."""
        from selenium.common.exceptions import WebDriverException
        from selenium.webdriver.support.wait import WebDriverWait

        between = (WebDriverException, IndexError)  # the driver has many words for it
        WebDriverWait(self.driver, 20, 0.02, between).until(lambda _: holds())

    def type(self, keys: str) -> None:
        webdriver.ActionChains(self.driver).send_keys(keys).perform()

    def found(self, selector: str) -> list[Any]:
        return list(self.driver.find_elements("css selector", selector))

    def run(self, script: str) -> Any:
        return self.driver.execute_script(script)

    def set(self, command: str, **values: Any) -> None:
        self.driver.execute_cdp_cmd(f"Emulation.{command}", values)

    def complaints(self) -> list[str]:
        """Return what the console says, but for pages that are not there."""
        entries = [each["message"] for each in self.driver.get_log("browser")]
        return [each for each in entries if "404" not in each]


@pytest.fixture
def browser(driver: Any, address: str) -> Iterator[Browser]:
    made = Browser(driver, address)
    made.complaints()
    yield made
    made.set("setScriptExecutionDisabled", value=False)
    made.set("setEmulatedMedia", features=[])
    made.set("clearDeviceMetricsOverride")
    driver.get("about:blank")


def focused(browser: Browser) -> str:
    return str(browser.run("return document.activeElement.textContent.trim()"))


def test_no_page_breaks_its_own_policy_or_fetches_anything_from_elsewhere(
    browser: Browser,
) -> None:
    for path in EVERY:
        browser.open(path)
        loaded = browser.run(
            "return performance.getEntriesByType('resource').map(each => each.name)"
        )
        assert all(each.startswith(browser.address) for each in loaded)
        assert browser.complaints() == []
        assert browser.run("return document.title") != "let in"


def test_a_script_in_a_title_is_letters(browser: Browser) -> None:
    browser.open("/paper/bad-title")
    assert ATTACK in browser.found("h1")[0].text
    assert browser.driver.title != "let in"
    assert not browser.found("main script, main img")


def test_the_browser_itself_refuses_inline_scripts_and_html_from_scripts(browser: Browser) -> None:
    browser.open("/")
    told = browser.run(
        "try { document.body.innerHTML = '<b>x</b>'; return 'set' } catch (e) { return e.name }"
    )
    assert told == "TypeError"


def test_no_page_is_wider_than_a_phone(browser: Browser) -> None:
    browser.set("setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=1, mobile=True)
    for path in EVERY:
        browser.open(path)
        assert browser.run("return document.documentElement.scrollWidth") <= 360, path


def test_dark_is_dark_and_light_is_light_and_text_keeps_its_contrast(browser: Browser) -> None:
    grounds = {}
    for mode in ("light", "dark"):
        browser.set("setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": mode}])
        browser.open("/paper/rivers-1")
        told = browser.run(
            "const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]"
        )
        grounds[mode] = [int(part) for part in told[0][4:-1].split(",")]
    assert min(grounds["light"]) > 200
    assert max(grounds["dark"]) < 60


def test_everything_can_be_read_and_sent_without_scripts(browser: Browser, people: People) -> None:
    browser.set("setScriptExecutionDisabled", value=True)
    browser.open("/search?q=slow+fermentation+of+dough")
    browser.found("article h3 a")[0].click()
    browser.wait_for(lambda: bool(browser.found(".abstract")))
    assert "fermentation" in browser.found(".abstract")[0].text
    title = browser.found("h1")[0].text
    browser.found('[data-mark="like"]')[0].click()
    browser.wait_for(lambda: "Liked" in browser.found("#said")[0].text)
    assert browser.found("h1")[0].text == title
    assert browser.found('[data-mark="like"]')[0].get_attribute("aria-pressed") == "true"
    (interest,) = people.interests(people.single().id)
    assert len(interest.liked) == 1
    browser.found('[data-mark="like"]')[0].click()
    browser.wait_for(lambda: "Taken back" in browser.found("#said")[0].text)
    people.delete_interest(people.single().id, interest.id)


def test_a_label_is_made_and_given_examples_without_scripts(
    browser: Browser, room: ReadingRoom
) -> None:
    browser.set("setScriptExecutionDisabled", value=True)
    browser.open("/topics")
    try:
        browser.found('.label-it input[name="label"]')[0].send_keys("Wet & <b>cold</b>")
        browser.found(".label-it button")[0].click()
        browser.wait_for(lambda: "Kept" in browser.found("#said")[0].text)
        assert browser.found(".labels h3 a")[0].text == "Wet & <b>cold</b>"
        browser.open("/paper/rivers-1")
        browser.found('.label-it input[name="label"]')[0].send_keys("wet & <b>COLD</b>")
        browser.found(".label-it button")[0].click()
        browser.wait_for(lambda: "an example" in browser.found("#labels")[0].text)
        assert labels_of(room) == {"Wet & <b>cold</b>": ["rivers-1"]}
        title = browser.found("h1")[0].text
        browser.found("#labels .mine a")[0].click()
        browser.wait_for(lambda: browser.found("#found")[0].text.startswith("Papers"))
        assert title in [each.text for each in browser.found("article h3 a")]
        browser.open("/paper/rivers-1")
        browser.found('#labels button[value="take"]')[0].click()
        browser.wait_for(lambda: "Taken back" in browser.found("#said")[0].text)
        browser.open("/topics")
        browser.found(".labels summary")[0].click()
        browser.found('.labels button[value="remove"]')[0].click()
        browser.wait_for(lambda: "is gone" in browser.found("#said")[0].text)
        assert labels_of(room) == {}
        assert browser.complaints() == []
    finally:
        for name in labels_of(room):
            remove_label(room, name)


def test_keys_move_open_like_and_take_back_without_leaving_the_page(
    browser: Browser, people: People
) -> None:
    user = people.single().id
    browser.open("/search?q=counting+migrating+birds+at+night")
    titles = [each.text for each in browser.found("article h3 a")]
    browser.type("j")
    assert focused(browser) == titles[0]
    browser.type("jjk")
    assert focused(browser) == titles[1]
    address = browser.driver.current_url
    browser.type("l")
    browser.wait_for(lambda: "Liked" in browser.found("#said")[0].text)
    (interest,) = people.interests(user)
    assert len(interest.liked) == 1
    browser.type("d")
    browser.wait_for(lambda: "Disliked" in browser.found("#said")[0].text)
    (interest,) = people.interests(user)
    assert (len(interest.liked), len(interest.disliked)) == (0, 1)
    browser.type("d")
    browser.wait_for(lambda: "Taken back" in browser.found("#said")[0].text)
    assert people.interests(user)[0].disliked == ()
    assert browser.driver.current_url == address
    browser.type("w")
    assert browser.found("details.why-here[open]")
    browser.type("\ue007")  # Enter
    browser.wait_for(lambda: browser.found("h1")[0].text == titles[1])
    people.delete_interest(user, interest.id)


def test_the_slash_goes_to_the_search_and_letters_typed_there_do_nothing_else(
    browser: Browser, people: People
) -> None:
    browser.open("/paper/rivers-1")
    browser.type("/")
    browser.type("lid of jars?")
    assert browser.run("return document.activeElement.value") == "lid of jars?"
    assert people.interests(people.single().id) == []
    browser.type("\ue007")
    browser.wait_for(lambda: "/search?q=lid+of+jars" in browser.driver.current_url)


def test_help_shows_the_keys_and_escape_closes_it(browser: Browser) -> None:
    browser.open("/")
    browser.type("?")
    dialog = browser.found("#keys")[0]
    assert dialog.is_displayed()
    browser.type("l\ue00c")  # a letter, then Escape
    browser.wait_for(lambda: not dialog.is_displayed())


def test_judging_by_keys_keeps_each_grade(browser: Browser, people: People) -> None:
    user = people.single().id
    browser.open("/judge?q=tower+clocks")
    browser.type("j2")
    browser.wait_for(lambda: len(people.judgements(user)) == 1)
    browser.wait_for(lambda: "Grade kept" in browser.found("#said")[0].text)
    browser.type("j0")
    browser.wait_for(lambda: len(people.judgements(user)) == 2)
    assert sorted(each.grade for each in people.judgements(user)) == [0, 2]
    browser.open("/judge?q=tower+clocks")
    assert len(browser.found('.grades [aria-pressed="true"]')) == 2


def test_the_first_tab_leads_past_the_head_and_the_focus_is_seen(browser: Browser) -> None:
    browser.open("/")
    browser.type("\ue004")  # Tab
    assert focused(browser) == "Skip to the content"
    assert browser.run("return document.activeElement.getBoundingClientRect().top") >= 0
    width = browser.run("return getComputedStyle(document.activeElement).outlineWidth")
    assert float(width.removesuffix("px")) >= 2
    browser.type("\ue007")
    browser.wait_for(lambda: browser.driver.current_url.endswith("#main"))


def test_a_facet_is_chosen_by_its_button_and_searched_at_once(browser: Browser) -> None:
    browser.open("/search?q=pendulum")
    browser.run("document.querySelector('input[value=method]').click()")
    browser.wait_for(lambda: "facet=method" in browser.driver.current_url)


def test_a_room_that_stopped_answering_is_told_in_words(browser: Browser) -> None:
    browser.open("/paper/rivers-1")
    browser.driver.execute_cdp_cmd("Network.enable", {})
    gone = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
    browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", gone)
    try:
        browser.type("l")
        browser.wait_for(lambda: "did not answer" in browser.found("#said")[0].text)
    finally:
        back = {**gone, "offline": False, "downloadThroughput": -1, "uploadThroughput": -1}
        browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", back)
    browser.complaints()


def test_every_field_and_button_has_a_name(browser: Browser) -> None:
    for path in EVERY:
        browser.open(path)
        nameless = browser.run(
            "return [...document.querySelectorAll('main input:not([type=hidden]), main select,"
            " main textarea, main button')].filter(e => !(e.labels && e.labels.length"
            " && e.labels[0].textContent.trim()) && !e.textContent.trim()"
            " && !e.getAttribute('aria-label')).map(e => e.outerHTML)"
        )
        assert nameless == [], path
        identities = browser.run("return [...document.querySelectorAll('[id]')].map(e => e.id)")
        assert len(identities) == len(set(identities)), path


def test_an_id_of_difficult_letters_has_a_page_of_its_own(
    browser: Browser, room: ReadingRoom, tmp_path: Path
) -> None:
    for id in ("a/b?c#d e", ".."):
        browser.open(paper_address(id))
        assert browser.found("h1")[0].text == room.papers.get(id).title
