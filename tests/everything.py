"""One thing of every kind in 锦阳, made over HTTP from the contract's own examples, and all who may look at it."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from app.core import clock, db
from models.media import Purpose
from models.residents import Role
from services import crowdfunding, deliberations, disclosures, places, residents, transparency, volunteering
from tests.conftest import as_owner
from tests.people import People
from tests.raising import cash, paid
from tests.spending import picture

LoggedIn = Callable[[str], Awaitable[httpx.AsyncClient]]

# From nobody to those who answer for all: 途人 and 迁居者 live nowhere here any more, 吴 and 邓 next door,
# far is a district officer of elsewhere; 小林 made most things, 阿梅 shares no home with him.
ROLES = (
    "anonymous", "guest", "moved", "wu", "deng", "far", "lin", "mei", "he", "ma", "chen", "zhao", "sun", "qian", "root",
)  # fmt: skip
WRITTEN = datetime.fromisoformat("2026-11-23T10:00:00+08:00")
"""The day of the examples' dates, which are moved to today."""
QUERIES: dict[str, dict[str, Any]] = {
    "list_similar_needs": {"title": "楼道灯坏了"},
    "get_statement": {"month": "2026-10"},
    "export_statement_csv": {"month": "2026-10"},
    "export_statement_xlsx": {"month": "2026-10"},
    "prove_consistency": {"from": 1},
}
"""What an operation must be asked with."""
MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(T[\d:]+\+08:00)?")


@dataclass
class Everything:
    """The town, its clients by role, and the id of one thing for each name in a path."""

    clients: dict[str, httpx.AsyncClient]
    operations: dict[str, tuple[str, str, dict[str, Any]]]
    ids: dict[str, Any]
    bodies: dict[str, Any] = field(default_factory=dict)
    queries: dict[str, Any] = field(default_factory=dict)
    below: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What a name in a path stands for below a certain first word of it."""
    days: timedelta = timedelta()

    @classmethod
    async def of(cls, contract: dict[str, Any], clients: dict[str, httpx.AsyncClient], people: People) -> "Everything":
        """The operations of a contract, and who asks."""
        operations = {
            operation["operationId"]: (verb.upper(), path, _example(contract, operation))
            for path, verbs in contract["paths"].items()
            for verb, operation in verbs.items()
        }
        ids: dict[str, Any] = {"community_id": people.jy, "place_id": people.jy, "resident_id": people.mei.id}
        made = cls(clients, operations, ids)
        made.days = await clock.now() - WRITTEN
        return made

    async def ask(self, who: str, operation: str, ids: dict[str, Any] | None = None, **changes: Any) -> httpx.Response:
        """One request of the contract: its path with the things we have, its example as a body, but for the changes."""
        verb, path, example = self.operations[operation]
        ours = self.ids | self.below.get(path.split("/")[min(2, path.count("/"))], {}) | (ids or {})
        where = {name: str(ours.get(name, 1)) for name in re.findall(r"{(\w+)}", path)}
        body = self.bodies.get(operation, self._ours(example)) if example or changes else None
        if isinstance(body, dict):
            body = body | changes
        client, url = self.clients[who], path.format(**where)
        if verb == "GET":
            return await client.get(url, params=self.queries.get(operation, {}) | QUERIES.get(operation, {}) | changes)
        return await client.request(verb, url, json=body)

    async def make(self, who: str, operation: str, ids: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        """The same, which must work; what it answers."""
        answer = await self.ask(who, operation, ids, **changes)
        assert answer.is_success, f"{operation} as {who}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else {}

    def _ours(self, example: Any) -> Any:
        """An example with our own ids and today's dates; references we have no id for are left out."""
        if isinstance(example, list):
            return [self._ours(one) for one in example]
        if isinstance(example, str) and MOMENT.fullmatch(example):
            moved = datetime.fromisoformat(example if "T" in example else f"{example}T12:00:00+08:00") + self.days
            return moved.isoformat() if "T" in example else moved.date().isoformat()
        if not isinstance(example, dict):
            return example
        ours = {}
        for name, value in example.items():
            if name in ("evidence_ids", "receipt_ids"):
                value = [self.ids["media_id"]]
            elif name.endswith("_ids") or name == "on_behalf_of":
                continue
            if name == "subject":
                value = f"need:{self.ids['need_id']}"
            if name.endswith("_id"):
                if name not in self.ids:
                    continue
                value = self.ids[name]
            ours[name] = self._ours(value)
        return ours


