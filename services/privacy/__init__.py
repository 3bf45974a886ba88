"""What somebody may do with all that is kept about him: have it, and have it erased (个保法 45, 47)."""

from services.privacy.exporting import export
from services.privacy.holdings import HELD, Held
from services.privacy.leaving import UnfinishedDuties, leave

__all__ = ["HELD", "Held", "UnfinishedDuties", "export", "leave"]
