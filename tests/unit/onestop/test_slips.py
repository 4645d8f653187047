"""What somebody probably mistyped, and what only looks like it."""

import pytest

from gateway.onestop.lexicon import Lexicon

NAMES = (
    "驾照",
    "驾照丢失",
    "护照",
    "户口",
    "上户口",
    "销户",
    "天然气",
    "补身份证",
    "身份证",
    "排污证",
    "取水证",
    "导游证",
    "公积金",
    "基金",
    "有限公司注销",
    "注册",
    "营业执照",
    "最低生活保障",
    "驾驶证",
    "注销",
    "施工",
    "许可证",
)


@pytest.fixture(scope="module")
def lexicon():
    made = Lexicon()
    made.renew([f"{name}\t{name}" for name in NAMES], [("许可", 9), ("公司", 9)])
    return made


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("驾使证", "驾驶证"),
        ("身份正", "身份证"),
        ("份身证", "身份证"),
        ("公鸡金", "公积金"),
        ("公基金提取", "公积金提取"),
        ("营业执昭", "营业执照"),
        ("最低生活保章", "最低生活保障"),
        ("最低活保障", "最低生活保障"),
        ("导流证", "导游证"),
        ("事工许可证", "施工许可证"),
    ],
)
def test_what_sounds_or_looks_alike_is_put_right(lexicon, typed, meant):
    assert meant in lexicon.corrections(typed)


@pytest.mark.rule("P-33")
@pytest.mark.parametrize(
    ("typed", "other"),
    [
        ("护照丢失", "驾照丢失"),
        ("人死了销户口", "人死了上户口"),
        ("明天天气", "明天然气"),
        ("成都身份证", "成补身份证"),
        ("排水证", "排污证"),
        ("污水证", "取水证"),
        ("有限公司注册", "有限公司注销"),
        ("注销驾驶证", "注驾驶证"),
    ],
)
def test_what_is_a_word_of_its_own_is_no_slip_of_another(lexicon, typed, other):
    assert other not in lexicon.corrections(typed)
