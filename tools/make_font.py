"""Make the fonts under app/assets, which are committed with their own licences (OFL) beside them.

    npm pack @expo-google-fonts/noto-sans-sc @expo-google-fonts/noto-emoji   # and unpack both
    pip install fonttools
    python tools/make_font.py hanzi NotoSansSC_400Regular.ttf app/assets/NotoSansSC.ttf Unihan_OtherMappings.txt
    python tools/make_font.py emoji NotoEmoji_400Regular.ttf app/assets/NotoEmoji.ttf

NotoSansSC.ttf is Noto Sans SC cut down to GB 2312, the 8,105 hanzi that names may be registered with (通用规范汉字表,
`kTGH` in the Unicode Han Database), Latin, digits and punctuation. NotoEmoji.ttf is Noto Emoji, in one colour, without
flags and shades of skin. Where a character stands in neither, services/drawing/words.py says what is drawn.
"""

import sys
from collections.abc import Iterable

from fontTools import subset

# Rarer characters that stand in names of people and places.
MORE = "喆堃镕珺玥翊晗昕煊煜炜烨焜琮璟瑄瑭垚垟埗塱埔栟栾槿滘漷淯澍濉鄄郓邳郯睢涿沄沅亓仝佘逄缪靳郗郄鄢昝昱晟暄叶"
EMOJI = [(0x2190, 0x2BFF), (0x1F300, 0x1F3FA), (0x1F400, 0x1FAFF)]  # no regional indicators, no skin tones


def hanzi(unihan: str) -> set[int]:
    """The characters to keep of Noto Sans SC."""
    kept = {*range(0x20, 0x7F), *range(0xA1, 0x180), *range(0x2010, 0x203C), 0x20AC} | {ord(char) for char in MORE}
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            try:
                kept.add(ord(bytes((row, cell)).decode("gb2312")))
            except UnicodeDecodeError:
                continue
    with open(unihan, encoding="utf-8") as lines:
        kept |= {int(line.split("\t")[0][2:], 16) for line in lines if "\tkTGH\t" in line}
    return kept | {ord(char) for char in "☐☑□■●○©·—…“”‘’「」『』《》〈〉【】（），。、；：？！￥¥％＋－×÷"}


def cut(source: str, target: str, kept: Iterable[int]) -> None:
    """Cut `source` down to what is to be kept."""
    options = subset.Options(layout_features=[], hinting=False, notdef_outline=True, name_IDs=[0, 1, 2, 13, 14])
    options.drop_tables += ["GSUB", "GPOS", "STAT", "vhea", "vmtx"]
    font = subset.load_font(source, options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=kept)
    cutter.subset(font)
    subset.save_font(font, target, options)


if __name__ == "__main__":
    what, source, target, *unihan = sys.argv[1:]
    cut(source, target, hanzi(*unihan) if what == "hanzi" else {c for low, high in EMOJI for c in range(low, high + 1)})
