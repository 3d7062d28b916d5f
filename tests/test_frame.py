"""The frame of chapters: drawing of the method, folded code, numbers in texts, links to terms, tables for reading."""

import csv
import io
import json
import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from mixkd.book import frame, glossary, method, notebook, site
from mixkd.book.reading import readable
from mixkd.errors import MixkdError
from mixkd.figures import drawn

CSV = drawn.CSV


def code(source, *outputs, tags=(), **metadata):
    return {
        "cell_type": "code",
        "source": source,
        "outputs": [{"data": data, **more} for data, more in outputs],
        "metadata": {"tags": list(tags), **metadata},
    }


def text(source):
    return {"cell_type": "markdown", "source": source, "metadata": {}}


def glued(name, value):
    return {"application/papermill.record/text/plain": repr(value)}, {"metadata": {"scrapbook": {"name": name}}}


def figure(alt, caption="A figure.", data=None):
    about = {"figure": {"name": "fig-x", "caption": caption}, "image": {"alt": alt}}
    return code("draw()", (data or {"image/svg+xml": "<svg/>"}, {}), mystnb=about)


def test_the_numbers_of_a_chapter_stand_in_its_alternative_texts(tmp_path):
    cells = [figure("From {low:.1f} to {high:.0f} %, {word}."), code("", glued("low", 1.25), glued("word", "more"))]
    cells.append(code("", glued("high", 7.0), tags=["remove-cell"]))
    (shown, *_) = frame.framed(cells, "06_partial_mixup", 3.2, tmp_path)
    assert shown["metadata"]["mystnb"]["image"]["alt"] == "From 1.2 to 7 %, more."


def test_an_alternative_text_without_its_number_is_refused(tmp_path):
    cells = [figure("{gain:.1f} points"), code("", glued("gains", 1.0))]
    with pytest.raises(MixkdError, match=r"05_mixup: alt of fig-x: found \{gain\}.*gains"):
        frame.framed(cells, "05_mixup", 1.0, tmp_path)


def test_each_alternative_text_of_the_notebooks_can_be_filled():
    """A name in braces is one that some cell of the notebook may report: a plain name with a format."""
    for path in sorted(notebook.NOTEBOOKS.glob("*.ipynb")):
        for cell in json.loads(path.read_text())["cells"]:
            shown = cell["metadata"].get("mystnb", {})
            for words in (shown.get("figure", {}).get("caption", ""), shown.get("image", {}).get("alt", "")):
                rest = re.sub(r"\{[A-Za-z_]\w*(:[^{}]*)?\}", "", words)
                assert not set("{}") & set(rest), (path.name, words)


def test_code_is_folded_unless_it_teaches(tmp_path):
    cells = [text("# T"), code("a", tags=["teach"]), text("b"), code("c"), text("d"), code("e", tags=["remove-cell"])]
    shown = frame.framed(cells, "99_none", 1.0, tmp_path)
    tags = {cell["source"]: cell["metadata"]["tags"] for cell in shown if cell["cell_type"] == "code"}
    assert tags == {"a": ["teach"], "c": ["hide-input"], "e": ["remove-cell"]}


def test_code_that_shows_nothing_joins_the_cell_after_it(tmp_path):
    output = ({"text/plain": "1"}, {})
    cells = [code("import x"), code("x.run()"), code("x.show()", output), code("y", tags=["teach"])]
    sources = [cell["source"] for cell in frame.framed(cells, "99_none", 1.0, tmp_path)]
    assert sources == ["import x\n\nx.run()\n\nx.show()", "y"]


def test_parameters_keep_a_cell_of_their_own(tmp_path):
    cells = [code("alpha: float = 1.0", tags=["parameters"]), code("run()")]
    assert [cell["source"] for cell in frame.framed(cells, "99_none", 1.0, tmp_path)] == [c["source"] for c in cells]


def test_below_a_figure_stand_its_command_its_numbers_and_its_notebook(tmp_path):
    cell = figure("x", data={"image/svg+xml": "<svg/>", CSV: "x,y\n1,2\n"})
    _, line = frame.framed([cell], "05_mixup", 12.4, tmp_path)
    assert "<code>mixkd notebook 05_mixup</code> in 12 s" in line["source"]
    assert 'href="../_static/drawn/fig-x.csv"' in line["source"]
    assert 'href="../_sources/notebooks/05_mixup.ipynb"' in line["source"]
    assert (tmp_path / "drawn" / "fig-x.csv").read_text() == "x,y\n1,2\n"


@pytest.mark.parametrize("chapter", sorted(method.LIT))
def test_the_drawing_lights_the_parts_of_its_chapter(chapter):
    assert (notebook.NOTEBOOKS / f"{chapter}.ipynb").is_file()
    page = method.figure(chapter)
    assert page.count('class="lit"') == 2 * len(method.LIT[chapter])  # a wide and a narrow drawing
    assert page.count("<rect") == 2 * len(method.PARTS)
    assert "\n" not in page
    assert page.count("<svg") == page.count("</svg>") == 2
    for part in method.LIT[chapter]:
        assert method.PARTS[part][0] in re.search(r'aria-label="([^"]*)"', page)[1]


