"""What helps when: nothing of ours is typed, everything leads somewhere, every line runs."""

import json
import math
import re
import sys
from dataclasses import replace
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch
from torch import nn

import tricks_lib
from tricks_lib import Recipe
from tricks_lib.augment import identity
from tricks_lib.course import helps, measured
from tricks_lib.course.chapter import chapter, chapters, found
from tricks_lib.course.measured import Beside, Own, Seen, Standing
from tricks_lib.course.standing.comparisons import result
from tricks_lib.course.symptoms import SYMPTOMS, TOGETHER, symptom
from tricks_lib.lab.metrics import best_temperature, predict

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import cite  # noqa: E402

EVERY = (*SYMPTOMS, TOGETHER)
NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
each = pytest.mark.parametrize("one", EVERY, ids=lambda one: one.name)
each_measured = pytest.mark.parametrize(
    "one", list(dict.fromkeys(one for each in EVERY for one in each.measured)), ids=repr
)


# --- What it is about ---


def test_the_symptoms_that_were_asked_for_are_there():
    asked = (
        "over-fitting under-fitting over-confidence unstable-start large-batches few-images "
        "wrong-labels occlusion small-network short-training fine-tuning"
    )
    assert set(asked.split()) <= {one.name for one in SYMPTOMS}
    assert len({one.name for one in EVERY}) == len(EVERY)


def test_every_chapter_with_a_switch_appears():
    said = set().union(*(one.slugs for one in EVERY))
    assert {one.slug for one in chapters() if one.switch and one.number <= 18} <= said


@each
def test_every_slug_is_a_chapter_and_is_the_one_that_measured(one):
    assert one.slugs <= set(found())
    for part in (*one.advice, *one.avoid):
        for quoted in part.measured:
            assert quoted.slug in found()


@each
def test_every_symptom_is_complete(one):
    texts = [one.sign, *one.compare, one.brief]
    for advice in one.advice:
        texts += [advice.what, advice.start, advice.code, advice.watch, advice.brief]
        texts += [advice.watch_brief]
        assert advice.slugs
    assert all(texts)
    assert one.advice or one is TOGETHER
    assert re.sub(r"[^\w-]", "", one.title.lower().replace(" ", "-")) == one.name


def test_a_symptom_that_is_not_there_is_told():
    with pytest.raises(ValueError, match=r"expected one of over-fitting, .*got 'sadness'"):
        symptom("sadness")
    assert symptom("Over fitting") is symptom("over-fitting")
    with pytest.raises(ValueError, match="did you mean over-fitting"):
        symptom("overfiting")
    with pytest.raises(ValueError, match="sadness"):
        helps.what_helps("sadness")


# --- What was measured ---


@each_measured
def test_every_measurement_is_found_in_a_record(one):
    gap = one.found().difference
    assert len(gap.values) >= 2
    assert math.isclose(gap.mean, math.fsum(gap.values) / len(gap.values), abs_tol=1e-12)
    assert gap.low <= gap.mean <= gap.high
    assert one.described()


def test_what_is_advised_was_seen_to_help_or_the_page_says_that_it_was_not():
    for one in SYMPTOMS:
        text, silent = helps.section(one.name), 0
        for advice in one.advice:
            words = [quoted.found().word for quoted in advice.measured]
            assert not words or words[0] != "hurts", f"{one.name}: {advice.what} {words}"
            silent += bool(words) and "helps" not in words
        assert text.count(helps.NOT_SEEN) == silent, one.name
        assert not silent or one.reports, f"{one.name}: nobody reports that it helps"


def test_what_is_advised_against_was_not_seen_to_help():
    for one in SYMPTOMS:
        for avoid in one.avoid:
            words = {quoted.found().word for quoted in avoid.measured}
            assert "helps" not in words, f"{one.name}: {avoid.text} {words}"


