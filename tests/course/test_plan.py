import json
import math
from dataclasses import FrozenInstanceError, replace
from functools import partial

import pytest

from tricks_lib import Recipe, fit, mlp
from tricks_lib.course import plan as module
from tricks_lib.course.plan import Headline, StudyPlan, best_tries
from tricks_lib.lab.study import Finding, Metric, OwnImages, StudyResult, final_metrics, study
from tricks_lib.lab.study.record import alone
from tricks_lib.objectives import cross_entropy

BASE = Recipe(epochs=1, batch_size=16, lr=0.05, model=partial(mlp, hidden=(), size=8))


@pytest.fixture
def planned(toy, tmp_path, monkeypatch):
    """A plan that takes a moment, with its results folder elsewhere."""
    monkeypatch.setattr(module, "study", partial(study, device="cpu"))
    return StudyPlan(
        path=tmp_path / "toy" / "results" / "toy.jsonl",
        recipes={"plain": BASE, "slow": replace(BASE, lr=0.001)},
        data=toy,
        seeds=3,
    )


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


# --- Recording ---


def test_a_plan_has_the_name_of_its_file_and_of_its_folder(planned):
    assert planned.name == planned.chapter == "toy"
    search = replace(planned, path=planned.path.with_name("toy-tuning.jsonl"))
    assert (search.name, search.chapter) == ("toy-tuning", "toy")
    with pytest.raises(FrozenInstanceError):
        planned.seeds = 3


def test_what_is_recorded_is_what_study_finds(planned, toy):
    made = planned.record()
    assert made.runs == study(planned.recipes, toy(), 3, device="cpu").runs
    assert planned.recorded() == made == StudyResult.load(planned.path)


def test_recording_makes_what_is_missing_and_all_of_it_when_fresh(planned):
    made = planned.record()
    edit(planned.path, '"train_loss"', '"loss"')
    assert planned.record().values("plain", "loss") == made.values("plain", "train_loss")
    assert planned.record(fresh=True).runs == planned.recorded().runs == made.runs


def only_nll(run, data):
    return {"nll": run.final.nll}


def twice_as_long(recipe, data, **options):
    return fit(replace(recipe, epochs=2), data, **options)


def test_a_plan_can_measure_something_else(planned):
    result = replace(planned, measure=only_nll).record()
    assert result.runs["slow"][1].keys() == {"nll"}


def test_a_plan_can_train_in_its_own_way_with_its_own_seeds(planned, toy):
    own = replace(planned, train=twice_as_long, seeds=(7, 3))
    assert own.seed_list == [7, 3]
    result = own.record()
    assert result.seeds == [3, 7]
    run = twice_as_long(BASE, toy(), seed=7, device="cpu", evaluate="end", on="test")
    assert result.runs["plain"][7] == final_metrics(run, toy())
    assert result.provenance["train"] == "twice_as_long"
    assert own.recorded() == result


def held_out(toy):
    return toy().hold_out(16)


def test_a_choice_is_made_on_validation_images(planned, toy):
    result = replace(planned, data=partial(held_out, toy), on="validation").record()
    run = fit(BASE, held_out(toy), seed=2, device="cpu", evaluate="end", on="validation")
    assert result.runs["plain"][2] == final_metrics(run, held_out(toy))


# --- What was recorded ---


@pytest.mark.parametrize("name", ["toy.jsonl", "toy-tuning.jsonl"])
def test_a_study_that_is_not_recorded_says_how_to(planned, name):
    message = rf"^{name} is not recorded yet: run `make study CHAPTER=toy` in a checkout"
    with pytest.raises(FileNotFoundError, match=message):
        replace(planned, path=planned.path.with_name(name)).recorded()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"recipes": {"plain": BASE, "slow": replace(BASE, lr=0.002)}}, r"other recipes of \['sl"),
        ({"recipes": {"plain": BASE, "other": BASE}}, r"other recipes of \['other'\]"),
        ({"recipes": {"slow": replace(BASE, lr=0.001), "plain": BASE}}, "the baseline was plain"),
        ({"seeds": 4}, r"seeds are missing of \['plain', 'slow'\]"),
        ({"seeds": (0, 9)}, r"seeds are missing of \['plain', 'slow'\]"),
        ({"measure": only_nll}, "other measure_code"),
        ({"train": twice_as_long}, "other train_code"),
        ({"evaluate": "every epoch"}, "other evaluate"),
        ({"on": "train"}, "other on"),
        ({"data": OwnImages(len, train=3)}, "other data_code"),
    ],
)
def test_a_record_of_another_plan_is_refused(planned, changes, told):
    planned.record()
    message = (
        rf"^toy\.jsonl was recorded for another plan \({told}.*\): run `make study CHAPTER=toy` in"
    )
    with pytest.raises(ValueError, match=message):
        replace(planned, **changes).recorded()