@pytest.mark.parametrize("layout", [method.WIDE, method.NARROW])
def test_parts_of_the_drawing_do_not_overlap_and_lie_in_it(layout):
    width, height = layout.size
    assert set(layout.boxes) == set(method.PARTS)
    boxes = list(layout.boxes.values())
    for i, (x, y, w, h) in enumerate(boxes):
        assert x >= 0
        assert x + w <= width
        assert y >= 0
        assert y + h <= height
        assert all(x + w <= u or u + p <= x or y + h <= v or v + q <= y for u, v, p, q in boxes[:i])


@pytest.mark.parametrize("layout", [method.WIDE, method.NARROW])
def test_arrows_of_the_drawing_pass_no_other_part(layout):
    for start, end in method.ARROWS:
        for x, y in along(method._path(layout, start, end)):
            inside = [p for p, (u, v, w, h) in layout.boxes.items() if u < x < u + w and v < y < v + h]
            assert not inside, (start, end, inside)


def along(path):
    x, y, kind, *rest = re.fullmatch(r"M([\d.]+) ([\d.]+)([HVL])([\d.]+) ?([\d.]+)?", path).groups()
    x, y = float(x), float(y)
    u, v = {"H": (rest[0], y), "V": (x, rest[0]), "L": rest}[kind]
    return [(x + t * (float(u) - x), y + t * (float(v) - y)) for t in np.linspace(0.01, 0.99, 99)]


TERMS = [
    glossary.Term("partial mixup", "Mixup of a share.", "term-partial-mixup"),
    glossary.Term("mixup", 'Mixtures of "two".', "term-mixup"),
    glossary.Term("ECE", "An error.", "term-ECE"),
    glossary.Term("fold", "A way to split.", "term-fold"),
    glossary.Term("run", "A network.", "term-run"),
]


def linked(body):
    page = glossary.linked(f"<p>mixup</p><article>{body}</article>", TERMS, "../")
    return re.findall(r'<a class="term" href="\.\./book/glossary\.html#([^"]+)"[^>]*>([^<]+)</a>', page), page


def test_the_first_use_of_a_term_in_a_paragraph_is_linked():
    links, page = linked("<h2>Mixup</h2><p>Mixups of <code>fold</code>, partial mixup; mixup.</p><p>two folds</p>")
    assert links == [("term-mixup", "Mixups"), ("term-partial-mixup", "partial mixup"), ("term-fold", "folds")]
    assert page.startswith("<p>mixup</p>")
    assert "Mixtures of &quot;two&quot;." in page


def test_text_of_links_code_and_other_words_is_left_alone():
    body = '<p><a href="x">mixup</a> <code>ECE</code> ece refold unfolds fold-wise <math>fold</math></p>'
    links, page = linked(body)
    assert not links
    assert body in page


def test_a_word_with_other_meanings_is_not_linked():
    assert linked("<p>Networks run; the run of a fold.</p>")[0] == [("term-fold", "fold")]


@pytest.mark.parametrize(
    ("name", "expected"), [("book/reference.html", False), ("book/bibliography.html", False), ("a.html", True)]
)
def test_words_of_others_are_not_linked(name, expected, tmp_path):
    page = "<html><head></head><body><article><p>A title with mixup</p></article></body></html>"
    assert ('class="term"' in site.finished(page, tmp_path / name, tmp_path, TERMS)) == expected


def test_terms_come_from_the_rendered_glossary(tmp_path):
    (tmp_path / "book").mkdir()
    entry = (
        '<dt id="term-a-b">a b<a class="headerlink" href="#term-a-b">#</a></dt><dd><p>Two <em>letters</em>.</p>\n</dd>'
    )
    (tmp_path / "book" / "glossary.html").write_text(f"<dl>{entry}</dl>")
    assert glossary.terms(tmp_path) == [glossary.Term("a b", "Two letters.", "term-a-b")]
    assert glossary.terms(tmp_path / "book") == []


def heads_and_rows(shown):
    page = shown._repr_mimebundle_()["text/html"]
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", page)]
    return re.findall(r"<th>(.*?)</th>", page), [row for row in rows if row]


def test_a_table_for_reading_has_words_units_and_no_index():
    table = pd.DataFrame({"accuracy": [0.8512, None], "nll": [0.618, 1.0], "n_windows": [61063, 2], "who": ["a", "b"]})
    heads, rows = heads_and_rows(readable(table, names={"who": "person"}))
    assert heads == ["accuracy, %", "NLL, nats", "n windows", "person"]
    assert rows == [["85.1", "0.62", "61,063", "a"], ["–", "1.00", "2", "b"]]


