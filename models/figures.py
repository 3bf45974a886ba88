"""What statistics are made of: changes as they happen, how fast needs were answered, and sums of closed days."""

from datetime import date
from enum import StrEnum

from tortoise import fields

from app.core.errors import AlreadyExists, refuses
from models.base import RESTRICT, AsGiven, Record
from models.needs import Need
from models.places import OfCommunity, Place
from models.residents import Resident


class Span(StrEnum):
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


class Deed(StrEnum):
    """How somebody took part."""

    WROTE = "wrote"
    ENDORSED = "endorsed"
    VOTED = "voted"
    SIGNED_UP = "signed_up"
    PLEDGED = "pledged"
    SERVED = "served"


class ResponseStep(StrEnum):
    ANSWER = "answer"
    DECISION = "decision"


refuses("figures_once", AlreadyExists)


class FigureEntry(Record):
    """A figure changed by `amount` at this moment: triggers write it beside what changed. Never changed itself."""

    community_id = fields.BigIntField()
    measure = fields.CharField(32)
    dimension = fields.CharField(32)
    amount = fields.BigIntField()

    class Meta:
        table = "figure_entries"


class NeedResponse(Record):
    """A need had its first answer or its decision, after so many whole hours; `late` is null where none was owed."""

    community_id = fields.BigIntField()
    need: fields.ForeignKeyRelation[Need] = fields.ForeignKeyField("models.Need", "responses", on_delete=RESTRICT)
    need_id: int
    step = fields.CharEnumField(ResponseStep, max_length=8)
    hours = fields.IntField()
    late = fields.BooleanField(null=True)

    class Meta:
        table = "need_responses"


class Figure(OfCommunity, Record):
    """A sum over a closed day, month or year that begins on `from_on`, by Shanghai's calendar. Never changed."""

    span = fields.CharEnumField(Span, max_length=8)
    from_on: date = fields.DateField()
    measure = fields.CharField(32)
    dimension = fields.CharField(32)
    amount = fields.BigIntField()

    class Meta:
        table = "figures"


class FigureMark(Record):
    """The days of a community before `until_on` are summed up."""

    community: fields.OneToOneRelation[Place] = fields.OneToOneField("models.Place", "figure_mark", on_delete=RESTRICT)
    community_id: int
    until_on: date = fields.DateField()

    class Meta:
        table = "figure_marks"


class Months(AsGiven):
    """A bit for each month from January 2000 on."""

    SQL_TYPE = "BIT(1200)"


class Participation(OfCommunity, Record):
    """In which months somebody did something in a community."""

    resident: fields.ForeignKeyRelation[Resident] = fields.ForeignKeyField(
        "models.Resident", "participations", on_delete=RESTRICT
    )
    resident_id: int
    deed = fields.CharEnumField(Deed, max_length=16)
    months = Months()

    class Meta:
        table = "participations"
