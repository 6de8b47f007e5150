import base64
import io
import json
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from tricks_lib.course.explore import explore


def draw_line(slope, kind="solid"):
    plt.plot([0, slope], ls=kind)


class Elements(HTMLParser):
    """The elements of a figure, in order, with their attributes and what stands in them."""

    def __init__(self, figure):
        super().__init__()
        self.found = []
        self.feed(figure._repr_mimebundle_()["text/html"])

    def handle_starttag(self, tag, attributes):
        self.found.append({"tag": tag, "text": "", **dict(attributes)})

    def handle_data(self, data):
        self.found[-1]["text"] += data

    def all(self, tag, **wanted):
        of_tag = [element for element in self.found if element["tag"] == tag]
        return [e for e in of_tag if all(e.get(k) == v for k, v in wanted.items())]


def elements(figure, tag, **wanted):
    return Elements(figure).all(tag, **wanted)


def pictures(figure):
    """The frames of an explorer, in the order of its axes."""
    return elements(figure, "img")


def seen(figure):
    """What the frames show that are not hidden."""
    return [picture["alt"] for picture in pictures(figure) if "hidden" not in picture]


def decode(frame):
    source = frame["src"].partition("base64,")[2]
    return Image.open(io.BytesIO(base64.b64decode(source)))


def test_a_frame_for_every_combination_in_order():
    figure = explore(draw_line, alt="{slope} {kind}", slope=[1, 2, 3], kind=["solid", "dashed"])
    alts = [frame["alt"] for frame in pictures(figure)]
    assert alts == [f"{s} {k}" for s in (1, 2, 3) for k in ("solid", "dashed")]
    assert len({frame["src"] for frame in pictures(figure)}) == 6
    assert seen(figure) == ["1 solid"]


def test_figure_starts_with_the_values_that_show_something():
    options = {"slope": [1, 2, 3], "kind": ["solid", "dashed"]}
    figure = explore(draw_line, alt="{slope} {kind}", start={"slope": 3}, size=(2, 1), **options)
    assert seen(figure) == ["3 solid"]
    (slider,) = elements(figure, "input")
    assert (slider["value"], slider["aria-valuetext"]) == ("2", "3")
    bundle = figure._repr_mimebundle_()
    assert bundle["text/plain"] == "3 solid"
    still = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    assert np.array_equal(np.asarray(still), np.asarray(decode(pictures(figure)[4]).convert("RGB")))


def test_frames_show_what_was_drawn():
    def draw(grey):
        figure = plt.gcf()
        figure.set_facecolor(str(grey))

    figure = explore(draw, alt="{grey}", size=(2, 1), grey=[0.0, 1.0])
    black, white = (np.asarray(decode(frame).convert("L")) for frame in pictures(figure))
    assert black.max() < 5
    assert white.min() > 250
    assert black.shape == (180, 360)


def test_a_figure_of_its_own_may_be_returned():
    def draw(width):
        return plt.figure(figsize=(width, 1))

    figure = explore(draw, alt="{width}", width=[1, 2])
    assert [decode(frame).width for frame in pictures(figure)] == [180, 360]
    assert plt.get_fignums() == []


def test_photographs_are_stored_small():
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)

    def draw(shift):
        plt.gca().imshow(np.roll(noise, shift), interpolation="nearest")

    figure = explore(draw, alt="{shift}", size=(4, 4), shift=[0, 1])
    raw = 720 * 720 * 3
    assert all(len(frame["src"]) < raw / 3 for frame in pictures(figure))


def test_numbers_get_a_slider_and_texts_get_buttons():
    figure = explore(draw_line, alt="", slope=[1, 2.5], kind=["solid", "dashed"])
    (slider,) = elements(figure, "input", type="range")
    assert json.loads(slider["data-texts"]) == ["1", "2.5"]
    assert (slider["min"], slider["max"], slider["value"]) == ("0", "1", "0")
    buttons = elements(figure, "button")
    assert [button["text"] for button in buttons] == ["solid", "dashed"]


def test_every_control_says_what_it_is_and_where_it_stands():
    figure = explore(draw_line, alt="", slope=[1, 2.5], kind=["solid", "dashed"])
    (slider,) = elements(figure, "input")
    assert (slider["aria-label"], slider["aria-valuetext"]) == ("slope", "1")
    (group,) = elements(figure, "div", role="group")
    assert group["aria-label"] == "kind"
    pressed = [button["aria-pressed"] for button in elements(figure, "button")]
    assert pressed == ["true", "false"]


def test_labels_and_player():
    figure = explore(draw_line, alt="", labels={"slope": "a < b"}, play="slope", slope=[1, 2, 3])
    assert [slider["aria-label"] for slider in elements(figure, "input")] == ["a < b"]
    (player,) = elements(figure, "button")
    assert player["text"].endswith("Play")
    assert player["aria-description"] == "a < b"


def test_keys_are_left_to_the_slider():
    """JupyterLab looks at the element that has the focus first, and takes its keys if it may."""
    figure = explore(draw_line, alt="", play="slope", slope=[1, 2], kind=["-", ":"])
    controls = elements(figure, "input") + elements(figure, "button")
    assert len(controls) == 4
    assert all(control["data-lm-suppress-shortcuts"] == "true" for control in controls)


def test_page_keeps_the_place_of_a_picture_free():
    figure = explore(draw_line, alt="", size=(2, 1), slope=[1, 2])
    assert {(p["width"], p["height"]) for p in pictures(figure)} == {("180", "90")}


def test_alt_text_is_escaped():
    figure = explore(draw_line, alt='"{slope}" <b>', slope=[1, 2])
    assert pictures(figure)[0]["alt"] == '"1" <b>'
    assert elements(figure, "b") == []


def test_alt_text_from_a_function():
    figure = explore(draw_line, alt=lambda slope: f"twice {2 * slope}", slope=[1, 2])
    assert pictures(figure)[1]["alt"] == "twice 4"


def test_no_figure_stays_open_even_after_an_error():
    def fail(slope):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        explore(fail, alt="", slope=[1, 2])
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "expected at least one axis"),
        ({"slope": [1]}, r"at least two values of slope, got \[1\]"),
        ({"slope": range(41)}, "at most 40 frames, got 41"),
        (
            {"slope": [1, 2], "play": "speed"},
            r"one of the axes of numbers \['slope'\], got 'speed'",
        ),
        ({"kind": ["-", ":"], "play": "kind"}, r"axes of numbers \[\], got 'kind'"),
        ({"slope": [1, 2], "start": {"speed": 1}}, r"start to name some .* got 'speed'"),
        ({"slope": [1, 2], "start": {"slope": 3}}, r"start of slope to be one of \[1, 2\], got 3"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        explore(draw_line, alt="", **options)
