"""What stands at the head of a chapter's evidence, the interval of a class, and the overview."""

import pytest

from tricks_lib.course import overview
from tricks_lib.course.card import card
from tricks_lib.course.chapter import chapter
from tricks_lib.course.evidence import answers, pooled
from tricks_lib.course.overview import Entry, alt_text, forest, ranked
from tricks_lib.course.standing.comparisons import Comparison
from tricks_lib.lab.figures import smallest_letters
from tricks_lib.lab.study import ACCURACY, NLL, Finding, paired_difference


def gap(values, metric=ACCURACY):
    return paired_difference(metric, dict(enumerate(values)), dict.fromkeys(range(len(values)), 0))


UP, DOWN = gap([0.02, 0.021, 0.022]), gap([-0.02, -0.021, -0.022])


def test_an_answer_is_told_with_its_verdict_and_its_interval():
    told = answers(("Does it?", UP, "Use it."), ("Free?", "Yes.", "Nothing.")).data.splitlines()
    assert told[2] == f"| Does it? | **helps**: {Finding(UP).figures} | Use it. |"
    assert told[3] == "| Free? | Yes. | Nothing. |"
    assert "+2.10" in told[2] and "3 seeds" in told[2]
    assert answers(("Does it?", Finding(DOWN), "No.")).data.endswith(
        f"**hurts**: {Finding(DOWN).figures} | No. |"
    )


@pytest.mark.parametrize("count", [0, 6])
def test_nobody_keeps_more_than_five_answers_in_mind(count):
    with pytest.raises(ValueError, match=f"expected 1 to 5 rows, got {count}"):
        answers(*[("a", "b", "c")] * count)


def test_a_class_pools_its_differences():
    found = pooled([0.02, 0.021, 0.022])
    assert found.difference == UP and found.word == "helps"
    assert pooled({"Ada": 0.02, "Ben": 0.021, "Cem": 0.022}).difference == UP
    assert "**helps**" in found._repr_markdown_()
    assert pooled([0.02, 0.021], NLL).word == "hurts"  # a higher loss is worse
    with pytest.raises(ValueError, match="at least 2 pairs"):
        pooled([0.1])


def test_settings_that_disagree_make_depends():
    entry = Entry(None, {"garments": Finding(UP), "colour": None}, Finding(DOWN))
    assert list(entry.findings) == ["garments", "its own setting"]
    assert entry.word == "depends"
    assert Entry(None, {"garments": None, "colour": None}, None).word is None


def test_the_picture_ranks_what_was_found_in_accuracy(monkeypatch):
    found = {"a": Finding(DOWN), "b": Finding(UP), "c": None, "d": Finding(gap([1, 2], NLL))}
    monkeypatch.setattr(overview, "finding", lambda slug, setting: found[slug])
    named = {slug: Comparison(slug) for slug in found}
    monkeypatch.setattr(overview, "comparisons", lambda: named)
    assert list(ranked("garments")) == ["b", "a"]
    assert "helps: b +2.1; hurts: a -2.1" in alt_text("garments")
    assert smallest_letters(forest("garments")) > 10


def test_what_stands_against_no_rival_is_not_called_one():
    """Another arm, or another metric, against the same thing as the headline."""
    plan = chapter("autoaugment").plan
    headline, *others = plan.declared()
    assert not headline.also
    kinds = {one.setting: one.beside.partition(":")[0] for one in others}
    assert kinds == {
        "the pairs that were not chosen": "against",
        "TrivialAugment, which needs no search": "against",
        "the policy of CIFAR-10 on clothes": "also",
        "the policy of SVHN on clothes": "also",
    }
    rows = card("autoaugment").data
    assert "… also: the policy of SVHN on clothes" in rows
    assert "… against: the pairs that were not chosen" in rows
