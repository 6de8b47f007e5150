"""What chapter 18 says of the records and of the papers.

Chapter: notebooks/18_batch_norm.ipynb
"""

from tricks_lib.course.claims import Claim, Printed

__all__ = ["CLAIMS"]

CLAIMS: list[Claim] = [
    # TODO every verdict and number of the text, such as Helps(PLAN, "batch norm").
    Printed("TODO the paper's number", source="TODO author year, table"),
]
