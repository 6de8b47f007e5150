"""Which tricks help on images of your own: what the command `study` is made of.

Chapter: notebooks/20_own_images.ipynb
"""
