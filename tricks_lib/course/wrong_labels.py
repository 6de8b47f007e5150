"""What a network learns of right and of wrong labels, as a picture.

Chapter: notebooks/10_ricap.ipynb
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from ..lab.data import Data
from ..lab.figures import BLUE, GREY, RED, panels
from ..lab.metrics import predict
from ..lab.train import Run

__all__ = ["draw_learning"]


def draw_learning(runs: Mapping[str, Run], data: Data, right: Tensor) -> Figure:
    """Draw what networks have learnt after each epoch of which they were kept: the right labels of
    their training images, the wrong ones, and the test images.

    Args:
        runs: by the titles of their panels, each with snapshots.
        data: training images of which some have a wrong label.
        right: the labels that these had before, int (N,).
    """
    given = data.train.labels.cpu()
    wrong = given != right
    figure, axes = panels(len(runs), columns=1, sharex=True, height=2.3)
    figure.set_figheight(figure.get_figheight() + 0.6)  # for the legend
    for ax, (title, run) in zip(axes, runs.items(), strict=True):
        epochs = sorted(run.snapshots)
        rows = []
        for epoch in epochs:
            answers = predict(run.snapshots[epoch], data, "train").argmax(1).cpu()
            tested = predict(run.snapshots[epoch], data).argmax(1).cpu()
            hits = (answers == given).float()
            test = (tested == data.test.labels.cpu()).float().mean()
            rows.append([hits[~wrong].mean(), hits[wrong].mean(), test])
        told = ("right labels learnt", "wrong labels learnt", "test images right")
        for values, name, colour, style in zip(
            100 * np.array(rows).T, told, (GREY, RED, BLUE), ("--", "-", "-"), strict=True
        ):
            ax.plot(epochs, values, style, color=colour, label=name)
        ax.set(ylabel="%", ylim=(-3, 103))
        if title:
            ax.set_title(title)
    axes[-1].set_xlabel("epochs")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure
