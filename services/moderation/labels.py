"""WeChat's labels in words that the author of a text understands."""

LABELS: dict[int, tuple[str, str]] = {
    10001: ("疑似广告", "it looks like advertising"),
    20001: ("涉及时政敏感内容", "it touches politically sensitive matters"),
    20002: ("涉及色情内容", "it contains sexual content"),
    20003: ("含有辱骂内容", "it is abusive"),
    20006: ("涉及违法犯罪内容", "it concerns crimes"),
    20008: ("疑似欺诈", "it looks like fraud"),
    20012: ("内容低俗", "it is vulgar"),
    20013: ("可能侵犯版权", "it may infringe a copyright"),
}
OTHER = ("不符合社区内容规范", "it does not fit the rules for content")


def in_words(label: int | None) -> tuple[str, str]:
    """What a label says, in Chinese and English."""
    return LABELS.get(label or 0, OTHER)
