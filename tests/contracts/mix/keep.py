from tricks_lib import keep

from ..cases import Case

CASE = Case(examples=[keep])
