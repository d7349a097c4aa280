"""A digest as HTML, text, mail and feed: whole, and with nothing let in."""

import re
from dataclasses import replace
from email import policy
from email.parser import BytesParser
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from everygrain.errors import InputError
from everygrain_papers.digest.feeds import Entry, render_feed
from everygrain_papers.digest.links import Links
from everygrain_papers.digest.message import digest_mail, message_id
from everygrain_papers.digest.plain import columns, one_line
from everygrain_papers.digest.reasons import told
from everygrain_papers.digest.rendering import dry_run, render_html, render_text
from everygrain_papers.digest.schedule import Schedule
from everygrain_papers.digest.settings import Settings
from everygrain_papers.interests.interest import Interest
from everygrain_papers.interests.recommendation import Reasons
from everygrain_papers.people import User

from .made import HOSTILE, NOW, SECRET, digest, papers, pick

LINKS = Links("https://papers.example.org/", SECRET, "reader-1", NOW)
SETTINGS = Settings(
    pages="https://papers.example.org", sender="digest@example.org",
    sender_name="Room\r\nBcc: all@example.org", unsubscribe_by="stop@example.org",
)  # fmt: skip
GOOD, OTHER = papers(1, 2, "retrieval")


def mail_of(made, links=LINKS, settings=SETTINGS):
    raw = digest_mail(
        made, Schedule("weekly", 7, 4, "Europe/Lisbon"), settings, "ada@example.org", links,
        message_id("digest", settings.sender), NOW,
    )  # fmt: skip
    return raw, BytesParser(policy=policy.default).parsebytes(raw)


def test_every_paper_stands_in_html_and_text_with_its_reasons():
    made = digest(pick(GOOD, "Near to “A”.", "Keyword: passages."), pick(OTHER))
    page, text = render_html(made, LINKS), render_text(made, LINKS)
    for paper in (GOOD, OTHER):
        assert paper.title in page
        assert paper.title in text
        assert f'href="{paper.url}"' in page
        assert paper.url in text
    for said in ("Near to “A”.", "Keyword: passages.", "Dense retrieval", "Ada Lovelace"):
        assert said in page
        assert said in text
    assert "21 November 2026 09:30" in " ".join(text.split())


def test_hostile_papers_leave_no_element_no_script_and_no_link_but_ours():
    made = digest(pick(HOSTILE, "<script>reason</script>"), name="<h1>my\u202e interest</h1>")
    tree = LexborHTMLParser(render_html(made, LINKS, address="ada@example.org"))
    assert not tree.css("script, img, iframe, form, object, b, h1 + h1")
    assert len(tree.css("style")) == 1
    for node in tree.css("*"):
        assert not [name for name in node.attributes if name.startswith("on")]
    links = [node.attributes["href"] for node in tree.css("a")]
    assert links
    assert all(link.startswith("https://papers.example.org/") for link in links)
    assert '<script>alert("title")</script>gnp.exe' in tree.css_first("h3").text()


@pytest.mark.parametrize("form", ["html", "text", "feed"])
def test_latex_of_titles_abstracts_and_reasons_reads_as_letters_in_every_form(form):
    paper = replace(
        GOOD, title=r"Heavy tails in $\alpha$-stable \emph{Mills}",
        abstract=r"Within $O(n^2)$ steps, $\|x_i\| \leq \frac{1}{2}$. We keep $\unheardof{y}$.",
    )  # fmt: skip
    liked = replace(OTHER, title=r"On $\beta$ \& more")
    interest = Interest("i", "Tails", liked=(liked.id,))
    (reason,) = told(Reasons(liked.id, 0.5), interest, {liked.id: liked})
    made = digest(pick(paper, reason))
    entry = Entry(made.sections[0].picks[0], made.sections[0], NOW)
    shown = {
        "html": lambda: LexborHTMLParser(render_html(made, LINKS)).text(),
        "text": lambda: render_text(made, LINKS),
        "feed": lambda: render_feed(User("u", "Ada"), [entry], LINKS, NOW).decode(),
    }[form]()
    flat = " ".join(shown.split())
    assert "Heavy tails in α-stable Mills" in flat
    assert "Within O(n²) steps, ‖xᵢ‖ ≤ 1/2. We keep $\\unheardof{y}$." in flat
    assert "On β &" in flat
    assert "emph" not in flat


@pytest.mark.parametrize("form", ["html", "text", "terminal", "feed", "mail"])
def test_no_form_holds_control_characters_or_turned_directions(form):
    made = digest(pick(HOSTILE), name="in\u202eterest\x07")
    entry = Entry(made.sections[0].picks[0], made.sections[0], NOW)
    shown = {
        "html": lambda: render_html(made, LINKS),
        "text": lambda: render_text(made, LINKS),
        "terminal": lambda: dry_run(made),
        "feed": lambda: render_feed(User("u", "Ada"), [entry], LINKS, NOW).decode(),
        "mail": lambda: "".join(
            part.get_content() for part in mail_of(made)[1].walk() if not part.is_multipart()
        ),
    }[form]().replace("\r\n", "\n")
    assert not re.search(
        "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", shown
    )
    assert len(shown) < 20_000  # of an abstract of a megabyte


