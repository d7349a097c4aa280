"""Colours that people can tell apart: WCAG 2 contrast, from the style sheet itself."""

from __future__ import annotations

import re

import pytest

from everygrain_papers.web.rendering import static_files

TEXT, EDGES = 4.5, 3.0  # WCAG 2.2 AA: 1.4.3 of text, 1.4.11 of what shows a control
SHEET = static_files()["room.css"][0].decode()
ON_PAPER = ("paper", "raised", "soft")
PAIRS = [
    *((ink, ground) for ink in ("ink", "quiet", "accent", "bad", "good") for ground in ON_PAPER),
    *((function, "paper") for function in ("background", "problem", "method", "result", "other")),
    ("on-accent", "accent"),
    ("ink", "word"),
    ("ink", "added"),
    ("ink", "removed"),
]


def colours(mode: str) -> dict[str, str]:
    """Return the variables of light, or those with what dark replaces."""
    blocks = re.findall(r":root \{(.*?)\}", SHEET, re.DOTALL)
    found: dict[str, str] = {}
    for block in blocks[: 2 if mode == "dark" else 1]:
        found |= dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))
    return found


def luminance(colour: str) -> float:
    """Return the relative luminance, by its definition in WCAG."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_black_on_white_is_21_and_of_a_known_grey_4_54() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_can_be_read_on_its_ground(mode: str, ink: str, ground: str) -> None:
    found = colours(mode)
    assert contrast(found[ink], found[ground]) >= TEXT


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_edges_of_fields_and_the_ring_of_the_focus_can_be_seen(mode: str) -> None:
    found = colours(mode)
    for edge in ("edge", "accent"):
        for ground in ("paper", "raised"):
            assert contrast(found[edge], found[ground]) >= EDGES


def test_every_colour_of_the_sheet_is_a_variable_that_has_a_dark_one() -> None:
    light, dark = colours("light"), re.findall(r":root \{(.*?)\}", SHEET, re.DOTALL)[1]
    assert set(light) == set(dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", dark)))
    rules = re.sub(r":root \{.*?\}|@media print.*", "", SHEET, flags=re.DOTALL)
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b", rules) == []
