"""A study on images of your own as files: a page to read and hand on, and its numbers.

`report.html` needs no network, no script and no other file. `results.json` has the same numbers for
programs. It is JSON without NaN (null stands for what is not a finite number), and `version` grows
when a key changes its meaning or goes:

- `format` ("tricks_lib study"), `version` (1), `made` (date and time, UTC), `command`;
- `data`: `name`, `fingerprint`, `classes`, `images` of each split;
- `learnt`: the fields of `learnt.Learnt`, `answer` and `compared` in words;
- `baseline`, `best` (by validation images, or null), `seeds`, `smallest`, `comparisons`,
  `detectable`, `image_margin`, `minutes_per_run`: the fields of `reading.Reading`;
- `arms`: the fields of `reading.Row`, with `recipe`; a difference has `mean`, `low`, `high`, and
  `values` by pair of runs. `word` and `action` are null if the baseline has not learnt;
- `classes`, `confused`: the fields of `reading.ClassRow` and `reading.Confused`;
- `todo`: what to do now, a sentence each;
- `runs`: by arm, then seed, all that `measure.with_details` kept; null for a run that diverged;
- `provenance`: device, versions, hashes of code and seconds, as the study wrote them.

Accuracies are shares, not per cent; differences in accuracy too.

Chapter: notebooks/20_own_images.ipynb
"""

import base64
import io
import json
import math
import os
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import LogLocator, NullLocator

from ..lab import figures
from ..lab.data import Data
from ..lab.study import ACCURACY, ECE, NLL, Difference, StudyResult, Table
from .learnt import figures_of
from .reading import LEGEND, MEANINGS, Reading, Row, show, show_difference

__all__ = ["FORMAT", "VERSION", "results", "write_report"]

FORMAT = "tricks_lib study"
VERSION = 1

NAMED = 12
"""Up to so many classes, a confusion matrix has room for names and numbers."""

LONGEST = 18
"""Letters of a name in a picture; the tables have all of it."""


@dataclass(frozen=True)
class Picture:
    """A figure of the report.

    Args:
        file: its name in the folder `plots`, without an ending.
        alt: what it shows, in words, for whoever does not see it.
        caption: what stands below it.
        svg: the picture itself.
    """

    file: str
    alt: str
    caption: str
    svg: bytes

    @property
    def address(self) -> str:
        """The picture as an address, which needs no other file."""
        return "data:image/svg+xml;base64," + base64.b64encode(self.svg).decode()


def write_report(
    folder: str | os.PathLike,
    result: StudyResult,
    reading: Reading,
    data: Data,
    command: str,
) -> Path:
    """Write `report.html`, `results.json`, and the pictures into `plots`, as SVG and PNG.

    What stood there under these names is replaced, each file as a whole.

    Args:
        folder: where to; it is made if need be.
        result: the study.
        reading: what `read` says of it.
        data: what it was made on.
        command: what made it, as typed at a terminal; "" if something else did.

    Returns:
        The path of `report.html`.

    Raises:
        OSError: if the folder cannot be written.
    """
    folder = Path(folder).expanduser()
    (folder / "plots").mkdir(parents=True, exist_ok=True)
    made = datetime.now(UTC).replace(microsecond=0)
    pictures = {}
    for name, picture, png in _pictures(result, reading, data):
        pictures[name] = picture
        _replace(folder / "plots" / f"{picture.file}.svg", picture.svg)
        _replace(folder / "plots" / f"{picture.file}.png", png)
    found = results(result, reading, data, command, made)
    text = json.dumps(found, ensure_ascii=False, allow_nan=False, indent=1)
    _replace(folder / "results.json", text.encode("utf-8", "replace"))
    page = _page(result, reading, data, command, made, pictures)
    path = folder / "report.html"
    _replace(path, page.encode("utf-8", "replace"))  # a name of a file may be no UTF-8
    return path


def _replace(path: Path, content: bytes) -> None:
    """Write a file as a whole: an interruption leaves the old one."""
    draft = path.with_name(path.name + ".tmp")
    draft.write_bytes(content)
    draft.replace(path)


# --- Numbers ---