def test_fine_tuning_says_that_nothing_was_measured():
    assert symptom("fine-tuning").measured == []
    text = helps.section("fine-tuning")
    assert "Nothing of this was measured in the course yet" in text
    assert "verdict" not in text


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (Own("warmup", arm="nothing"), "got 0"),
        (Own("linear_scaling", arm="512, lr 0.64, warmup"), "got 5"),
        (Own("warmup", study="nothing"), "expected one of"),
        (Beside("mixup", "few", "mixup 0.2", "nothing"), "expected two of"),
        (Standing("baseline", "colour"), "no comparison"),
        (Standing("early_stopping", "colour", rival=True), "no comparison"),
    ],
    ids=repr,
)
def test_a_comparison_that_was_not_made_is_refused(one, said):
    with pytest.raises(ValueError, match=said):
        one.found()


def test_a_comparison_turned_round_is_its_mirror():
    one = Own("warmup", against="modest, no warmup")
    there, back = one.found(), replace(one, turned=True).found()
    assert (there.word, back.word) == ("hurts", "helps")
    assert back.difference.mean == -there.difference.mean
    assert back.difference.low == -there.difference.high
    assert Own("warmup").described() == chapter("warmup").finding().setting


# --- Nothing of ours is typed ---


def test_a_changed_record_changes_page_and_sheet(monkeypatch, tmp_path):
    plan, real = chapter("batch_norm").plan, measured.part

    def texts():
        return helps.section("short-training"), helps.sheet(), helps.plain("short-training")

    before = texts()
    lines = [json.loads(line) for line in plan.path.read_text("utf-8").splitlines()]
    runs = [line for line in lines if line.get("run") == "batch norm"]
    assert runs
    runs[0]["figures"]["accuracy"] /= 2
    changed = replace(plan, path=tmp_path / plan.path.name)
    changed.path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    is_it = {("batch_norm", ""): changed}
    monkeypatch.setattr(
        measured, "part", lambda slug, study="": is_it.get((slug, study)) or real(slug, study)
    )
    monkeypatch.setattr(measured, "_declared", measured._declared.__wrapped__)
    after = texts()
    assert all(old != new for old, new in zip(before, after, strict=True))


@each
def test_the_prose_types_no_result(one):
    """A word of verdict, or a signed number, comes from a record or from a paper."""
    prose = [one.sign, *one.compare, one.brief]
    prose += [text for a in one.advice for text in (a.start, a.watch, a.brief, a.watch_brief)]
    prose += [text for a in one.avoid for text in (a.text, a.brief)]
    for text in prose:
        assert not re.search(r"(?<![\de])[+−-]\d|\d+\.\d+ ?(%|points)|± ?\d", text), text


def test_an_example_shows_the_numbers_of_its_record():
    one = symptom("over-fitting").seen
    said = one.described()
    assert result("colour").spread("neither crop nor mirror", "accuracy") in said
    assert Seen("x", "ε = 0", ("ece",), slug="label_smoothing").described().startswith("x: ")


# --- Where it leads ---


@each
def test_every_link_leads_somewhere(one):
    text = helps.section(one.name) + helps.overview()
    anchors = set(re.findall(r'<a id="([^"]+)">', cite.PAGE.read_text(encoding="utf-8")))
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert targets
    for target in targets:
        place, _, anchor = target.partition("#")
        if "://" in target:
            continue
        if not place:
            assert anchor in {each.name for each in EVERY}, target
        else:
            assert (ROOT / "book" / place).resolve().exists(), target
            assert not anchor or anchor in anchors, target


@each
def test_works_are_called_by_author_and_year(one):
    for report in one.reports:
        if "://" not in report.target:
            assert report.label == cite.label(cite.works()[report.target])


@each
def test_the_sheet_says_no_number_of_a_paper_that_the_page_does_not(one):
    for report in one.reports:
        text = set(NUMBER.findall(report.text)) | derived(report.text)
        assert set(NUMBER.findall(report.brief)) <= text, report.brief


def derived(text):
    """Differences that one can work out from the numbers of a text, as it rounds them."""
    values = [float(n.replace(",", "")) for n in NUMBER.findall(text)]
    gaps = {abs(one - other) for one in values for other in values}
    return {f"{gap:.1f}" for gap in gaps} | {f"{gap:.2f}" for gap in gaps}