def _example(contract: dict[str, Any], operation: dict[str, Any]) -> Any:
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    named = [part["$ref"] for part in [schema, *schema.get("anyOf", [])] if "$ref" in part]
    examples = contract["components"]["schemas"][named[0].rsplit("/", 1)[-1]].get("examples") if named else None
    return examples[0] if examples else None


async def build(app: Any, as_: LoggedIn, anonymous: httpx.AsyncClient, people: People) -> Everything:
    """Make all of it; the transaction of the test forgets it again."""
    await _newcomers(people)
    clients = {who: await as_(who) for who in (*ROLES[1:], "wang")} | {"anonymous": anonymous}
    town = await Everything.of(app.openapi(), clients, people)
    await _homes(town, people)
    await _needs_and_wishes(town, people)
    await _volunteering(town, people)
    await _votes(town, people)
    await _money(town, people)
    await _words(town, people)
    await _people(town, people)
    return town


async def _newcomers(people: People) -> None:
    """Somebody who has moved away, and an officer of another district."""
    elsewhere = await places.add(None, parent_id=None, kind=places.PlaceKind.DISTRICT, name="远方区")
    await residents.grant_from_command_line("far", Role.DISTRICT_OFFICER, elsewhere.id)
    moved = await residents.enrol("moved")
    await db.execute(
        "INSERT INTO memberships (community_id, household_id, resident_id, capacity, from_at, until_at) "
        "VALUES ($1, $2, $3, 'tenant', clock_now() - interval '2 years', clock_now() - interval '1 year')",
        people.jy,
        people.lin.household_id,
        moved.id,
    )


async def _homes(town: Everything, people: People) -> None:
    ids = town.ids
    ids["household_id"], ids["household"] = people.lin.household_id or 0, people.lin.household_id or 0
    town.queries = {name: {"community_id": people.jy} for name in ("list_similar_needs", "list_constituencies")}
    ids["building_id"] = await db.value("SELECT building_id FROM households WHERE id = $1", people.lin.household_id)
    ids["parent_id"], ids["representative_id"] = people.jy, people.lin.id
    ids["claim_id"] = (await town.make("guest", "claim_household", room="909"))["id"]
    ids["elder"] = (await town.make("he", "register_resident", household_id=people.lin.household_id))["id"]
    grant = await town.make("chen", "grant_role", resident_id=people.wang.id, role="social_worker")
    ids["grant_id"], ids["other_id"] = grant["id"], people.wang.id
    ids["media_id"] = await picture(people.lin, Purpose.EVIDENCE)
    ids["photo"] = await picture(people.lin, Purpose.PHOTO)
    await town.make("lin", "declare_relative", {"resident_id": people.lin.id})
    await town.make("lin", "give_consent", {"purpose": "sharing"}, recipient="暖心社")
    ids |= {"purpose": "publishing", "size": "file", "witness_id": people.he.id}
    homes = [people.mei.household_id] + [
        line["id"]
        for line in await db.rows(
            "INSERT INTO households (community_id, building_id, unit, room) SELECT $1, $2, '9', n::text "
            "FROM generate_series(1, 20) n RETURNING id",
            people.jy,
            ids["building_id"],
        )
    ]
    drawn = await town.make("chen", "draw_constituency", household_ids=homes)
    ids["constituency_id"] = drawn["id"]
    town.bodies["draw_constituency"] = {"community_id": people.jy, "name": "第二小组", "household_ids": [1]}
    town.bodies["change_constituency"] = {"name": "第一小组", "household_ids": homes}
    owner = {"resident_id": people.lin.id, "share_numerator": 1, "share_denominator": 1, "votes": True}
    town.bodies["set_owners"] = {"owners": [owner]}
    await town.make("chen", "set_owners")
    town.bodies["grant_role"] = {"resident_id": people.mei.id, "role": "social_worker"}


