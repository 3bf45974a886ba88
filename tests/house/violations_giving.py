"""One attempt to break each constraint on legal paths, teams, consents and disclosures, by raw SQL as the owner."""

from tests.house.violations_fund import (
    CAMPAIGN,
    CHEN,
    CITED,
    JOINED,
    JY,
    LIN,
    OPEN,
    PLEDGE,
    RAISING,
    TEAMED,
    YL,
    ZHAO,
    insert,
    last,
    made,
    update,
)

CHARITY = {
    "legal_path": "'charity'",
    "charity_name": "'基金会'",
    "charity_certificate": "'C1'",
    "charity_filing": "'F1'",
    "charity_url": "'https://charity.example.org'",
}
BY_CHARITY = [*CITED, insert("campaigns", CAMPAIGN | CHARITY)]
BY_GOVERNMENT = [*CITED, insert("campaigns", CAMPAIGN, legal_path="'government'")]
INCOME = {
    "community_id": JY,
    "campaign_id": last("campaigns"),
    "amount_fen": "100",
    "document_number": "'第1号'",
    "entered_by_id": CHEN,
    "moderation": "'passed'",
}
NOTED = [*BY_CHARITY, insert("incomes", INCOME)]
STRUCK = [*NOTED, update("incomes", {"struck_by_id": ZHAO})]
SLIP = {
    "community_id": JY,
    "campaign_id": last("campaigns"),
    "kind": "'gift'",
    "state": "'entered'",
    "via": "'cash'",
    "amount_fen": "100",
    "note": "'现金'",
    "entered_by_id": CHEN,
}
GRANT = SLIP | {"via": "'bank'", "income_id": last("incomes")}
GRANTED = [*BY_GOVERNMENT, insert("incomes", INCOME)]
MATCH = {
    "community_id": JY,
    "campaign_id": last("campaigns"),
    "unit": "'物业'",
    "for_each_fen": "1",
    "adds_fen": "2",
    "cap_fen": "1000",
    "state": "'entered'",
    "entered_by_id": CHEN,
    "moderation": "'passed'",
}
PROMISED = {"kind": "'time'", "state": "'promised'", "hours": "2", "amount_fen": "NULL"}
SHIFT = [
    "INSERT INTO activities (community_id, kind, title, body, author_id, leader_id, cancel_hours, moderation) "
    f"VALUES ({JY}, 'service', '装灯', '装灯', {CHEN}, {CHEN}, 2, 'passed')",
    "INSERT INTO shifts (community_id, activity_id, starts_at, ends_at, capacity, taken, place_text) "
    f"VALUES ({JY}, {last('activities')}, clock_now(), clock_now() + interval '2 hours', 5, 0, '7号楼')",
]
TIMED = [*RAISING, *SHIFT, insert("pledges", PLEDGE, **PROMISED, shift_id=last("shifts"))]
GOODS = {"kind": "'in_kind'", "state": "'promised'", "item": "'灯'"}
GIVEN = [*RAISING, insert("pledges", PLEDGE, **GOODS)]
LED = [*JOINED, update("teams", {"leader_id": LIN})]
CONSENT = {"resident_id": LIN, "purpose": "'publishing'", "policy_version": "'1'"}
CONSENTED = [insert("consents", CONSENT)]
DISCLOSURE = {
    "community_id": JY,
    "kind": "'statement'",
    "about": "202611",
    "title": "'公示'",
    "document": "'{}'",
    "document_hash": "encode(sha256('{}'::bytea), 'hex')",
    "shown_from": "clock_now()",
    "shown_until": "clock_now() + interval '16 days'",
}
SHOWN = [insert("disclosures", DISCLOSURE)]
DISPLAY = {
    "community_id": JY,
    "disclosure_id": last("disclosures"),
    "day": "'2026-11-23'",
    "document_hash": "''",
}
HUNG = [*SHOWN, insert("displays", DISPLAY)]
QUESTION = {
    "community_id": JY,
    "disclosure_id": last("disclosures"),
    "author_id": LIN,
    "body": "'为什么'",
    "due_at": "clock_now() + interval '5 days'",
    "moderation": "'passed'",
}
ASKED = [*SHOWN, insert("disclosure_questions", QUESTION)]
ANSWER = {
    "community_id": JY,
    "question_id": last("disclosure_questions"),
    "author_id": CHEN,
    "body": "'因为'",
    "moderation": "'passed'",
}
ANSWERED = [*ASKED, insert("disclosure_answers", ANSWER)]

