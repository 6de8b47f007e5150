"""Chapter 20: what it claims, and what it measures; its "trick" is to ask one's own images.

Chapter: notebooks/20_own_images.ipynb
"""

from tricks_lib.course.chapter import Chapter

from .study import PLAN

__all__ = ["CHAPTER"]

CHAPTER = Chapter(
    __name__,
    number=20,
    title="Your own images",
    claim="Crop and mirror, the first thing to try on photographs, also helps in a small folder of "
    "pictures that are all alike.",
    says="Ask your own images which tricks help: one command, several seeds, an interval for each.",
    plan=PLAN,
    use="you have a folder of images, some hours, and several tricks to choose from.",
    avoid="the network has not learnt yet, or the test images are so few that no answer is "
    "possible: the command says so.",
    start="one trick at a time, ten seeds, and then those that help together.",
    line="main('study --data FOLDER --all --seeds 10 --out RESULTS'.split())",
    before="Chapter 00; which trick is which is told where it is used.",
    minutes=50,
    minutes_for_all=100,
    seconds=40,
)
