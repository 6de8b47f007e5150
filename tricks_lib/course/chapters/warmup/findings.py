"""What the recorded studies of chapter 01 say, put into words for its notebook.

Nothing here is typed that a new record could make wrong: where advice rests on a verdict, there is
one sentence for each verdict.

Chapter: notebooks/01_warmup.ipynb
"""

from collections.abc import Mapping
from statistics import mean, stdev

from IPython.display import Markdown

from tricks_lib.course.evidence import answers
from tricks_lib.course.standing.comparisons import SETTINGS, finding, rival_finding
from tricks_lib.lab.study import Difference, Finding, StudyResult, Word

from .claims import GOYAL
from .study import CALM, CALM_WARM, CURVATURE, EQUAL, HASTY, HELD, MODEST, PLAN, WARM

__all__ = [
    "all_arms",
    "beside_the_paper",
    "curvature_when_over",
    "declared",
    "gaps",
    "lost_runs",
    "questions",
    "rises",
    "standing",
    "statistics_afresh",
]

DECLARED = 1 + len(PLAN.rivals)
"""Comparisons that were declared before the study was recorded."""

OVER = "curvature_when_over"

SPIKE = 2.5
"""A loss above that of guessing, log 10, in nats."""


def gaps(result: StudyResult, metric: str = "accuracy") -> dict[str, Difference]:
    """Return the comparisons of the chapter, by what to call them.

    The intervals of the first three, which were declared, hold at once, as on the card; those of
    the last two are wide enough to hold together with the others.
    """
    asked = {
        "gradual against none, both at 1.6": (WARM, HASTY, DECLARED),
        "gradual against none with the same sum": (WARM, EQUAL, DECLARED),
        "gradual at 1.6 against none at 0.2": (WARM, CALM, DECLARED),
        "constant against none, both at 1.6": (HELD, HASTY, DECLARED + 2),
        "gradual against none, both at 0.2": (CALM_WARM, CALM, DECLARED + 2),
    }
    return {
        name: result.difference(arm, metric, against, comparisons=count)
        for name, (arm, against, count) in asked.items()
    }


def declared() -> dict[str, Finding]:
    """Return the headline and its two rivals, with intervals that hold for the three at once."""
    against = ("none", "same sum", "modest")
    return dict(zip(against, PLAN.declared(), strict=True))


def questions(result: StudyResult) -> Markdown:
    """Lay out what was asked, what was found, and what to do."""
    found = declared()
    others = list(gaps(result).values())[3:]
    return answers(
        (
            "At 1.6: gradual warmup against none",
            found["none"],
            _advice(
                found["none"],
                helps="If you keep the large learning rate, warm up",
                hurts="Leave warmup out",
            ),
        ),
        (
            f"… against none at {PLAN.recipes[EQUAL].lr:g}, where the learning rates have the same "
            "sum",
            found["same sum"],
            _advice(
                found["same sum"],
                helps="The gain is more than that of a lower learning rate",
                hurts="Lower the learning rate instead",
                unseen="Try a lower learning rate too: it may gain as much",
            ),
        ),
        (
            f"… against none at {MODEST.lr:g}",
            found["modest"],
            _advice(
                found["modest"],
                helps="The large learning rate pays, with warmup",
                hurts="Try a smaller learning rate first",
            ),
        ),
        (
            "At 1.6: constant warmup against none",
            others[0],
            _advice(
                others[0],
                helps="Constant warmup is better than none",
                hurts="Raise the learning rate step by step, never by one jump",
            ),
        ),
        (
            f"At {MODEST.lr:g}: gradual warmup against none",
            others[1],
            _advice(
                others[1],
                helps="Warm up here too",
                hurts="Leave warmup out where the start is stable",
                unseen="Nothing to gain was seen where the start is stable",
            ),
        ),
    )


def _advice(
    found: Finding | Difference,
    *,
    helps: str,
    hurts: str,
    unseen: str = "More seeds would be needed to choose",
) -> str:
    word = found.word if isinstance(found, Finding) else found.verdict
    told: Mapping[Word, str] = {
        "helps": helps,
        "hurts": hurts,
        "no difference seen": unseen,
        "makes no difference": "Choose by other reasons",
        "depends": "Look at the runs that diverged",
    }
    return told[word]


def all_arms(result: StudyResult) -> Markdown:
    """Lay out the mean of every arm, and its difference from no warmup at 1.6."""
    text: str = result.table("accuracy")._repr_markdown_()
    return Markdown(
        f"{text}\n\nAll but the declared interval are wide enough to hold for "
        f"{len(result.runs) - 1} differences at once."
    )


