"""What the chapters say in words, compared with what is recorded and with the papers."""

import ast
import json
import math
import re
from pathlib import Path

import pytest
from scipy import stats

from tricks_lib import small_resnet
from tricks_lib.studies import CHAPTERS
from tricks_lib.studies.baseline import PLAN as BASELINE
from tricks_lib.studies.warmup import PLAN as WARMUP

ROOT = Path(__file__).parents[2]

# Goyal et al. 2017, table 1: top-1 error (%) of ResNet-50 on ImageNet, mean ± deviation, 5 runs.
GOYAL = {
    "small batches": (23.60, 0.12),
    "no warmup": (24.84, 0.37),
    "constant warmup": (25.88, 0.56),
    "gradual warmup": (23.74, 0.09),
}


@pytest.fixture(scope="module")
def warmup():
    return WARMUP.recorded()


def mean(values):
    return sum(values.values()) / len(values)


def test_paper_table_in_the_chapter_is_the_paper_table():
    text = (ROOT / "notebooks" / "01_warmup.ipynb").read_text(encoding="utf-8")
    lines = re.findall(r'"    \\"([a-z ]+)\\": \(([\d.]+), ([\d.]+)\),\\n"', text)
    assert {name: (float(error), float(sd)) for name, error, sd in lines} == GOYAL


def test_order_of_the_arms_is_that_of_the_paper(warmup):
    errors = {arm: 1 - mean(warmup.values(arm)) for arm in GOYAL}
    assert sorted(errors, key=errors.get) == sorted(GOYAL, key=lambda arm: GOYAL[arm][0])


def test_verdicts_that_the_chapter_explains(warmup):
    assert warmup.verdict("gradual warmup") == "helps"
    assert warmup.verdict("constant warmup") == "hurts"
    modest = "modest rate, no warmup"
    assert warmup.difference("modest rate, gradual warmup", baseline=modest).verdict == "hurts"
    assert warmup.difference(modest, baseline="gradual warmup").verdict == "helps"


def test_the_spike_after_constant_warmup(warmup):
    peaks = warmup.difference("constant warmup", "peak_loss_after")
    assert peaks.low > 3  # nats above the arm without warmup
    assert mean(warmup.values("constant warmup", "peak_loss_during")) < 2.6


def test_loss_without_warmup_rises_in_most_runs(warmup):
    curves = warmup.values("no warmup", "loss").values()
    assert sum(max(curve[:10]) > 2.5 for curve in curves) > len(curves) / 2


def test_arms_of_one_rate_agree_after_the_warmup():
    for names in (
        ("no warmup", "constant warmup", "gradual warmup", "small batches"),
        ("modest rate, no warmup", "modest rate, gradual warmup"),
    ):
        schedules = [WARMUP.recipes[name].schedule for name in names]
        for time in (1.0, 1.5, 2.7, 3.99, 4.0):
            assert len({schedule(time) for schedule in schedules}) == 1


def test_one_seed_can_say_the_opposite_of_another():
    gaps = BASELINE.recorded().difference("half the rate").values
    assert min(gaps) < 0 < max(gaps)


def test_pairing_helps_as_the_chapter_says():
    recorded = BASELINE.recorded()
    a, b = recorded.values("baseline"), recorded.values("half the rate")
    centre = [(a[s] - mean(a)) * (b[s] - mean(b)) for s in recorded.seeds]
    assert sum(centre) > 0


def test_size_of_the_network_as_the_chapter_says():
    assert round(sum(p.numel() for p in small_resnet(1, 10).parameters()), -3) == 78_000


def test_at_least_five_seeds_everywhere():
    for chapter in CHAPTERS:
        if chapter.written:
            assert len(chapter.plan.recorded().seeds) >= 5


def test_lines_of_the_cards_can_be_parsed():
    for chapter in CHAPTERS:
        if chapter.written:
            ast.parse(chapter.line)


# --- Chapters 02 to 04 ---


