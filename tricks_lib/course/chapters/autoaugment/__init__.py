"""Chapter 11: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/11_autoaugment.ipynb
"""
