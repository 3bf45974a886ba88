"""Deliberations: from a proposal over discussion and vote to a resolution that money and roles cite."""

from app.core.errors import NotFound
from models.deliberations import Resolution


async def find_resolution(resolution_id: int) -> Resolution:
    """A resolution; anybody may read it. Raises NotFound."""
    resolution = await Resolution.get_or_none(id=resolution_id)
    if resolution is None:
        raise NotFound("没有找到这项决议", "No such resolution")
    return resolution
