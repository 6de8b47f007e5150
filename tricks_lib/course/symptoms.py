"""What goes wrong when a network is trained, and what to try: data of the page "What helps when".

No result of ours is typed here. A measurement is named by what was compared (see `measured`), and
the page loads it. The numbers of papers are typed once, each beside the work that reports it.

A further symptom is an entry of `SYMPTOMS`, and a heading in book/what-helps.md. What a chapter
finds about several tricks together belongs into `TOGETHER`.

Chapter: notebooks/00_baseline.ipynb
"""

import difflib
from dataclasses import dataclass

from .measured import Beside, Measured, Own, Seen, Standing

__all__ = ["SYMPTOMS", "TOGETHER", "Advice", "Avoid", "Report", "Symptom", "symptom"]


@dataclass(frozen=True)
class Advice:
    """Something to try.

    Args:
        what: what it is called.
        slugs: the chapters that explain it.
        start: the value to start with, in words.
        code: the lines that put it into a recipe called `recipe`.
        watch: which number says whether it works, and what to do if it does not.
        measured: what was measured here, the most important first; empty if nothing was.
        brief: the value to start with on the sheet, in a few words.
        watch_brief: what to watch, on the sheet.
    """

    what: str
    slugs: tuple[str, ...]
    start: str
    code: str
    watch: str
    measured: tuple[Measured, ...] = ()
    brief: str = ""
    watch_brief: str = ""


@dataclass(frozen=True)
class Avoid:
    """Something that one might try, and should not.

    Args:
        text: a sentence in Markdown.
        slugs: the chapters that explain it.
        measured: what was measured here; empty if nothing was.
        brief: the same on the sheet, in a few words; "" leaves it out there.
    """

    text: str
    slugs: tuple[str, ...] = ()
    measured: tuple[Measured, ...] = ()
    brief: str = ""


@dataclass(frozen=True)
class Report:
    """What others report.

    Args:
        label: author and year, or the name of a repository.
        target: the key of the work in book/references.md, or an address.
        text: what is reported, with its setting, in Markdown.
        brief: the same on the sheet.
    """

    label: str
    target: str
    text: str
    brief: str = ""


@dataclass(frozen=True)
class Symptom:
    """Something that goes wrong, or a setting that asks for care.

    Args:
        name: its anchor on the page, such as "over-fitting".
        title: its heading there.
        sign: how one sees it, in a sentence or two.
        compare: the two numbers to look at.
        brief: how one sees it, on the sheet.
        advice: what to try, in that order.
        avoid: what not to do.
        reports: what papers say.
        seen: an example with its numbers; None if there is none.
    """

    name: str
    title: str
    sign: str
    compare: tuple[str, str]
    brief: str
    advice: tuple[Advice, ...]
    avoid: tuple[Avoid, ...] = ()
    reports: tuple[Report, ...] = ()
    seen: Seen | None = None

    @property
    def parts(self) -> tuple[Advice | Avoid, ...]:
        """What to try, and what not to do."""
        return (*self.advice, *self.avoid)

    @property
    def slugs(self) -> set[str]:
        """The chapters to which it leads."""
        return {slug for one in self.parts for slug in one.slugs}

    @property
    def measured(self) -> list[Measured]:
        """All measurements that it quotes."""
        return [found for one in self.parts for found in one.measured]


# --- Lines of code that several symptoms share ---

CROP_AND_MIRROR = "replace(recipe, augment=Compose(RandomCrop(4), HorizontalFlip()))"
WEIGHT_DECAY = "replace(recipe, optimizer=partial(sgd, weight_decay=5e-4))"
CUTMIX = "replace(recipe, mix=CutMix(alpha=1.0))"
COSINE = "replace(recipe, schedule=cosine_decay(recipe.epochs))"
BATCH_NORM = "replace(recipe, model=partial(small_resnet, batch_norm=True))"
WARMUP = """\
warm = gradual_warmup(
    0.1 * recipe.epochs, then=linear_decay(0.9 * recipe.epochs)
)
replace(recipe, schedule=warm)"""
CUTOUT = "replace(recipe, augment=Cutout(size=min(data.image_size) // 2))"
LONGER = """\
epochs = 2 * recipe.epochs
replace(recipe, epochs=epochs, schedule=linear_decay(epochs))"""
DISTILLATION = """\
replace(
    recipe, objective=Distillation(teacher, temperature=4.0, alpha=0.9)
)"""


# --- What papers report, each where it was read ---

