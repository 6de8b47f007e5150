"""What chapter 20 says of the records and of the papers.

Chapter: notebooks/20_own_images.ipynb
"""

from tricks_lib.course.claims import Claim

__all__ = ["CLAIMS"]

CLAIMS: list[Claim] = []
