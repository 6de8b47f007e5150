from tricks_lib import cross_entropy

from ..cases import ObjectiveCase

CASE = ObjectiveCase(examples=[cross_entropy])
