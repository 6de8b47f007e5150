"""What chapter 19 says of the records and of the papers.

Chapter: notebooks/19_together.ipynb
"""

from tricks_lib.course.claims import Claim, Printed

__all__ = ["CLAIMS"]

CLAIMS: list[Claim] = [
    # TODO every verdict and number of the text, such as Helps(PLAN, "together").
    Printed("TODO the paper's number", source="TODO author year, table"),
]
