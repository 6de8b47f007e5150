"""Code of the article that the course began with, character by character as it was printed.

Kept as text, since it does not run: each chapter runs it and shows what happens.

Chapter: notebooks/01_warmup.ipynb
"""

from importlib.resources import files

__all__ = ["printed"]


def printed(slug: str) -> str:
    """Return the article's code on one trick, as printed.

    Args:
        slug: name of the chapter, such as "warmup".

    Source: Tricks for training deep neural networks: principles and code (in Chinese), 2019.
    """
    folder = files("tricks_lib.course.chapters") / slug
    return (folder / "article.txt").read_text(encoding="utf-8")
