"""Figures with sliders that move in JupyterLab and, without a kernel, in the published page.

Chapter: notebooks/00_baseline.ipynb
"""

import base64
import html
import io
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

__all__ = ["Explorer", "explore"]

MOST_FRAMES = 40
"""Every frame is stored in the page, so there cannot be many."""

PIXELS_PER_INCH = 90
"""Size at which the page shows a frame; it is drawn twice as fine, for sharp screens."""

MOST_COLOURS = 20_000
"""A frame with more colours than this holds photographs."""


class Explorer(widgets.VBox):
    """Controls above a stack of pictures; the browser alone chooses which one is seen.

    Where widgets do not exist (a PDF, a viewer of plain notebooks) the first picture stands for
    all.

    Args:
        controls: one widget for each axis, and perhaps a player.
        pictures: the outermost stack.
        still: the first frame, as PNG.
    """

    def __init__(self, controls: Sequence[widgets.Widget], pictures: widgets.Stack, still: bytes):
        super().__init__([widgets.HBox(list(controls), layout=_wrapping()), pictures])
        self._still = base64.b64encode(still).decode()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)
        # ipywidgets may answer with (data, metadata) or with the data alone.
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        data["image/png"] = self._still
        return bundle


def explore(
    draw: Callable,
    *,
    alt: str | Callable[..., str],
    labels: Mapping[str, str] | None = None,
    play: str | None = None,
    size: tuple[float, float] = (7.0, 3.4),
    **axes: Iterable,
) -> Explorer:
    """Draw a figure for every combination of a few values and link the pictures to sliders.

    The pictures are drawn now, once; moving a slider only changes which one is seen, so it needs
    no kernel. An axis of numbers becomes a slider, an axis of texts becomes a row of buttons.

    Args:
        draw: called with one value of each axis, by name; draws on the current figure, or
            returns a figure of its own.
        alt: what a frame shows, for those who cannot see it: a format string such as
            "learning rate with a warmup of {length} epochs", or a function of the same arguments
            as `draw`.
        labels: what the controls are called, by the name of their axis; by default that name.
        play: the axis that also gets a Play button, if any.
        size: width and height of a frame, in inches.
        **axes: the values of each axis, at least two.

    Returns:
        A widget; it shows itself when it is the last value of a cell.

    Raises:
        ValueError: if there is no axis, an axis has fewer than two values, there are more than
            40 frames, or `play` is not an axis.
    """
    listed = {name: list(values) for name, values in axes.items()}
    _check(listed, play)
    labels = {name: name.replace("_", " ") for name in axes} | dict(labels or {})
    describe = alt if callable(alt) else alt.format

    frames = {}
    for values in itertools.product(*listed.values()):
        chosen = dict(zip(listed, values, strict=True))
        frames[values] = _picture(draw, chosen, size), describe(**chosen)

    controls = [_control(labels[name], values) for name, values in listed.items()]
    pictures = _stack(frames, list(listed.values()), controls)
    if play:
        controls.append(
            _player(labels[play], controls[list(listed).index(play)], len(listed[play]))
        )
    first, _ = next(iter(frames.values()))
    return Explorer(controls, pictures, _encode(first, "PNG"))


def _check(axes: Mapping[str, Sequence], play: str | None) -> None:
    if not axes:
        raise ValueError("expected at least one axis, such as length=[0, 1, 2], got none")
    frames = 1
    for name, values in axes.items():
        if len(values) < 2:
            raise ValueError(f"expected at least two values of {name}, got {values}")
        frames *= len(values)
    if frames > MOST_FRAMES:
        raise ValueError(f"expected at most {MOST_FRAMES} frames, got {frames}: take fewer values")
    if play is not None and play not in axes:
        raise ValueError(f"expected play to be one of the axes {list(axes)}, got {play!r}")


def _stack(frames: Mapping, axes: list[list], controls: list, chosen: tuple = ()) -> widgets.Stack:
    """Nest one stack in another for each axis, and link each level to its control."""
    depth = len(chosen)
    if depth == len(axes):
        picture, description = frames[chosen]
        source = base64.b64encode(_encode(picture, "WEBP")).decode()
        # Without a width of its own the picture would overflow a narrow page.
        return widgets.HTML(
            f'<img alt="{html.escape(description, quote=True)}" '
            f'style="width: {picture.width // 2}px; max-width: 100%" '
            f'src="data:image/webp;base64,{source}">'
        )
    stack = widgets.Stack(
        [_stack(frames, axes, controls, (*chosen, value)) for value in axes[depth]],
        selected_index=0,
    )
    widgets.jslink((controls[depth], "index"), (stack, "selected_index"))
    return stack


def _control(label: str, values: list) -> widgets.Widget:
    """Build a control whose `index` is the position of the chosen value."""
    options = [(value if isinstance(value, str) else f"{value:g}", value) for value in values]
    style = {"description_width": "initial"}
    if all(isinstance(value, str) for value in values):
        return widgets.ToggleButtons(
            options=options, index=0, description=label, style=style, layout=_wrapping()
        )
    return widgets.SelectionSlider(options=options, index=0, description=label, style=style)


def _player(label: str, control: widgets.Widget, count: int) -> widgets.Play:
    player = widgets.Play(min=0, max=count - 1, interval=400, description=f"Play {label}")
    widgets.jslink((player, "value"), (control, "index"))
    return player


def _wrapping() -> widgets.Layout:
    return widgets.Layout(flex_flow="row wrap", align_items="center")


def _picture(draw: Callable, chosen: Mapping, size: tuple[float, float]) -> Image.Image:
    """Draw one frame on a figure of its own, at twice the resolution that the page shows."""
    figure = plt.figure(figsize=size, layout="constrained")
    returned = None
    try:
        returned = draw(**chosen)
        drawn = returned if isinstance(returned, Figure) else figure
        drawn.set_dpi(2 * PIXELS_PER_INCH)
        canvas = FigureCanvasAgg(drawn)
        canvas.draw()
        return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    finally:
        plt.close(figure)
        if isinstance(returned, Figure):
            plt.close(returned)


def _encode(picture: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    options = {}
    if kind == "WEBP":
        # Lines and letters stay sharp only without loss, photographs stay small only with it.
        is_drawing = picture.getcolors(MOST_COLOURS) is not None
        options = {"lossless": is_drawing, "method": 2, "quality": 50 if is_drawing else 85}
    picture.save(buffer, kind, **options)
    return buffer.getvalue()