GOYAL_WARMUP = Report(
    "Goyal et al. 2017",
    "goyal2017accurate",
    "ResNet-50 on ImageNet, batches of 8,192, top-1 error over five runs: 23.74 ± 0.09 % with "
    "gradual warmup, 24.84 ± 0.37 % without, 25.88 ± 0.56 % with constant warmup.",
    "ImageNet, batch 8,192, error: warmup 23.74, none 24.84, constant 25.88 %",
)
GOYAL_SCALING = Report(
    "Goyal et al. 2017",
    "goyal2017accurate",
    "ResNet-50 on ImageNet, top-1 error over five runs: 23.60 ± 0.12 % with batches of 256; with "
    "8,192 images 23.74 ± 0.09 % at 32 times the learning rate, 26.22 ± 0.03 % at the root of 32 "
    "times, 41.67 ± 0.10 % at the unchanged one. There the linear rule wins, in a run of many "
    "steps with warmup.",
    "ImageNet, batch 8,192, error: 32 times 23.74, root 26.22, unchanged 41.67 %",
)
CROPS = Report(
    "DeVries and Taylor 2017",
    "devries2017improved",
    "ResNet-18 on CIFAR-10, test error over five runs: 10.63 ± 0.26 % without, 4.72 ± 0.21 % with "
    "crop and mirror; with Cutout besides 3.99 %.",
    "CIFAR-10, error: 10.63, crop and mirror 4.72 %",
)
MIXING = Report(
    "Yun et al. 2019",
    "yun2019cutmix",
    "ResNet-50 on ImageNet, top-1 error: 23.68 % without, 22.58 % with mixup, 21.40 % with CutMix "
    "(the authors' README).",
    "ImageNet, error: 23.68, mixup 22.58, CutMix 21.40 %",
)
SEARCHED = Report(
    "Cubuk et al. 2019",
    "cubuk2019autoaugment",
    "Wide ResNet on CIFAR-10, test error: 3.87 % without, 3.08 % with Cutout, 2.68 % with "
    "AutoAugment and Cutout (the version of 2018).",
)
DIGITS = Report(
    "Cubuk et al. 2019",
    "cubuk2019autoaugment",
    "Wide ResNet on 1,000 digits of SVHN, test error: 13.21 % without, 32.5 % with Cutout, 8.15 % "
    "with AutoAugment. A hidden half of a digit can be another digit.",
    "1,000 SVHN digits, error: 13.21, Cutout 32.5 %",
)
COSINES = Report(
    "He et al. 2019",
    "he2019bag",
    "Cosine in place of steps, top-1 accuracy on ImageNet: +0.75 points for ResNet-50-D, +0.69 for "
    "Inception-V3, +0.93 for MobileNet.",
    "ImageNet: cosine for steps +0.69 to +0.93 points",
)
TEACHERS = Report(
    "He et al. 2019",
    "he2019bag",
    "A larger teacher, top-1 accuracy on ImageNet: ResNet-50-D 78.31 to 78.67 %, Inception-V3 "
    "78.40 to 78.26 %, MobileNet 72.93 to 71.97 %. It hurt two of the three networks, and the "
    "smallest most.",
    "ImageNet, teacher: ResNet-50-D +0.36, MobileNet −0.96 points",
)
LONG_MIXUP = Report(
    "Zhang et al. 2018",
    "zhang2018mixup",
    "ResNet-50 on ImageNet, top-1 error with mixup: 23.5 to 23.3 % after 90 epochs, 23.6 to 22.1 % "
    "after 200 (as quoted in public notes).",
    "ImageNet, mixup's gain: 0.2 points after 90 epochs, 1.5 after 200",
)
LONG_RICAP = Report(
    "Takahashi et al. 2020",
    "takahashi2020data",
    "RICAP on ImageNet: a gain of 0.8 points after 100 epochs and of 1.5 after 200 (the authors' "
    "README).",
    "ImageNet, RICAP's gain: 0.8 points after 100 epochs, 1.5 after 200",
)


