"""Masks: what is shown of a person, and that what is unclear is not shown at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.personal.masks import (
    HIDDEN,
    mask_address,
    mask_mail,
    mask_name,
    mask_phone,
    mask_resident_id,
)

MASKS = [mask_address, mask_mail, mask_name, mask_phone, mask_resident_id]
HAN = st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5)


@pytest.mark.rule("P-6")
@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("530102198501011234", "5301**********1234"),
        ("5301 0219 8501 0112 34", "5301**********1234"),
        ("５３０１０２１９８５０１０１１２３４", "5301**********1234"),
        ("11010519491231002x", "1101**********002X"),
        ("530102850101123", "5301*******1123"),
    ],
)
def test_a_masked_number_shows_its_ends_only(number, shown):
    assert mask_resident_id(number) == shown


@pytest.mark.rule("P-16")
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("张三", "张*"),
        ("张\u3000三", "张*"),
        ("李小敏", "李*敏"),
        ("陈李思思", "陈**思"),
        ("扎西次仁", "扎**仁"),
        ("𠮷田", "𠮷*"),
        ("王", "*"),
    ],
)
def test_a_masked_name_shows_the_surname_and_the_end_of_a_longer_given_name(name, shown):
    assert mask_name(name) == shown


@pytest.mark.rule("P-16")
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("欧阳修", "欧阳*"),
        ("歐陽修", "歐陽*"),
        ("司马相如", "司马*如"),
        ("诸葛小小明", "诸葛**明"),
        ("欧阳", "欧*"),
    ],
)
def test_a_surname_of_two_characters_stays_whole_and_hides_the_given_name_all_the_same(name, shown):
    assert mask_name(name) == shown


@pytest.mark.rule("P-16")
@pytest.mark.parametrize("dot", ["·", "•", "・", "‧", "∙", "･", "．", "."])
def test_a_name_with_a_dot_shows_its_first_and_last_letter_however_the_dot_is_typed(dot):
    assert mask_name(f"买买提{dot}阿不都") == "买**·**都"
    assert mask_name(f"阿{dot}木") == "阿·*"
    assert mask_name(f"阿布都{dot}热合曼{dot}买买提") == "阿**·***·**提"


@pytest.mark.rule("P-16")
@pytest.mark.parametrize(
    ("name", "shown"),
    [("John Smith", "J*** *****"), ("José O’Neil", "J*** *’****"), ("Anne-Marie", "A***-*****")],
)
def test_a_latin_name_shows_its_first_letter_only(name, shown):
    assert mask_name(name) == shown


@pytest.mark.rule("P-16")
@given(st.text(HAN, min_size=2, max_size=30))
def test_of_a_han_name_three_characters_are_shown_at_the_most_and_one_is_always_hidden(name):
    masked = mask_name(name)
    assert len(masked) == len(name)
    assert 0 < len(masked.replace("*", "")) <= min(3, len(name) - 1)


@pytest.mark.rule("P-17")
@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("13812343210", "138****3210"),
        ("１３８１２３４３２１０", "138****3210"),
        ("+86 138-1234-3210", "138****3210"),
        ("008613812343210", "138****3210"),
        ("0871-63123456", "0871-****3456"),
        ("（0871）63123456", "0871-****3456"),
        ("+86 871 63123456", "0871-****3456"),
        ("010-62345678", "010-****5678"),
        ("0691 2123456", "0691-****3456"),
        ("63123456", "****3456"),
    ],
)
def test_a_masked_phone_hides_its_middle(phone, shown):
    assert mask_phone(phone) == shown


@pytest.mark.rule("P-17")
@pytest.mark.parametrize("extension", ["-801", "转801", " 转 801", " ext. 801", "分机8"])
def test_an_extension_is_left_out(extension):
    assert mask_phone(f"0871-63123456{extension}") == "0871-****3456"


@pytest.mark.rule("P-18")
@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("云南省昆明市五华区华山西路1号3栋502室", "云南省昆明市五华区****"),
        ("云南省 昆明市 五华区 华山西路1号", "云南省昆明市五华区****"),
        ("云南省楚雄彝族自治州楚雄市鹿城镇1号", "云南省楚雄彝族自治州楚雄市****"),
        ("云南省楚雄州楚雄市鹿城镇1号", "云南省楚雄州楚雄市****"),
        ("云南省昭通市镇雄县乌峰街道1号", "云南省昭通市镇雄县****"),
        ("云南省迪庆藏族自治州香格里拉市建塘镇", "云南省迪庆藏族自治州香格里拉市****"),
        (
            "云南省普洱市镇沅彝族哈尼族拉祜族自治县恩乐镇",
            "云南省普洱市镇沅彝族哈尼族拉祜族自治县****",
        ),
        (
            "内蒙古自治区锡林郭勒盟西乌珠穆沁旗巴拉嘎尔高勒镇",
            "内蒙古自治区锡林郭勒盟西乌珠穆沁旗****",
        ),
        ("北京市东城区东华门街道1号", "北京市东城区****"),
        ("上海市浦东新区世纪大道1号", "上海市浦东新区****"),
        ("广州市天河区体育西路1号", "广州市天河区****"),
        ("云南省昆明市五华区", "云南省昆明市五华区"),
    ],
)
def test_a_masked_address_ends_with_the_county(address, shown):
    assert mask_address(address) == shown


@pytest.mark.rule("P-18")
@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("广东省东莞市南城街道1号", "广东省东莞市****"),
        ("云南省昆明市翠湖小区3栋", "云南省昆明市****"),
        ("云南省昆明市华山西路市政府家属区1号", "云南省昆明市****"),
        ("云南省昆明市世纪城三区5栋", "云南省昆明市****"),
        ("云南省昆明市阳光东区5栋", "云南省昆明市****"),
        ("云南省昆明市城市花园5栋", "云南省昆明市****"),
    ],
)
def test_a_housing_estate_is_not_taken_for_a_county(address, shown):
    assert mask_address(address) == shown


@pytest.mark.rule("P-19")
@pytest.mark.parametrize(
    ("mail", "shown"),
    [
        ("zhang.san@example.com", "z***@example.com"),
        ("13812343210@139.example", "1***@139.example"),
        ("zs@example.com", "***@example.com"),
    ],
)
def test_a_masked_mail_address_shows_its_first_character_and_its_host(mail, shown):
    assert mask_mail(mail) == shown


@pytest.mark.rule("P-20")
@pytest.mark.parametrize(
    ("mask", "typed"),
    [
        (mask_resident_id, "12345"),
        (mask_resident_id, "H12345678"),
        (mask_resident_id, "91530100MA6K00014D"),
        (mask_resident_id, "53010219850101123"),
        (mask_resident_id, "身份证530102198501011234"),
        (mask_name, "张三 13812343210"),
        (mask_name, "张三、李四"),
        (mask_name, "张三（户主）"),
        (mask_name, "·阿木"),
        (mask_name, "张" * 31),
        (mask_name, "Иван"),
        (mask_name, "J"),
        (mask_phone, "12345"),
        (mask_phone, "400-123-4567"),
        (mask_phone, "+852 6123 4567"),
        (mask_phone, "13812343210 / 13912343210"),
        (mask_phone, "找张三"),
        (mask_address, "翠湖小区3栋"),
        (mask_address, "昆明市华山西路1号"),
        (mask_address, "No. 1, Huashan Road, Kunming"),
        (mask_mail, "张三@"),
        (mask_mail, "a@example.com, b@example.com"),
    ],
)
def test_what_is_unclear_is_hidden_whole_and_does_not_tell_its_length(mask, typed):
    assert mask(typed) == HIDDEN


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("nothing", ["", "  ", "\u3000", "\u200b"])
def test_nothing_is_shown_as_nothing(mask, nothing):
    assert mask(nothing) == ""


@pytest.mark.rule("P-20")
@given(st.one_of(st.text(), st.from_regex(r"[0-9张·省市区县@. ()+X-]{0,40}", fullmatch=True)))
def test_a_mask_says_something_of_any_text_and_a_number_never_shows_more_than_eight(typed):
    for mask in MASKS:
        assert isinstance(mask(typed), str)
    for mask in (mask_phone, mask_resident_id):
        assert sum(map(str.isalnum, mask(typed))) <= 8


@pytest.mark.rule("P-20")
def test_what_is_too_long_for_an_address_is_hidden():
    assert mask_address("云南省昆明市五华区" + "华" * 200) == HIDDEN
