"""What the extension makes of a page: captions, exercises, tables, formulas."""

import pytest
from docutils import nodes
from docutils.utils import new_document

from course_ext.captions import set_captions
from course_ext.exercises import frame_exercises
from course_ext.finish import finish_page, width


def page(*children):
    document = new_document("page")
    document += nodes.section("", nodes.title("", "Evidence"), *children)
    return document


def cell():
    return nodes.container(nb_element="cell_code", classes=["cell"])


def said(*parts):
    """A paragraph as the parser makes it, with an empty text at its beginning."""
    return nodes.paragraph("", "", nodes.Text(""), *parts)


def raw(text):
    return nodes.raw("", text, format="html")


def test_a_numbered_caption_is_set_and_the_text_leads_to_it():
    text = nodes.paragraph("", "As Figure 2 shows; Figure 9 is elsewhere.")
    caption = said(nodes.emphasis("", "Figure 2. Look at the end."))
    set_captions(None, page(text, cell(), caption))
    assert caption["classes"] == ["caption-of-figure"]
    assert caption["ids"] == ["figure-2"]
    assert caption.astext() == "Figure 2. Look at the end."
    assert [child.tagname for child in caption] == ["strong", "#text"]
    (link,) = text.findall(nodes.reference)
    assert (link.astext(), link["refid"]) == ("Figure 2", "figure-2")
    assert text.astext() == "As Figure 2 shows; Figure 9 is elsewhere."


def test_italics_are_a_caption_only_after_a_cell():
    motto, after = said(nodes.emphasis("", "A motto.")), said(nodes.emphasis("", "Look."))
    partly = said(nodes.emphasis("", "Look"), nodes.Text(" at it."))
    set_captions(None, page(motto, cell(), after, cell(), partly))
    assert (motto["classes"], after["classes"], partly["classes"]) == (
        [],
        ["caption-of-figure"],
        [],
    )


def test_code_and_headings_get_no_links():
    code = nodes.paragraph("", "", nodes.literal("", "Figure 1"))
    set_captions(None, page(code, cell(), said(nodes.emphasis("", "Figure 1. Look."))))
    assert not list(code.findall(nodes.reference))


def exercise(number):
    return said(nodes.strong("", f"Exercise {number}"), nodes.Text(" (5 minutes)."))


def test_a_frame_goes_from_the_words_to_the_last_cell_and_its_folds():
    hint = [raw("<details><summary>Hint</summary>"), said(nodes.Text("h")), raw("</details>")]
    one = [exercise(1), cell(), *hint]
    two = [exercise(2), said(nodes.Text("More.")), cell(), cell()]
    rest = [said(nodes.Text("After that."))]
    document = page(said(nodes.Text("Before.")), *one, *two, *rest)
    frame_exercises(None, document)
    frames = [n for n in document.findall(nodes.container) if "exercise" in n["classes"]]
    assert [frame["ids"] for frame in frames] == [["exercise-1"], ["exercise-2"]]
    assert [list(frame) for frame in frames] == [one, two]
    assert document[0][-1] is rest[0]


def finished(body):
    context = {"body": body}
    finish_page(None, "a", "page.html", context, None)
    return context["body"]


def table(head, *rows):
    def cells(tag, texts):
        return "".join(f"<{tag}><p>{text}</p></{tag[:2]}>" for text in texts)

    lines = "".join(f'<tr class="row">{cells("td", row)}</tr>' for row in rows)
    heads = cells('th class="head"', head)
    return f'<table class="table"><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>'


def test_cells_of_a_wide_table_say_their_column():
    wide = finished(
        table(["", "a long question", "verdict"], ["warmup", "+1.2 points " * 3, "helps"])
    )
    assert 'class="table stacks"' in wide
    assert '<td data-label="verdict"><p>helps</p></td>' in wide
    assert '<th class="head"><p></p></th>' not in wide, "an empty heading heads nothing"


@pytest.mark.parametrize(
    "head",
    [["a", "b", "c"], ["a", "b"], [str(i) for i in range(12)]],
    ids=["short", "pair", "matrix"],
)
def test_other_tables_stay_tables(head):
    text = "1.25" if len(head) != 2 else "a sentence of many words, more than fits " * 2
    assert "stacks" not in finished(table(head, [text] * len(head)))


def test_a_head_of_nothing_is_left_out():
    assert "<thead>" not in finished(table(["", ""], ["claim", "it helps"]))


def test_a_formula_in_a_line_has_its_room():
    body = r'<p>a <span class="math notranslate nohighlight">\(x=\frac{1}{2}\)</span></p>'
    assert 'style="--width: ' in finished(body)
    assert "--height: 2.2em" in finished(body)
    assert width(r"\frac{1}{16}") < width(r"\frac{1}{16} + \frac{1}{16}") < width("a" * 30)
    assert width(r"\lambda") == width("x")
