"""The standing setting *colour*: small photographs in colour, until the training images are known.

Training images of CIFAR-10, which each seed draws from the 50,000, with random crops and mirror
images in the baseline. The papers' networks fit their training images, so this baseline is trained
until it is right on 95 % of its own.

`load_data("cifar10")` fetches the images. Where the environment variable `TRICKS_CIFAR10` names a
folder with the same images, such as one of JPEG files, they come from there; what was recorded says
which.

Chapter: notebooks/00_baseline.ipynb
"""
