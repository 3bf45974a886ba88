"""Places: district, street, community, grid and building, as one tree with a materialised path."""

from enum import StrEnum

from tortoise import fields

from models.base import RESTRICT, Record


class PlaceKind(StrEnum):
    DISTRICT = "district"
    STREET = "street"
    COMMUNITY = "community"
    GRID = "grid"
    BUILDING = "building"


INSIDE: dict[PlaceKind, set[PlaceKind | None]] = {
    PlaceKind.DISTRICT: {None},
    PlaceKind.STREET: {PlaceKind.DISTRICT},
    PlaceKind.COMMUNITY: {PlaceKind.STREET},
    PlaceKind.GRID: {PlaceKind.COMMUNITY},
    PlaceKind.BUILDING: {PlaceKind.COMMUNITY, PlaceKind.GRID},
}


class Place(Record):
    """A district, street, community, grid or building. `path` is `/1/4/9/`: its ancestors' ids and its own."""

    parent: fields.ForeignKeyNullableRelation["Place"] = fields.ForeignKeyField(
        "models.Place", "children", on_delete=RESTRICT, null=True
    )
    parent_id: int | None
    kind = fields.CharEnumField(PlaceKind, max_length=16)
    name = fields.CharField(60)
    path = fields.CharField(200, unique=True)
    community_id = fields.BigIntField(null=True)
    """The community it lies in or is; null above."""

    class Meta:
        table = "places"


class OfCommunity:
    """Columns of what belongs to one community."""

    community: fields.ForeignKeyRelation[Place] = fields.ForeignKeyField(
        "models.Place", related_name=False, on_delete=RESTRICT
    )
    community_id: int


class Calendar(Record):
    """Days off and moved working days at a place and all below it, as `2026-10-01`; else Monday to Friday is worked."""

    place: fields.ForeignKeyRelation[Place] = fields.ForeignKeyField("models.Place", "calendars", on_delete=RESTRICT)
    place_id: int
    days_off: list[str] = fields.JSONField()
    working_days: list[str] = fields.JSONField()

    class Meta:
        table = "calendars"