async def _needs_and_wishes(town: Everything, people: People) -> None:
    ids = town.ids
    ids["into_id"] = (await town.make("mei", "submit_need", title="楼道灯不亮"))["id"]
    ids["need_id"] = (await town.make("lin", "submit_need", photo_ids=[ids["photo"]]))["id"]
    hidden = await town.make("lin", "submit_need", title="还没有人看过的需求")
    await db.execute("UPDATE needs SET moderation = 'hidden' WHERE id = $1", hidden["id"])
    ids["hidden_need"], ids["helped_need"] = hidden["id"], (await town.make("he", "submit_need", on_behalf_of={
        "resident_id": ids["elder"], "consent": {"kind": "witness", "witness_id": people.ma.id},
    }))["id"]  # fmt: skip
    ids["comment_id"] = (await town.make("mei", "comment_on_need"))["id"]
    town.bodies |= {"approve_wish": {}, "claim_wish": {}, "sign_up_for_shift": {}}
    consent = {"kind": "witness", "witness_id": people.ma.id}
    town.bodies["cast_assisted_ballot"] = {
        "ballot": {"choice": "yes"},
        "on_behalf_of": {"resident_id": ids["elder"], "consent": consent},
    }
    ids["wish_in_review"] = (await town.make("lin", "post_wish"))["id"]
    ids["wish_id"] = (await town.make("lin", "post_wish"))["id"]
    await town.make("chen", "approve_wish")
    ids["claimed_wish"] = (await town.make("lin", "post_wish"))["id"]
    await town.make("chen", "approve_wish", {"wish_id": ids["claimed_wish"]})
    await town.make("mei", "claim_wish", {"wish_id": ids["claimed_wish"]})


async def _volunteering(town: Everything, people: People) -> None:
    ids = town.ids
    ids["leader_id"] = people.ma.id
    made = await town.make("ma", "organise_activity")
    ids["activity_id"], ids["shift_id"] = made["id"], made["shifts"][0]["id"]
    await town.make("mei", "sign_up_for_shift")
    task = await town.make("ma", "organise_activity", kind="task", shifts=[{"capacity": 3, "place_text": "活动室"}])
    ids["done_shift"] = task["shifts"][0]["id"]
    await town.make("lin", "sign_up_for_shift", {"shift_id": ids["done_shift"]})
    await volunteering.check_in(people.ma, ids["done_shift"], resident_id=people.lin.id, secret="s")
    await town.make("lin", "check_out", {"shift_id": ids["done_shift"]})


