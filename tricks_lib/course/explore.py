"""Figures with sliders that move in JupyterLab and, without a kernel, in the published page.

A figure is one piece of HTML: its pictures, the browser's own sliders and buttons, and a short
script that shows one picture and hides the others. So it needs no kernel and no other library; a
keyboard moves it, and a screen reader says what moves.

Chapter: notebooks/00_baseline.ipynb
"""

import base64
import html
import io
import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

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


KEYS = 'data-lm-suppress-shortcuts="true"'
"""Says to JupyterLab that arrows, Space and Enter are for the control that has the focus."""

STYLE = """
.explorer-controls { display: flex; flex-wrap: wrap; gap: 0.5em 1.5em; margin: 0.3em 0 0.6em; }
.explorer-axis { display: flex; flex-wrap: wrap; align-items: center; gap: 0.3em 0.6em; }
.explorer-axis label { display: inline-flex; align-items: center; gap: 0.6em; margin: 0; }
.explorer-axis input { width: 12em; max-width: 45vw; height: 1.6em; accent-color: #0072b2; }
.explorer-axis output { font-variant-numeric: tabular-nums; }
.explorer-axis button {
  font: inherit; padding: 0.1em 0.7em; border: 1px solid #808080; border-radius: 0.3em;
  color: inherit; background: transparent; cursor: pointer;
}
.explorer-axis button[aria-pressed="true"] {
  color: white; background: #0072b2; border-color: #0072b2;
}
.explorer-axis :focus-visible { outline: 3px solid currentColor; outline-offset: 2px; }
.explorer-axis button[aria-pressed="true"]:focus-visible { outline-color: #808080; }
.explorer img { max-width: 100%; height: auto; background: white; border-radius: 4px; }
.explorer img[hidden] { display: none !important; }
@media print { .explorer button:not([aria-pressed="true"]), .explorer input { display: none; } }
"""
"""How a figure looks; its colours are those around it, light or dark."""

SCRIPT = """
(() => {
  if (window.explorersListen) return;  // one for all figures of a page
  window.explorersListen = true;
  const timers = new WeakMap();
  const all = (node, query) => [...node.querySelectorAll(query)];

  function show(explorer) {
    let frame = 0;
    for (const axis of all(explorer, ".explorer-axis")) {
      const slider = axis.querySelector("input");
      const buttons = all(axis, "[aria-pressed]");
      const pressed = buttons.findIndex((b) => b.getAttribute("aria-pressed") === "true");
      const position = slider ? slider.valueAsNumber : pressed;
      if (slider) {
        const text = JSON.parse(slider.dataset.texts)[position];
        slider.setAttribute("aria-valuetext", text);
        axis.querySelector("output").textContent = text;
      }
      frame = frame * (slider ? Number(slider.max) + 1 : buttons.length) + position;
    }
    all(explorer, "img").forEach((picture, i) => { picture.hidden = i !== frame; });
  }

  function press(button) {
    all(button.parentNode, "[aria-pressed]").forEach((other) =>
      other.setAttribute("aria-pressed", String(other === button)));
    show(button.closest(".explorer"));
  }

  function play(button) {
    const slider = button.parentNode.querySelector("input");
    const last = Number(slider.max);
    if (slider.valueAsNumber === last) slider.value = -1;  // below the first, which comes next
    const step = () => {
      if (!button.isConnected) return pause(button);
      slider.value = slider.valueAsNumber + 1;
      show(button.closest(".explorer"));
      if (slider.valueAsNumber === last) pause(button);
    };
    timers.set(button, setInterval(step, 400));
    button.textContent = "\u23f8\ufe0e Pause";
    step();
  }

  function pause(button) {
    clearInterval(timers.get(button));
    timers.delete(button);
    button.textContent = "\u25b6\ufe0e Play";
  }

  document.addEventListener("input", ({ target }) => {
    const explorer = target.closest(".explorer");
    if (!explorer) return;
    all(explorer, ".explorer-play").forEach(pause);
    show(explorer);
  });
  document.addEventListener("click", ({ target }) => {
    const button = target.closest(".explorer-axis button");
    if (!button) return;
    if (button.matches(".explorer-play")) (timers.has(button) ? pause : play)(button);
    else press(button);
  });
})();
"""
"""What moves it: one picture is shown, by the positions of all controls."""


class Explorer:
    """Controls above a stack of pictures, of which one is seen.

    Where no script runs (a PDF, a notebook that is not trusted) one picture stands for all.

    Args:
        page: the figure as HTML.
        still: the picture that is seen first, as PNG.
        text: what this picture shows, in words.
    """

    def __init__(self, page: str, still: bytes, text: str):
        self._page = page
        self._still = base64.b64encode(still).decode()
        self._text = text

    def _repr_mimebundle_(self, **options: Any) -> dict[str, str]:
        return {"text/html": self._page, "image/png": self._still, "text/plain": self._text}


