"""What a chapter promises, one test for each promise, for every chapter that is found.

A chapter is imported inside a test, so that one that cannot be imported fails alone.
"""

import ast
import json
import re
from contextlib import suppress
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

import pytest

import tricks_lib
from tricks_lib import Recipe, fit, mlp
from tricks_lib.course.baseline import BASELINE
from tricks_lib.course.card import card
from tricks_lib.course.chapter import CHAPTERS, Chapter, chapter, found, planned
from tricks_lib.course.plan import StudyPlan
from tricks_lib.lab.study import WORDS

ROOT = Path(__file__).parents[2]
PARTS = ("study", "exercises", "claims")

every = pytest.mark.parametrize("slug", found())

pytestmark = pytest.mark.usefixtures("photographs_or_noise")


@pytest.fixture
def entry(slug):
    """The chapter of a slug."""
    return opened(slug)


def opened(slug):
    try:
        return chapter(slug)
    except Exception as error:
        pytest.fail(f"tricks_lib/course/chapters/{slug} cannot be imported: {error!r}")


def parts_of(entry):
    """The plans of a chapter, by their names."""
    return {part.name: part for part in entry.plan.parts}


def cells_of(notebook):
    path = ROOT / notebook
    assert path.is_file(), f"{notebook} is missing"
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [(cell["cell_type"], "".join(cell["source"])) for cell in cells]


# --- The folder ---


@every
def test_a_chapter_has_all_its_parts(slug, entry):
    assert isinstance(entry, Chapter), f"CHAPTER of {slug} is {entry!r}"
    assert entry.slug == slug, f"CHAPTER of {slug} is built with the name {entry.package!r}"
    for name in PARTS:
        assert (entry.folder / f"{name}.py").is_file(), f"{slug} has no {name}.py"
        entry.part(name)
    assert entry.part("study").PLAN is entry.plan, f"CHAPTER of {slug} has a plan of its own"
    assert entry.part("claims").CLAIMS, f"{slug}/claims.py has no claim: what does the text say?"
    assert entry.claim.endswith("."), f"the claim of {slug} is a sentence, with a full stop"
    for name in ("title", "before"):
        assert getattr(entry, name), f"CHAPTER of {slug} does not say its {name}"
    for name in ("minutes", "seconds"):
        assert getattr(entry, name) > 0, f"CHAPTER of {slug} does not say how many {name} it takes"


@every
def test_notebook_and_solutions_are_there(slug, entry):
    for path in (entry.notebook, entry.solutions):
        there = [p.name for p in (ROOT / path).parent.glob(f"*{slug}.ipynb")]
        assert (ROOT / path).is_file(), (
            f"chapter {entry.number:02d}, {slug}, should have {path}; there is {there or 'none'}"
        )


def numbers():
    """The number of each chapter that can be imported or is planned, by its slug."""
    known = {entry.slug: entry.number for entry in planned()}
    for slug in found():
        with suppress(Exception):  # a chapter that cannot be imported fails in its own tests
            known[slug] = chapter(slug).number
    return known


@every
def test_no_other_chapter_has_its_number(slug, entry):
    twins = [other for other, n in numbers().items() if n == entry.number and other != slug]
    assert not twins, f"{slug} has the number {entry.number:02d}, and so has {', '.join(twins)}"


def test_numbers_have_no_gap():
    """Chapters that are found and chapters that are planned make the course together."""
    known = numbers()
    if set(found()) <= set(known):
        taken = sorted(known.values())
        assert taken == list(range(len(taken))), f"the chapters are numbered {taken}"


@every
def test_nothing_is_left_to_do(slug):
    """The scaffold of `make chapter` marks with this word what has to be said."""
    files = [file for file in (CHAPTERS / slug).rglob("*") if file.suffix != ".pyc"]
    files += sorted(ROOT.glob(f"notebooks/**/[0-9][0-9]_{slug}.ipynb"))
    left = []
    for file in sorted(file for file in files if file.is_file()):
        for number, line in enumerate(
            file.read_text(encoding="utf-8", errors="ignore").splitlines(), start=1
        ):
            if "TODO" in line:
                left.append(f"{file.relative_to(ROOT)}, line {number}: {line.strip()}")
    assert not left, "this is still to be said:\n" + "\n".join(left)


# --- The study ---


@every
def test_every_record_belongs_to_a_plan(slug, entry):
    folder = entry.folder / "results"
    planned_files = set()
    for name, part in parts_of(entry).items():
        assert part.path.parent == folder, (
            f"the plan {name!r} of {slug} keeps its runs in {part.path}, and not in {folder}"
        )
        assert re.fullmatch(rf"{slug}(-\w+)?", name), (
            f"a study of {slug} is called {slug}.jsonl, or {slug}-WORD.jsonl; here is {name}.jsonl"
        )
        assert part.path.suffix == ".jsonl", f"{part.path.name} should end with .jsonl"
        planned_files.add(part.path.name)
    assert len(planned_files) == len(entry.plan.parts), f"two plans of {slug} share one file"
    for file in sorted(folder.glob("*")):
        if file.suffix != ".new" and not file.name.startswith("."):  # a recording in progress
            assert file.name in planned_files, f"{slug}/results/{file.name} belongs to no plan"