def rises(result: StudyResult, arm: str = HASTY, steps: int = 10) -> tuple[int, int]:
    """Count the runs whose loss rises above that of guessing at once, and all finished runs."""
    curves = result.values(arm, "loss").values()
    return sum(max(curve[:steps]) > SPIKE for curve in curves), len(curves)


def lost_runs(result: StudyResult) -> Markdown:
    """Say in how many runs of each arm the loss became infinite or not a number."""
    lost = {arm: sum(run is None for run in runs.values()) for arm, runs in result.runs.items()}
    count = len(result.seeds)
    some = [f"{number} ({arm})" for arm, number in lost.items() if number]
    listed = ", ".join(some) if some else "none, in any arm"
    peaks = ", ".join(
        f"{result.spread(arm, 'peak_loss_after')} ({arm})" for arm in (HASTY, HELD, WARM)
    )
    return Markdown(
        f"Of {count} runs in each arm, these diverged: {listed}. "
        f"The highest training loss in the epoch *after* the warmup, mean ± sd: {peaks}."
    )


def statistics_afresh(result: StudyResult) -> Markdown:
    """Lay out the comparisons with batch-norm statistics that are made again for the last
    weights."""
    as_is, afresh = gaps(result), gaps(result, "accuracy_afresh")
    rows = [f"| {name} | {as_is[name]} | {afresh[name]} |" for name in as_is]
    return Markdown("\n".join(["| | as it is | statistics made afresh |", "|---|---|---|", *rows]))


def curvature_when_over(result: StudyResult) -> Markdown:
    """Say how curved the loss is when the warmup is over, and how much the learning rate bears."""
    bound = 2 * 1.9 / CURVATURE.recipes[HASTY].lr
    rows = ["| beginning | before the first step | when the warmup is over | of these tolerated |"]
    rows += ["|---|---|---|---|"]
    for arm in (HASTY, HELD, WARM):
        over = result.values(arm, OVER).values()
        below = sum(value < bound for value in over)
        looks = (result.values(arm, name).values() for name in ("curvature_at_first", OVER))
        first, last = (f"{mean(found):.1f} ± {stdev(found):.1f}" for found in looks)
        rows.append(f"| {arm} | {first} | {last} | {below} of {len(over)} |")
    return Markdown("\n".join(rows))


def beside_the_paper(result: StudyResult) -> Markdown:
    """Set the errors of the paper beside those of the record."""
    rows = ["| | Goyal et al.: error (%) | here: error (%) |", "|---|---|---|"]
    for arm, (error, spread) in GOYAL.items():
        here = 100 * (1 - result.mean(arm))
        rows.append(f"| {arm} | {error:.2f} ± {spread:.2f} | {here:.1f} |")
    there = sorted(GOYAL, key=lambda arm: GOYAL[arm][0])
    found = sorted(GOYAL, key=result.mean, reverse=True)
    same = "the same" if found == there else f"another: {', '.join(found)}"
    behind = GOYAL[WARM][0] - GOYAL["small batches"][0]
    here = 100 * (result.mean("small batches") - result.mean(WARM))
    return Markdown(
        "\n".join(rows)
        + f"\n\nThe order, from the lowest error to the highest, is {same}.\n"
        + f"The distances differ: with gradual warmup the large batches were {behind:.2f} points "
        + f"behind the small ones there, and {here:.1f} here."
    )


def standing() -> Markdown:
    """Say what the standing settings have found so far; an empty text where nothing is recorded."""
    lines, words = [], {found.word for name in SETTINGS if (found := finding("warmup", name))}
    for name in SETTINGS:
        for found, told in (
            (finding("warmup", name), "with warmup, against the baseline"),
            (rival_finding("warmup", name), "with warmup, against half the learning rate"),
        ):
            if found:
                lines.append(f"- *{name}*, {told}: **{found.word}**, {found.figures}.")
    head = (
        "In the standing settings the learning rate was tuned without warmup, and the warmup is a "
        "tenth of the run:\n\n"
    )
    end = (
        "\n\nSo no gain over that learning rate was seen, and a small one is not ruled out; the "
        "gain above belongs "
        f"to a learning rate of {PLAN.recipes[WARM].lr:g}, which is too large for the first steps."
    )
    shown = "\n".join(lines) + (end if words == {"no difference seen"} else "")
    return Markdown(head + shown if lines else "")
