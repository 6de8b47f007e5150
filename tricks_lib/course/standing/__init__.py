"""The standing settings, *garments* and *colour*: the same for every trick of the course.

Chapter: notebooks/00_baseline.ipynb
"""
