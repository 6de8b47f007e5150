"""What chapter 14 says of the records and of the papers.

Chapter: notebooks/14_weight_decay.ipynb
"""

from tricks_lib.course.claims import Claim, Printed

__all__ = ["CLAIMS"]

CLAIMS: list[Claim] = [
    # TODO every verdict and number of the text, such as Helps(PLAN, "weight decay").
    Printed("TODO the paper's number", source="TODO author year, table"),
]
