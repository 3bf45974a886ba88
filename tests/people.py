"""The cast everybody knows.

小林, 阿梅 and 王伯 live in 锦阳; 陈 and 赵 sit on its committee; 吴 lives next door in 玉林.
"""

from dataclasses import dataclass, fields

from app.seed import JY, YL
from models.places import Place
from services import residents
from services.policies import Actor


@dataclass(frozen=True)
class People:
    """Each member of the cast as an actor, and the two communities' ids."""

    lin: Actor
    mei: Actor
    wang: Actor
    guest: Actor
    chen: Actor
    zhao: Actor
    sun: Actor
    he: Actor
    ma: Actor
    wu: Actor
    deng: Actor
    qian: Actor
    root: Actor
    jy: int
    yl: int

    @classmethod
    async def load(cls) -> "People":
        """Read the cast out of the seeded database."""
        found = {}
        for field in fields(cls):
            if field.type in (Actor, "Actor"):
                found[field.name] = await residents.actor((await residents.enrol(field.name)).id)
        jy, yl = await Place.get(name=JY), await Place.get(name=YL)
        return cls(**found, jy=jy.id, yl=yl.id)

    def __getitem__(self, openid: str) -> Actor:
        actor = getattr(self, openid)
        assert isinstance(actor, Actor)
        return actor
