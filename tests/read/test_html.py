from everygrain.document import Document


def test_a_page_in_another_encoding_is_rejected(reading):
    documents, (reject,) = reading("a.html", "<p>café".encode("latin-1"))
    assert documents == []
    assert "Convert it to UTF-8" in reject.reason


def test_broken_markup_still_gives_its_text(reading):
    (document,), _ = reading("a.html", "</div><p>one<p>two</b> <unknown>three")
    assert document.text == "one\n\ntwo three"
    assert document.title == "a"


def test_an_empty_page_is_no_record(reading):
    documents, (reject,) = reading("a.html", "<html><body> <script>x</script></body></html>")
    assert documents == []
    assert "no records" in reject.reason


def test_only_what_is_seen_is_text(reading):
    page = (
        "<!doctype html><html><head><title> A\n title </title><style>p{}</style></head><body>"
        "<nav>menu</nav><script>run()</script><noscript>old</noscript><p hidden>unseen</p>"
        "<h1>Head</h1><p>Wo<b>rd</b>s &amp;\n  more<br>line</p><ul><li>one<li>two</ul>"
        "<table><tr><td>a</td><td>b</td></tr></table></body></html>"
    )
    (document,), rejects = reading("a.html", page)
    assert document == Document(
        "a.html", "Head\n\nWords & more\nline\n\none\n\ntwo\n\na b", "A title"
    )
    assert rejects == []


def test_without_a_title_the_first_heading_is_it(reading):
    (document,), _ = reading("a.htm", "<p>x</p><h1>The\nhead</h1>")
    assert document.title == "The head"
