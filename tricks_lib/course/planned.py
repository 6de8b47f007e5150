"""Chapters that are still to be written; a chapter that has its folder is no longer among them."""

from dataclasses import dataclass

__all__ = ["PLANNED", "Planned"]


@dataclass(frozen=True)
class Planned:
    """A chapter to come.

    Args:
        number: place in the course.
        slug: its name everywhere.
        title: what its page will be called.
        claim: what is said of the trick, in a sentence.
    """

    number: int
    slug: str
    title: str
    claim: str

    @property
    def notebook(self) -> str:
        """Path that its notebook will have in the repository."""
        return f"notebooks/{self.number:02d}_{self.slug}.ipynb"


PLANNED = (
    Planned(6, "distillation", "Knowledge distillation", "Learn from a teacher's doubts."),
    Planned(8, "random_erasing", "Random Erasing", "Hide a rectangle of any size."),
    Planned(10, "ricap", "RICAP", "Patch four crops into one image."),
    Planned(11, "autoaugment", "AutoAugment", "Let a search choose the augmentation."),
    Planned(12, "geometry", "Crop, mirror, rotate", "Show every image anew."),
    Planned(13, "color", "Colour shift and PCA colour", "Show every image in another light."),
    Planned(14, "weight_decay", "Weight decay", "Keep the weights small."),
    Planned(15, "dropout", "Dropout", "Switch units off at random."),
    Planned(16, "early_stopping", "Early stopping", "Stop when validation stops improving."),
    Planned(17, "initialization", "Initialisation", "Start where signals neither grow nor fade."),
    Planned(18, "batch_norm", "Batch normalisation", "Give every channel mean 0 and deviation 1."),
    Planned(19, "together", "Tricks together", "Which tricks, and in which order."),
    Planned(20, "own_images", "Your own images", "What to try first on images of your own."),
)