def sharper(model, images, targets):
    return cross_entropy(model, images, targets)


def test_a_record_from_before_an_edit_is_refused(planned, monkeypatch):
    edited = replace(planned, recipes={"plain": BASE, "own": replace(BASE, objective=sharper)})
    edited.record()
    monkeypatch.setattr(sharper, "__defaults__", (1.0,))
    with pytest.raises(ValueError, match=r"\(the code that \['own'\] use was changed\)"):
        edited.recorded()


def test_a_plan_takes_its_own_arms_from_a_record_of_more(planned):
    planned.record()
    few = replace(planned, recipes={"plain": BASE}, seeds=2)
    result = few.recorded()
    assert list(result.runs) == list(result.recipes) == list(result.diverged) == ["plain"]


# --- Confirming ---


def test_confirming_notes_the_code_of_today_and_changes_no_number(planned):
    made = planned.record()
    code = made.provenance["code"]["slow"]
    edit(planned.path, code, "0123456789abcdef")
    with pytest.raises(ValueError, match="the code that"):
        planned.recorded()
    confirmed = planned.verify()
    assert confirmed == planned.recorded()
    assert (confirmed.runs, confirmed.diverged) == (made.runs, made.diverged)
    told = dict(confirmed.provenance)
    assert told.pop("confirmed").startswith("the first seed of every arm was run again")
    assert told == made.provenance  # the time it took as well
    assert planned.record().runs == made.runs  # the file takes further runs as before


def test_confirming_a_record_of_the_first_edition_keeps_its_mark(planned):
    made = planned.record()
    old = replace(made, provenance=made.provenance | {"rule": "first edition"})
    old.provenance["code"] = dict.fromkeys(made.runs)
    old.save(planned.path)
    assert planned.recorded().runs == made.runs  # of which nothing was hashed
    told = planned.verify().provenance
    assert told["rule"] == "first edition"
    assert told["code"] == made.provenance["code"]


def test_another_figure_is_not_confirmed(planned):
    made = planned.record()
    nll = made.runs["slow"][0]["nll"]
    edit(planned.path, f'"nll": {nll!r}', f'"nll": {math.nextafter(nll, 9)!r}')
    before = planned.path.read_bytes()
    with pytest.raises(ValueError, match=r"^toy.jsonl cannot be confirmed: 'slow' with seed 0 giv"):
        planned.verify()
    assert planned.path.read_bytes() == before


def never(model, images, targets):
    loss, logits = cross_entropy(model, images, targets)
    return loss * math.nan, logits


def test_a_run_that_is_missing_is_no_run_that_diverged(planned):
    wild = replace(planned, recipes={"plain": BASE, "wild": replace(BASE, objective=never)})
    made = wild.record()
    assert wild.verify().runs == made.runs
    lines = wild.path.read_text().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line).get("diverged") is None]
    assert len(kept) == len(lines) - 3
    wild.path.write_text("".join(kept))
    with pytest.raises(ValueError, match=r"cannot be confirmed: 'wild' with seed 0"):
        wild.verify()


def test_confirming_leaves_the_hashes_of_further_arms(planned):
    made = planned.record()
    few = replace(planned, recipes={"plain": BASE})
    few.verify()
    assert StudyResult.load(planned.path).provenance["code"] == made.provenance["code"]
    edit(planned.path, made.provenance["code"]["slow"], "0123456789abcdef")
    few.verify()
    with pytest.raises(ValueError, match=r"the code that \['slow'\] use was changed"):
        planned.recorded()


def test_a_stamp_puts_todays_code_into_the_record_and_says_how(planned):
    made = planned.record()
    told = made.provenance
    for hashed in (told["code"]["slow"], told["measure_code"], told["train_code"], told["engine"]):
        edit(planned.path, hashed, "0123456789abcdef")
    with pytest.raises(ValueError, match="the code that"):
        planned.recorded()
    stamped = planned.stamp("two versions gave the same")
    assert stamped.runs == made.runs
    assert stamped.provenance == told | {"confirmed": "two versions gave the same"}
    assert planned.record().runs == made.runs  # the file takes further runs as before


@pytest.mark.parametrize("change", [StudyPlan.verify, lambda plan: plan.stamp("how")])
def test_nobody_else_writes_to_a_record_meanwhile(planned, change):
    planned.record()
    before = planned.path.read_bytes()
    with alone(planned.path), pytest.raises(ValueError, match="another process is recording to"):
        change(planned)
    assert planned.path.read_bytes() == before


# --- Findings ---