def test_a_mail_has_the_headers_that_were_meant_and_no_other():
    made = digest(pick(HOSTILE), name="x\r\nBcc: all@example.org\r\n\r\nbody")
    raw, mail = mail_of(made)
    assert sorted(name.lower() for name in mail) == sorted(
        [
            "list-unsubscribe", "list-unsubscribe-post", "from", "to", "subject", "date",
            "message-id", "auto-submitted", "mime-version", "content-type",
        ]
    )  # fmt: skip
    assert mail["to"] == "Ada <ada@example.org>"
    assert mail["from"].addresses[0].addr_spec == "digest@example.org"
    assert mail["subject"].startswith("1 new paper: x Bcc: all@example.org")
    assert mail["date"].datetime == NOW
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(raw) < 128
    assert not any(part.defects for part in mail.walk())


def test_a_mail_has_text_and_html_as_alternatives():
    made = digest(pick(GOOD))
    _, mail = mail_of(made)
    assert mail.get_content_type() == "multipart/alternative"
    text, page = mail.iter_parts()
    when = {"address": "ada@example.org", "schedule": "weekly on Friday at 07:00, Europe/Lisbon"}
    assert text.get_content().replace("\r\n", "\n") == render_text(made, LINKS, **when)
    shown = page.get_content().replace("\r\n", "\n")
    assert shown.strip() == render_html(made, LINKS, **when).strip()


def test_one_click_unsubscribes_by_headers_of_rfc_8058_unfolded_and_plain():
    raw, mail = mail_of(digest(pick(GOOD)))
    link = LINKS.unsubscribe("ada@example.org")
    assert raw.startswith(f"List-Unsubscribe: <{link}>,\r\n <mailto:stop@".encode())
    assert mail["list-unsubscribe"] == f"<{link}>, <mailto:stop@example.org?subject=unsubscribe>"
    assert mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"


def test_a_mail_without_pages_has_no_links_and_no_promise_of_one_click():
    raw, mail = mail_of(
        digest(pick(GOOD)), None, Settings(sender="a@example.org", unsubscribe_by="b@example.org")
    )
    assert mail["list-unsubscribe"] == "<mailto:b@example.org?subject=unsubscribe>"
    assert mail["list-unsubscribe-post"] is None
    assert b"href" not in raw


def test_each_message_has_an_identity_of_its_own():
    assert len({message_id("digest", "a@example.org") for _ in range(100)}) == 100
    assert re.fullmatch(
        r"<digest\.[0-9a-f]{32}@example\.org>", message_id("digest", "a@example.org")
    )


def test_the_terminal_gets_at_most_80_columns():
    wide = digest(pick(HOSTILE, "図書館" * 100), pick(GOOD), name="図書館" * 60)
    lines = dry_run(wide, "daily at 07:00, UTC", "ada@example.org").splitlines()
    assert max(columns(line) for line in lines) <= 80
    assert lines[0] == "Would go to ada@example.org"


def test_an_empty_digest_says_so():
    assert "Nothing that arrived" in render_html(digest())
    assert "Nothing that arrived" in render_text(digest())
    assert digest().title == "No new papers for you"


def test_a_feed_is_well_formed_and_holds_what_atom_requires():
    made = digest(pick(HOSTILE), pick(GOOD))
    found = [Entry(each, section, NOW) for section, each in made.picks()]
    raw = render_feed(
        User("u", "A\x07da <x>"), found, LINKS, NOW, address="https://p.example.org/f"
    )
    atom = "{http://www.w3.org/2005/Atom}"
    feed = ElementTree.fromstring(raw)
    assert feed.tag == f"{atom}feed"
    for node in [feed, *feed.iter(f"{atom}entry")]:
        for name in ("id", "title", "updated", "author/name"):
            assert node.findtext("/".join(atom + part for part in name.split("/"))), name
    ids = [node.text for node in feed.iter(f"{atom}id")]
    assert len(set(ids)) == len(ids) == 3
    links = [node.get("href") for node in feed.iter(f"{atom}link")]
    assert links[0] == "https://p.example.org/f"
    assert links[-1] == GOOD.url
    assert all(link.startswith("https://") for link in links)
    content = LexborHTMLParser(feed.findall(f"{atom}entry/{atom}content")[0].text)
    assert not content.css("script, img, b")
    assert [link.attributes["href"] for link in content.css("a")] == [
        LINKS.mark("like", HOSTILE.id, "interest-1"),
        LINKS.mark("dislike", HOSTILE.id, "interest-1"),
    ]


@pytest.mark.parametrize(
    "pages",
    ["javascript:alert(1)", "https://a.example/\r\nX: y", "https://ä.example", "example.org"],
)
def test_links_begin_with_nothing_but_an_address_of_pages(pages):
    with pytest.raises(InputError):
        Links(pages, SECRET, "reader-1", NOW)


NAMES = st.text(max_size=150) | st.text(
    st.sampled_from('ab "\\,;<>@()=?_é図\r\n\u202e:.[]&'), max_size=150
)


@given(NAMES, NAMES, NAMES)
def test_any_name_and_interest_make_a_mail_with_the_same_headers(interest, reader, sender):
    base = digest(pick(GOOD), name=interest)
    made = replace(base, reader=reader)
    raw, mail = mail_of(made, settings=replace(SETTINGS, sender_name=sender))
    head = raw.partition(b"\r\n\r\n")[0]
    names = [
        line.partition(b":")[0].lower() for line in head.split(b"\r\n") if line[:1] not in b" \t"
    ]
    assert len(names) == len(set(names)) == 10
    assert mail["to"].addresses[0].addr_spec == "ada@example.org"
    assert mail["from"].addresses[0].addr_spec == "digest@example.org"
    assert len(mail["to"].addresses) == len(mail["from"].addresses) == 1
    assert "".join(mail["subject"].split()) == "".join(one_line(made.title, 120).split())
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
