"""When to stop a run on wrong labels: rules, and the cheapest things that do the same work.

A perceptron on 1,000 training images, of which each seed draws its own from the 10,000 that come
with the package; 400 of them have a wrong label. Nothing in a run depends on the rule that might
have stopped it. So every run goes on to its end at a constant learning rate, its network is kept
after every epoch, and each rule is read off the losses on 1,000 validation images, whose labels are
right: where it would have stopped, and what the network of the epoch it keeps scores on the test
images.

The rivals that do the same work: a cosine over few epochs, whose length is chosen beforehand; a
stronger weight decay; a small learning rate; averaged weights. All are chosen on validation images
of other seeds. Beside them: the same with right labels; the course's network; and twenty tries, to
measure what a validation image that has chosen says too much.

Chapter: notebooks/16_early_stopping.ipynb
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.ensemble import average_weights
from tricks_lib.lab.metrics import Metrics, evaluate, predict, score
from tricks_lib.lab.study import STANDARD, Figures, Metric, OwnImages, final_metrics
from tricks_lib.lab.train import Run, fit
from tricks_lib.models import mlp, small_resnet
from tricks_lib.optimizers import sgd
from tricks_lib.protocols import StoppingRule
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import constant, cosine_decay
from tricks_lib.stopping import EarlyStopping, GeneralizationLoss

RESULTS = Path(__file__).with_name("results")

EPOCHS = 60
"""Length of a long run, in epochs of 20 steps; the wrong labels are learnt by then."""

WRONG = 0.4
"""Share of the training labels that are wrong."""

PATIENCES = (1, 3, 5, 10)
"""Epochs without improvement that are borne."""

RULES: dict[str, StoppingRule] = {
    **{f"patience {patience}": EarlyStopping(patience) for patience in PATIENCES},
    "5 % above the smallest": GeneralizationLoss(5.0),
}
"""The rules that are compared, by what an arm is called."""

STOPPED = "patience 5"
"""The rule that is compared with the rivals."""

FIXED = (2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 30)
"""Numbers of epochs, fixed beforehand, at which the metrics are kept too."""

SIZES = (50, 200, 1000)
"""How many validation images choose."""

LR = 0.02
"""Learning rate of all arms where none is named."""


@cache
def pool() -> Data:
    """Load the 10,000 images from which each seed draws, and the 5,000 to judge by (test)."""
    return load_data("fashion-mini")


@cache
def few_tests() -> Data:
    """Load the same with 1,000 images to judge by, for curves of a convolutional network."""
    return pool().subset(test=1000)


NOISY_DATA = OwnImages(pool, train=1000, wrong_labels=WRONG, validation=1000)
RIGHT_DATA = OwnImages(pool, train=1000, validation=1000)
"""The same images as in `NOISY_DATA`, with right labels."""

NETWORK_DATA = OwnImages(few_tests, train=1000, wrong_labels=WRONG, validation=1000)
NETWORK_RIGHT_DATA = OwnImages(few_tests, train=1000, validation=1000)


def recipe(epochs: int = EPOCHS, lr: float = LR, **others: Any) -> Recipe:
    """Return the recipe that all arms share, at a constant learning rate."""
    return Recipe(epochs=epochs, batch_size=50, lr=lr, model=mlp, **others)


def cosine(epochs: int, lr: float = LR, **others: Any) -> Recipe:
    """Return the same with a learning rate that falls to zero at the end."""
    return recipe(epochs, lr, schedule=cosine_decay(epochs), **others)


def decayed(weight_decay: float, lr: float = LR) -> Recipe:
    """Return the recipe with another weight decay than the course's 0.0005."""
    return recipe(lr=lr, optimizer=partial(sgd, weight_decay=weight_decay))


def with_snapshots(recipe: Recipe, data: Data, **how: Any) -> Run:
    """Train, and keep the network after every epoch."""
    return fit(recipe, data, snapshots=range(1, recipe.epochs + 1), **how)


def stopped(rule: StoppingRule, losses: Sequence[float]) -> tuple[int, int]:
    """Read off the losses of a run where a rule would have stopped it.

    Args:
        rule: validation losses so far -> whether to stop.
        losses: one for each epoch of the whole run.

    Returns:
        The epoch after which it stops, or the last; and the epoch up to there with the smallest
        loss, whose network is kept. Both count from 1.
    """
    ends = range(1, len(losses) + 1)
    end = next((epoch for epoch in ends if rule(losses[:epoch])), len(losses))
    return end, best(losses[:end])