def test_a_finding_is_that_of_the_declared_comparison(planned):
    assert planned.finding() is None
    declared = replace(planned, headline=Headline("slow", "nll", "one epoch"))
    with pytest.raises(FileNotFoundError, match="is not recorded yet"):
        declared.finding()
    made = declared.record()
    assert declared.finding() == Finding(made.difference("slow", "nll"), "one epoch")
    assert declared.recorded().declared == {("slow", "nll"): 1}


def test_the_headline_and_the_rivals_are_read_together(planned):
    rival = Headline("plain", "nll", "against the slow one", against="slow")
    made = planned.record()
    both = replace(planned, headline=Headline("slow", "nll", "one epoch"), rivals=(rival,))
    assert both.declared() == [
        Finding(made.difference("slow", "nll", comparisons=2), "one epoch"),
        Finding(made.difference("plain", "nll", "slow", comparisons=2), "against the slow one"),
    ]
    assert both.finding() == both.declared()[0]
    assert both.finding().difference.low < made.difference("slow", "nll").low
    assert planned.declared() == []


def test_the_table_says_of_a_declared_comparison_what_its_finding_says(planned):
    rivals = (
        Headline("plain", "nll", "against the slow one", against="slow"),
        Headline("slow", "accuracy", "in accuracy", against="plain"),
    )
    both = replace(planned, headline=Headline("slow", "nll", "one epoch"), rivals=rivals)
    both.record()
    told = {(row[0], row[1]): row[4:] for row in both.recorded().table("accuracy", "nll").rows}
    headline, _, in_accuracy = both.declared()
    for metric, found in (("nll", headline), ("accuracy", in_accuracy)):
        assert told["slow", metric] == [str(found.difference), f"{found.word} (declared)"]


def doubled(run, data):
    return final_metrics(run, data) | {"nll_doubled": 2 * run.final.nll}


def test_an_arm_can_be_read_off_the_metrics_of_another(planned):
    plan = replace(planned, measure=doubled, derived={"plain, twice": ("plain", "_doubled")})
    made = plan.record()
    found = plan.recorded()
    expected = {seed: 2 * nll for seed, nll in made.values("plain", "nll").items()}
    assert found.values("plain, twice", "nll") == expected
    assert found.difference("plain, twice", "nll").mean == pytest.approx(made.mean("plain", "nll"))
    assert list(plan.arms) == ["plain", "slow"]  # it has no runs of its own


def own_way(seed):
    return {"accuracy": 0.5 + seed / 100}


def test_an_arm_can_be_a_function(planned):
    plan = replace(planned, functions={"own way": own_way})
    plan.record()
    found = plan.recorded()
    assert found.values("own way") == {0: 0.5, 1: 0.51, 2: 0.52}
    with pytest.raises(ValueError, match=r"other recipes of \['own way'\]"):
        replace(planned, functions={"own way": five_percent}).recorded()


@pytest.mark.parametrize("own_images", [False, True])
def test_all_arms_can_be_functions(planned, toy, own_images):
    plan = replace(planned, recipes={}, functions={"own way": own_way, "five": five_percent})
    plan = replace(plan, data=OwnImages(toy, train=32)) if own_images else plan
    made = plan.record()
    # Functions train and measure by themselves: the plan's ways are no part of the question.
    assert "measure_code" not in made.provenance
    assert plan.so_far() == plan.recorded() == made
    assert replace(plan, measure=only_nll).recorded() == made
    assert plan.verify().runs == made.runs
    stamped = plan.stamp("two versions gave the same")
    assert stamped.provenance == made.provenance | {"confirmed": "two versions gave the same"}
    assert plan.record().runs == made.runs  # the file takes further runs as before
    with pytest.raises(ValueError, match=r"other recipes of \['five'\]"):
        replace(plan, functions={"own way": own_way, "five": own_way}).recorded()


def five_percent(seed):
    return {"accuracy": 0.05}


def test_a_study_that_is_not_finished_shows_the_arms_with_two_runs(planned):
    assert planned.so_far() is None
    replace(planned, recipes={"plain": BASE}, seeds=1).record()
    assert planned.so_far() is None
    replace(planned, recipes={"plain": BASE}, seeds=2).record()
    replace(planned, seeds=1).record()
    assert list(planned.so_far().runs) == ["plain"]
    with pytest.raises(ValueError, match="seeds are missing"):
        planned.recorded()
    made = planned.record()
    assert planned.so_far() == planned.recorded() == made
    with pytest.raises(ValueError, match=r"other recipes of \['slow'\]"):
        replace(planned, recipes={"plain": BASE, "slow": replace(BASE, lr=0.3)}).so_far()


def test_the_plan_says_what_the_figures_mean(planned):
    planned.record()
    other = Metric("nll", "surprise", "lower", "nats", smallest=0.5)
    assert replace(planned, metrics=(other,)).recorded().metric("nll") == other


