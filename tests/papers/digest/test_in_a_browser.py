"""The mail as a browser shows it: no script runs, nothing sticks out, all of it can be read."""

import shutil

import pytest

from everygrain_papers.digest.links import Links
from everygrain_papers.digest.rendering import render_html

from .made import HOSTILE, NOW, SECRET, digest, papers, pick

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="chromium or chromedriver is not installed"
)
LEAST_CONTRAST = 4.5  # WCAG 2.2, AA
CONTRASTS = """
const channel = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number);
  return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b); };
const behind = e => { const c = getComputedStyle(e).backgroundColor;
  return c === "rgba(0, 0, 0, 0)" ? behind(e.parentElement) : c; };
return [...document.querySelectorAll("h1, h2, h3, p, li, a")].map(e => {
  const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05); });
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (
        "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):  # fmt: skip
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1000])
def test_a_hostile_digest_is_shown_harmless_and_readable(browser, tmp_path, scheme, width):
    links = Links("https://papers.example.org", SECRET, "reader-1", NOW)
    made = digest(pick(HOSTILE), pick(papers(1, 1, "birds")[0]), name="w" * 150)
    path = tmp_path / "mail.html"
    path.write_text(render_html(made, links, address="ada@example.org"), encoding="utf-8")
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": scheme}]},
    )
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    browser.get(path.as_uri())  # an alert would make what follows fail
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script("return document.scripts.length + document.images.length") == 0
    contrasts = browser.execute_script(CONTRASTS)
    assert len(contrasts) > 10
    assert min(contrasts) >= LEAST_CONTRAST
    dark = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(23, 22, 20)") == (scheme == "dark")
    assert browser.get_log("browser") == []
