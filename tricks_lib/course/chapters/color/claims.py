"""What chapter 13 says of the records and of the papers.

Chapter: notebooks/13_color.ipynb
"""

from tricks_lib.course.claims import Claim, Printed

__all__ = ["CLAIMS"]

CLAIMS: list[Claim] = [
    # TODO every verdict and number of the text, such as Helps(PLAN, "color").
    Printed("TODO the paper's number", source="TODO author year, table"),
]