def chapter_text(name):
    cells = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells)


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        (
            "02_linear_scaling",
            [  # Goyal et al. 2017, table 2a, and figure 3
                '"32": ("256 images, 0.1", 23.60, 0.12)',
                '"512, rate kept": ("8,192 images, 0.1", 41.67, 0.10)',
                '"512, square root": ("8,192 images, 0.1 · √32", 26.22, 0.03)',
                '"512, linear + warmup": ("8,192 images, 0.1 · 32", 23.74, 0.09)',
                "23.74 % error at 8,192 images",
                "24.79 % at 16,384, 27.55 % at 32,768 and 33.96 % at 65,536",
            ],
        ),
        (
            "03_decay",
            [  # Loshchilov & Hutter 2017, table 1; He, T. et al. 2019, table 6
                "| step, rate 0.1 | 4.24 | 20.33 |",
                "| step, rate 0.05 | 4.13 | 20.21 |",
                "| one cosine ($T_0=200$) | 3.86 | 19.98 |",
                "| $T_0=10$, doubling | 4.03 | 19.58 |",
                "| $T_0=1$, doubling | 4.09 | 19.74 |",
                "| ResNet-50-D | 77.16 | 77.91 |",
                "| Inception-V3 | 77.50 | 78.19 |",
                "| MobileNet | 71.90 | 72.83 |",
            ],
        ),
        (
            "04_adabound",
            [  # curves stored with the code of Luo et al. 2019
                "| SGD 0.1, momentum 0.9 | 92.64 | 94.64 | 92.99 | 94.32 |",
                "| Adam 0.001 | 92.27 | 92.96 | 93.01 | 93.36 |",
                "| AMSGrad | 93.18 | 93.27 | 93.35 | 93.52 |",
                "| AdaGrad 0.01 | 92.66 | 92.66 | 91.88 | 92.11 |",
                "| AdaBound | 94.86 | 95.03 | 94.83 | 94.89 |",
                "| AMSBound | 94.82 | 94.82 | 95.10 | 95.24 |",
            ],
        ),
        (
            "05_label_smoothing",
            [  # He, T. et al. 2019, table 6; Szegedy et al. 2016, section 7
                "| ResNet-50-D (He et al. 2019, table 6) | 77.91 | 78.31 |",
                "| Inception-V3 (He et al. 2019, table 6) | 78.19 | 78.40 |",
                "| MobileNet (He et al. 2019, table 6) | 72.83 | 72.93 |",
                '"about 0.2 % absolute" better',
            ],
        ),
        (
            "07_cutout",
            [  # DeVries & Taylor's repository; the last from Cubuk et al. 2018
                "| ResNet-18, CIFAR-10+ | 4.72 | 3.99 |",
                "| WRN-28-10, CIFAR-10+ | 3.87 | 3.08 |",
                "| Shake-Shake 26 2×96d, CIFAR-10+ | 2.86 | 2.56 |",
                "| ResNet-18, CIFAR-100+ | 22.46 | 21.96 |",
                "| WRN-28-10, CIFAR-100+ | 18.8 | 18.41 |",
                "| WRN-16-8, SVHN | 1.60 | 1.30 |",
                "| WRN-28-10, SVHN with 1,000 labels | 13.21 | 32.5 |",
            ],
        ),
        (
            "09_mixup",
            [  # Zhang et al. 2018; He, T. et al. 2019, table 6; Yun et al. 2019
                "| PreAct-ResNet-18, CIFAR-10, α = 1 | 5.6 | 4.2 |",
                "| WRN-28-10, CIFAR-10 | 3.8 | 2.7 |",
                "| PreAct-ResNet-18, CIFAR-100 | 25.6 | 21.1 |",
                "| ResNet-50, ImageNet, 90 epochs, α = 0.2 | 23.5 | 23.3 |",
                "| ResNet-50, ImageNet, 200 epochs, α = 0.2 | 23.6 | 22.1 |",
                "mixup takes ResNet-50-D from 78.31 to 79.15 % top-1",
                "23.68 % error without, 22.58 with mixup, 21.40 with CutMix",
            ],
        ),
    ],
)
def test_figures_of_the_papers_are_the_papers(name, rows):
    text = chapter_text(name)
    for row in rows:
        assert row in text


@pytest.fixture(scope="module")
def scaling():
    return CHAPTERS[2].plan.recorded()


def test_the_rules_at_512_end_in_the_order_of_the_derivation(scaling):
    ends = [mean(scaling.values(arm, "train_loss")) for arm in ("32", *SCALED)]
    assert ends == sorted(ends)
    for arm in SCALED:
        assert scaling.difference(arm, "train_loss", baseline="32").low > 0  # none reaches 32


SCALED = ("512, linear", "512, linear + warmup", "512, square root", "512, rate kept")


