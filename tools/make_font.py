"""Make app/assets/NotoSansSC.ttf: Noto Sans SC cut down to the 6,763 hanzi of GB 2312, Latin, digits and punctuation.

    npm pack @expo-google-fonts/noto-sans-sc && tar xzf expo-google-fonts-noto-sans-sc-*.tgz
    pip install fonttools
    python tools/make_font.py package/400Regular/NotoSansSC_400Regular.ttf app/assets/NotoSansSC.ttf

Run once; what it makes is committed, with the font's own licence (OFL) beside it. A character the font lacks is drawn
as a box.
"""

import sys

from fontTools import subset

# Rarer characters that stand in names of people and places.
MORE = "喆堃镕珺玥翊晗昕煊煜炜烨焜琮璟瑄瑭垚垟埗塱埔栟栾槿滘漷淯澍濉鄄郓邳郯睢涿沄沅亓仝佘逄缪靳郗郄鄢昝昱晟暄叶"


def wanted() -> set[int]:
    """The characters to keep."""
    kept = set(range(0x20, 0x7F)) | {ord(char) for char in MORE}
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            try:
                kept.add(ord(bytes((row, cell)).decode("gb2312")))
            except UnicodeDecodeError:
                continue
    return kept | {ord(char) for char in "☐☑□■●○©·—…“”‘’「」『』《》〈〉【】（），。、；：？！￥％＋－×÷"}


def main(source: str, target: str) -> None:
    """Cut `source` down to what is wanted."""
    options = subset.Options(layout_features=[], hinting=False, notdef_outline=True, name_IDs=[0, 1, 2, 13, 14])
    font = subset.load_font(source, options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=wanted())
    cutter.subset(font)
    subset.save_font(font, target, options)


if __name__ == "__main__":
    main(*sys.argv[1:])