def results(
    result: StudyResult, reading: Reading, data: Data, command: str, made: datetime
) -> dict[str, Any]:
    """Return what `results.json` holds; see the top of this file."""
    rows = []
    for row in reading.rows:
        told = _fields(row)
        for name in ("difference", "nll_difference", "ece_difference"):
            told[name] = _difference(getattr(row, name))
        rows.append({**told, "recipe": result.recipes[row.arm]})
    whole = {
        "format": FORMAT,
        "version": VERSION,
        "made": made.isoformat(),
        "command": command,
        "data": {
            "name": data.name,
            "fingerprint": _fingerprint(result, data),
            "classes": data.classes,
            "images": {name: len(split) for name, split in data.splits.items()},
        },
        "learnt": {
            **asdict(reading.learnt),
            "answer": reading.learnt.answer,
            "compared": reading.learnt.compared,
        },
        **{
            name: getattr(reading, name)
            for name in ("baseline", "best", "seeds", "smallest", "comparisons", "detectable")
        },
        "image_margin": reading.image_margin,
        "minutes_per_run": reading.minutes_per_run,
        "arms": rows,
        "classes": [
            {**_fields(row), "difference": _difference(row.difference)} for row in reading.classes
        ],
        "confused": [_fields(pair) for pair in reading.confused],
        "todo": reading.todo,
        "runs": {
            arm: {str(seed): run for seed, run in sorted(runs.items())}
            for arm, runs in result.runs.items()
        },
        "provenance": {**result.provenance, "tricks_lib": _version()},
    }
    plain: dict[str, Any] = _plain(whole)
    return plain


