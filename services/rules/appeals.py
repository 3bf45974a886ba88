"""Does a text sound like an appeal for one person in need? A hint for a human, who decides; never a verdict."""

from services.rules.plain import plain

# Words of personal help pages (慈善法 124; 个人求助网络服务平台管理办法). Two of them, or one of the first, are a hint.
PLAIN = (
    "救命钱",
    "医药费",
    "手术费",
    "治疗费",
    "住院费",
    "水滴筹",
    "轻松筹",
    "大病",
    "重病",
    "白血病",
    "尿毒症",
    "癌症",
)
VAGUE = ("患病", "病情", "治疗", "手术", "住院", "家庭困难", "走投无路", "好心人", "救救", "捐款给", "本人", "我的孩子")


def sounds_personal(text: str) -> bool:
    """Whether a human should look before others see it."""
    said = plain(text)
    return any(word in said for word in PLAIN) or sum(word in said for word in VAGUE) >= 2
