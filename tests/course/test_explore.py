import base64
import io
import re

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from tricks_lib.course.explore import explore


def draw_line(slope, kind="solid"):
    plt.plot([0, slope], ls=kind)


def pictures(figure):
    """The frames of an explorer, in the order of its axes."""
    found, queue = [], [figure.children[1]]
    while queue:
        widget = queue.pop(0)
        if isinstance(widget, widgets.Stack):
            queue = list(widget.children) + queue
        else:
            found.append(widget.value)
    return found


def decode(frame):
    source = re.search(r"base64,([^\"]+)", frame).group(1)
    return Image.open(io.BytesIO(base64.b64decode(source)))


def test_a_frame_for_every_combination_in_order():
    figure = explore(draw_line, alt="{slope} {kind}", slope=[1, 2, 3], kind=["solid", "dashed"])
    alts = [re.search(r'alt="([^"]*)"', frame).group(1) for frame in pictures(figure)]
    assert alts == [f"{s} {k}" for s in (1, 2, 3) for k in ("solid", "dashed")]
    assert len({frame for frame in pictures(figure)}) == 6


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
    assert all(len(frame) < raw / 3 for frame in pictures(figure))


def controls(figure):
    return figure.children[0].children


def test_numbers_get_a_slider_and_texts_get_buttons():
    figure = explore(draw_line, alt="", slope=[1, 2.5], kind=["solid", "dashed"])
    slider, buttons = controls(figure)
    assert isinstance(slider, widgets.SelectionSlider)
    assert [label for label, _ in slider.options] == ["1", "2.5"]
    assert isinstance(buttons, widgets.ToggleButtons)
    assert (slider.description, buttons.description) == ("slope", "kind")


def test_labels_and_player():
    figure = explore(draw_line, alt="", labels={"slope": "Steigung"}, play="slope", slope=[1, 2, 3])
    slider, player = controls(figure)
    assert slider.description == "Steigung"
    assert isinstance(player, widgets.Play)
    assert (player.min, player.max) == (0, 2)


def test_links_are_left_to_the_browser(monkeypatch):
    made = []
    monkeypatch.setattr(widgets, "jslink", lambda source, target: made.append((source, target)))
    figure = explore(draw_line, alt="", play="slope", slope=[1, 2, 3], kind=["solid", "dashed"])
    slider, buttons, player = controls(figure)
    outer = figure.children[1]
    wanted = [((buttons, "index"), (inner, "selected_index")) for inner in outer.children]
    wanted += [
        ((slider, "index"), (outer, "selected_index")),
        ((player, "value"), (slider, "index")),
    ]
    assert sorted(map(repr, made)) == sorted(map(repr, wanted))


def test_alt_text_is_escaped():
    figure = explore(draw_line, alt='"{slope}" <b>', slope=[1, 2])
    assert 'alt="&quot;1&quot; &lt;b&gt;"' in pictures(figure)[0]


def test_alt_text_from_a_function():
    figure = explore(draw_line, alt=lambda slope: f"twice {2 * slope}", slope=[1, 2])
    assert 'alt="twice 4"' in pictures(figure)[1]


def test_a_still_stands_for_it_where_there_are_no_widgets():
    figure = explore(draw_line, alt="", size=(2, 1), slope=[1, 2])
    bundle = figure._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    still = Image.open(io.BytesIO(base64.b64decode(bundle["image/png"])))
    frame = decode(pictures(figure)[0])
    assert np.array_equal(np.asarray(still), np.asarray(frame.convert("RGB")))


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
        ({"slope": [1, 2], "play": "speed"}, r"one of the axes \['slope'\], got 'speed'"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        explore(draw_line, alt="", **options)
