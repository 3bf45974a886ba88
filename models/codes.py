"""Mini-program codes: a short scene id, printed on paper, that stands for one thing for ever."""

from datetime import datetime
from enum import StrEnum

from tortoise import fields

from models.base import Record
from models.places import OfCommunity

SCENE_LENGTH = 8


class CodeKind(StrEnum):
    """What a code can stand for."""

    NEED = "need"
    WISH = "wish"
    DELIBERATION = "deliberation"
    ACTIVITY = "activity"
    CAMPAIGN = "campaign"
    PLACE = "place"


class PosterKind(StrEnum):
    """What can have a poster to share."""

    NEED = "need"
    WISH = "wish"
    DELIBERATION = "deliberation"
    ACTIVITY = "activity"
    CAMPAIGN = "campaign"


PAGES = {
    CodeKind.NEED: "pages/need/index",
    CodeKind.WISH: "pages/wish/index",
    CodeKind.DELIBERATION: "pages/deliberation/index",
    CodeKind.ACTIVITY: "pages/activity/index",
    CodeKind.CAMPAIGN: "pages/campaign/index",
    CodeKind.PLACE: "pages/place/index",
}
"""The mini-program's page for each kind of thing."""


class Code(OfCommunity, Record):
    """The scene id of one thing, and the link that opens it, for one version of the mini-program, until it is stale.

    Until `asking_until` somebody is asking WeChat for the picture or the link; the others wait for him.
    """

    scene = fields.CharField(SCENE_LENGTH)
    kind = fields.CharEnumField(CodeKind, max_length=16)
    subject_id = fields.BigIntField()
    link = fields.CharField(500, null=True)
    link_version = fields.CharField(8, null=True)
    link_until: datetime | None = fields.DatetimeField(null=True)
    asking_until: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "codes"

    @property
    def page(self) -> str:
        """The page of the mini-program that shows the thing."""
        return PAGES[self.kind]
