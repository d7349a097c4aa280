"""A digest as HTML, as plain text and for the terminal; every text from outside is escaped."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from everygrain_papers.digest.issue import Digest, Pick, Section
from everygrain_papers.digest.links import Links
from everygrain_papers.digest.plain import letters, one_line, wrapped
from everygrain_papers.digest.schedule import zone_of

if TYPE_CHECKING:
    from jinja2 import Environment

LONGEST_ABSTRACT = 480  # characters
LONGEST_TITLE = 300
MOST_AUTHORS = 4
WIDTH = 72  # columns of a mail in plain text
TERMINAL = 80


@dataclass(frozen=True, slots=True)
class ShownPick:
    """One paper as texts on one line each, and addresses; what is not there is empty."""

    title: str
    about: str
    abstract: str
    reasons: tuple[str, ...]
    address: str
    like: str
    dislike: str


def shown(pick: Pick, interest: str, links: Links | None) -> ShownPick:
    """Return a paper fit to be shown, shortened, without control characters."""
    paper = pick.paper
    authors = [one_line(name, 80) for name in paper.authors[:MOST_AUTHORS]]
    if len(paper.authors) > MOST_AUTHORS:
        authors.append(f"and {len(paper.authors) - MOST_AUTHORS} more")
    when = paper.date or (str(paper.year) if paper.year is not None else "")
    about = " · ".join(filter(None, (", ".join(authors), one_line(paper.venue, 80), when)))
    return ShownPick(
        title=letters(paper.title, LONGEST_TITLE) or one_line(paper.id, 100),
        about=about,
        abstract=letters(paper.abstract, LONGEST_ABSTRACT),
        reasons=tuple(one_line(reason, 300) for reason in pick.reasons),
        address=links.paper(paper) if links else "",
        like=links.mark("like", paper.id, interest) if links else "",
        dislike=links.mark("dislike", paper.id, interest) if links else "",
    )


def render_html(
    digest: Digest, links: Links | None = None, *, address: str = "", schedule: str = ""
) -> str:
    """Return one page of HTML that needs nothing from elsewhere: no script, no picture.

    links      None: nothing to click
    address    the reader's, for the link that unsubscribes; "" leaves it out
    schedule   as it is said to the reader: "daily at 07:00, Europe/Lisbon"
    """
    return (
        _environment()
        .get_template("digest.html")
        .render(
            title=_title(digest),
            span=span(digest),
            why_empty=digest.why_empty,
            schedule=schedule,
            unsubscribe=links.unsubscribe(address) if links and address else "",
            sections=[
                {
                    "name": one_line(section.name, 200),
                    "picks": [shown(pick, section.interest, links) for pick in section.picks],
                }
                for section in digest.sections
            ],
        )
    )


def render_entry(pick: Pick, section: Section, links: Links | None) -> str:
    """Return the HTML of one paper for a feed."""
    return (
        _environment()
        .get_template("entry.html")
        .render(pick=shown(pick, section.interest, links))
        .strip()
    )


def render_text(
    digest: Digest,
    links: Links | None = None,
    *,
    address: str = "",
    schedule: str = "",
    width: int = WIDTH,
) -> str:
    """Return the digest in lines of at most `width` columns; only addresses are longer."""
    lines = [*wrapped(_title(digest), width), *wrapped(span(digest), width), ""]
    for section in digest.sections:
        name = wrapped(one_line(section.name, 200), width)
        lines += [*name, "-" * min(width, max(len(part) for part in name)), ""]
        for number, pick in enumerate(section.picks, start=1):
            lines += [*_told(shown(pick, section.interest, links), number, width), ""]
    if not digest.sections:
        lines += [*wrapped(digest.why_empty, width), ""]
    if schedule:
        lines += wrapped(f"You get this because you asked for it, {schedule}.", width)
    if links and address and (link := links.unsubscribe(address)):
        lines += ["Unsubscribe:", link]
    return "\n".join(lines).rstrip() + "\n"


def dry_run(digest: Digest, schedule: str = "", address: str = "") -> str:
    """Return what would be sent, for a terminal of 80 columns; nothing is sent or kept."""
    to = one_line(address, 200) or "nobody: no address is confirmed"
    head = [
        *wrapped(f"Would go to {to}", TERMINAL),
        *(wrapped(f"When: {schedule}", TERMINAL) if schedule else []),
        *wrapped(f"Papers that arrived since the last digest: {digest.considered:,}", TERMINAL),
        "",
    ]
    return "\n".join(head) + "\n" + render_text(digest, width=TERMINAL)


def span(digest: Digest) -> str:
    """Return the time that a digest is about, by the reader's clock."""
    zone = zone_of(digest.zone)
    since, until = (moment.astimezone(zone) for moment in (digest.since, digest.until))
    return (
        f"Papers that arrived from {since:%d %B %Y %H:%M} to {until:%d %B %Y %H:%M},"
        f" {digest.zone}. {digest.considered:,} were looked through."
    )


def _told(pick: ShownPick, number: int, width: int) -> list[str]:
    lines = wrapped(pick.title, width, f"{number}. ", "   ")
    for text in (pick.about, pick.abstract):
        lines += wrapped(text, width, "   ") if text else []
    for reason in pick.reasons:
        lines += wrapped(reason, width, "   * ", "     ")
    for said, link in (("", pick.address), ("More: ", pick.like), ("Less: ", pick.dislike)):
        lines += [f"   {said}{link}"] if link else []
    return lines


def _title(digest: Digest) -> str:
    return one_line(digest.title, 200)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