def test_warmup_does_not_help_at_this_rate(scaling):
    for size in (64, 128, 256, 512):
        arms = f"{size}, linear + warmup", f"{size}, linear"
        gap = scaling.difference(arms[0], "train_loss", baseline=arms[1])
        assert gap.verdict != "helps"


def test_both_ways_in_which_the_rule_breaks(scaling):
    def behind(large, small, metric="train_loss"):
        return scaling.difference(large, metric, baseline=small)

    usual = behind("512, linear + warmup", "32")
    assert behind("512, linear + warmup, rate x 4", "32, rate x 4").low > usual.high
    longer = behind("512, linear + warmup, 24 epochs", "32, 24 epochs", "accuracy")
    assert abs(longer.mean) < 0.25 * abs(behind("512, linear + warmup", "32", "accuracy").mean)
    beyond = [
        mean(scaling.values(f"{n}, linear + warmup", "train_loss")) for n in (512, 1024, 2048)
    ]
    assert beyond[0] < beyond[1] < beyond[2]


def test_test_accuracy_lags_after_few_steps(scaling):
    """Why chapter 02 compares training losses: running averages that lag spoil the evaluation."""
    nll = mean(scaling.values("2048, linear + warmup", "nll"))
    assert nll > 3 * mean(scaling.values("2048, linear + warmup", "train_loss"))


@pytest.fixture(scope="module")
def decay():
    return CHAPTERS[3].plan.recorded()


def test_a_cosine_beats_constant_rate_and_steps_but_not_the_line(decay):
    for epochs in (2, 5, 15):
        for shape in ("constant", "step"):
            gap = decay.difference(f"cosine, {epochs} epochs", baseline=f"{shape}, {epochs} epochs")
            assert gap.verdict == "helps"
        gap = decay.difference(f"cosine, {epochs} epochs", baseline=f"linear, {epochs} epochs")
        assert gap.verdict != "helps"


def test_falling_helps_by_three_to_six_points(decay):
    for epochs in (2, 5, 15):
        gap = decay.difference(f"cosine, {epochs} epochs", baseline=f"constant, {epochs} epochs")
        assert 0.03 < gap.mean < 0.065


def test_restarts_and_snapshots_gain_no_accuracy(decay):
    for arm in ("restarts 5 + 5 + 5", "restarts 1 + 2 + 4 + 8"):
        for metric in ("accuracy", "ensemble_accuracy"):
            gap = decay.difference(arm, metric, baseline="cosine, 15 epochs")
            assert gap.verdict == "no difference seen"


def test_chosen_rates_at_an_edge_are_named_in_the_chapter():
    module = CHAPTERS[3].module
    edge = set()
    for group, arm in module.CHOSEN.items():
        rates = [recipe.lr for recipe in module.GROUPS[group].values()]
        if module.GROUPS[group][arm].lr in (min(rates), max(rates)):
            edge.add(group)
    assert edge == {"linear, 15 epochs", "cosine, 15 epochs", "step, 15 epochs"}
    text = chapter_text("03_decay")
    assert "the 0.2 of cosine and line at 15 epochs is still at an edge" in text
    assert "the steps' 0.025 at 15 epochs is at the lower edge of their three rates" in text
    found = module.TUNING.recorded()
    tries = {arm: mean(found.values(arm)) for arm in module.GROUPS["step, 15 epochs"]}
    tied = [arm for arm, value in tries.items() if value == max(tries.values())]
    assert len(tied) == 2
    assert "rate 0.1, a tenth at 1/2 and 3/4" in tied[1]
    assert "tied at 85.62 % with 0.1 and the other milestones" in text
    assert f"{max(tries.values()):.2%}" == "85.62%"


def test_the_line_beats_the_steps_too(decay):
    for epochs in (2, 5, 15):
        gap = decay.difference(f"linear, {epochs} epochs", baseline=f"step, {epochs} epochs")
        assert gap.verdict == "helps"


def test_restarts_are_better_in_likelihood_than_one_cosine(decay):
    for arm in ("restarts 5 + 5 + 5", "restarts 1 + 2 + 4 + 8"):
        gap = decay.difference(arm, "nll", baseline="cosine, 15 epochs")
        assert gap.verdict == "helps"


@pytest.fixture(scope="module")
def adabound():
    return CHAPTERS[4].plan.recorded()


