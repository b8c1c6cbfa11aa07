"""What a farm costs: purchase, replacement, racks, electricity; the bands of all inputs carried through."""

from nanosieve.farm.cost.bill import Bill, Utilisation, bill
from nanosieve.farm.cost.cost import Cost, Influence, farm_cost, relative_cost
from nanosieve.farm.cost.purchases import GROUPS, inputs, purchases

__all__ = [
    "GROUPS",
    "Bill",
    "Cost",
    "Influence",
    "Utilisation",
    "bill",
    "farm_cost",
    "inputs",
    "purchases",
    "relative_cost",
]