SYMPTOMS: tuple[Symptom, ...] = (
    Symptom(
        "over-fitting",
        "Over-fitting",
        "The network knows its training images and does much worse on new ones. "
        "The validation loss rises while the training loss still falls.",
        ("accuracy on the training images without augmentation", "accuracy on validation images"),
        "training accuracy near 100 %, validation accuracy far below",
        (
            Advice(
                "Crop and mirror",
                ("geometry",),
                "a padding of an eighth of the side (4 pixels of 32), and the mirror for half of "
                "the images if it keeps the label; give the run two to three times the epochs",
                CROP_AND_MIRROR,
                "Validation accuracy should rise while training accuracy falls. "
                "If both fall, train longer first, and then take it out.",
                (
                    Standing("geometry", "colour"),
                    Own("geometry"),
                    Own("geometry", "crop and mirror", against="none"),
                    Standing("geometry", "garments"),
                    Beside("geometry", "garments", "crop, 40 epochs", "none, 40 epochs"),
                ),
                "padding 1/8 of the side; more epochs",
                "both accuracies fall: too short a run",
            ),
            Advice(
                "Weight decay",
                ("weight_decay",),
                "λ = 5e-4 under SGD; under Adam take `adamw`, with a strength found for it",
                WEIGHT_DECAY,
                "Training accuracy may stay where it is: look at the validation accuracy. "
                "Tune λ together with the learning rate, since they act as a product.",
                (
                    Standing("weight_decay", "colour"),
                    Own("weight_decay"),
                    Own("weight_decay", against="none, stopped early"),
                    Standing("weight_decay", "garments"),
                ),
                "λ = 5e-4 (SGD)",
                "tune with the learning rate",
            ),
            Advice(
                "CutMix, or mixup",
                ("mixup",),
                "α = 1 for CutMix, α = 0.2 for mixup, in a run that is long",
                CUTMIX,
                "Training accuracy on mixed images says nothing. "
                "Measure it on whole images, and look at the NLL as well as at the accuracy.",
                (
                    Beside("mixup", "few", "cutmix 1", "none"),
                    Own("mixup"),
                    Own("mixup", against="cutmix 1, 64 epochs"),
                    Standing("mixup", "colour"),
                    Standing("mixup", "garments"),
                ),
                "CutMix α = 1, long run",
                "NLL beside accuracy",
            ),
            Advice(
                "AutoAugment",
                ("autoaugment",),
                "the policy of the data set that is most like yours; beside it `TrivialAugment()`, "
                "which has nothing to tune",
                'replace(recipe, augment=AutoAugment("cifar10"))',
                "Look at fifty augmented images with their labels first. "
                "A policy for digits inverts and shears what it should leave alone.",
                (
                    Own("autoaugment", "cifar10"),
                    Own("autoaugment", "svhn"),
                    Standing("autoaugment", "colour"),
                    Standing("autoaugment", "garments"),
                ),
                "policy of like data",
                "look at 50 images",
            ),
        ),
        (
            Avoid(
                "Do not stop a run early whose learning rate falls on a schedule: "
                "its last epochs are the best. Shorten the schedule instead.",
                ("early_stopping",),
                (Standing("early_stopping", "colour"), Standing("early_stopping", "garments")),
                "early stopping under a falling schedule",
            ),
            Avoid(
                "Do not add dropout to a convolutional network before you have tried more epochs.",
                ("dropout",),
                (Standing("dropout", "colour", rival=True), Standing("dropout", "colour")),
                "dropout in place of epochs",
            ),
        ),
        (CROPS, MIXING, SEARCHED),
        Seen(
            "In *colour* without crop and mirror",
            "neither crop nor mirror",
            ("train_accuracy", "accuracy"),
            setting="colour",
        ),
    ),
    Symptom(
        "under-fitting",
        "Under-fitting",
        "The network does not even know its training images, and training and validation accuracy "
        "are close together. What makes training harder is unlikely to help.",
        ("accuracy on the training images without augmentation", "accuracy on validation images"),
        "training accuracy low, validation accuracy close to it",
        (
            Advice(
                "Let the learning rate fall to zero",
                ("decay",),
                "half a cosine, or a straight line, over the whole run; tune the learning rate at "
                "the start",
                COSINE,
                "The training loss should drop in the last third of the run. "
                "If it is still falling fast at the end, double the epochs.",
                (
                    Standing("decay", "garments"),
                    Own("decay"),
                    Standing("decay", "colour"),
                    Standing("decay", "garments", rival=True),
                    Own("decay", against="constant, weights averaged"),
                ),
                "cosine or line to zero",
                "training loss in the last third",
            ),
            Advice(
                "Batch normalisation",
                ("batch_norm",),
                "after each convolution, before the activation, with PyTorch's defaults; tune the "
                "learning rate anew",
                BATCH_NORM,
                "Compare the largest learning rate that still trains, with it and without it.",
                (
                    Standing("batch_norm", "garments"),
                    Standing("batch_norm", "colour"),
                    Own("batch_norm"),
                ),
                "after each convolution",
                "a larger learning rate trains",
            ),
            Advice(
                "Take out what makes training harder",
                ("geometry", "ricap", "autoaugment"),
                "no augmentation and no mixing while training and validation accuracy are close",
                "replace(recipe, augment=identity, mix=keep)",
                "Training accuracy should jump. Put one thing back at a time.",
                (
                    Standing("geometry", "garments", turned=True),
                    Standing("ricap", "garments", turned=True),
                    Standing("autoaugment", "garments", turned=True),
                ),
                "no augmentation, no mixing",
                "put one back at a time",
            ),
        ),
        (
            Avoid(
                "Do not hope for another optimizer: tuned alike, none was seen to be better.",
                ("adabound",),
                (Own("adabound"), Own("adabound", against="Adam, tuned")),
                "a new optimizer before tuning",
            ),
        ),
        (
            COSINES,
            Report(
                "Ioffe and Szegedy 2015",
                "ioffe2015batch",
                "Batch normalisation on ImageNet: the same accuracy with 14 times fewer training "
                "steps (abstract).",
                "ImageNet, batch norm: 14 times fewer steps",
            ),
        ),
        Seen(
            "In *garments* without batch normalisation",
            "no batch norm",
            ("train_accuracy", "accuracy"),
            setting="garments",
        ),
    ),
    Symptom(
        "over-confidence",
        "Over-confidence",
        "The network is surer of its answers than it is right. "
        "Accuracy may be good, but decisions that use the probability are not.",
        ("mean confidence on validation images", "accuracy on the same images"),
        "mean confidence above the accuracy",
        (
            Advice(
                "A temperature",
                ("label_smoothing",),
                "one number, fitted after training on validation images, by which all logits are "
                "divided",
                'logits = predict(model, data, split="validation")\n'
                "T = best_temperature(logits, data.validation.labels)",
                "Accuracy stays exactly as it is; NLL and calibration error should fall. "
                "T above 1 says that the network was over-confident.",
                (
                    Own("label_smoothing", against="hard labels, a temperature", turned=True),
                    Standing("label_smoothing", "garments", rival=True, turned=True),
                ),
                "fit T on validation images",
                "NLL; accuracy stays",
            ),
            Advice(
                "Label smoothing",
                ("label_smoothing",),
                "ε = 0.1, or 0.05 if calibration matters most; for where no labelled images can be "
                "held back",
                "replace(\n    recipe, objective=supervised(LabelSmoothingLoss(epsilon=0.1))\n)",
                "The calibration error, with its sign: "
                "mean confidence below the accuracy means that ε is too large. "
                "The training loss no longer ends at zero.",
                (
                    Own("label_smoothing"),
                    Own("label_smoothing", study="overtrained"),
                    Standing("label_smoothing", "colour"),
                    Standing("label_smoothing", "garments"),
                ),
                "ε = 0.1",
                "under-confident: ε smaller",
            ),
            Advice(
                "Mixup",
                ("mixup",),
                "α = 0.2 to 1, if the network memorises anyway",
                "replace(recipe, mix=Mixup(alpha=0.2))",
                "The same as with label smoothing. Do not use both before you have measured each.",
                (
                    Beside("mixup", "few", "mixup 0.2", "none", "ece"),
                    Own("mixup", metric="ece"),
                ),
                "α = 0.2 to 1",
                "not with smoothing at once",
            ),
        ),
        (
            Avoid(
                "Do not smooth the labels of a network that is well calibrated: "
                "it becomes under-confident.",
                ("label_smoothing",),
                (Own("label_smoothing", study="calibrated"),),
                "smoothing what is calibrated",
            ),
        ),
        (
            Report(
                "He et al. 2019",
                "he2019bag",
                "Label smoothing with ε = 0.1, top-1 accuracy on ImageNet: +0.40 points for "
                "ResNet-50-D, +0.21 for Inception-V3, +0.10 for MobileNet.",
                "ImageNet, smoothing: +0.10 to +0.40 points of accuracy",
            ),
            Report(
                "Szegedy et al. 2016",
                "szegedy2016rethinking",
                "About +0.2 points of accuracy for Inception-v3 on ImageNet.",
            ),
        ),
        Seen(
            "A perceptron that memorised 1,000 images",
            "ε = 0",
            ("confidence", "accuracy", "ece"),
            slug="label_smoothing",
        ),
    ),
    Symptom(
        "unstable-start",
        "Unstable start",
        "The loss rises in the first steps, jumps, or becomes NaN; or it does not move at all. "
        "With K classes a network that guesses has a loss of log K, 2.3 for ten classes.",
        ("training loss of the first twenty steps", "log K, the loss of guessing"),
        "loss of the first steps above log K, NaN, or stuck there",
        (
            Advice(
                "A smaller learning rate",
                ("warmup",),
                "half of it; then a quarter",
                "replace(recipe, lr=recipe.lr / 2)",
                "The highest loss of the first twenty steps, and the accuracy at the end: "
                "the largest rate that starts well need not be the best.",
                (
                    Own("warmup", against="modest, no warmup", turned=True),
                    Standing("warmup", "garments", rival=True, turned=True),
                    Standing("warmup", "colour", rival=True, turned=True),
                ),
                "learning rate / 2, then / 4",
                "highest early loss; end accuracy",
            ),
            Advice(
                "Warmup",
                ("warmup",),
                "a straight line from near zero over a tenth of a short run, or 5 of 120 epochs; "
                "for where you want to keep the large learning rate",
                WARMUP,
                "The loss at the moment when the full learning rate is reached: "
                "a jump there says that the rate is too large throughout.",
                (
                    Own("warmup"),
                    Own("warmup", against="no warmup, same sum"),
                    Standing("warmup", "colour"),
                    Standing("warmup", "garments"),
                ),
                "a tenth of the run",
                "loss when warmup ends",
            ),
            Advice(
                "Batch normalisation",
                ("batch_norm",),
                "after each convolution; tune the learning rate anew",
                BATCH_NORM,
                "The largest learning rate that still trains.",
                (Own("batch_norm", against="none, warmup"), Own("batch_norm")),
                "after each convolution",
                "largest rate that trains",
            ),
            Advice(
                "He's initialisation",
                ("initialization",),
                "for a deep network with ReLU that has neither normalisation nor shortcuts",
                "replace(\n    recipe, model=partial(initialized, build=recipe.model, init=he_)\n)",
                "The size of the signal from layer to layer in the first batch: about the same.",
                (
                    Own("initialization"),
                    Own("initialization", against="default + batch norm"),
                    Own("initialization", against="default + shortcuts"),
                ),
                "deep, no norm, no shortcuts",
                "signal from layer to layer",
            ),
        ),
        (
            Avoid(
                "Do not hold a small learning rate and then jump to the large one: "
                "the jump only comes later.",
                ("warmup",),
            ),
            Avoid(
                "Do not draw new first weights for a network whose layers are normalised: "
                "nothing was gained.",
                ("initialization",),
                (
                    Standing("initialization", "garments"),
                    Standing("initialization", "garments", rival=True),
                ),
                "He's start in a normalised network",
            ),
        ),
        (
            GOYAL_WARMUP,
            Report(
                "He et al. 2016",
                "he2016deep",
                "The first warmup of all, of ResNet-110 on CIFAR-10, did not change the final "
                "accuracy (footnote 5).",
            ),
        ),
    ),
    Symptom(
        "large-batches",
        "Large batches",
        "The batch fills the devices, the run has few steps, and the accuracy falls behind that "
        "of small batches after the same number of epochs.",
        (
            "training loss after the same epochs with the small batch",
            "training loss with the large one",
        ),
        "worse after the same epochs than the small batch",
        (
            Advice(
                "The square root, then tune",
                ("linear_scaling",),
                "√k times the learning rate for k times the batch, then half and twice that",
                "batch = 4 * recipe.batch_size\n"
                "lr = sqrt_scaling(recipe.lr, batch, reference=recipe.batch_size)\n"
                "replace(recipe, batch_size=batch, lr=lr)",
                "Training loss at the same number of images seen. "
                "With few steps the running averages of batch normalisation lag behind.",
                (
                    Own("linear_scaling", against="512, lr 0.16, warmup", turned=True),
                    Own("linear_scaling", against="512, lr 0.16", turned=True),
                ),
                "√k times the rate, then tune",
                "loss at the same images seen",
            ),
            Advice(
                "Linear scaling, with warmup",
                ("linear_scaling", "warmup"),
                "k times the *lowest* learning rate that is good at the small batch; for runs of "
                "many steps",
                "batch = 4 * recipe.batch_size\n"
                "lr = linear_scaling(recipe.lr, batch, reference=recipe.batch_size)\n"
                "replace(recipe, batch_size=batch, lr=lr)",
                "The loss of the first steps. Count the steps of the run: "
                "with a few hundred of them the rule is too bold.",
                (
                    Own("linear_scaling"),
                    Standing("linear_scaling", "garments"),
                    Standing("linear_scaling", "colour"),
                    Own("linear_scaling", against="512, lr 0.64"),
                ),
                "k times the rate, many steps",
                "first steps; number of steps",
            ),
        ),
        (
            Avoid(
                "Do not take a large batch where a small one is fast enough.",
                ("linear_scaling",),
                (
                    Own("linear_scaling", against="32, lr 0.04"),
                    Standing("linear_scaling", "garments", rival=True),
                ),
                "large batches where small ones fit",
            ),
        ),
        (GOYAL_SCALING,),
        Seen(
            "In *garments* with batches of eight times the size and the learning rate as it was",
            "large batches",
            ("train_accuracy", "accuracy"),
            setting="garments",
        ),
    ),
    Symptom(
        "few-images",
        "Few images",
        "A few hundred labelled images, all learnt after some epochs, "
        "and an accuracy that moves by points with the seed.",
        ("validation accuracy with all images", "validation accuracy with half of them"),
        "accuracy still rises from half to all images",
        (
            Advice(
                "A teacher that saw more",
                ("distillation",),
                "T = 4, α = 0.9, and a teacher that was trained on more images than you have; "
                "tune the learning rate anew",
                DISTILLATION,
                "The teacher's own validation accuracy is about what you can hope for.",
                (
                    Own("distillation"),
                    Own("distillation", against="300 labels, the same compute"),
                    Own("distillation", against="a teacher that saw no more"),
                ),
                "T = 4, α = 0.9",
                "the teacher's accuracy",
            ),
            Advice(
                "CutMix",
                ("mixup",),
                "α = 1, in a run of 60 epochs or more",
                CUTMIX,
                "Validation accuracy and NLL. With a short run, leave it out.",
                (
                    Beside("mixup", "few", "cutmix 1", "none"),
                    Beside("ricap", "few", "cutmix 1, 60 epochs", "none, 60 epochs"),
                    Beside("ricap", "few", "cutmix 1, 15 epochs", "none, 15 epochs"),
                ),
                "α = 1, long run",
                "validation accuracy, NLL",
            ),
            Advice(
                "Random Erasing, or Cutout",
                ("random_erasing", "cutout"),
                "half of the images, 2 to 40 % of the area; for Cutout half of the side",
                "replace(recipe, augment=RandomErasing(p=0.5, area=(0.02, 0.4)))",
                "Validation accuracy on whole images. Look at what is hidden: "
                "a small part may decide the label.",
                (
                    Own("random_erasing"),
                    Beside("random_erasing", "long", "erasing, random", "none"),
                    Own("cutout"),
                ),
                "p = 0.5, area 2 to 40 %",
                "is the label still visible?",
            ),
            Advice(
                "Weight decay",
                ("weight_decay",),
                "λ = 5e-4 under SGD",
                WEIGHT_DECAY,
                "Validation accuracy; tune λ together with the learning rate.",
                (Own("weight_decay"),),
                "λ = 5e-4 (SGD)",
                "tune with the learning rate",
            ),
        ),
        (
            Avoid(
                "Do not train a teacher on the same few images: "
                "no gain was seen from one that saw no more than the student.",
                ("distillation",),
                (Standing("distillation", "garments"), Standing("distillation", "colour")),
                "a teacher that saw no more",
            ),
            Avoid(
                "Do not judge by one seed: draw the images anew for each, as chapter 00 does.",
                ("baseline",),
            ),
        ),
        (
            DIGITS,
            Report(
                "Hinton et al. 2015",
                "hinton2015distilling",
                "Test errors on MNIST: 146 alone, 74 with a teacher that has 67 (as quoted in "
                "public notes).",
                "MNIST, errors: 146 alone, 74 with a teacher",
            ),
        ),
        Seen(
            "300 labelled images",
            "300 labels alone",
            ("train_accuracy", "accuracy"),
            slug="distillation",
        ),
    ),
    Symptom(
        "wrong-labels",
        "Wrong labels",
        "The network first learns what most labels say, and then memorises the wrong ones. "
        "Validation accuracy has a peak early in the run.",
        ("best validation accuracy of all epochs", "validation accuracy of the last epoch"),
        "validation accuracy peaks early, then falls",
        (
            Advice(
                "A short schedule",
                ("early_stopping", "decay"),
                "stop with a patience of 5 epochs once, to find the length; then train again on a "
                "cosine of that length",
                "replace(recipe, stop=EarlyStopping(patience=5))  # once\n"
                "replace(recipe, epochs=10, schedule=cosine_decay(10))  # then",
                "The accuracy on validation images, whose labels should be right. "
                "Report it on others, since these have chosen.",
                (
                    Own("early_stopping"),
                    Own("early_stopping", against="cosine, 10 epochs", turned=True),
                ),
                "patience 5; then cosine that long",
                "validation accuracy by epoch",
            ),
            Advice(
                "RICAP, or crop and mirror",
                ("ricap", "geometry"),
                "β = 0.3, in a long run; crop and mirror come first, since they are simpler",
                "replace(recipe, mix=RICAP(beta=0.3))",
                "Training accuracy on whole images: it should stay below the share of right "
                "labels.",
                (
                    Own("ricap"),
                    Own("ricap", against="none, 7 epochs"),
                    Own("ricap", against="crop and mirror, 60 epochs"),
                    Own("ricap", against="cutmix 1, 60 epochs"),
                    Own("ricap", against="mixup 1, 60 epochs"),
                ),
                "β = 0.3, long run",
                "training accuracy below the share of right labels",
            ),
            Advice(
                "CutMix",
                ("mixup",),
                "α = 1",
                CUTMIX,
                "Validation accuracy of the last epoch.",
                (Beside("mixup", "noisy", "cutmix 1", "none"),),
                "α = 1",
                "last epoch's accuracy",
            ),
        ),
        (
            Avoid(
                "Do not rely on dropout: it helps a network that memorises, and stopping early "
                "or a lower learning rate helps it more.",
                ("dropout",),
                (
                    Own("dropout", "dropout 0.5", against="8 epochs"),
                    Own("dropout", against="lr 0.005"),
                    Own("dropout", against="weight decay 0.05"),
                ),
                "dropout in place of a short run",
            ),
            Avoid(
                "Do not expect mixup to find the wrong labels.",
                ("mixup",),
                (Beside("mixup", "noisy", "mixup 1", "none"),),
            ),
        ),
        (
            Report(
                "Prechelt 1998",
                "prechelt1998early",
                "1,296 runs of small networks on 12 problems: the slower rules of early stopping "
                "generalise better by about 4 % on average, and train about 4 times as long.",
                "slower stopping rules: about 4 % better, 4 times as long",
            ),
        ),
        Seen(
            "A perceptron on 1,000 images, 400 of them with a wrong label, after 60 epochs",
            "to the end, 60 epochs",
            ("train_loss", "accuracy"),
            slug="early_stopping",
        ),
    ),
    Symptom(
        "occlusion",
        "Occlusion",
        "Something stands in front of the objects when the network is used, "
        "and nothing does in the training images.",
        ("accuracy on whole test images", "accuracy on the same images with a square hidden"),
        "accuracy drops when a square is hidden",
        (
            Advice(
                "Cutout",
                ("cutout",),
                "a square of half the image's side, in the mean colour",
                CUTOUT,
                "Both accuracies. Hide in the test what will hide the objects later: "
                "another colour is another test.",
                (
                    Own("cutout", metric="accuracy_hidden_14_black"),
                    Beside("cutout", "short", "cutout 14", "none", "accuracy_hidden_14"),
                    Own("cutout"),
                ),
                "square of half the side",
                "whole and hidden images",
            ),
            Advice(
                "Random Erasing",
                ("random_erasing",),
                "p = 0.5, area 2 to 40 %; choose the fill after what will hide the objects",
                "replace(recipe, augment=RandomErasing(p=0.5, area=(0.02, 0.4)))",
                "Both accuracies, and the fill.",
                (
                    Own("random_erasing", metric="accuracy_hidden_mean"),
                    Own("random_erasing", against="cutout, mean"),
                ),
                "p = 0.5, area 2 to 40 %",
                "the fill",
            ),
        ),
        (
            Avoid(
                "Do not hide half of what decides the label, as with digits.",
                ("cutout",),
                (),
                "hiding half of a digit",
            ),
            Avoid(
                "Do not put Cutout on top of crop and mirror for the sake of whole images.",
                ("cutout",),
                (
                    Own("cutout", "crop and mirror, cutout 14"),
                    Standing("cutout", "colour"),
                ),
                "on top of crop and mirror",
            ),
        ),
        (
            DIGITS,
            Report(
                "Zhong et al. 2020",
                "zhong2020random",
                "Random Erasing, ResNet-20, test error on whole images: Fashion-MNIST 4.39 to "
                "4.02 %, CIFAR-10 7.21 to 6.73 % (the authors' README).",
                "CIFAR-10, erasing, error: 7.21 to 6.73 %",
            ),
        ),
        Seen(
            "500 images, 64 epochs, without Cutout",
            "none",
            ("accuracy", "accuracy_hidden_14_black"),
            slug="cutout",
        ),
    ),
    Symptom(
        "another-light",
        "Another light",
        "The images that the network will see are darker, or under a lamp of another colour.",
        ("accuracy in the light of the training images", "accuracy under the other light"),
        "accuracy drops under another lamp",
        (
            Advice(
                "Standardise each image",
                ("color",),
                "each channel of each image to mean 0 and standard deviation 1, inside the network",
                "def standardizing(channels, classes):\n"
                "    network = small_resnet(channels, classes)\n"
                "    return nn.Sequential(nn.InstanceNorm2d(channels), network)\n"
                "\n"
                "replace(recipe, model=standardizing)",
                "The accuracy in the light of the training images too: "
                "what is said by colour alone is lost.",
                (
                    Beside("color", "", "each image standardised", "none", "accuracy_coloured"),
                    Own("color", against="each image standardised", turned=True),
                ),
                "InstanceNorm2d in front",
                "accuracy in the old light too",
            ),
            Advice(
                "Turn the hue as well",
                ("color",),
                "0.4 for brightness, contrast and saturation, and a hue of 0.5",
                "shift = ColorShift(\n"
                "    brightness=0.4, contrast=0.4, saturation=0.4, hue=0.5\n"
                ")\n"
                "replace(recipe, augment=shift)",
                "The accuracy under each light by itself.",
                (Beside("color", "", "colour shift 0.4, hue 0.5", "none", "accuracy_coloured"),),
                "0.4, and hue 0.5",
                "each light by itself",
            ),
        ),
        (
            Avoid(
                "Do not expect brightness, contrast and saturation alone to prepare for coloured "
                "light, nor to help in the old light.",
                ("color",),
                (
                    Own("color"),
                    Own("color", "colour shift 0.4", metric="accuracy", against="none"),
                    Standing("color", "colour"),
                ),
                "colour shift without hue",
            ),
        ),
        (
            Report(
                "Krizhevsky et al. 2012",
                "krizhevsky2012imagenet",
                "PCA colour on ImageNet “reduces the top-1 error rate by over 1 %”.",
                "ImageNet, PCA colour: error “over 1 %” lower",
            ),
        ),
        Seen(
            "3,000 photographs, without colour shift",
            "none",
            ("accuracy", "accuracy_coloured"),
            slug="color",
        ),
    ),
    Symptom(
        "small-network",
        "Small network",
        "The network must be small, and it under-fits: a wider one knows its training images "
        "better.",
        ("training accuracy of the small network", "training accuracy of one twice as wide"),
        "a network twice as wide trains far better",
        (
            Advice(
                "More epochs, with decay",
                ("decay",),
                "twice the epochs, and a learning rate that falls to zero",
                LONGER,
                "Training accuracy. As long as it rises with the epochs, nothing else is needed.",
                (Own("decay"),),
                "twice the epochs",
                "training accuracy still rising?",
            ),
            Advice(
                "A teacher, if labels are few",
                ("distillation",),
                "T = 4, α = 0.9; a teacher as small as the student will do",
                DISTILLATION,
                "Compare with twice the epochs without a teacher.",
                (
                    Own("distillation"),
                    Own("distillation", against="a teacher of the student's size"),
                ),
                "T = 4, α = 0.9, few labels",
                "against twice the epochs",
            ),
        ),
        (
            Avoid(
                "Do not expect a teacher to help where the student has all of its labels.",
                ("distillation",),
                (
                    Own("distillation", study="enough"),
                    Own("distillation", against="a tiny student, twice the epochs", study="enough"),
                ),
                "a teacher where labels are many",
            ),
            Avoid(
                "Do not add strong regularisers: they under-fit a small network further. "
                "See [under-fitting](#under-fitting).",
                ("ricap", "autoaugment"),
                (Standing("ricap", "garments"), Standing("autoaugment", "garments")),
                "strong augmentation, mixing",
            ),
        ),
        (TEACHERS, COSINES),
    ),
    Symptom(
        "short-training",
        "Short training",
        "There is time for a few epochs only, and the training accuracy still rises when the run "
        "ends.",
        ("training accuracy of the last epoch", "training accuracy some epochs before"),
        "training accuracy still rises at the end",
        (
            Advice(
                "Let the learning rate fall to zero",
                ("decay",),
                "half a cosine, or a straight line, that ends with the run",
                COSINE,
                "Accuracy at the end, not on the way: a falling rate looks worse in the middle.",
                (
                    Standing("decay", "garments"),
                    Own("decay"),
                    Own("decay", against="linear, 15 epochs"),
                ),
                "cosine or line to zero",
                "accuracy at the end only",
            ),
            Advice(
                "Batch normalisation",
                ("batch_norm",),
                "after each convolution; tune the learning rate anew",
                BATCH_NORM,
                "Accuracy at the end, each at its best learning rate.",
                (Own("batch_norm"), Standing("batch_norm", "garments")),
                "after each convolution",
                "each at its best rate",
            ),
        ),
        (
            Avoid(
                "Do not regularise: crop and mirror, RICAP, AutoAugment and dropout all need time.",
                ("geometry", "ricap", "autoaugment", "dropout"),
                (
                    Standing("geometry", "garments"),
                    Standing("ricap", "garments"),
                    Standing("autoaugment", "garments"),
                    Beside("ricap", "few", "ricap 0.3, 15 epochs", "none, 15 epochs"),
                    Beside("dropout", "resnet", "dropout 0.5, 4 epochs", "none, 4 epochs"),
                ),
                "crop, RICAP, AutoAugment, dropout",
            ),
            Avoid(
                "Do not expect AdaBound to be faster.",
                ("adabound",),
                (Standing("adabound", "garments"), Own("adabound")),
            ),
        ),
        (LONG_MIXUP, LONG_RICAP),
        Seen(
            "In *garments* with RICAP, after ten epochs",
            "RICAP",
            ("train_accuracy", "accuracy"),
            setting="garments",
        ),
    ),
    Symptom(
        "fine-tuning",
        "Fine-tuning",
        "The network comes with weights from another data set, and is trained on yours. "
        "Nothing of this was measured in the course yet: what follows is a place to start, "
        "from one public report.",
        (
            "validation accuracy of a linear classifier on the frozen network",
            "validation accuracy of the fine-tuned network",
        ),
        "fine-tuned no better than a linear classifier on the frozen network",
        (
            Advice(
                "A small learning rate",
                ("warmup",),
                "a tenth of the rate for training from scratch; then a hundredth",
                "replace(recipe, lr=recipe.lr / 10)",
                "The fine-tuned network should be better than the frozen one after the first "
                "epochs. If it is worse, the learning rate destroys what was learnt.",
                (),
                "learning rate / 10",
                "better than frozen?",
            ),
            Advice(
                "Warmup",
                ("warmup",),
                "over a tenth of the run, if the rate must stay large",
                WARMUP,
                "The loss of the first steps.",
                (),
                "a tenth of the run",
                "loss of the first steps",
            ),
        ),
        (
            Avoid(
                "Do not draw new first weights: they are what you loaded.",
                ("initialization",),
                (),
                "new first weights",
            ),
        ),
        (
            Report(
                "hoya012, carrier of tricks",
                "https://github.com/hoya012/carrier-of-tricks-for-classification-pytorch",
                "A ResNet-50 with ImageNet's weights on photographs of landscapes, validation "
                "accuracy, one run each: 82.44 % at a learning rate of 0.1, 91.13 % with warmup, "
                "92.80 % with Adam and a small learning rate and no warmup (README).",
                "one run each: 82.44, warmup 91.13, Adam at a small rate 92.80 %",
            ),
        ),
    ),
)
"""In the order of the page."""


