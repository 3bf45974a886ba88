"""The transparency log: what was moved and decided is sealed into a tree, in an order that nobody can change.

A row that is to be logged (`KINDS`) waits in `log_pending` from its own transaction on, by a trigger. The sequencer
gives it the next number, extends the tree and signs a new head. Whoever keeps a head can show later that the past was
rewritten, with `tools/verify_log.py` and no access to the server.
"""

from services.transparency.checking import check_log
from services.transparency.reading import (
    Consistency,
    Figures,
    Head,
    Inclusion,
    consistency,
    export,
    figures,
    head,
    heads,
    proof,
)
from services.transparency.sequencing import MERGE_DELAY_S, sequence_pending

__all__ = [
    "MERGE_DELAY_S",
    "Consistency",
    "Figures",
    "Head",
    "Inclusion",
    "check_log",
    "consistency",
    "export",
    "figures",
    "head",
    "heads",
    "proof",
    "sequence_pending",
]