VIOLATIONS: list[tuple[str, str, list[str]]] = [
    ("campaigns_beneficiary", "for nobody", made(CITED, "campaigns", CAMPAIGN, beneficiary_kind="'dog'")),
    (
        "campaigns_beneficiary",
        "for a person without a cause",
        made(CITED, "campaigns", CAMPAIGN, beneficiary_kind="'person'"),
    ),
    (
        "campaigns_no_personal_appeal",
        "for a person who is ill",
        made(CITED, "campaigns", CAMPAIGN, beneficiary_kind="'person'", beneficiary_cause="'illness'"),
    ),
    ("campaigns_charity", "a charity without a name", made(CITED, "campaigns", CAMPAIGN, legal_path="'charity'")),
    ("campaigns_charity", "a charity within", made(CITED, "campaigns", CAMPAIGN | CHARITY, legal_path="'community'")),
    (
        "campaigns_charity_url",
        "a page that is not https",
        made(CITED, "campaigns", CAMPAIGN | CHARITY, charity_url="'http://charity.example.org'"),
    ),
    ("campaigns_terms", "another charity", [*BY_CHARITY, update("campaigns", {"charity_name": "'另一个'"})]),
    ("campaigns_terms", "for others after all", [*RAISING, update("campaigns", {"beneficiary_kind": "'group'"})]),
    ("pledges_on_path", "paying here for a charity", made(BY_CHARITY, "pledges", PLEDGE)),
    ("pledges_on_path", "paying here for a government project", made(BY_GOVERNMENT, "pledges", PLEDGE)),
    (
        "pledges_checked",
        "giving to what nobody has checked",
        [*RAISING, update("campaigns", {"moderation": "'hidden'"}), insert("pledges", PLEDGE)],
    ),
    (
        "campaigns_checked",
        "publishing what nobody has checked",
        [*OPEN[:-1], update("campaigns", {"moderation": "'queued'"}), OPEN[-1]],
    ),
    ("slips_on_path", "cash here for a charity", made(BY_CHARITY, "slips", SLIP)),
    ("slips_on_path", "cash where the government pays", made(BY_GOVERNMENT, "slips", SLIP)),
    (
        "slips_on_path",
        "a grant where residents pay",
        made(OPEN, "slips", SLIP, via="'bank'", income_id="1"),
    ),
    ("slips_of_income", "a grant of no document", made(BY_GOVERNMENT, "slips", GRANT, income_id="0")),
    ("slips_income", "a grant in cash", made(GRANTED, "slips", GRANT, via="'cash'")),
    (
        "slips_one_per_income",
        "one document granted twice",
        made([*GRANTED, insert("slips", GRANT)], "slips", GRANT),
    ),
    (
        "slips_terms",
        "a grant by no document",
        [*GRANTED, insert("slips", GRANT), update("slips", {"income_id": "NULL"})],
    ),
    ("matches_on_path", "matching what a charity holds", made(BY_CHARITY, "matches", MATCH)),
    ("incomes_on_path", "noting what residents pay", made(OPEN, "incomes", INCOME)),
    ("incomes_amount", "an income of nothing", made(BY_CHARITY, "incomes", INCOME, amount_fen="0")),
    ("incomes_same_community", "an income elsewhere", made(BY_CHARITY, "incomes", INCOME, community_id=YL)),
    ("incomes_one_per_document", "a document twice", made(NOTED, "incomes", INCOME)),
    ("incomes_struck_by_another", "striking one's own", [*NOTED, update("incomes", {"struck_by_id": CHEN})]),
    ("incomes_terms", "another amount", [*NOTED, update("incomes", {"amount_fen": "1"})]),
    ("incomes_terms", "counting again", [*STRUCK, update("incomes", {"struck_by_id": "NULL"})]),
    ("incomes_terms", "deleting an income", [*NOTED, "DELETE FROM incomes"]),
    (
        "pledges_shift_of_community",
        "a shift of another community",
        [
            *RAISING,
            *[line.replace(JY, YL) for line in SHIFT],
            insert("pledges", PLEDGE, **PROMISED, shift_id=last("shifts")),
        ],
    ),
    (
        "pledges_shift_for_time",
        "goods for a shift",
        made([*RAISING, *SHIFT], "pledges", PLEDGE, **GOODS, shift_id=last("shifts")),
    ),
    (
        "pledges_one_per_shift",
        "time for a shift twice",
        made(TIMED, "pledges", PLEDGE, **PROMISED, shift_id=last("shifts")),
    ),
    (
        "pledges_handed_over",
        "handing money over",
        made(RAISING, "pledges", PLEDGE, handed_over_at="clock_now()"),
    ),
    (
        "pledges_received_by_another",
        "receiving one's own gift",
        [*GIVEN, update("pledges", {"state": "'received'", "received_by_id": LIN})],
    ),
    ("pledges_received_by_somebody", "received by nobody", [*GIVEN, update("pledges", {"state": "'received'"})]),
    ("teams_led_by_a_helper", "led by somebody else", [*JOINED, update("teams", {"leader_id": CHEN})]),
    ("teams_led_by_a_helper", "led by nobody who is there", [*TEAMED, update("teams", {"leader_id": LIN})]),
    ("teams_led_by_a_helper", "a leader who just leaves", [*LED, "DELETE FROM team_members"]),
    ("consents_purpose", "a purpose that is none", [insert("consents", CONSENT, purpose="'anything'")]),
    ("consents_recipient", "sharing with nobody", [insert("consents", CONSENT, purpose="'sharing'")]),
    ("consents_one_live", "consenting twice", [*CONSENTED, insert("consents", CONSENT, policy_version="'2'")]),
    (
        "consents_withdrawn_later",
        "withdrawing before",
        [*CONSENTED, update("consents", {"withdrawn_at": "granted_at - interval '1 s'"})],
    ),
    ("consents_terms", "another version", [*CONSENTED, update("consents", {"policy_version": "'2'"})]),
    (
        "consents_terms",
        "consenting again after all",
        [*CONSENTED, update("consents", {"withdrawn_at": "clock_now()"}), update("consents", {"withdrawn_at": "NULL"})],
    ),
    ("consents_terms", "forgetting a consent", [*CONSENTED, "DELETE FROM consents"]),
    ("disclosures_once", "a month twice", [*SHOWN, insert("disclosures", DISCLOSURE)]),
    ("disclosures_kind", "a kind that is none", [insert("disclosures", DISCLOSURE, kind="'rumour'")]),
    ("disclosures_hash", "a hash of something else", [insert("disclosures", DISCLOSURE, document="'[]'")]),
    (
        "disclosures_fifteen_days",
        "a day too short",
        [insert("disclosures", DISCLOSURE, shown_until="clock_now() + interval '14 days'")],
    ),
    (
        "disclosures_fifteen_days",
        "dated back",
        [insert("disclosures", DISCLOSURE, shown_from="clock_now() - interval '1 day'")],
    ),
    ("disclosures_append_only", "another document", [*SHOWN, "UPDATE disclosures SET document = '[]'"]),
    ("disclosures_append_only", "taking it down", [*SHOWN, "DELETE FROM disclosures"]),
    ("disclosures_append_only", "taking all down", ["TRUNCATE disclosures CASCADE"]),
    ("displays_once_a_day", "a day twice", [*HUNG, insert("displays", DISPLAY)]),
    ("displays_same_community", "hung elsewhere", [*SHOWN, insert("displays", DISPLAY, community_id=YL)]),
    ("displays_append_only", "another day", [*HUNG, "UPDATE displays SET day = '2026-11-24'"]),
    ("displays_append_only", "no day at all", ["TRUNCATE displays"]),
    (
        "disclosure_questions_due_later",
        "due before it was asked",
        [*SHOWN, insert("disclosure_questions", QUESTION, due_at="clock_now() - interval '1 s'")],
    ),
    (
        "disclosure_questions_same_community",
        "a question from elsewhere",
        [*SHOWN, insert("disclosure_questions", QUESTION, community_id=YL)],
    ),
    ("disclosure_questions_terms", "asking otherwise", [*ASKED, update("disclosure_questions", {"body": "'？'"})]),
    ("disclosure_questions_terms", "forgetting a question", [*ASKED, "DELETE FROM disclosure_questions"]),
    ("disclosure_answers_once", "answering twice", [*ANSWERED, insert("disclosure_answers", ANSWER)]),
    (
        "disclosure_answers_same_community",
        "an answer from elsewhere",
        [*ASKED, insert("disclosure_answers", ANSWER, community_id=YL)],
    ),
    ("disclosure_answers_terms", "answering otherwise", [*ANSWERED, update("disclosure_answers", {"body": "'！'"})]),
    ("disclosure_answers_terms", "forgetting an answer", [*ANSWERED, "DELETE FROM disclosure_answers"]),
]
