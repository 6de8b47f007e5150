from tricks_lib import never

from ..cases import Case

CASE = Case(examples=[never])
