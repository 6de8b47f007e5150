"""What chapter 12 says of the records and of the papers.

Chapter: notebooks/12_geometry.ipynb
"""

from tricks_lib.course.claims import Claim, Printed

__all__ = ["CLAIMS"]

CLAIMS: list[Claim] = [
    # TODO every verdict and number of the text, such as Helps(PLAN, "geometry").
    Printed("TODO the paper's number", source="TODO author year, table"),
]