def test_the_page_has_a_section_for_each_symptom_in_order():
    text = (ROOT / "book" / "what-helps.md").read_text(encoding="utf-8")
    pattern = r"^## (.+)\n\n```\{what-helps\} (\S+)\n```$"
    assert re.findall(pattern, text, flags=re.M) == [(one.title, one.name) for one in EVERY]
    assert re.search(r"^```\{what-helps\}\n```$", text, flags=re.M)
    assert "book/what-helps" in (ROOT / "_toc.yml").read_text(encoding="utf-8")


# --- The code ---


def names():
    """What the page says that the lines may use."""
    text = (ROOT / "book" / "what-helps.md").read_text(encoding="utf-8")
    imports = re.search(r"```python\n(from dataclasses.*?)```", text, flags=re.S)[1]
    space = {}
    exec(imports, space)
    return space


@pytest.mark.parametrize(
    "code",
    list(dict.fromkeys(advice.code for one in SYMPTOMS for advice in one.advice)),
    ids=lambda code: code.splitlines()[-1][:50],
)
def test_every_line_runs(code, toy):
    data = toy().hold_out(16, seed=0)
    recipe = Recipe(schedule=tricks_lib.linear_decay(10))
    network = tricks_lib.small_resnet(data.channels, data.num_classes)
    space = names() | {"recipe": recipe, "data": data, "teacher": network, "model": network}
    assert all(len(line) <= 80 for line in code.splitlines())
    made = []
    space["replace"] = lambda *args, **kwargs: made.append(replace(*args, **kwargs)) or made[-1]
    exec(code, space)
    if "replace(" in code:
        assert made
        for one in made:
            assert isinstance(one, Recipe)
            images = data.test.images[:4]
            assert one.augment(images).shape == images.shape
            logits = one.model(data.channels, data.num_classes)(data.normalize(images))
            assert logits.shape == (4, data.num_classes)
            assert isinstance(one.optimizer(network, one.lr), torch.optim.Optimizer)
            assert one.schedule(0.5) >= 0
            targets = torch.eye(data.num_classes)[data.test.labels[:4]]
            mixed, rows = one.mix(data.normalize(images), targets)
            loss, _ = one.objective(network, mixed, rows)
            assert loss.isfinite()
    else:
        assert 1 / 20 <= space["T"] <= 20


def test_the_page_imports_what_the_lines_use():
    space = names()
    for name, value in {
        "identity": identity,
        "partial": partial,
        "nn": nn,
        "predict": predict,
        "best_temperature": best_temperature,
    }.items():
        assert space[name] is value


# --- Text and sheet ---


def test_plain_text_has_no_marks_and_fits_its_width():
    for text in (helps.plain(width=70), *(helps.plain(one.name, 70) for one in SYMPTOMS)):
        prose = [line for line in text.splitlines() if not line.startswith("    ")]
        assert all(len(line) <= 70 for line in prose)
        assert not re.search(r"<|\]\(|\*\*|```", "\n".join(prose))
    assert "replace(recipe, lr=recipe.lr / 2)" in helps.plain("unstable-start")


class Balanced(HTMLParser):
    """Checks that what is opened is closed."""

    def __init__(self, text):
        super().__init__()
        self.open, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "link", "col", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_sheet_is_whole_and_asks_nobody():
    text = helps.sheet("book/what-helps.html")
    read = Balanced(text)
    assert read.open == []
    words = " ".join(read.words)
    for one in SYMPTOMS:
        assert one.title in words
        assert all(advice.what in words for advice in one.advice[:2])
    assert not re.search(r'(src|href)="(https?:)?//', text)
    assert "book/what-helps.html" in text
    assert 'href=""' not in helps.sheet()


def test_a_verdict_on_the_sheet_has_a_sign_of_its_own():
    words = [word for word in helps.SIGNS if word != "differs"]
    assert len({helps.SIGNS[word] for word in words}) == len(words)
    assert helps.SIGNS.keys() == helps.BADGES.keys()
