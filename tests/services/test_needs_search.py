"""Finding needs: the hint of a twin among many, and full-text search in Chinese."""

import pytest

from app.core import db
from app.core.pages import Page
from models.base import Moderation
from models.needs import Need, NeedState
from services import needs
from tests.people import People
from tests.rules.twins import KNOWN_OTHERS, KNOWN_TWINS, UNSEEN_OTHERS, UNSEEN_TWINS
from tests.services.test_needs import written

MANY = """
INSERT INTO needs (community_id, author_id, state, moderation, service_class, field, title, body, endorsements)
SELECT $1, $2, 'submitted', 'passed', 'care', 'elderly', title, '正文', 0 FROM unnest($3::text[]) AS title
RETURNING id, title
"""


async def many(people: People, titles: list[str]) -> dict[str, int]:
    return {line["title"]: line["id"] for line in await db.rows(MANY, people.jy, people.lin.id, titles)}


async def test_a_reworded_twin_is_hinted_at_among_all_others(people: People) -> None:
    twins, others = [*KNOWN_TWINS, *UNSEEN_TWINS], [*KNOWN_OTHERS, *UNSEEN_OTHERS]
    ids = await many(people, [title for pair in twins for title in pair[:1]] + [title for _, title in others])
    found = 0
    for kept, typed in twins:
        hinted = [need.id for need in await needs.similar(people.mei, people.jy, title=typed)]
        assert len(hinted) <= 5
        found += ids[kept] in hinted
    print(f"{found} of {len(twins)} twins found among {len(ids)} needs")  # noqa: T201 - the figures are the report
    assert found >= 0.9 * len(twins)


async def test_the_hint_follows_a_need_along_its_road(people: People) -> None:
    need = await written(people, title="七号楼楼道灯坏了")

    async def hinted() -> list[int]:
        return [found.id for found in await needs.similar(people.mei, people.jy, title="7号楼走廊灯不亮")]

    assert await hinted() == [need.id]
    await needs.accept(people.chen, need.id)
    assert await hinted() == [need.id]
    await needs.finish(people.chen, need.id)
    assert await hinted() == []
    await needs.reopen(people.lin, need.id, reason="又坏了")
    assert await hinted() == [need.id]
    await Need.filter(id=need.id).update(title="想学用手机")
    assert await hinted() == []


async def test_a_hint_keeps_to_its_community_and_to_what_may_be_seen(people: People) -> None:
    need = await written(people)
    assert await needs.similar(people.wu, people.yl, title=need.title) == []
    await Need.filter(id=need.id).update(moderation=Moderation.QUEUED)
    assert await needs.similar(people.mei, people.jy, title=need.title) == []
    assert [one.id for one in await needs.similar(people.chen, people.jy, title=need.title)] == [need.id]


async def test_every_open_need_and_no_other_is_paired(people: People) -> None:
    one, over = await written(people), await written(people)
    await needs.decline(people.chen, over.id, reason="重复")
    wrong = await db.value(
        "SELECT count(*) FROM (SELECT n.community_id, g AS pair, n.id FROM needs n, unnest(grams(n.title)) g "
        "WHERE length(g) = 2 AND n.state = ANY($1::text[])) a FULL JOIN need_pairs p "
        "ON (p.community_id, p.pair, p.need_id) = (a.community_id, a.pair, a.id) "
        "WHERE a.id IS NULL OR p.need_id IS NULL",
        [state.value for state in (NeedState.SUBMITTED, NeedState.ACCEPTED, NeedState.ROUTED, NeedState.IN_PROGRESS)],
    )
    assert wrong == 0
    assert await db.value("SELECT count(*) FROM need_pairs WHERE need_id = $1", one.id) == 4


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("楼道", True),
        ("灯", True),
        ("ＷＩＦＩ", True),
        ("wifi", True),
        ("三层的灯", True),
        ("楼道 一周", True),
        ("楼道 电梯", False),
        ("道楼", False),
        ("100%", True),
        ("_", False),
        ("'", False),
        ("   ", True),
    ],
)
async def test_each_word_is_looked_for_in_title_and_body(people: People, q: str, found: bool) -> None:
    need = await written(people, title="楼道灯坏了100%", body="WiFi也不好，三层的灯坏了一周")
    listed = await needs.listed(people.wu, community_id=people.jy, q=q, page=Page(100))
    assert (need.id in [one.id for one in listed.items]) is found


async def test_search_keeps_the_door(people: People) -> None:
    need = await written(people, body="悄悄话")
    await Need.filter(id=need.id).update(moderation=Moderation.HIDDEN)
    for who, sees in (("lin", True), ("chen", True), ("mei", False), ("deng", False), ("qian", False)):
        listed = await needs.listed(people[who], q="悄悄话", page=Page())
        assert [one.id for one in listed.items] == ([need.id] if sees else []), who
