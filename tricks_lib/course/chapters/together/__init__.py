"""Chapter 19: what it claims, what it measures, how its recipe is taken.

Chapter: notebooks/19_together.ipynb
"""

from tricks_lib.course.chapter import Chapter

from .study import PLAN

__all__ = ["CHAPTER"]

CHAPTER = Chapter(
    __name__,
    number=19,
    title="Tricks together",
    claim="Which tricks, and in which order: gains that were measured one by one need not add up.",
    says="Put tricks into one recipe one at a time, and take them out again one at a time: so you "
    "see which of them the others have made superfluous.",
    plan=PLAN,
    use="you choose several tricks at once; measure the whole recipe and leave one out at a time.",
    avoid="the run is short, or the network has not yet learnt its training images: add epochs "
    "first.",
    start="crop, mirror, cosine decay and weight decay; then one trick at a time, at the length "
    "that you can afford.",
    plain="x, y = mix(normalise(augment(x)), y); loss = F.cross_entropy(net(x), y, "
    "label_smoothing=0.1)",
    papers="On ImageNet the steps of a published recipe add 4.5 points in all "
    "([Vryniotis 2021](book/references.md#vryniotis2021state)), those of another 2.1 "
    "([He et al. 2019](book/references.md#he2019bag), table 6).",
    before="Chapter 00, and the tricks that you want to combine; chapters 05, 09 and 12 help.",
    minutes=60,
    minutes_for_all=120,
    seconds=40,
    line="small_photographs(epochs=30)",
)
