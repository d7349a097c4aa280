from everygrain.document import Document


def test_a_binary_file_named_md_is_rejected(reading):
    documents, (reject,) = reading("a.md", b"# T\x00")
    assert documents == []
    assert "binary" in reject.reason


def test_front_matter_that_is_not_simple_is_kept_as_it_came(reading):
    (document,), rejects = reading("a.md", "---\na:\n  b: 1\n---\n# T\n")
    assert document == Document("a.md", "T", "T", {"front_matter": "a:\n  b: 1\n"})
    assert rejects == []


def test_front_matter_that_is_never_closed_is_text(reading):
    (document,), _ = reading("a.md", "---\na: b\n")
    assert "a: b" in document.text
    assert document.metadata == {}


def test_simple_front_matter_gives_title_and_metadata(reading):
    source = (
        "---\ntitle: \"A: b\"\ntags: [x, 'y']\nauthors:\n  - A\n  - B\nyear: 2026\n---\n\ntext\n"
    )
    (document,), _ = reading("a.md", source)
    metadata = {"tags": ["x", "y"], "authors": ["A", "B"], "year": "2026"}
    assert document == Document("a.md", "text", "A: b", metadata)


def test_the_first_heading_is_the_title_and_marks_are_gone(reading):
    source = (
        "Before.\n\n## A *fine* `title`\n\n"
        "Some [link](http://x) and **bold\ntext** ![seen](i.png).\n"
        "\n- one\n- two\n\n```python\nx = 1\n```\n\n| a | b |\n|---|---|\n| c | d |\n"
        "\n<div>in <b>HTML</b><script>no()</script></div>\n"
    )
    (document,), _ = reading("a.md", source)
    assert document.title == "A fine title"
    assert document.text == (
        "Before.\n\nA fine title\n\nSome link and bold\ntext seen.\n\none\n\ntwo\n\nx = 1\n\n"
        "a\n\nb\n\nc\n\nd\n\nin HTML"
    )


def test_a_list_nested_thirty_deep_keeps_its_text(reading):
    source = "".join("  " * depth + f"- item{depth}\n" for depth in range(30))
    (document,), _ = reading("a.md", source)
    assert document.text.split() == [f"item{depth}" for depth in range(30)]


def test_without_a_heading_the_file_names_the_title(reading):
    assert reading("notes.md", "text")[0] == [Document("notes.md", "text", "notes")]
