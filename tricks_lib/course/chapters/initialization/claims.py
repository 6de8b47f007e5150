"""What chapter 17 says of the records and of the papers.

Chapter: notebooks/17_initialization.ipynb
"""

from tricks_lib.course.claims import Claim, Printed

__all__ = ["CLAIMS"]

CLAIMS: list[Claim] = [
    # TODO every verdict and number of the text, such as Helps(PLAN, "initialization").
    Printed("TODO the paper's number", source="TODO author year, table"),
]
