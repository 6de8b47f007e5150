"""Whole recipes by name: several tricks that were measured together.

Chapter: notebooks/19_together.ipynb
"""