async def _votes(town: Everything, people: People) -> None:
    ids = town.ids
    single = {"ballot": {"kind": "single", "secret": False}, "options": [{"title": "红"}, {"title": "蓝"}]}
    ids["in_discussion"] = (await town.make("lin", "propose_deliberation", **single))["id"]
    await town.make("chen", "open_discussion", {"deliberation_id": ids["in_discussion"]})
    ids["proposal_id"] = (await town.make("mei", "propose_option", {"deliberation_id": ids["in_discussion"]}))["id"]
    proposed = await town.make("lin", "propose_deliberation", rule="consultation")
    ids["deliberation_id"] = proposed["id"]
    for step in ("open_discussion", "open_voting"):
        await town.make("chen", step)
    for who in ("lin", "mei", "chen"):
        await town.make(who, "cast_ballot")
    ids["decided"] = (await town.make("lin", "propose_deliberation", rule="consultation"))["id"]
    for step in ("open_discussion", "open_voting"):
        await town.make("chen", step, {"deliberation_id": ids["decided"]})
    await town.make("lin", "cast_ballot", {"deliberation_id": ids["decided"]})
    await town.make("chen", "close_voting", {"deliberation_id": ids["decided"]})
    ids["resolution_id"] = await db.value("SELECT max(id) FROM resolutions")
    await town.make("chen", "implement_decision", {"deliberation_id": ids["decided"]})
    ids["display_id"] = (
        await town.make("chen", "put_up_resolution", photo_ids=[await picture(people.chen, Purpose.PHOTO)])
    )["id"]
    ids["assignee_id"] = people.mei.id
    ids["task_id"] = (await town.make("chen", "set_follow_up"))["id"]
    ids["meeting_id"] = (await town.make("chen", "call_meeting"))["id"]
    ids["petition_id"] = (await town.make("lin", "start_petition"))["id"]
    await town.make("mei", "sign_petition")
    objecting = await town.make("lin", "object_to_roll", {"deliberation_id": ids["in_discussion"]})
    ids["objection_id"] = objecting["id"]
    code = await db.value(
        "SELECT code FROM electors WHERE deliberation_id = $1 AND resident_id = $2",
        ids["deliberation_id"],
        people.wang.id,
    )
    paper = f"code,choice\n{code},yes\n".encode()
    ids["batch_id"] = (await deliberations.enter_paper(people.he, ids["deliberation_id"], paper)).id
    chosen = await town.make("chen", "record_representative", resident_id=people.mei.id)
    ids["representative_id"] = chosen["id"]


async def _money(town: Everything, people: People) -> None:
    ids = town.ids
    ids["draft"] = (await town.make("ma", "create_campaign", minimum_fen=None))["id"]
    ids["campaign_id"] = (await town.make("ma", "create_campaign", minimum_fen=None))["id"]
    await town.make("chen", "submit_campaign")
    await town.make("zhao", "publish_campaign")
    campaign = await crowdfunding.find(people.chen, ids["campaign_id"])
    ids["pledge_id"] = (await paid(people.mei, campaign)).id
    ids["promise"] = (await town.make("mei", "make_pledge", kind="in_kind", item="梯子", amount_fen=2_000))["id"]
    ids["team_id"] = (await town.make("lin", "found_team"))["id"]
    ids["slip_id"] = (await cash(people, campaign)).id
    ids["budget_line_id"] = campaign.budget[0].id
    ids["helper_id"] = await db.value("SELECT max(id) FROM team_members")
    ids["transfer_id"] = await db.value("SELECT max(id) FROM transfers")
    town.queries["prove_inclusion"] = {"entry": f"transfer:{ids['transfer_id']}"}
    ids["match_id"] = (await town.make("chen", "promise_match"))["id"]
    receipts = [await picture(people.ma)]
    gift = await town.make("chen", "enter_gift_to_fund", note="回执金丝雀", evidence_ids=[await picture(people.chen)])
    await town.make("zhao", "countersign_slip", {"slip_id": gift["id"]})
    ids["expense_id"] = (await town.make("ma", "request_fund_expense", receipt_ids=receipts))["id"]
    aided = {"legal_path": "government", "minimum_fen": None}
    ids["aided"] = (await town.make("ma", "create_campaign", **aided))["id"]
    for who, step in (("chen", "submit_campaign"), ("zhao", "publish_campaign")):
        await town.make(who, step, {"campaign_id": ids["aided"]})
    noted = await town.make(
        "chen", "note_income", {"campaign_id": ids["aided"]}, evidence_ids=[await picture(people.chen)]
    )
    ids["income_id"] = noted["id"]
    await disclosures.disclose_due()
    ids["disclosure_id"] = await db.value("SELECT max(id) FROM disclosures")
    ids["question_id"] = (await town.make("lin", "ask_question"))["id"]
    await as_owner(transparency.sequence_pending)