TOGETHER = Symptom(
    "together",
    "Together",
    "Several tricks at once need not add up. Begin with decay, weight decay, crop and mirror; put "
    "one in at a time, measure each step, and at the end leave each out once.",
    ("validation accuracy with both", "validation accuracy with the better one alone"),
    "both no better than one",
    (),
    (
        Avoid(
            "A long recipe, copied into a short run.",
            ("together",),
            (
                Own("together", against="plain"),
                Own("together", against="+ crop and mirror"),
                Own("together", against="crop and mirror, for the same time"),
            ),
            "a long recipe in a short run",
        ),
        Avoid(
            "AutoAugment on top of crop and mirror, before the run is long enough for it: 10 "
            "epochs, then 90.",
            ("together", "autoaugment"),
            (
                Beside("together", "short", "+ AutoAugment", "+ crop and mirror"),
                Beside("together", "longest", "+ AutoAugment", "+ crop and mirror"),
            ),
        ),
        Avoid(
            "Cutout on top of crop and mirror.",
            ("cutout",),
            (Own("cutout", "crop and mirror, cutout 14"),),
            "Cutout + crop and mirror",
        ),
        Avoid(
            "Mixup on top of crop and mirror.",
            ("mixup",),
            (Own("mixup", "mixup 1 + crop and mirror, 64 epochs"),),
            "mixup + crop and mirror",
        ),
        Avoid(
            "A rotation on top of crop and mirror.",
            ("geometry",),
            (Own("geometry", against="crop, mirror and rotation, 45 epochs", turned=True),),
        ),
        Avoid(
            "RICAP on top of crop and mirror, with wrong labels.",
            ("ricap",),
            (
                Beside(
                    "ricap",
                    "again",
                    "ricap 0.3 + crop and mirror, 60 epochs",
                    "crop and mirror, 60 epochs",
                ),
            ),
        ),
    ),
    (
        Report(
            "He et al. 2019",
            "he2019bag",
            "ResNet-50-D on ImageNet, top-1 accuracy: 77.16 %; with cosine decay 77.91 %, label "
            "smoothing besides 78.31 %, then mixup 79.15 %, then a teacher 79.29 %.",
            "ImageNet: 77.16, cosine 77.91, smoothing 78.31, mixup 79.15, teacher 79.29 %",
        ),
        Report(
            "Yun et al. 2019",
            "yun2019cutmix",
            "PyramidNet-200 on CIFAR-100, top-1 error: 16.45 % without, 16.53 % with Cutout, "
            "15.63 % with mixup, 15.46 % with both, 14.23 % with CutMix (the authors' README).",
        ),
    ),
)
"""What is known of combinations; it stands after the symptoms."""


def symptom(name: str) -> Symptom:
    """Return a symptom, or what is known of combinations, by its name.

    Raises:
        ValueError: if there is none of that name.
    """
    every = {one.name: one for one in (*SYMPTOMS, TOGETHER)}
    spelt = {_letters(known): known for known in every}
    if _letters(name) not in spelt:
        near = difflib.get_close_matches(_letters(name), spelt, n=1)
        hint = f"; did you mean {spelt[near[0]]}?" if near else ""
        raise ValueError(f"expected one of {', '.join(every)}; got {name!r}{hint}")
    return every[spelt[_letters(name)]]


def _letters(name: str) -> str:
    """Return a name without what people write in different ways: "Over fitting", "overfitting"."""
    return "".join(filter(str.isalpha, name.lower()))