def _fields(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass; a difference has a form of its own."""
    told = {name: getattr(value, name) for name in value.__dataclass_fields__}
    return {
        name: asdict(part) if hasattr(part, "__dataclass_fields__") else part
        for name, part in told.items()
        if not isinstance(part, Difference)
    }


def _difference(gap: Difference | None) -> dict[str, Any] | None:
    if gap is None:
        return None
    return {name: getattr(gap, name) for name in ("mean", "low", "high", "values")}


def _plain(value: Any) -> Any:
    """Return what JSON can hold; null for a number that is not finite."""
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _fingerprint(result: StudyResult, data: Data) -> str:
    return str(result.provenance.get("data_fingerprint") or data.fingerprint())


# --- The page ---


def _page(
    result: StudyResult,
    reading: Reading,
    data: Data,
    command: str,
    made: datetime,
    pictures: Mapping[str, Picture],
) -> str:
    # Whatever comes from outside, such as the name of a class, is escaped by the environment.
    page = Environment(
        loader=PackageLoader("tricks_lib.practice", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template("report.html.jinja")
    words = {row.word for row in reading.rows}
    return page.render(
        reading=reading,
        learnt=reading.learnt,
        data=data,
        splits={name: f"{len(split):,}" for name, split in data.splits.items()},
        rows=[_cells(row, reading) for row in reading.rows],
        legend=LEGEND,
        meanings={word: text for word, text in MEANINGS.items() if word in words},
        class_table=_numbered(reading) if reading.classes else None,
        confused_table=reading.confused_table() if reading.confused else None,
        pictures=pictures,
        recipes=result.recipes,
        facts=_facts(result, reading, data, made),
        command=command,
    )


def _cells(row: Row, reading: Reading) -> dict[str, Any]:
    """Return the texts of a row of the table."""
    gaps = row.difference, row.nll_difference, row.ece_difference
    return {
        "row": row,
        "runs": str(row.runs) + (f" ({row.diverged} diverged)" if row.diverged else ""),
        "accuracy": show(ACCURACY, row.accuracy),
        "nll": show(NLL, row.nll),
        "ece": show(ECE, row.ece),
        "gap": show_difference(gaps[0]),
        "nll_gap": "" if gaps[1] is None else str(gaps[1]),
        "ece_gap": show_difference(gaps[2]),
        "images": ""
        if row.image_margin is None
        else f"± {100 * row.image_margin:.2f} points" + ("" if row.paired_images else " at most"),
        "both": _with_seeds(row),
        "best": row.arm == reading.best,
    }


def _with_seeds(row: Row) -> str:
    """Say what seeds and test images leave open together, where that says something."""
    if row.both_margin is None or row.both_margin > 1:
        return ""
    at_most = "" if row.paired_images else " at most"
    return f"with the seeds ± {100 * row.both_margin:.2f} points{at_most}"


def _numbered(reading: Reading) -> Table:
    """Put the number of its class before each row, which large pictures show instead of names."""
    table = reading.class_table()
    rows = [[str(told.number), *row] for told, row in zip(reading.classes, table.rows, strict=True)]
    return Table(["label", *table.header], rows)


def _facts(
    result: StudyResult, reading: Reading, data: Data, made: datetime
) -> list[tuple[str, str]]:
    """Say where the numbers come from."""
    known = result.provenance
    images = ", ".join(f"{len(split):,} {name}" for name, split in data.splits.items())
    runs = sum(map(len, result.runs.values()))
    facts = [
        ("Made", f"{made:%Y-%m-%d %H:%M} UTC"),
        ("Data", f"{data.name}: {images} images, {data.num_classes} classes"),
        ("Fingerprint of the data", _fingerprint(result, data)),
        ("Seeds", ", ".join(map(str, reading.seeds))),
        ("Runs", f"{runs:,}, in {_clock(known['seconds'])}" if "seconds" in known else f"{runs:,}"),
        ("Device", f"{known['device']}, threads: {known['threads']}" if "device" in known else ""),
        (
            "Versions",
            ", ".join(
                f"{name} {version}"
                for name, version in (
                    ("tricks_lib", _version()),
                    ("torch", known.get("torch")),
                    ("Python", known.get("python")),
                )
                if version
            ),
        ),
        ("Measure", f"{known.get('measure', '')} {known.get('measure_code', '')}".strip()),
    ]
    return [(name, text) for name, text in facts if text]


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02} h of computing"


# --- Pictures ---


def _pictures(
    result: StudyResult, reading: Reading, data: Data
) -> Iterator[tuple[str, Picture, bytes]]:
    """Draw what there is to draw: each figure with its name, as SVG and as PNG."""
    with plt.rc_context(), warnings.catch_warnings():
        # A letter that the font lacks is a box in a picture; the tables have it.
        warnings.filterwarnings("ignore", message="Glyph")
        figures.use_style()
        plt.rcParams["svg.hashsalt"] = "report"  # the same study, the same file
        compared = {row.arm: row.difference for row in reading.rows if row.difference is not None}
        drawn = {arm: gap for arm, gap in compared.items() if len(gap.values) > 1}
        if reading.learnt.yes and drawn:
            yield "differences", *_drawn(_dots(drawn), "differences", *_dots_told(reading, drawn))
        curves = {arm: figures_of(result, arm, "curve") for arm in result.runs}
        curves = {arm: found for arm, found in curves.items() if any(found)}
        if curves:
            figure = _curves(curves, reading.baseline)
            yield "curves", *_drawn(figure, "curves", *_curves_told(curves, reading.baseline))
        for name, arm in (
            ("confusion_baseline", reading.baseline),
            ("confusion_best", reading.best),
        ):
            found = figures_of(result, arm, "confusion") if arm else []
            if not found or (name == "confusion_best" and arm == reading.baseline):
                continue
            shares = _shares(np.sum(found, axis=0))
            figure = _confusion(shares, data.classes)
            told = _confusion_told(shares, data.classes, str(arm), len(found))
            yield name, *_drawn(figure, name.replace("_", "-"), *told)


def _drawn(figure: Figure, file: str, alt: str, caption: str) -> tuple[Picture, bytes]:
    svg, png = io.BytesIO(), io.BytesIO()
    figure.savefig(svg, format="svg", metadata={"Date": None})
    figure.set_layout_engine("none")  # what was laid out once
    figure.savefig(png, format="png", dpi=160)
    return Picture(file, alt, caption, svg.getvalue()), png.getvalue()


def _figure(height: float) -> Figure:
    """Return a figure that no window knows of, so that no screen is needed."""
    return Figure(figsize=(figures.COLUMN, height), layout="constrained")


def _dots(differences: Mapping[str, Difference]) -> Figure:
    figure = _figure(2.0)
    named = {_name(arm, longest=60): gap for arm, gap in differences.items()}
    figures.difference_dots(figure.add_subplot(), named)
    return figure


def _dots_told(reading: Reading, drawn: Mapping[str, Difference]) -> tuple[str, str]:
    alt = "; ".join(f"{arm}: {gap}, {gap.verdict}" for arm, gap in drawn.items())
    return (
        f"Difference of each arm from {reading.baseline} in test accuracy. {alt}.",
        f"Each arm against {reading.baseline}: a dot for every seed, and the mean with its "
        f"interval. The grey band is ± {100 * reading.smallest:.4g} points, the smallest "
        "difference that matters.",
    )


def _curves(curves: Mapping[str, list[list[float]]], baseline: str) -> Figure:
    """Draw a panel for each arm, with the baseline behind it."""
    arms = [arm for arm in curves if arm != baseline] or [baseline]
    columns = min(2, len(arms))
    rows = -(-len(arms) // columns)
    figure = _figure(1.0 + 1.7 * rows)
    panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
    for spare in panels.flat[len(arms) :]:
        spare.remove()
    for panel, arm in zip(panels.flat, arms, strict=False):
        if baseline in curves:
            _curve(panel, curves[baseline], figures.GREY)
        if arm != baseline:
            _curve(panel, curves[arm], figures.BLUE)
        panel.set_title(_name(arm, longest=50 if columns == 1 else 22), loc="left")
        panel.set_yscale("log")
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.yaxis.set_major_formatter(lambda loss, _: f"{loss:g}")
        panel.yaxis.set_minor_locator(NullLocator())
    figure.supxlabel("epoch")
    figure.supylabel("training loss (nats)")
    return figure


def _curve(panel: Any, runs: list[list[float]], colour: str) -> None:
    """Draw the mean over the runs, and from the lowest to the highest, epoch by epoch."""
    epochs = range(max(map(len, runs)))
    found = [[run[epoch] for run in runs if epoch < len(run)] for epoch in epochs]
    shown = [max(np.mean(values), 1e-6) for values in found]  # a logarithm has no 0
    at = [epoch + 1 for epoch in epochs]
    low, high = ([max(of(values), 1e-6) for values in found] for of in (min, max))
    panel.fill_between(at, low, high, color=colour, alpha=0.2, lw=0)
    panel.plot(at, shown, color=colour, marker="o" if len(at) == 1 else None)


def _curves_told(curves: Mapping[str, list[list[float]]], baseline: str) -> tuple[str, str]:
    ends = "; ".join(
        f"{arm} from {np.mean([run[0] for run in runs if run]):.3f} "
        f"to {np.mean([run[-1] for run in runs if run]):.3f}"
        for arm, runs in curves.items()
    )
    return (
        f"Mean training loss of each epoch, in nats: {ends}.",
        f"Training loss of each arm (blue) and of {baseline} (grey): mean over the seeds, and from "
        "the lowest to the highest. An arm that changes images or labels has a harder task while "
        "it trains: its loss may lie higher though it is no worse.",
    )


def _shares(confusion: np.ndarray) -> np.ndarray:
    """Return which share of the images of each class (rows) was taken for which."""
    shares: np.ndarray = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    return shares


def _confusion(shares: np.ndarray, classes: tuple[str, ...]) -> Figure:
    few = len(classes) <= NAMED
    figure = _figure(4.6 if few else 5.0)
    ax = figure.add_subplot()
    # Few wrong answers would be white: the shade follows the square root.
    ax.imshow(shares, norm=PowerNorm(0.5, 0, 1), cmap="Blues")
    ax.grid(visible=False)
    if few:
        names = [_name(name, longest=LONGEST, number=i) for i, name in enumerate(classes)]
        places = range(len(classes))
        ax.set_xticks(places, names, rotation=90 if max(map(len, names)) > 3 else 0)
        ax.set_yticks(places, names)
        for row, column in np.ndindex(shares.shape) if len(classes) <= NAMED // 2 + 2 else ():
            ax.text(
                column,
                row,
                f"{100 * shares[row, column]:.0f}",
                ha="center",
                va="center",
                color="white" if shares[row, column] > 0.3 else "black",
            )
    ax.set_xlabel("taken for" + ("" if few else " (number of the class)"))
    ax.set_ylabel("images of" + ("" if few else " (number of the class)"))
    return figure


def _confusion_told(
    shares: np.ndarray, classes: tuple[str, ...], arm: str, runs: int
) -> tuple[str, str]:
    right = shares.diagonal()
    told = "; ".join(
        f"{name} {100 * share:.0f} %" for name, share in zip(classes, right, strict=True)
    )
    named = "" if len(classes) <= NAMED else " The table by class has the names to the numbers."
    return (
        f"Confusion matrix of {arm}. Share of the images of each class that is answered rightly: "
        f"{told}.",
        f"What {arm} takes the test images of each class (rows) for, in per cent of them, over "
        f"{runs} runs. On the diagonal stand the right answers.{named}",
    )


def _name(text: str, *, longest: int, number: int | None = None) -> str:
    """Return a name as a picture can show it.

    It is shortened, its dollars begin no formula, and where the font lacks a letter the number of
    the class stands for it.
    """
    letters = get_font(findfont(FontProperties())).get_charmap()
    if number is not None and any(ord(letter) not in letters for letter in text):
        return f"class {number}"
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    return text.replace("$", r"\$")


def _version() -> str:
    """Return that of the package, whose front door lies above this floor."""
    version: str = sys.modules[__name__.partition(".")[0]].__version__
    return version