@every
def test_the_record_answers_the_plan(slug, entry, subtests):
    for name, part in parts_of(entry).items():
        with subtests.test(name):
            recorded = part.recorded()
            first = next(iter(part.recipes))
            assert recorded.baseline == first, f"{name} was recorded against {recorded.baseline}"
            data = part.of_seed(0)
            if data.name.startswith("noise"):
                pytest.skip("its images do not come with the package: set TRICKS_CIFAR10")
            print_of_data = recorded.provenance["data_fingerprint"]
            same = print_of_data == data.fingerprint()
            assert same, f"{name} was recorded on other data than its plan's"


@every
def test_images_of_all_classes_are_judged(slug, entry, subtests):
    """The first images of a folder are of its first classes."""
    for name, part in parts_of(entry).items():
        with subtests.test(name):
            data = part.of_seed(part.seed_list[0])
            for split, images in data.splits.items():
                there = len(images.labels.unique())
                assert there == len(data.classes), (
                    f"{name} has {there} of {len(data.classes)} classes in {split}: draw the "
                    "images with a seed"
                )


@every
def test_at_least_five_seeds(slug, entry):
    for name, part in parts_of(entry).items():
        seeds = part.seed_list
        assert len(set(seeds)) == len(seeds), f"{name} counts a seed twice: {seeds}"
        enough = 2 if part is entry.plan.tuning else 5  # a search has many arms instead
        assert len(seeds) >= enough, f"{name} has {len(seeds)} seeds, and needs {enough} at least"


@every
def test_a_search_and_what_it_chooses_for_share_no_seed(slug, entry):
    searches = [part for part in (entry.plan.tuning, entry.plan.ties) if part]
    plans = [entry.plan, *searches]
    seeds = [seed for plan in plans for seed in plan.seed_list]
    twice = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    assert not twice or not searches, (
        f"the seeds {twice} choose settings of {slug} that they judge later"
    )
    for search in searches:
        assert search.on == "validation", f"{search.name} chooses on {search.on} images"


@every
def test_the_headline_is_declared_in_the_plan(slug, entry):
    headline, plan = entry.plan.headline, entry.plan
    if headline is None:
        assert entry.switch is None, (
            f"{slug} has a trick to switch on and no headline: say in its plan which comparison it "
            "is made for, Headline(arm, metric, setting)"
        )
        return
    baseline, *arms = plan.recipes
    assert headline.arm in arms, (
        f"the headline of {slug} is about {headline.arm!r}: it should be one of {arms}, which are "
        f"compared with {baseline!r}"
    )
    metrics = {metric.name: metric for metric in plan.metrics}
    assert headline.metric in metrics, (
        f"the headline of {slug} is about {headline.metric!r}, which is none of {list(metrics)}"
    )
    assert metrics[headline.metric].better, (
        f"nobody has said whether a higher or a lower {headline.metric} is better"
    )
    assert headline.setting, f"the headline of {slug} does not say where it was found"


@every
def test_the_headline_compares_with_and_without_the_trick(slug, entry):
    """The first arm is the baseline, and what tells the two apart is what the switch turns on."""
    for name, part in parts_of(entry).items():
        assert len(part.recipes) >= 2, f"{name} compares nothing: it has one arm"
    if entry.switch and entry.plan.headline:
        first, *_ = entry.plan.recipes
        arm = entry.plan.headline.arm
        apart = changed(entry.plan.recipes[first], entry.plan.recipes[arm])
        turned_on = changed(BASELINE, entry.switch(BASELINE, entry.plan.of_seed(0)))
        assert set(apart) & set(turned_on), (
            f"the headline of {slug} compares {arm!r} with the first arm, {first!r}: they differ "
            f"in {apart}, and the switch changes {turned_on}"
        )


@every
def test_every_recipe_is_rebuilt_by_its_text(slug, entry):
    names = vars(tricks_lib) | {"partial": partial} | vars(entry.part("study"))
    for name, part in parts_of(entry).items():
        for arm, recipe in part.recipes.items():
            text = recipe.written()
            assert eval(text, dict(names)).written() == text, (
                f"{arm!r} of {name} is another recipe when it is built from its text, {text}"
            )


@every
def test_what_is_measured_is_what_is_recorded(slug, entry, subtests):
    for name, part in parts_of(entry).items():
        with subtests.test(name):
            figures = measured(part)
            arm, *_ = part.recipes
            recorded = part.recorded().runs[arm][part.seed_list[0]]
            assert figures.keys() == recorded.keys(), (
                f"{name} records {sorted(recorded)}; {part.measure.__name__} measures "
                f"{sorted(figures)}"
            )
            missing = {metric.name for metric in part.metrics} - figures.keys()
            assert not missing, f"{name} declares the metrics {missing}, and does not measure them"


def measured(part: StudyPlan):
    """The figures of a run of a few steps, on the plan's own images."""
    data = part.of_seed(part.seed_list[0]).subset(train=64, test=100)
    if data.validation:
        data = data.subset(validation=min(100, len(data.validation)))
    recipe = replace(next(iter(part.recipes.values())), epochs=2, batch_size=16)
    how = {"evaluate": part.evaluate, "on": part.on}
    return part.measure(part.train(recipe, data, seed=0, device="cpu", **how), data)