def test_adabound_is_ahead_of_sgd_by_half_a_point_and_of_nobody_else(adabound):
    gap = adabound.difference("AdaBound, tuned", baseline="SGD, tuned")
    assert gap.verdict == "helps"
    assert 0.004 < gap.mean < 0.006
    wide = stats.ttest_1samp(gap.values, 0).confidence_interval(0.99)
    assert wide.low < 0  # a hint, not more: five comparisons were made
    for arm, baseline in (
        ("AdaBound, tuned", "Adam, tuned"),
        ("AdaBound, as published", "SGD, as published"),
        ("AdaBound, as published", "Adam, as published"),
        ("AMSBound, as published", "SGD, as published"),
    ):
        assert adabound.difference(arm, baseline=baseline).verdict == "no difference seen"


def test_the_chosen_settings_that_chapter_04_names():
    module = CHAPTERS[4].module
    assert module.CHOSEN["SGD"] == "SGD, rate 0.08"
    assert "limit 1.0" in module.CHOSEN["AdaBound"]
    rates = [recipe.lr for recipe in module.GROUPS["Adam"].values()]
    assert module.GROUPS["Adam"][module.CHOSEN["Adam"]].lr == max(rates)  # at the edge
    found = module.TUNING.recorded()
    tried = {arm: mean(found.values(arm)) for arm in module.GROUPS["AdaBound"]}
    best = max(tried.values())
    assert [arm.partition(", gamma")[0] for arm, value in tried.items() if value == best] == [
        "AdaBound, rate 0.01, limit 1.0"
    ] * 2
    winners = [mean(found.values(arm)) for arm in module.CHOSEN.values()]
    assert max(winners) - min(winners) < 0.0025


# --- Chapters 05, 07 and 09 ---


@pytest.fixture(scope="module")
def smoothing():
    names = ("by heart", "honest", "overtrained", "wrong labels")
    return dict(zip(names, (p.recorded() for p in CHAPTERS[5].plan.parts), strict=True))


def test_smoothing_mends_three_settings_and_ruins_the_honest_one(smoothing):
    for name, found in smoothing.items():
        for arm in ("ε = 0.05", "ε = 0.1"):
            verdict = found.difference(arm, "ece").verdict
            assert verdict == ("hurts" if name == "honest" else "helps")
        confidence, accuracy = (
            mean(found.values("ε = 0.4", m)) for m in ("confidence", "accuracy")
        )
        assert confidence < accuracy - 0.2  # too much makes everybody timid


def test_the_logit_gap_is_where_the_derivation_puts_it(smoothing):
    for epsilon in (0.05, 0.1, 0.2, 0.4):
        gap = mean(smoothing["by heart"].values(f"ε = {epsilon:g}", "logit_gap"))
        assert gap == pytest.approx(math.log(1 + 10 * (1 - epsilon) / epsilon), abs=0.05)


def test_with_a_temperature_hard_labels_have_the_better_likelihood(smoothing):
    for found in smoothing.values():
        assert found.difference("ε = 0.1", "nll_tempered").verdict == "hurts"


def test_a_temperature_calibrates_without_smoothing(smoothing):
    for name, found in smoothing.items():
        before, after = (mean(found.values("ε = 0", m)) for m in ("ece", "ece_tempered"))
        assert after < (0.02 if name == "honest" else before / 2)
        assert (mean(found.values("ε = 0", "temperature")) > 1.5) == (name != "honest")


def test_what_chapter_05_says_of_accuracy(smoothing):
    verdicts = {
        (name, arm): found.difference(arm).verdict
        for name, found in smoothing.items()
        for arm in ("ε = 0.1", "ε = 0.2")
    }
    assert verdicts == {
        ("by heart", "ε = 0.1"): "helps",
        ("by heart", "ε = 0.2"): "helps",
        ("honest", "ε = 0.1"): "no difference seen",
        ("honest", "ε = 0.2"): "helps",
        ("overtrained", "ε = 0.1"): "no difference seen",
        ("overtrained", "ε = 0.2"): "helps",
        ("wrong labels", "ε = 0.1"): "hurts",
        ("wrong labels", "ε = 0.2"): "helps",
    }
    assert smoothing["by heart"].difference("ε = 0.1").mean > 0.01
    assert smoothing["wrong labels"].difference("ε = 0.1").mean < -0.005