def test_a_pivoted_table_keeps_its_rows_names_and_the_unit_of_its_cells():
    runs = pd.DataFrame({"case": ["S", "S", "T"], "temperature": [1, 4, 1], "accuracy": [0.5, 0.615, 0.7]})
    pivoted = runs.pivot_table(index="case", columns="temperature", values="accuracy")
    heads, rows = heads_and_rows(readable(pivoted, metric="accuracy"))
    assert heads == ["case", "temperature 1", "temperature 4"]
    assert rows == [["S", "50", "61.5"], ["T", "70", "–"]]


def test_two_levels_of_columns_become_one():
    runs = pd.DataFrame({"who": ["a", "a"], "way": ["x", "y"], "nll": [0.5, 0.25], "ece": [0.031, 0.04]})
    heads, rows = heads_and_rows(readable(runs.pivot_table(index="who", columns="way", values=["nll", "ece"])))
    assert heads == ["who", "ECE, %, x", "ECE, %, y", "NLL, nats, x", "NLL, nats, y"]
    assert rows == [["a", "3.1", "4", "0.50", "0.25"]]


def test_numbers_of_a_column_have_the_same_digits_and_words_are_words():
    table = pd.DataFrame({"way": [np.str_("a"), np.str_("2")], "x": [1.0, 0.4], "n": [1.0, 2000.0]})
    assert heads_and_rows(readable(table))[1] == [["a", "1.00", "1"], ["2", "0.40", "2,000"]]


def test_a_long_text_takes_several_lines_and_one_row_is_one():
    shown = readable(pd.DataFrame({"x": ["a" * 24, "b" * 25] + ["c"] * 9}))._repr_mimebundle_()["text/html"]
    assert re.findall(r'<td class="long">(.)', shown) == ["b"]
    assert "<summary>1 more row</summary>" in shown


def test_limits_become_one_interval_and_differences_have_a_sign():
    table = pd.DataFrame({"dataset": ["a", "b", "c"], "effect": [0.012, -0.02, -0.0001]})
    table = table.assign(low=[-0.001, -0.03, float("nan")], high=[0.025, -0.0101, float("nan")], n=[10, 9, 8])
    heads, rows = heads_and_rows(readable(table, metric="share"))
    assert heads == ["data set", "effect", "95 % interval", "n"]
    assert [row[:3] for row in rows] == [
        ["a", "+1.2", "[-0.1, +2.5]"],
        ["b", "-2.0", "[-3.0, -1.0]"],
        ["c", "+0.0", "–"],
    ]
    first = next(csv.DictReader(io.StringIO(readable(table)._repr_mimebundle_()[CSV])))
    assert first["low"] == "-0.001"


def test_a_table_without_rows_says_so():
    bundle = readable(pd.DataFrame({"effect": [], "n": []}))._repr_mimebundle_()
    assert "<table" not in bundle["text/html"]
    assert "no such runs" in bundle["text/html"]
    assert CSV not in bundle, "no link to numbers that are not there"


def test_ten_rows_are_in_sight_and_all_in_the_file():
    shown = readable(pd.DataFrame({"x": range(13), "name": ["<b>"] * 13}))
    bundle = shown._repr_mimebundle_()
    before, after = bundle["text/html"].split("<details><summary>3 more rows</summary>")
    assert before.count("<tr>") == 11
    assert after.count("<tr>") == 4
    assert "<b>" not in bundle["text/html"]
    assert len(list(csv.DictReader(io.StringIO(bundle[CSV])))) == 13
    assert len(repr(shown).splitlines()) == 14


def rows_of(fig):
    plt.close(fig)
    return [tuple(row.values()) for row in csv.DictReader(io.StringIO(drawn.table(fig)))]


def test_lines_and_points_of_a_figure_are_its_numbers():
    fig, (left, right) = plt.subplots(1, 2)
    left.plot([1, 2], [0.5, 0.25], label="nll")
    left.axhline(0.3)
    left.set_title("a  panel", loc="left")
    right.scatter([3], [4], label="_who")
    right.set_ylabel("score")
    assert rows_of(fig) == [
        ("a panel", "nll", "1.0", "0.5", ""),
        ("a panel", "nll", "2.0", "0.25", ""),
        ("score", "who", "3.0", "4.0", ""),
    ]


def test_bars_and_cells_have_the_names_of_their_ticks():
    fig, (left, right) = plt.subplots(1, 2)
    left.bar([0, 1], [3, 5])
    left.set_xticks([0, 1], ["one\nline", "two"])
    right.imshow(np.array([[1.0, 2.0]]))
    right.set_xticks([0, 1], ["a", "b"])
    assert rows_of(fig) == [
        ("1", "", "one line", "", "3.0"),
        ("1", "", "two", "", "5.0"),
        ("2", "", "a", "0.0", "1.0"),
        ("2", "", "b", "0.0", "2.0"),
    ]


def test_a_figure_without_numbers_or_with_a_picture_has_no_table():
    fig, axis = plt.subplots()
    assert drawn.table(fig) is None
    axis.imshow(np.zeros((150, 150)))
    assert drawn.table(fig) is None
    plt.close(fig)