# --- The switch ---


def changed(before, after):
    """Names of the slots and numbers in which two recipes differ."""
    return [
        field.name
        for field in fields(Recipe)
        if replace(BASELINE, **{field.name: getattr(before, field.name)}).written()
        != replace(BASELINE, **{field.name: getattr(after, field.name)}).written()
    ]


NO_TRICK = {"baseline", "together", "own_images"}
"""Chapters about how tricks are measured, and several of them at once."""


@every
def test_a_trick_can_be_switched_on(slug, entry):
    if slug in NO_TRICK:
        assert entry.line and not entry.switch, f"{slug} teaches no trick: its card shows a line"
    else:
        assert entry.switch, (
            f"{slug} has no switch: the command line cannot turn its trick on, and the card cannot "
            "say how. CHAPTER takes switch=a function (recipe, data) -> recipe"
        )


@every
@pytest.mark.parametrize("epochs", [1, 7, 30])
def test_the_switch_changes_the_recipe_and_not_the_length(slug, entry, toy, epochs):
    if entry.switch is None:
        return
    before = replace(BASELINE, epochs=epochs)
    after = entry.switch(before, toy())
    assert isinstance(after, Recipe), f"the switch of {slug} returns {after!r}"
    slots = changed(before, after)
    assert slots, f"the switch of {slug} changes nothing"
    assert "epochs" not in slots, f"the switch of {slug} trains longer: that is another question"
    assert set(slots) != {"lr"}, f"the switch of {slug} changes the learning rate alone"


@every
def test_what_is_switched_on_trains(slug, entry, toy):
    if entry.switch is None:
        return
    small = replace(BASELINE, epochs=1, batch_size=16, model=partial(mlp, hidden=(8,), size=8))
    data = toy().hold_out(16)  # for a rule to stop by
    run = fit(entry.switch(small, data), data, device="cpu", evaluate="end")
    assert len(run.history.loss) >= 1, f"with the switch of {slug} no step was taken"


# --- The card ---


@every
def test_the_card_says_what_is_claimed_and_what_was_found(slug, entry):
    shown = card(slug).data
    rows = shown.splitlines()
    assert rows[:2] == ["| | |", "|---|---|"]
    for row in rows[2:]:
        cells = re.sub(r"`[^`]*`", "", row).count("|")
        assert cells == 3, f"the card of {slug} has a row that breaks: {row}"
    told = [entry.claim, entry.before, f"{entry.minutes} minutes", entry.switched_on()]
    finding = entry.finding()
    if finding:
        told += [f"**{finding.word}**", str(finding.difference), finding.setting]
        assert finding.word in WORDS
    for words in told:
        assert words in shown, f"the card of {slug} should say {words!r}:\n{shown}"


@every
def test_the_line_of_the_card_is_code_that_names_the_trick(slug, entry):
    line = entry.switched_on()
    tree = ast.parse(line)  # it can be copied
    if entry.switch is None:
        return
    called = {
        node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    called |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    public = {name for name in called if name in vars(tricks_lib)}
    assert public - {"replace", "partial"}, (
        f"the card of {slug} shows {line!r}, which names nothing of tricks_lib: the last line of "
        "the switch should be one expression that builds the recipe with the trick's class"
    )


# --- The notebook ---


@every
def test_notebook_and_exercises_agree(slug, entry):
    there = list(range(1, len(entry.part("exercises").check.judges) + 1))
    code = "\n".join(text for kind, text in cells_of(entry.notebook) if kind == "code")
    asked = [int(number) for number in re.findall(r"^check\((\d+),", code, flags=re.MULTILINE)]
    assert asked == there, (
        f"{entry.notebook} checks the exercises {asked}, {slug}/exercises.py has {there}"
    )


@every
def test_images_are_shown_on_photographs(slug, entry):
    """Grey garments do not show what a trick does to colours and to things that move about."""
    if entry.switch is None:
        return
    slots = changed(BASELINE, entry.switch(BASELINE, entry.plan.of_seed(0)))
    if {"augment", "mix"} & set(slots):
        code = [text for kind, text in cells_of(entry.notebook) if kind == "code"]
        code += [path.read_text(encoding="utf-8") for path in entry.folder.glob("*.py")]
        assert any("photographs(" in text for text in code), (
            f"{entry.notebook} is about images and shows no photograph: photographs() has four"
        )


@every
def test_a_verdict_in_bold_is_computed(slug, entry):
    """What stands in bold letters about an arm comes from the record, in a cell."""
    carried = " ".join(claim.carries for claim in entry.part("claims").CLAIMS)
    for kind, text in cells_of(entry.notebook):
        if kind != "markdown":
            continue
        for said in re.findall(r"\*\*([^*]+)\*\*", text):
            assert said not in WORDS or f"**{said}**" in carried, (
                f"{entry.notebook} has **{said}** typed in its text: let a cell compute it, or let "
                f"a claim in {slug}/claims.py carry it"
            )