def test_bins_of_a_record_hold_all_test_images(smoothing):
    for found in smoothing.values():
        for arm in found.recipes:
            for seed, images in found.values(arm, "bin_images").items():
                assert sum(images) == 5000
                hits = sum(found.values(arm, "bin_hits")[seed])
                assert hits / 5000 == pytest.approx(found.values(arm, "accuracy")[seed])


@pytest.fixture(scope="module")
def cutout():
    return CHAPTERS[7].plan.recorded()


def test_cutout_helps_where_something_is_hidden_and_not_elsewhere(cutout):
    for arm, verdict in (
        ("cutout 8", "no difference seen"),
        ("cutout 14", "no difference seen"),
        ("cutout 20", "hurts"),
    ):
        assert cutout.difference(arm).verdict == verdict
        assert cutout.difference(arm, "accuracy_hidden_14").mean > 0.15
        assert cutout.difference(arm, "nll").verdict == "helps"
    assert cutout.difference("cutout 20").mean < -0.005


def test_robustness_is_to_the_fill_of_the_training(cutout):
    grey, black = "accuracy_hidden_14", "accuracy_hidden_14_black"
    assert cutout.difference("cutout 14", grey).mean > 0.2
    assert cutout.difference("cutout 14", black).mean < 0.06
    assert cutout.difference("cutout 14, black", black).mean > 0.2
    assert cutout.difference("cutout 14, black", grey).mean < 0.06
    noise = cutout.difference("cutout 14", "accuracy_hidden_14_noise").mean
    assert 0.06 < noise < 0.2  # "something in between"


def test_cutout_helps_on_whole_images_after_a_long_training(cutout):
    found = CHAPTERS[7].module.LONG.recorded()
    for arm in ("cutout 8", "cutout 14"):
        assert found.difference(arm).verdict == "helps"
        assert found.difference(arm, "nll").verdict == "no difference seen"
    assert f"{100 * found.difference('cutout 14').mean:.2f}" == "0.95"
    assert mean(found.values("none", "train_loss")) < 0.0025
    assert abs(mean(found.values("none")) - mean(cutout.values("none"))) < 0.003


def test_half_a_digit_and_more_helps_by_half_a_point():
    found = CHAPTERS[7].module.DIGITS.recorded()
    for arm in ("cutout 4", "cutout 6"):
        gap = found.difference(arm)
        assert gap.verdict == "helps" and 0.004 < gap.mean < 0.007
    assert found.difference("cutout 2").verdict == "no difference seen"
    assert 0.03 < 1 - mean(found.values("none")) < 0.035  # "the three that are missing"


def test_a_hidden_tag_is_believed_in_as_bayes_rule_says():
    found = CHAPTERS[7].module.TAGS.recorded()
    for size in (8, 14, 20):
        a = size // 2
        h = ((3 + a - max(0, 5 - a)) / 28) ** 2
        belief = mean(found.values(f"cutout {size}, black", "belief_without"))
        assert 0 < belief - 0.9 * h / (0.9 * h + 0.1) < 0.11
        assert mean(found.values(f"cutout {size}, mean")) > 0.99
    accuracy = mean(found.values("cutout 14, black"))
    assert 0.75 < 2 * (1 - accuracy) < 0.85  # "four out of five untagged images"


@pytest.fixture(scope="module")
def mixup():
    return {part.slug: part.recorded() for part in CHAPTERS[9].plan.parts}


def test_mixup_mends_confidence_and_cutmix_accuracy_at_300_images(mixup):
    few, noisy = mixup["mixup-few"], mixup["mixup-noisy"]
    for arm in ("mixup 0.2", "mixup 1"):
        assert few.difference(arm).verdict == "no difference seen"
        for metric in ("ece", "nll"):
            assert few.difference(arm, metric).verdict == "helps"
    assert few.difference("cutmix 1").mean == pytest.approx(0.02, abs=0.002)
    assert noisy.difference("cutmix 1").mean == pytest.approx(0.06, abs=0.004)


def test_no_alpha_keeps_wrong_labels_from_being_learnt(mixup):
    noisy = mixup["mixup-noisy"]
    for arm in ("mixup 0.2", "mixup 1", "mixup 8"):
        assert noisy.difference(arm).verdict == "no difference seen"
    for arm in noisy.recipes:
        assert min(noisy.values(arm, "train_accuracy").values()) > 0.99


