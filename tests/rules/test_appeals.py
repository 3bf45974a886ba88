"""What sounds like an appeal for one person goes to a human; what only names a clinic does not."""

import pytest

from services.rules.appeals import sounds_personal


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("我的孩子患病急需手术", True),
        ("老张需要救命钱", True),
        ("帮小明筹医药费", True),
        ("白 血 病", True),
        ("救\u200b命·钱", True),
        ("家庭困难，求好心人帮忙", True),
        ("更换六层楼道的感应灯", False),
        ("社区卫生站添置治疗床", False),
        ("为独居老人安装扶手", False),
        ("", False),
    ],
)
def test_a_hint_for_a_human(text: str, hint: bool) -> None:
    assert sounds_personal(text) is hint
