import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import matplotlib.pyplot as plt
import pytest

from tricks_lib.lab.study import StudyResult
from tricks_lib.practice.reading import read
from tricks_lib.practice.report import FORMAT, VERSION, write_report

from .simulated import result_of, simulated, some_data
from .test_reading import VERDICTS

STRANGE = ('<b>&"', "$x$ a|b 猫 " + "very long name " * 6)
COMMAND = "python -m tricks_lib study --data '<pets> & more'"
ARMS = {"baseline": 0.0, "good": 0.04, "bad<i>": -0.06, "nothing": 0.001}
DATA = some_data(STRANGE, each=1000, name="<pets> & more")


def parse(path):
    """Read a page as XML, which forgives nothing: each tag is closed, each sign is escaped."""
    text = path.read_text(encoding="utf-8").removeprefix("<!DOCTYPE html>")
    return ET.fromstring(text)


@pytest.fixture(scope="module")
def studied():
    result = simulated(ARMS, DATA)
    return result, read(result, DATA, frozen=0.9, strengths={"good": "Good(at=<0.2>)"})


@pytest.fixture(scope="module")
def folder(studied, tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "out"
    assert write_report(folder, *studied, DATA, COMMAND) == folder / "report.html"
    return folder


@pytest.fixture(scope="module")
def page(folder):
    return parse(folder / "report.html")


@pytest.fixture(scope="module")
def told(folder):
    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    text = (folder / "results.json").read_text(encoding="utf-8")
    return json.loads(text, parse_constant=refuse)


def text_of(node):
    return re.sub(r"\s+", " ", "".join(node.itertext())).strip()


def test_the_numbers_of_the_page_are_those_of_the_study(page, studied):
    result, reading = studied
    table = page.find(".//table[@class='cards']")
    rows = [line for line in table.iter("tr") if line.find("td") is not None]
    assert len(rows) == len(ARMS)
    for line, row in zip(rows, reading.rows, strict=True):
        cells = {cell.get("data-label"): text_of(cell) for cell in line.iter("td")}
        assert text_of(line.find("th")).startswith(row.arm)
        assert cells["accuracy"] == result.spread(row.arm)
        assert cells["NLL"].startswith(result.spread(row.arm, "nll"))
        assert cells["ECE"].startswith(result.spread(row.arm, "ece"))
        if row.arm != "baseline":
            gap = result.differences()[row.arm]
            assert cells["difference"] == str(gap)
            assert cells["verdict"] == gap.verdict
            told = f"± {100 * row.image_margin:.2f} points"
            told += f"with the seeds ± {100 * row.both_margin:.2f} points"
            assert cells["images leave"] == told


def test_what_to_do_comes_first(page, studied):
    _, reading = studied
    headings = [text_of(heading) for heading in page.iter("h2")]
    assert headings[0] == "What to do now"
    points = [text_of(point) for point in page.findall(".//ul[@class='todo']/li")]
    assert points == list(reading.todo)
    assert text_of(page.find(".//div[@class='answer']")).startswith("The baseline has learnt.")


def test_all_of_the_reading_is_on_the_page(page, studied):
    text = text_of(page)
    _, reading = studied
    for part in (reading.together, reading.power, reading.chosen, reading.learnt.compared):
        assert part in text
    for table in (reading.class_table(), reading.confused_table()):
        assert all(re.sub(r"\s+", " ", cell).strip() in text for row in table.rows for cell in row)


def test_names_are_shown_as_they_are(page, folder):
    text = text_of(page)
    for name in ('<b>&"', "bad<i>", "Good(at=<0.2>)", "<pets> & more", COMMAND, "猫"):
        assert name in text
    assert not {"b>&", "i", "pets"} & {node.tag for node in page.iter()}
    assert '<b>&"' not in (folder / "report.html").read_text(encoding="utf-8")


def test_the_page_stands_alone(page):
    for node in page.iter():
        assert node.tag not in ("script", "link", "iframe", "object")
        for name in ("src", "href", "srcset"):
            assert node.get(name, "data:").startswith("data:")
        assert not any(name.startswith("on") for name in node.attrib)
    style = text_of(page.find(".//style"))
    assert "url(" not in style and "@import" not in style
    assert "prefers-color-scheme: dark" in style


def test_every_picture_says_what_it_shows(page, studied):
    pictures = page.findall(".//figure/img")
    assert len(pictures) == 4
    result, _ = studied
    for picture in pictures:
        assert len(picture.get("alt")) > 40
    assert str(result.differences()["good"]) in pictures[0].get("alt")


def test_headings_and_tables_are_well_formed(page):
    assert next(node.tag for node in page.iter() if re.fullmatch(r"h\d", node.tag)) == "h1"
    for table in page.iter("table"):
        assert table.find("caption") is not None
        assert all(text_of(cell) for cell in table.iter("th"))
    identifiers = [node.get("id") for node in page.iter() if node.get("id")]
    assert len(identifiers) == len(set(identifiers))


def test_where_the_numbers_come_from(page, studied):
    result, _ = studied
    text = text_of(page)
    for part in ("0123456789abcdef", "torch 2.11", "Python 3.12", "cpu (x86_64)", "0, 1, 2, 3, 4"):
        assert part in text
    assert "0:40:00 h" in text  # 20 runs of 2 minutes
    assert all(recipe in text for recipe in result.recipes.values())


def test_pictures_are_files_too(folder):
    names = {path.name for path in (folder / "plots").iterdir()}
    parts = ("differences", "curves", "confusion-baseline", "confusion-best")
    assert names == {f"{part}.{ending}" for part in parts for ending in ("svg", "png")}
    for path in (folder / "plots").glob("*.svg"):
        assert ET.parse(path).getroot().tag.endswith("svg")
    assert not list(folder.rglob("*.tmp"))


def test_the_numbers_for_programs(told, studied):
    result, reading = studied
    assert (told["format"], told["version"]) == (FORMAT, VERSION)
    assert told["command"] == COMMAND
    assert told["data"]["classes"] == list(STRANGE)
    assert told["learnt"]["yes"] is True
    assert told["best"] == reading.best
    for arm, gap in result.differences().items():
        row = next(row for row in told["arms"] if row["arm"] == arm)
        assert row["difference"] == {
            "mean": gap.mean, "low": gap.low, "high": gap.high, "values": list(gap.values)
        }  # fmt: skip
        assert row["word"] == gap.verdict
        assert row["recipe"] == result.recipes[arm]
        assert row["accuracy"]["mean"] == result.mean(arm)
    assert told["runs"]["good"]["3"] == result.runs["good"][3]
    assert told["todo"] == list(reading.todo)
    assert len(told["classes"]) == 2


def test_the_key_of_every_arm_and_class_is_told_of(told):
    import tricks_lib.practice.report as report

    listed = set(re.findall(r"`(\w+)`", report.__doc__))
    assert set(told) <= listed | {"format", "version"}


def test_no_verdict_on_a_network_that_has_not_learnt(tmp_path):
    data = some_data(each=100)
    result = simulated(ARMS, data, base=0.5)
    path = write_report(tmp_path, result, read(result, data), data, "study")
    assert not VERDICTS.search(path.read_text(encoding="utf-8"))
    assert not VERDICTS.search((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert "The baseline has not learnt" in text_of(parse(path))
    assert not (tmp_path / "plots" / "differences.svg").exists()


def test_runs_that_diverged_are_no_numbers(tmp_path):
    base = simulated({"baseline": 0.0, "x": 0.0}, DATA, seeds=2)
    runs = base.runs | {"x": {0: None, 1: None}}
    result = result_of(runs, {"baseline": {}, "x": {0: 3, 1: 4}})
    path = write_report(tmp_path, result, read(result, DATA), DATA, "")
    assert "2 (2 diverged)" in text_of(parse(path))
    told = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert told["runs"]["x"] == {"0": None, "1": None}
    row = told["arms"][1]
    assert row["difference"]["low"] is row["accuracy"]["mean"] is None


def test_a_study_that_kept_less_has_a_report_too(tmp_path):
    few = {seed: {"accuracy": 0.9 + seed / 100, "nll": 0.3, "ece": 0.1} for seed in range(2)}
    result = result_of({"baseline": few, "x": few})
    result = replace(result, provenance={}, metrics=StudyResult({}, "", {}, {}, {}).metrics)
    path = write_report(tmp_path, result, read(result, DATA), DATA, "")
    assert DATA.fingerprint() in text_of(parse(path))


def test_an_older_report_is_replaced_and_the_style_of_others_left_alone(tmp_path, studied):
    before = dict(plt.rcParams)
    figures = plt.get_fignums()
    (tmp_path / "report.html").write_text("old")
    write_report(tmp_path, *studied, DATA, COMMAND)
    assert "old" not in (tmp_path / "report.html").read_text(encoding="utf-8")[:3]
    assert dict(plt.rcParams) == before
    assert plt.get_fignums() == figures


def test_many_classes_and_arms_have_room(tmp_path):
    data = some_data([f"class {number}" for number in range(15)], each=30)
    result = simulated({"baseline": 0.0} | {f"arm {n}": 0.01 * n for n in range(5)}, data, seeds=2)
    page = parse(write_report(tmp_path, result, read(result, data), data, ""))
    table = page.findall(".//div[@class='wide']/table")[0]
    labels = [text_of(line.find("td")) for line in table.iter("tr") if line.find("td") is not None]
    assert labels == [str(number) for number in range(15)]
