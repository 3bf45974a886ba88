"""Each picture at its shortest and its longest, with emoji, half done, revoked, given back.

    .venv/bin/python -m tests.drawn.pictures

draws them all anew into tests/drawn/golden. Look at every one of them before you commit it, at 375 pixels too.
"""

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from services.drawing import (
    Card,
    Certificate,
    Hue,
    Poster,
    Progress,
    Receipt,
    Service,
    Sheet,
    certificate,
    poster,
    receipt,
)
from services.drawing.sheets import pages_of

GOLDEN = Path(__file__).with_name("golden")
LONGEST = (
    "为3号楼、5号楼和7号楼的老人加装无障碍坡道、扶手与夜间照明（第二期），请各位邻居都来看一看、议一议，把它办好！🎉"
)
LONG_PLACE = "成都市武侯区火车南站街道锦阳社区第三网格片区综合治理示范点"
LONG_NAME = "阿卜杜拉·买买提·艾尔肯·古丽巴哈尔·穆罕默德·热合曼江"
BODY = "我们这里有很多行动不便的老人，每天上下楼都要扶着墙走，下雨天更危险。联系电话13812345678。"
URL = "https://linli.example/v1/log/proof?entry=transfer:88"

NEED = Poster(
    hue=Hue.TEAL,
    label="居民需求",
    community="锦阳社区",
    title="楼道灯坏了",
    body="都不亮。",
    rows=(("领域", "安全"), ("进展", "已受理"), ("附议", "23 位邻居")),
    call="长按或扫一扫小程序码",
    hint="在微信里看进展，和邻居一起附议",
    brand="邻里 · 锦阳社区",
    url=URL,
)
CAMPAIGN = replace(
    NEED,
    hue=Hue.GREEN,
    label="公开募捐项目",
    title="加装扶手",
    body="",
    rows=(),
    progress=Progress(0, "已到 0.00 元", "目标 3,000.00 元"),
)
LONG = replace(
    CAMPAIGN,
    community=LONG_PLACE,
    title=LONGEST[:60],
    body=BODY * 20,
    rows=(
        ("募捐方", f"{LONG_PLACE}慈善总会专项基金管理委员会"),
        ("备案编号", "53510000MJQ1234567A26001"),
        ("进展", "进行中"),
        ("截止", "2026年12月31日 23:59"),
    ),
    progress=Progress(37, "已到 1,234,567.89 元", "目标 3,300,000.00 元"),
    call="扫码前往募捐平台",
    hint="捐款由该慈善组织在其平台接收，邻里不收款",
)
EMOJI = replace(
    NEED,
    hue=Hue.ROSE,
    label="微心愿",
    title="🎂过生日想吃一块蛋糕🍰👨‍👩‍👧❤️🇨🇳م臺",
    body="",
    rows=(("类型", "物品"), ("进展", "等待认领")),
    progress=Progress(33, "1 人已认领", "共需 3 人"),
)
ENGLISH = replace(
    NEED,
    hue=Hue.BLUE,
    label="Volunteering",
    title="Spring cleaning of the courtyard: bring gloves and a bucket",
    body="Everybody is welcome; there is tea afterwards.",
    rows=(("When", "2026-03-09 09:00–11:00"), ("Where", "No. 7, Jinyang Road"), ("Seats", "3 left")),
    call="Scan the code in WeChat",
    hint="Sign up in WeChat",
    brand="Linli · 锦阳社区",
)
DONE = replace(
    NEED, hue=Hue.INDIGO, label="协商议事", title="空地做什么？", progress=Progress(100, "票已投完", "118 票")
)

SHORT = Certificate(
    name="王小梅",
    minutes=750,
    services=(Service(date(2026, 3, 1), "楼道清洁", 120), Service(date(2026, 3, 8), "陪伴独居老人散步", 630)),
    begins_on=date(2026, 3, 1),
    ends_on=date(2026, 3, 8),
    issuer="锦阳社区居民委员会",
    person_in_charge="陈建国",
    contact="028-8512 0000",
    number="LL-2026-JY-000012",
    issued_on=date(2026, 4, 1),
    verify_url="https://linli.example/v1/certificates/7Q2M9KXW4T",
    purpose="升学",
)
DECLARED = replace(SHORT, name="小林", ends_on=SHORT.begins_on, declared=("姓名",), purpose=None)
CROWDED = replace(
    SHORT,
    name=LONG_NAME,
    minutes=123_456,
    services=tuple(Service(date(2026, 3, 1) + timedelta(days=day), LONGEST, 240 + day) for day in range(23)),
    issuer=f"{LONG_PLACE}居民委员会志愿服务工作站暨社会工作服务室",
    person_in_charge=LONG_NAME,
    contact=f"{LONG_PLACE}100号  028-8512 0000 转 8001",
    identity="5101**********1234",
    declared=("姓名", "证件号码"),
    purpose="用于申请成都市青年志愿服务积分落户材料，一式两份，仅限本次使用，复印无效，逾期作废，不得转让他人使用。"
    * 2,
    revoked_on=date(2027, 1, 15),
)

PAID = Receipt(
    number="P-12",
    giver="林",
    amount_fen=12_345,
    refunded_fen=0,
    refunding_fen=0,
    kind="资金",
    campaign="加装扶手",
    community="锦阳社区",
    paid_at="2026-03-09 14:05",
    transfer="第 88 号",
    log="第 412 号记录",
    verify_url=URL,
)
RETURNED = replace(
    PAID,
    giver=LONG_NAME,
    campaign=LONGEST,
    community=LONG_PLACE,
    amount_fen=10**12 - 1,
    refunded_fen=10**12 - 1,
)
CARDS = tuple(
    Card(
        LONG_PLACE if number == 3 else f"{number}号楼", "微信扫一扫，进入本楼栋", url=f"https://linli.example/{number}"
    )
    for number in range(1, 9)
)
SHEET = Sheet("锦阳社区 二维码", "邻里 · 锦阳社区", CARDS)


def _page(sheet: Sheet) -> bytes:
    made = io.BytesIO()
    pages_of(sheet)[0].convert("L").save(made, "PNG")
    return made.getvalue()


PICTURES: dict[str, Callable[[], bytes]] = {
    "poster_short": partial(poster, NEED),
    "poster_longest": partial(poster, LONG),
    "poster_emoji": partial(poster, EMOJI),
    "poster_english": partial(poster, ENGLISH),
    "poster_begun": partial(poster, CAMPAIGN),
    "poster_done": partial(poster, DONE),
    "certificate_short": partial(certificate, SHORT),
    "certificate_declared": partial(certificate, DECLARED),
    "certificate_crowded_revoked": partial(certificate, CROWDED),
    "receipt_short": partial(receipt, PAID),
    "receipt_partly_returned": partial(receipt, replace(PAID, refunded_fen=345, refunding_fen=1_000)),
    "receipt_longest_returned": partial(receipt, RETURNED),
    "sheet_many": partial(_page, SHEET),
    "sheet_one": partial(_page, replace(SHEET, cards=CARDS[6:7])),
}


if __name__ == "__main__":
    for name, draw in PICTURES.items():
        (GOLDEN / f"{name}.png").write_bytes(draw())
