from tricks_lib import cross_entropy

from ..cases import Case

CASE = Case(examples=[cross_entropy])