async def _words(town: Everything, people: People) -> None:
    ids = town.ids
    await town.make("mei", "report_content", reason="举报金丝雀")
    ids["check_id"] = await db.value("SELECT max(id) FROM checks WHERE state = 'queued'") or 1
    ids["pause_id"] = await db.value(
        "INSERT INTO pauses (community_id, resident_id, check_id, until_at) "
        "VALUES ($1, $2, $3, clock_now() + interval '7 days') RETURNING id",
        people.jy,
        people.wang.id,
        ids["check_id"],
    )
    await town.make("chen", "hide_comment", {"comment_id": (await town.make("mei", "comment_on_need"))["id"]})
    ids["decided_check"] = await db.value("SELECT max(id) FROM checks WHERE decided_by_id IS NOT NULL")
    ids |= {"kind": "need", "thing_id": ids["need_id"]}
    await town.ask("lin", "get_code")
    ids["scene"] = await db.value("SELECT scene FROM codes LIMIT 1")


async def _people(town: Everything, people: People) -> None:
    """What they ask of each other at home and in teams, and the papers they get."""
    ids, lin, guest, elder = town.ids, people.lin.id, people.guest.id, town.ids["elder"]
    await town.make(
        "ma", "confirm_hours", {"shift_id": ids["done_shift"]}, entries=[{"minutes": 30, "resident_id": lin}]
    )
    ids["record_id"] = await db.value("SELECT max(id) FROM service_records")
    await town.make("lin", "issue_certificate", name="林金丝雀", document_tail="778X")
    ids["assistance_id"] = await db.value("SELECT max(id) FROM assistances")
    invited = await town.make("lin", "make_invitation")
    ids["invitation_id"] = invited["id"]
    made = await town.make("mei", "found_volunteer_team")
    await town.make("lin", "join_volunteer_team", {"team_id": made["id"]})
    ids["member_id"] = await db.value("SELECT max(id) FROM volunteer_team_members")
    town.bodies["spend_points"] = {"helper_id": people.wang.id, "minutes": 10}
    town.bodies["hand_volunteer_team_over"] = {
        "member_id": await db.value("SELECT min(id) FROM volunteer_team_members WHERE team_id = $1", made["id"])
    }
    ids["unit_id"] = (await town.make("mei", "register_unit"))["id"]
    ids["claim"] = await db.value("SELECT max(id) FROM wish_claims")
    await town.make("lin", "record_wish_contact", {"wish_id": ids["claimed_wish"]}, words="晚上在家金丝雀")
    town.below = {
        "volunteer-teams": {"team_id": made["id"]},
        "certificates": {"code": await db.value("SELECT code FROM certificates")},
        "invitations": {"code": invited["code"]},
        "wishes": {"claim_id": ids["claim"]},
        "log": {"size": await db.value("SELECT max(size) FROM log_heads")},
    }
    home = (people.jy, people.lin.household_id)
    for name, statement, values in (
        ("guardianship_id", "guardianships (community_id, child_id, guardian_id) VALUES ($1, $2, $3)", (elder, lin)),
        ("move_id", "phone_moves (community_id, old_id, new_id, state) VALUES ($1, $2, $3, 'pending')", (lin, guest)),
        (
            "link_id",
            "resident_links (community_id, recorded_id, newcomer_id, asked_by_id, state) "
            "VALUES ($1, $2, $3, $4, 'pending')",
            (elder, guest, people.he.id),
        ),
    ):
        ids[name] = await db.value(f"INSERT INTO {statement} RETURNING id", people.jy, *values)
    ids["change_id"] = await db.value(
        "INSERT INTO representative_changes (community_id, household_id, resident_id, proposed_by_id, state) "
        "VALUES ($1, $2, $3, $4, 'pending') RETURNING id",
        *home,
        elder,
        lin,
    )
