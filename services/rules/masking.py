"""Words that everybody reads, without what finds a person: numbers, addresses, accounts, plates and doors.

In doubt it is masked: what is lost to the reader stands in the fields beside the words, a telephone does not come back.
"""

import re

NUMERAL = "0-9０-９〇零一二三四五六七八九"
DIGIT = f"[{NUMERAL}两幺壹贰叁肆伍陆柒捌玖]"
COUNT = f"[{NUMERAL}十百]"
DASH = "[-‐-―－~～]"
YUAN = r"\s*元(?![旦宵月件素])"  # not of 元旦
# A sum stays: 12,000.00 元. Telephone, identity and card numbers go, whatever stands between their digits; then rooms
# written 3-2-501 and 2-501, addresses, accounts and plates.
PERSONAL = re.compile(
    rf"(?P<sum>(?<![\d,.])(?:\d{{1,3}}(?:,\d{{3}})+|\d{{1,9}})(?:\.\d{{1,2}})?{YUAN}"
    r"|[￥¥]\s*(?:\d{1,3}(?:,\d{3})+|\d{1,9})(?:\.\d{1,2})?(?![\d.,]))"
    rf"|{DIGIT}(?:[\W_]{{0,3}}{DIGIT}){{6,}}[Xx]?"
    rf"|\d+(?:{DASH}\d+){{2,}}|(?<!\d)\d{{1,2}}{DASH}\d{{3,4}}(?!\d)"
    r"|[A-Za-z0-9._%+-]+[@＠][A-Za-z0-9.-]+"
    r"|(?i:(?P<wechat>微信|wx|vx)[号是为:： ]*[a-z][\da-z_-]{4,}|(?P<qq>qq)[号是为:： ]*\d{5,})"
    r"|(?i:[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][a-z][·. ]?[a-z\d]{4,5}[a-z\d挂学警港澳])"
)
ROOM = re.compile(
    rf"(号楼|号院|单元|[栋幢弄]|(?:{COUNT}|[A-Za-z])[座楼号层#])[\s(（-]{{0,2}}{DIGIT}{{3,4}}"
    rf"(?!{DIGIT}|[.,]\d|\s*[万年盏只个户米平]|{YUAN})",
)
# 3座凉亭 are three of them, A座 and 5座1203 are houses.
DOOR = re.compile(
    rf"(?:{COUNT}+\s*(?=号楼|号院|单元|[室栋幢弄])|{COUNT}+(?=[座楼号]\*\*)|[A-Za-z](?=座)|(?<!\d)\d{{3,4}}(?=房))"
)


def without_persons(text: str) -> str:
    """The words with ** for the doors in it and **** for whatever else finds a person."""
    hidden = PERSONAL.sub(lambda found: found["sum"] or f"{found['wechat'] or found['qq'] or ''}****", text)
    return DOOR.sub("**", ROOM.sub(r"\1**", hidden))
