"""What the chapters say in words, compared with what is recorded and with the papers."""

import ast
import re
from pathlib import Path

import pytest

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
