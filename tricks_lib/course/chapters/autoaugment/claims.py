"""What chapter 11 says of its records, and what the papers printed.

Chapter: notebooks/11_autoaugment.ipynb
"""

from tricks_lib.course.claims import Claim

__all__ = ["CLAIMS"]

CLAIMS: list[Claim] = []