def explore(
    draw: Callable,
    *,
    alt: str | Callable[..., str],
    labels: Mapping[str, str] | None = None,
    start: Mapping[str, Any] | None = None,
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
        start: the values that are seen first, by the name of their axis, such as
            `{"length": 3}`; by default the first of each. Choose values that show the effect.
        play: the axis that also gets a Play button, if any; it must be one of numbers.
        size: width and height of a frame, in inches.
        **axes: the values of each axis, at least two.

    Returns:
        A figure; it shows itself when it is the last value of a cell.

    Raises:
        ValueError: if there is no axis, an axis has fewer than two values, there are more than
            40 frames, `play` is not an axis of numbers, or `start` names what is not there.
    """
    listed = {name: list(values) for name, values in axes.items()}
    first = {name: values[:1] for name, values in listed.items()}
    first |= {name: [value] for name, value in (start or {}).items()}
    _check(listed, play, first)
    labels = {name: name.replace("_", " ") for name in axes} | dict(labels or {})
    describe = alt if callable(alt) else alt.format

    pictures, still, text = [], b"", ""
    chosen_first = {name: value for name, (value,) in first.items()}
    for values in itertools.product(*listed.values()):
        chosen = dict(zip(listed, values, strict=True))
        picture, words = _picture(draw, chosen, size), describe(**chosen)
        is_seen = chosen == chosen_first
        pictures.append(_image(picture, words, is_seen))
        if is_seen:
            still, text = _encode(picture, "PNG"), words
    controls = [
        _control(labels[name], values, values.index(chosen_first[name]), name == play)
        for name, values in listed.items()
    ]
    page = (
        f'<div class="explorer"><style>{STYLE}</style>'
        f'<div class="explorer-controls">{"".join(controls)}</div>'
        f"<div>{''.join(pictures)}</div><script>{SCRIPT}</script></div>"
    )
    return Explorer(page, still, text)


def _check(axes: Mapping[str, Sequence], play: str | None, first: Mapping[str, Sequence]) -> None:
    if not axes:
        raise ValueError("expected at least one axis, such as length=[0, 1, 2], got none")
    frames = 1
    for name, values in axes.items():
        if len(values) < 2:
            raise ValueError(f"expected at least two values of {name}, got {values}")
        frames *= len(values)
    if frames > MOST_FRAMES:
        raise ValueError(f"expected at most {MOST_FRAMES} frames, got {frames}: take fewer values")
    numbers = [name for name in axes if not _is_texts(axes[name])]
    if play is not None and play not in numbers:
        raise ValueError(f"expected play to be one of the axes of numbers {numbers}, got {play!r}")
    for name, (value,) in first.items():
        if name not in axes:
            raise ValueError(f"expected start to name some of the axes {list(axes)}, got {name!r}")
        if value not in axes[name]:
            raise ValueError(f"expected start of {name} to be one of {axes[name]}, got {value!r}")


def _is_texts(values: Sequence) -> bool:
    return all(isinstance(value, str) for value in values)


def _control(label: str, values: Sequence, position: int, plays: bool) -> str:
    """Build a slider or a row of buttons, with its name, at one of its positions."""
    name = html.escape(label)
    if _is_texts(values):
        buttons = "".join(
            f'<button type="button" {KEYS} aria-pressed="{str(i == position).lower()}">'
            f"{html.escape(value)}</button>"
            for i, value in enumerate(values)
        )
        return (
            f'<div class="explorer-axis" role="group" aria-label="{name}">'
            f'<span aria-hidden="true">{name}</span>{buttons}</div>'
        )
    texts = [value if isinstance(value, str) else f"{value:g}" for value in values]
    seen = html.escape(texts[position])
    # Firefox would put a slider back where it was before the page was loaded again.
    slider = (
        f'<input type="range" {KEYS} min="0" max="{len(values) - 1}" value="{position}" '
        f'aria-label="{name}" aria-valuetext="{seen}" autocomplete="off" '
        f'data-texts="{html.escape(json.dumps(texts))}">'
    )
    width = max(map(len, texts))
    output = f'<output style="min-width: {width}ch">{seen}</output>'
    player = (
        f'<button type="button" {KEYS} class="explorer-play" aria-description="{name}">'
        "\u25b6\ufe0e Play</button>"
    )
    return (
        f'<div class="explorer-axis"><label><span>{name}</span>{slider}</label>{output}'
        f"{player if plays else ''}</div>"
    )


def _image(picture: Image.Image, description: str, is_seen: bool) -> str:
    source = base64.b64encode(_encode(picture, "WEBP")).decode()
    # With both sides given the page keeps the place free before the picture is there.
    return (
        f'<img alt="{html.escape(description)}" width="{picture.width // 2}" '
        f'height="{picture.height // 2}"{"" if is_seen else " hidden"} '
        f'src="data:image/webp;base64,{source}">'
    )


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
