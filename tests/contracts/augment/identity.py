from tricks_lib import identity

from ..cases import AugmentCase

CASE = AugmentCase(examples=[identity])