def test_mixing_hurts_a_short_training_and_helps_a_long_one(mixup):
    found, verdicts = mixup["mixup"], {}
    for epochs in (4, 16, 64):
        for mix in ("mixup 0.2", "mixup 1", "cutmix 1"):
            gap = found.difference(f"{mix}, {epochs} epochs", baseline=f"none, {epochs} epochs")
            verdicts[epochs, mix] = gap.verdict
    assert {verdicts[4, mix] for _, mix in verdicts} == {"hurts"}
    assert {verdicts[64, mix] for _, mix in verdicts} == {"helps"}
    assert verdicts[16, "mixup 1"] == "no difference seen"
    assert verdicts[16, "mixup 0.2"] == verdicts[16, "cutmix 1"] == "helps"


def test_which_training_images_are_learnt_when(mixup):
    """The reason that chapter 09 gives for the change of sign."""
    found = mixup["mixup"]
    assert mean(found.values("none, 4 epochs", "train_accuracy")) < 0.9
    assert mean(found.values("none, 16 epochs", "train_accuracy")) > 0.999
    for epochs in (4, 16):
        latest = mean(found.values(f"cutmix 1, {epochs} epochs", "train_accuracy"))
        for mix in ("none", "mixup 0.2", "mixup 1"):
            assert latest < mean(found.values(f"{mix}, {epochs} epochs", "train_accuracy"))
    for mix in ("mixup 0.2", "mixup 1"):
        assert mean(found.values(f"{mix}, 64 epochs", "ece")) < 0.035


def test_figures_in_the_sentences_of_chapter_05_are_the_records(smoothing):
    text = chapter_text("05_label_smoothing")
    noisy, honest = smoothing["wrong labels"], smoothing["honest"]
    tempered, best = noisy.mean("ε = 0", "ece_tempered"), noisy.mean("ε = 0.1", "ece")
    assert f"stops at {100 * tempered:.1f} points, against {100 * best:.1f}" in text
    assert f"better: {100 * best:.1f} points of ECE against {100 * tempered:.1f}" in text
    loss, gain = noisy.difference("ε = 0.1"), smoothing["by heart"].difference("ε = 0.1")
    assert f"a loss of {-100 * loss.mean:.1f} points (wrong labels)" in text
    assert f"a gain of {100 * gain.mean:.1f} (by heart)" in text
    assert "our honest network got seventeen" in text
    assert round(100 * honest.mean("ε = 0.2", "ece")) == 17


def test_figures_in_the_sentences_of_chapter_07_are_the_records(cutout):
    text = chapter_text("07_cutout")
    gains = [
        100 * cutout.difference(arm, f"accuracy_hidden_14{fill}").mean
        for arm, fill in (("cutout 14", ""), ("cutout 14", "_black"), ("cutout 14", "_noise"))
    ]
    assert "of {:.1f} points, {:.0f} are left for a black one and {:.0f}".format(*gains) in text
    more = 100 * cutout.difference("cutout 20", "accuracy_hidden_14_black").mean
    assert f"({more:.0f} points for black with cutout 20)" in text
    gap = CHAPTERS[7].module.LONG.recorded().difference("cutout 14")
    interval = f"[{100 * gap.low:.2f}, {100 * gap.high:.2f}]"
    assert f"{100 * gap.mean:.2f} points {interval} after 48 epochs" in text


def test_figures_in_the_sentences_of_chapter_09_are_the_records(mixup):
    whole, few = mixup["mixup"], mixup["mixup-few"]
    assert round(100 * few.mean("none", "ece")) == 14  # "from fourteen points to two or three"
    for mix in ("mixup 0.2", "mixup 1"):
        assert round(100 * few.mean(mix, "ece")) in (2, 3)
        assert round(100 * whole.mean(f"{mix}, 64 epochs", "ece")) in (2, 3)
    assert whole.mean("none, 64 epochs", "ece") > 0.11  # "from more than eleven"
    assert round(100 * whole.mean("none, 4 epochs", "ece")) == 2
    short = [whole.mean(f"{mix}, 4 epochs", "ece") for mix in ("mixup 0.2", "mixup 1", "cutmix 1")]
    assert min(short) > 0.05 and max(short) < 0.105  # "between five and about ten"
    floor = (1 - (1 / 50 + 49 / 50 * 0.1)) * 0.5
    assert 0.15 < whole.mean("mixup 1, 64 epochs", "train_loss") - floor < 0.2  # "nearly a fifth"