def test_the_parts_of_a_chapter_are_the_search_the_study_and_the_others(planned):
    search, ties, noisy = (
        replace(planned, path=planned.path.with_name(f"toy-{word}.jsonl"))
        for word in ("tuning", "ties", "noisy")
    )
    whole = replace(planned, tuning=search, ties=ties, beside=(noisy,))
    assert whole.parts == [search, ties, whole, noisy]
    assert {part.chapter for part in whole.parts} == {"toy"}
    assert planned.parts == [planned]
    assert replace(planned, tuning=search).parts[0] is search


def test_estimate_is_that_of_the_study(planned, toy, monkeypatch):
    asked = []

    def estimate(recipes, data, seeds, **when):
        asked.append((recipes, data.fingerprint(), seeds, when))
        return 12.5

    monkeypatch.setattr(module, "estimate_seconds", estimate)
    assert planned.estimate_seconds() == 12.5
    own = OwnImages(toy, train=32)
    often = replace(planned, data=own, seeds=(4, 5), evaluate="every epoch", on="train")
    often.estimate_seconds()
    assert asked == [
        (planned.recipes, toy().fingerprint(), [0, 1, 2], {"evaluate": "end", "on": "test"}),
        (often.recipes, own(4).fingerprint(), [4, 5], {"evaluate": "every epoch", "on": "train"}),
    ]


# --- Searches ---


def searched(**accuracies):
    """A search with these accuracies; None stands for a run that diverged."""
    runs = {
        arm: {n: None if a is None else {"accuracy": a, "nll": a, "f1": a} for n, a in found}
        for arm, found in ((arm, list(enumerate(values))) for arm, values in accuracies.items())
    }
    diverged = {
        arm: {n: 5 for n, a in enumerate(values) if a is None} for arm, values in accuracies.items()
    }
    return StudyResult(dict.fromkeys(runs, ""), next(iter(runs)), runs, diverged, {})


def test_the_best_try_of_each_group_by_its_mean():
    result = searched(a=[0.9, 0.5], b=[0.75, 0.75], c=[0.99, None], d=[0.1, 0.1], e=[0.1, 0.2])
    tries = {"one": ["a", "b", "c"], "two": ["d", "e"]}
    assert best_tries(result, tries) == {"one": "b", "two": "e"}
    assert best_tries(result, tries, "nll") == {"one": "a", "two": "d"}  # the lower, the better
    with pytest.raises(ValueError, match=r"^every try of 'three' diverged$"):
        best_tries(result, {"three": ["c"]})
    with pytest.raises(ValueError, match=r"^nobody has said whether a higher or a lower f1 is bet"):
        best_tries(result, tries, "f1")


def test_a_figure_that_is_not_finite_is_out():
    result = searched(a=[0.5, 0.5], b=[0.9, 0.9])
    result.runs["b"][1]["accuracy"] = None
    assert best_tries(result, {"one": ["a", "b"]}) == {"one": "a"}


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_a_tie_is_refused_whatever_the_order(order):
    # The same three numbers, whose sums differ in the last bit.
    result = searched(a=[0.1, 0.2, 0.3], b=[0.3, 0.2, 0.1], c=[0.1, 0.1, 0.1])
    with pytest.raises(
        ValueError, match=rf"^\['{order[0]}', '{order[1]}'\] tie for 'one': record them with furth"
    ):
        best_tries(result, {"one": [*order, "c"]})


def test_further_seeds_decide_a_tie():
    result = searched(a=[0.5, 0.7], b=[0.6, 0.6], c=[0.1, 0.1], d=[0.2, 0.9])
    tries = {"one": ["a", "b", "c"], "two": ["d", "c"]}
    decide = partial(best_tries, result, tries)
    assert decide(ties=searched(a=[0.6], b=[0.7])) == {"one": "b", "two": "d"}
    assert decide("nll", ties=searched(a=[0.9], b=[0.7])) == {"one": "c", "two": "c"}
    # It has no word where nothing ties.
    assert decide(ties=searched(a=[0.7], b=[0.6], c=[0.99], d=[0.0])) == {"one": "a", "two": "d"}
    with pytest.raises(ValueError, match=r"^\['a', 'b'\] tie for 'one'"):
        decide(ties=searched(a=[0.7], b=[0.7]))
    with pytest.raises(ValueError, match=r"^\['a', 'b'\] tie for 'one'"):
        decide(ties=searched(a=[0.7], c=[0.6]))  # not of both
    with pytest.raises(ValueError, match=r"^\['a', 'b'\] tie for 'one'"):
        decide(ties=searched(a=[None], b=[None]))
    assert decide(ties=searched(a=[None, 0.9], b=[0.1, 0.1]))["one"] == "b"
