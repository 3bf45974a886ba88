"""Figures of places: what communities, streets and districts have done, from rows, in sums that do not grow.

`facts` says what counts; `folding` sums up closed days once; `reading` answers; `people` counts those who took part
so that nobody can be told from a small group; `checking` recounts; `open_data` gives tables to everybody.
"""

from services.statistics.checking import check_figures
from services.statistics.folding import fold, fold_due
from services.statistics.open_data import OpenData, OpenTable, open_data
from services.statistics.people import Group
from services.statistics.reading import By, Figures, Month, children, figures

__all__ = [
    "By",
    "Figures",
    "Group",
    "Month",
    "OpenData",
    "OpenTable",
    "check_figures",
    "children",
    "figures",
    "fold",
    "fold_due",
    "open_data",
]
