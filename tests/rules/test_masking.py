"""What everybody reads of an expense: no telephone, identity, address, account, plate or door, but sums and counts."""

import pytest

from services.rules.masking import without_persons

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("电话13800138000", "电话****"),
        ("电话 138 0013 8000", "电话 ****"),
        ("电话138-0013-8000", "电话****"),
        ("电话138.0013.8000", "电话****"),
        ("138_0013_8000 或 138 / 0013 / 8000", "**** 或 ****"),
        ("１３８００１３８０００", "****"),
        ("一三八零零一三八零零零", "****"),
        ("幺三八〇〇幺三八〇〇〇", "****"),
        ("找王师傅 028-8512 3456", "找王师傅 ****"),
        ("电话13800138000，1200元", "电话****元"),
        ("卡号 6222 0000 1111 2222 333", "卡号 ****"),
        ("身份证51010219500101123X", "身份证****"),
        ("3号楼2单元501室修门", "**号楼**单元**室修门"),
        ("7号楼3单元501", "**号楼**单元**"),
        ("三单元五〇一", "**单元**"),
        ("A座1203张大爷", "**座**张大爷"),
        ("5座1203 修门", "**座** 修门"),
        ("住5栋2-501", "住**栋****"),
        ("3幢1202房", "**幢**房"),
        ("1202房", "**房"),
        ("建设路7号501", "建设路**号**"),
        ("3-2-501 修门", "**** 修门"),
        ("lily.wang@qq.com 车牌川A12345", "**** 车牌****"),
        ("川AD12345 和 川A·12345", "**** 和 ****"),
        ("微信号wx_wangxm88，QQ：12345678", "微信****，QQ****"),
        ("微信是linmei_88 或 VX: linmei88", "微信**** 或 VX****"),
        ("7号楼3单元501 元旦慰问品", "**号楼**单元** 元旦慰问品"),
        ("电话85551234 元旦值班", "电话**** 元旦值班"),
        ("7号楼-501 和 7号楼（501）", "**号楼** 和 **号楼**）"),
        ("12层1203 和 7#501", "12层** 和 7#**"),
        ("川a12345", "****"),
    ],
)
def test_nobody_is_found_by_what_is_published(said: str, shown: str) -> None:
    assert without_persons(said) == shown


@pytest.mark.parametrize(
    "said",
    [
        "感应灯 3 盏，60 元",
        "材料 12,000.00 元，人工 3600.00元",
        "共 1,234,567.89 元",
        "修3座凉亭，惠及320户居民",
        "2026年11月23日购 LED 灯 120 只，每只 12.50 元",
        "微信支付 12000 元",
        "楼道灯 2-3 盏",
        "￥12000.00，¥ 12,000",
    ],
)
def test_sums_and_counts_stay(said: str) -> None:
    assert without_persons(said) == said


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("3单元 1200.00元", "**单元 1200.00元"),
        ("3号楼100万元", "**号楼100万元"),
        ("7栋100盏", "**栋100盏"),
        ("8栋2024年维修", "**栋2024年维修"),
    ],
)
def test_a_sum_after_a_door_is_no_room(said: str, shown: str) -> None:
    assert without_persons(said) == shown