def best(losses: Sequence[float]) -> int:
    """Return the epoch with the smallest loss, from 1; the first of equal ones."""
    return 1 + min(range(len(losses)), key=losses.__getitem__)


def made_wrong(labels: Tensor, seed: int) -> Tensor:
    """Return labels of which a share of `WRONG` on average is replaced by other classes."""
    draws = torch.Generator().manual_seed(seed)
    wrong = torch.rand(len(labels), generator=draws) < WRONG
    step = torch.randint(1, 10, labels.shape, generator=draws)
    return torch.where(wrong, (labels.cpu() + step) % 10, labels.cpu())


def scores(answers: Sequence[Tensor], labels: Tensor, count: int | None = None) -> list[Metrics]:
    """Return what the network scored after each epoch.

    Args:
        answers: logits (N, K) after each epoch.
        labels: the labels (N,).
        count: how many of the images count, from the first on; all by default.
    """
    return [score(z[:count], labels[:count].to(z.device)) for z in answers]


@dataclass(frozen=True)
class Read:
    """What a run scored after each epoch, and what follows from it.

    Args:
        run: with a snapshot of every epoch.
        data: what it was trained on, with a validation split.
    """

    run: Run
    data: Data

    @property
    def labels(self) -> Tensor:
        """The right labels of the validation images."""
        return self.data.splits["validation"].labels

    @cached_property
    def test(self) -> list[Metrics]:
        """The metrics on the test images."""
        networks = self.run.snapshots.values()
        return scores([predict(net, self.data) for net in networks], self.data.test.labels)

    @cached_property
    def answers(self) -> list[Tensor]:
        """What is answered for the validation images: logits (N, K)."""
        return [predict(net, self.data, "validation") for net in self.run.snapshots.values()]

    @cached_property
    def validation(self) -> list[Metrics]:
        """The metrics on all validation images."""
        return scores(self.answers, self.labels)

    @cached_property
    def losses(self) -> list[float]:
        """The losses on the validation images, which the rules look at."""
        return [one.nll for one in self.validation]

    @cached_property
    def misled(self) -> list[float]:
        """The same losses where a share of `WRONG` of the validation labels is wrong too."""
        return [one.nll for one in scores(self.answers, made_wrong(self.labels, self.run.seed))]

    def kept(self) -> dict[str, tuple[int, int]]:
        """Return, by what an arm is called, where a run stops and which epoch is kept."""
        few = [one.nll for one in scores(self.answers, self.labels, 50)]
        errors = [1 - one.accuracy for one in self.validation]
        end, _ = stopped(EarlyStopping(5), self.losses)
        return {
            **{name: stopped(rule, self.losses) for name, rule in RULES.items()},
            "best epoch": (len(self.losses), best(self.losses)),
            "patience 5, accuracy": stopped(EarlyStopping(5), errors),
            "patience 5, 50 images": stopped(EarlyStopping(5), few),
            "patience 5, wrong labels": stopped(EarlyStopping(5), self.misled),
            "patience 5, last weights": (end, end),
            **{f"{epoch} epochs": (at, at) for epoch, at in self.fixed().items()},
        }

    def fixed(self) -> dict[int, int]:
        """Return where each number of `FIXED` is read off: at a constant learning rate a shorter
        run is read at its end."""
        count = len(self.answers)
        steady = self.run.recipe.schedule == constant()
        return {epoch: min(epoch, count) for epoch in FIXED if steady or epoch <= count}

    def of(self, epoch: int, ending: str) -> Figures:
        """Return the metrics after an epoch, counted from 1, under their names with an ending."""
        metrics = {**asdict(self.test[epoch - 1])}
        metrics["validation_accuracy"] = self.validation[epoch - 1].accuracy
        return {f"{name}{ending}": value for name, value in metrics.items()}

    def averaged(self) -> Figures:
        """Return the metrics of the averaged weights of the second half of the run."""
        networks = self.run.snapshots.items()
        last = [net for epoch, net in networks if epoch > len(self.run.snapshots) // 2]
        average = average_weights(last, self.data)
        metrics = {**asdict(evaluate(average, self.data))}
        metrics["validation_accuracy"] = evaluate(average, self.data, "validation").accuracy
        return {f"{name}_averaged": value for name, value in metrics.items()}

    def said_too_much(self) -> Figures:
        """Return validation minus test accuracy, by how many validation images there are: at the
        epoch that is best on them, and at the end, which nobody chose."""
        found = {}
        for size in SIZES:
            few = [one.accuracy for one in scores(self.answers, self.labels, size)]
            at = best([1 - accuracy for accuracy in few]) - 1
            found[f"optimism_{size}"] = few[at] - self.test[at].accuracy
            found[f"gap_{size}"] = few[-1] - self.test[-1].accuracy
            found[f"validation_accuracy_of_{size}"] = few[-1]
        return found

    def curves(self) -> Figures:
        """Return what was seen after each epoch."""
        curves = {
            "test_accuracy": [one.accuracy for one in self.test],
            "test_nll": [one.nll for one in self.test],
            "validation_accuracy": [one.accuracy for one in self.validation],
            "validation_nll": self.losses,
            "misled_nll": self.misled,
            "train_loss": self.run.history.epoch_losses(),
            **learnt(self.run, self.data),
        }
        return {
            f"{name}_by_epoch": [round(value, 4) for value in curve]
            for name, curve in curves.items()
        }


def figures(run: Run, data: Data) -> Figures:
    """Keep the metrics on the test images at the end; at the epoch that each rule keeps; at fixed
    epochs; of the averaged weights; what a choice says too much; and all curves."""
    read = Read(run, data)
    found = to_compare(read) | read.curves()
    for name, (ran, epoch) in read.kept().items():
        found |= read.of(epoch, f"_{name}")
        found |= {f"epochs_{name}": ran, f"kept_{name}": epoch}
    return found


def choices(run: Run, data: Data) -> Figures:
    """Keep the metrics at the end, at the stop and of the averaged weights, on test and validation
    images: the validation images choose."""
    return to_compare(Read(run, data))


def searched(run: Run, data: Data) -> Figures:
    """Keep what `choices` does of the validation images alone."""
    return {k: v for k, v in choices(run, data).items() if k.startswith("validation_")}


def to_compare(read: Read) -> Figures:
    """Return what is kept of every run."""
    end, kept = stopped(EarlyStopping(5), read.losses)
    found = final_metrics(read.run, read.data) | read.of(kept, f"_{STOPPED}")
    found |= read.said_too_much()
    found["validation_accuracy"] = read.validation[-1].accuracy
    found["validation_nll"] = read.validation[-1].nll
    if read.run.recipe.schedule == constant():
        found |= read.averaged()
        for epoch, at in read.fixed().items():
            found[f"validation_accuracy_{epoch} epochs"] = read.validation[at - 1].accuracy
    return found | {f"epochs_{STOPPED}": end, f"kept_{STOPPED}": kept}


def as_needed(run: Run, data: Data) -> Figures:
    """Keep all of the runs off which rules are read, and of the others what can be compared."""
    plain = (run.recipe.lr, run.recipe.optimizer) == (LR, sgd)
    read_off = plain and run.recipe.schedule in (constant(), cosine_decay(EPOCHS))
    return figures(run, data) if read_off else choices(run, data)


def learnt(run: Run, data: Data) -> dict[str, list[float]]:
    """Return which share of the training images is answered as labelled after each epoch: where
    the label is right, and where it is wrong; and which share of the wrong is put right."""
    given = data.train.labels.cpu()
    right = RIGHT_DATA(run.seed).train.labels.cpu()[: len(given)]
    wrong = given != right
    answers = [predict(net, data, "train").argmax(1).cpu() for net in run.snapshots.values()]
    found = {"right_learnt": [(a == right)[~wrong].float().mean().item() for a in answers]}
    if wrong.any():
        found["wrong_learnt"] = [(a == given)[wrong].float().mean().item() for a in answers]
        found["wrong_put_right"] = [(a == right)[wrong].float().mean().item() for a in answers]
    return found


SEARCHED = (
    Metric("validation_accuracy", "validation accuracy", "higher", "points"),
    Metric("validation_nll", "validation negative log-likelihood", "lower", "nats"),
    Metric("validation_accuracy_patience 5", "the same at the stop", "higher", "points"),
    Metric("validation_accuracy_averaged", "the same, averaged weights", "higher", "points"),
)
METRICS = (
    *STANDARD,
    *SEARCHED,
    *(
        Metric(f"{name}_{size}", f"{says}, {size} images", unit="points")
        for name, says in (("optimism", "validation minus test"), ("gap", "the same at the end"))
        for size in SIZES
    ),
)


# --- The search ---

RATES = (0.00125, 0.0025, 0.005, 0.01, 0.02, 0.04)
"""Constant learning rates that are tried."""

DECAYS = (0.01, 0.02, 0.04, 0.08)
DECAY_RATES = (0.005, 0.02)
"""Weight decays that are tried, and the constant learning rates of each."""

LENGTHS = (4, 6, 10, 16, 24)
COSINE_RATES = (0.005, 0.01, 0.02, 0.04)
"""Lengths of a cosine, and its learning rates at the start."""


def tried(kind: str, *values: float) -> str:
    """Return what an arm of the search is called."""
    return " ".join([kind, *(f"{value:g}" for value in values)])


TRIES = {
    "constant": {tried("constant", lr): recipe(lr=lr) for lr in RATES},
    "weight decay": {
        tried("weight decay", weight_decay, lr): decayed(weight_decay, lr)
        for weight_decay in DECAYS
        for lr in DECAY_RATES
    },
    "cosine": {
        tried("cosine", epochs, lr): cosine(epochs, lr) for epochs in LENGTHS for lr in COSINE_RATES
    },
}
"""The tries of each kind."""

SEARCH = StudyPlan(
    path=RESULTS / "early_stopping-search.jsonl",
    recipes={name: one for tries in TRIES.values() for name, one in tries.items()},
    data=NOISY_DATA,
    seeds=(100, 101, 102),
    measure=searched,
    metrics=SEARCHED,
    on="validation",
    train=with_snapshots,
)
"""Learning rates, weight decays, and lengths of a cosine, chosen on validation images."""

SHORT_LENGTH, SHORT_LR = 10, 0.02
"""Length and learning rate of the best cosine of the search."""

CHOSEN = {
    "constant": (0.00125,),
    "weight decay": (0.08, 0.005),
    "cosine": (SHORT_LENGTH, SHORT_LR),
}
"""The best try of each kind at the end of its run, by validation accuracy in the recorded search: a
learning rate; a weight decay and its learning rate; a length and its learning rate. A test holds
them together."""

CHOSEN_LENGTH = 5
"""The number of epochs at a constant learning rate that rivals the rules, fixed beforehand."""

STOP_LR = 0.0025
"""The learning rate whose stop was the best of the search, by validation accuracy."""


# --- The study ---

TO_END = f"to the end, {EPOCHS} epochs"
COSINE = f"cosine, {EPOCHS} epochs"
SHORT = "cosine of chosen length"
DECAYED = "stronger weight decay"
LOW = "small learning rate"
AVERAGED = "averaged weights"
FIXED_LENGTH = f"{CHOSEN_LENGTH} epochs"
TUNED = f"{STOPPED}, learning rate {STOP_LR}"
RESTARTED = "a stop, then a cosine of its length"

READ_OFF = (
    *RULES,
    "best epoch",
    *(f"{STOPPED}, {name}" for name in ("accuracy", "50 images", "wrong labels", "last weights")),
    *(f"{epochs} epochs" for epochs in FIXED),
)
"""The arms that are read off the runs to the end, by the ending of their metrics."""


def read_off(arm: str = TO_END, cosine: str = COSINE) -> dict[str, tuple[str, str]]:
    """Return the arms that are read off others.

    Args:
        arm: the runs at a constant learning rate.
        cosine: those on a cosine of the same length.
    """
    return {
        **{name: (arm, f"_{name}") for name in READ_OFF},
        AVERAGED: (arm, "_averaged"),
        f"{cosine}, {STOPPED}": (cosine, f"_{STOPPED}"),
        f"{cosine}, best epoch": (cosine, "_best epoch"),
    }


RIVALS = {
    SHORT: (tried("cosine", *CHOSEN["cosine"]), ""),
    DECAYED: (tried("weight decay", *CHOSEN["weight decay"]), ""),
    LOW: (tried("constant", *CHOSEN["constant"]), ""),
}
"""The rivals that the search chose, by the arms that they are."""


def restarted(seed: int) -> Figures:
    """Let a run stop itself, and train again from the start, on a cosine as long as what it kept.

    Args:
        seed: of the data and of both runs.
    """
    data = NOISY_DATA(seed)
    first = fit(replace(recipe(), stop=EarlyStopping(5)), data, seed=seed)
    kept = (first.history.kept or 0) + 1
    second = fit(cosine(kept), data, seed=seed, evaluate="end")
    epochs = len(first.history.validation) + kept
    return final_metrics(second, data) | {"epochs": epochs, "kept": kept}


LOW_RATES = {name: TRIES["constant"][name] for name in map(partial(tried, "constant"), RATES[:3])}

AGAIN = StudyPlan(
    path=RESULTS / "early_stopping-again.jsonl",
    recipes={
        TO_END: recipe(),
        **{tried("weight decay", one, LR): decayed(one) for one in DECAYS},
        **{
            tried("cosine", epochs, lr): cosine(epochs, lr)
            for epochs in LENGTHS[1:4]
            for lr in COSINE_RATES
        },
    },
    data=NOISY_DATA,
    seeds=range(10, 20),
    measure=choices,
    metrics=METRICS,
    train=with_snapshots,
    derived={STOPPED: (TO_END, f"_{STOPPED}"), AVERAGED: (TO_END, "_averaged")},
)
"""The stop and its closest rivals with ten further seeds, declared together with the first ten."""

RIGHT = StudyPlan(
    path=RESULTS / "early_stopping-right.jsonl",
    recipes={TO_END: recipe(), COSINE: cosine(EPOCHS), SHORT: cosine(10)},
    data=RIGHT_DATA,
    seeds=10,
    measure=figures,
    metrics=METRICS,
    train=with_snapshots,
    derived=read_off(),
)
"""The same images with right labels."""

NETWORK_EPOCHS = 40
NETWORK_TO_END = f"to the end, {NETWORK_EPOCHS} epochs"
NETWORK_COSINE = f"cosine, {NETWORK_EPOCHS} epochs"
NETWORK_SHORT = "cosine, 10 epochs"


def of_network(epochs: int = NETWORK_EPOCHS, **others: Any) -> Recipe:
    """Return the recipe of the course's network, which has batch normalisation."""
    return Recipe(epochs=epochs, batch_size=50, lr=0.1, model=small_resnet, **others)


NETWORK = StudyPlan(
    path=RESULTS / "early_stopping-network.jsonl",
    recipes={
        NETWORK_TO_END: of_network(),
        NETWORK_COSINE: of_network(schedule=cosine_decay(NETWORK_EPOCHS)),
        NETWORK_SHORT: of_network(10, schedule=cosine_decay(10)),
    },
    data=NETWORK_DATA,
    seeds=10,
    measure=figures,
    metrics=METRICS,
    train=with_snapshots,
    derived=read_off(NETWORK_TO_END, NETWORK_COSINE),
)
"""The course's network on wrong labels."""

NETWORK_RIGHT = replace(
    NETWORK,
    path=RESULTS / "early_stopping-network_right.jsonl",
    data=NETWORK_RIGHT_DATA,
)
"""The same on right labels: where a stop and a cosine are at odds."""

LONG = StudyPlan(
    path=RESULTS / "early_stopping-long.jsonl",
    recipes={
        TO_END: recipe(),
        COSINE: cosine(EPOCHS),
        **LOW_RATES,
        **TRIES["weight decay"],
        **TRIES["cosine"],
    },
    data=NOISY_DATA,
    seeds=10,
    measure=as_needed,
    metrics=METRICS,
    train=with_snapshots,
    headline=Headline(
        STOPPED,
        "accuracy",
        f"a perceptron on 1,000 images, 400 of them with a wrong label, against {EPOCHS} epochs",
    ),
    rivals=(
        Headline(STOPPED, "accuracy", "a cosine of chosen length", against=SHORT),
        Headline(STOPPED, "accuracy", "a stronger weight decay", against=DECAYED),
        Headline(STOPPED, "accuracy", "a small learning rate", against=LOW),
        Headline(STOPPED, "accuracy", "a number of epochs fixed before", against=FIXED_LENGTH),
        Headline(STOPPED, "accuracy", "averaged weights", against=AVERAGED),
    ),
    functions={RESTARTED: restarted},
    derived={**read_off(), **RIVALS, TUNED: (tried("constant", STOP_LR), f"_{STOPPED}")},
)
"""The long runs off which all rules are read, with all tries of the rivals, so that the search can
choose among them; the headline and the rivals were declared before they were run."""

IN_THE_LOOP = f"{STOPPED}, in the loop"
SHORT_COSINE = f"cosine, {SHORT_LENGTH} epochs"

PLAN = StudyPlan(
    path=RESULTS / "early_stopping.jsonl",
    recipes={
        TO_END: recipe(),
        IN_THE_LOOP: replace(recipe(), stop=EarlyStopping(5)),
        SHORT_COSINE: cosine(SHORT_LENGTH, SHORT_LR),
    },
    data=NOISY_DATA,
    seeds=range(20, 30),
    headline=Headline(
        IN_THE_LOOP,
        "accuracy",
        f"a perceptron on 1,000 images, 400 of them with a wrong label, against {EPOCHS} epochs",
    ),
    rivals=(Headline(IN_THE_LOOP, "accuracy", "a cosine of chosen length", against=SHORT_COSINE),),
    tuning=SEARCH,
    beside=(LONG, AGAIN, RIGHT, NETWORK, NETWORK_RIGHT),
)
"""Runs that the rule really stops, on ten seeds of their own, declared when `LONG` was recorded;
these were made on a CPU."""
