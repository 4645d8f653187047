"""Identifiers of the state, as GB 32100, GB 11714, GB 11643 and GB/T 2260 define them."""

import timeit
from datetime import date

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from stdnum.cn import ric, uscc

from services.common.identifiers import (
    RegionLevel,
    find_resident_ids,
    has_uscc_exception,
    is_catalog_code,
    is_resident_id,
    is_site_code,
    is_task_code,
    is_uscc_shape,
    is_within,
    longest_number,
    normalise_code,
    organisation_code_check_char,
    redact_resident_ids,
    region_ancestors,
    region_code,
    region_level,
    region_of_uscc,
    resident_id_problem,
    uscc_check_char,
    uscc_problem,
)

TODAY = date(2026, 11, 20)
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
SPECIMEN = "11010519491231002X"  # the standard's own
PERSON = "530102198501011233"
RIGHT = [
    "91350200MA2YJ1XR9G",
    "91440101MA5CJQ4N59",
    "12441500196720244T",
    "11511301008778183N",
    "11441700007280420Y",
    "123502001549897397",
    "9135021359498494XQ",
    "91530100MA6K00014D",
    "91530100MA6NXT016P",
    "11530000015100012L",
    "12530000431200012W",
    "52530000502000019L",
    "92530302MA6L0A2B7B",
]
PILOT = ["91350203M0001QAY9B", "91350100M0001TGQXM", "91350211M0000XUF46"]
WRONG = "11440300007542785T"


@st.composite
def codes(draw, registries=ALPHABET):
    """Right 统一社会信用代码 of registries whose codes begin with such characters."""
    kind = draw(st.text(registries, min_size=2, max_size=2))
    region = draw(st.integers(100000, 999999))
    body = draw(st.text(ALPHABET, min_size=8, max_size=8))
    first17 = f"{kind}{region}{body}{organisation_code_check_char(body)}"
    return first17 + uscc_check_char(first17)


@st.composite
def resident_ids(draw):
    """Right 公民身份号码, their check character found with the oracle."""
    region = draw(st.sampled_from(["110105", "530102", "532901", "533423", "810000"]))
    born = draw(st.dates(date(1900, 1, 1), TODAY))
    first17 = f"{region}{born:%Y%m%d}{draw(st.integers(0, 999)):03d}"
    return first17 + ric.calc_check_digit(first17 + "0")


# --- 统一社会信用代码 ---


@pytest.mark.rule("P-1")
@pytest.mark.parametrize("code", RIGHT)
def test_codes_of_real_and_synthetic_registries_are_right(code):
    assert uscc_problem(code) is None
    assert is_uscc_shape(code)
    assert not has_uscc_exception(code)


@pytest.mark.rule("P-3")
@pytest.mark.parametrize("code", PILOT)
def test_a_code_of_the_first_pilot_fails_its_check_but_is_a_lawful_exception(code):
    assert "校验码" in uscc_problem(code)
    assert has_uscc_exception(code)


def test_a_plainly_wrong_code_is_no_exception():
    assert "第 18 位" in uscc_problem(WRONG)
    assert not has_uscc_exception(WRONG)


@given(codes())
def test_a_code_made_with_both_check_characters_is_right(code):
    assert uscc_problem(code) is None


@given(codes("0123456789"))  # the oracle knows no registries with letters
def test_a_code_made_with_both_check_characters_is_right_for_the_oracle(code):
    assert uscc.is_valid(code)


@given(st.text("0123456789AMX", min_size=8, max_size=8), st.sampled_from(ALPHABET))
def test_the_outer_check_agrees_with_the_oracle_on_any_last_character(body, last):
    code = f"91530100{body}{organisation_code_check_char(body)}{last}"
    assert (uscc_problem(code) is None) is uscc.is_valid(code)


@pytest.mark.rule("P-1")
@given(codes(), st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_wrong_character_anywhere_is_found(code, place, character):
    assume(code[place] != character)
    assert uscc_problem(code[:place] + character + code[place + 1 :]) is not None


@pytest.mark.rule("P-2")
@given(codes(), st.sampled_from("0123456789X"))
def test_a_wrong_inner_check_is_found_even_when_the_outer_one_fits(code, inner):
    assume(code[16] != inner)
    first17 = code[:16] + inner
    assert "第 17 位" in uscc_problem(first17 + uscc_check_char(first17))


@pytest.mark.rule("P-1")
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("", "应为 18 位，实为 0 位"),
        ("91530100MA6K00014", "实为 17 位"),
        ("91530100MA6K00014DD", "实为 19 位"),
        ("9153O100MA6K00014D", "“O”"),
        ("91530100ma6k00014d", "“m”"),
        ("91530100MA6K0001４D", "“４”"),
        ("9153010AMA6K00014D", "行政区划"),
        ("91030100MA6K00014D", "行政区划"),
    ],
)
def test_the_reason_says_which_part_of_a_code_is_wrong(code, reason):
    assert reason in uscc_problem(code)


@given(st.text(max_size=40))
@example("91530100MA6K00014\n")
@example("\ud800" * 18)
@example("٩١٥٣٠١٠٠٩١٥٣٠١٠٠٩١")
def test_any_text_gets_an_answer_and_no_exception(text):
    code = normalise_code(text)
    assert uscc_problem(code) is None or isinstance(uscc_problem(code), str)
    assert resident_id_problem(code, TODAY) is None or "公民身份号码" in resident_id_problem(
        code, TODAY
    )
    assert region_code(text) is None or len(region_code(text)) == 12
    assert isinstance(is_task_code(text), bool)
    assert all(0 <= start < end <= len(text) for start, end in find_resident_ids(text))


@pytest.mark.parametrize("first", ["", "9153010", "O1510001", "015100012", "mA6K0001"])
def test_the_check_character_of_what_is_no_code_is_refused(first):
    with pytest.raises(ValueError, match="not the first"):
        organisation_code_check_char(first if first != "O1510001" else "o1510001")
    with pytest.raises(ValueError, match="not the first"):
        uscc_check_char(first)


def test_what_a_person_types_is_read_as_registers_write_it():
    assert normalise_code("９１５３０１００ｍａ６ｋ０００１４ｄ") == "91530100MA6K00014D"
    assert normalise_code(" 9153-0100\u3000ma6k\u200b00014d\n") == "91530100MA6K00014D"
    assert normalise_code("11010519491231002x") == SPECIMEN


def test_a_code_names_the_region_of_its_registry():
    assert region_of_uscc("91530102MA6K00014D") == "530102000000"
    assert region_of_uscc("not a code") is None


def test_a_valid_code_is_judged_fast_enough_for_imports_of_millions():
    fastest = min(timeit.repeat(lambda: uscc_problem(RIGHT[0]), number=20_000, repeat=5)) / 20_000
    assert fastest < 12e-6  # three times the bound of 4 µs


# --- 公民身份号码 ---


@pytest.mark.rule("P-4")
@given(resident_ids())
@example(SPECIMEN)
@example(PERSON)
def test_a_right_number_is_right_for_us_and_for_the_oracle(number):
    assert is_resident_id(number, TODAY)
    assert ric.compact(number) == number
    assert ric.calc_check_digit(number) == number[17]


@pytest.mark.rule("P-4")
@given(resident_ids(), st.integers(0, 17), st.sampled_from("0123456789X"))
def test_one_wrong_digit_of_a_number_is_found(number, place, digit):
    assume(number[place] != digit)
    assert not is_resident_id(number[:place] + digit + number[place + 1 :], TODAY)


@pytest.mark.rule("P-4")
@pytest.mark.parametrize(
    ("number", "reason"),
    [
        ("1101051949123100", "应为 17 位"),
        ("11010519491231002x", "应为 17 位"),
        ("10010519491231002X", "省级行政区划"),
        ("110105194902290021", "不存在"),
        ("110105204912310021", "晚于今天"),
        ("110105194912310021", "校验码"),
    ],
)
def test_the_reason_says_which_part_of_a_number_is_wrong(number, reason):
    assert reason in resident_id_problem(number, TODAY)


@pytest.mark.rule("P-4")
def test_a_person_born_today_has_a_number_and_one_born_tomorrow_has_none():
    first17 = "53010220261120123"
    number = first17 + ric.calc_check_digit(first17 + "0")
    assert is_resident_id(number, date(2026, 11, 20))
    assert "晚于今天" in resident_id_problem(number, date(2026, 11, 19))


# --- numbers of persons in free text ---


def found_in(text):
    return [text[start:end] for start, end in find_resident_ids(text)]


@pytest.mark.rule("P-5")
@pytest.mark.parametrize(
    "written",
    [
        SPECIMEN,
        SPECIMEN.lower(),
        PERSON,
        "５３０１０２１９８５０１０１１２３３",
        "１１０１０５１９４９１２３１００２Ｘ",
        "530102 19850101 1233",
        "530102-19850101-1233",
        "5301 0219 8501 0112 33",
        "5 3 0 1 0 2 1 9 8 5 0 1 0 1 1 2 3 3",
        "530102\u200b19850101\u30001233",
        "𝟓𝟑𝟎𝟏𝟎𝟐𝟏𝟗𝟖𝟓𝟎𝟏𝟎𝟏𝟏𝟐𝟑𝟑",
        "530102850101123",
        "530102 850101 123",
        "530102198501011230",  # mistyped: the last digit should be 3
    ],
)
@pytest.mark.parametrize(
    "around", ["{}", "身份证号{}查询", "id={}&q=1", "ID{}", "（{}）", "a {} b"]
)
def test_a_number_is_found_however_it_is_written(written, around):
    text = around.format(written)
    assert found_in(text) == [written]
    assert written not in redact_resident_ids(text)
    assert len(redact_resident_ids(text)) == len(text)


@pytest.mark.parametrize(
    "text",
    [
        "91530100MA6K00014D",
        "123502001549897397",  # a 统一社会信用代码 of digits only
        "125301198501010199",  # another, whose middle is a date
        "12441500196720244T3442199806003",
        "11530000015100012L3530119850101123",
        "12441500196720244T3442199806003202206230068",
        f"{PERSON}1",
        f"1{PERSON}",
        f"{PERSON}5301021985",
        "1530102850101123",  # 16 digits: the old number inside a longer run
        "530102850101123456",
        "13888888888",
        "0871-63123456 13888888888",
        "530100 2026-01-01 2026-12-31",
        "530102195013450018",  # month 13
        "990102195012310018",
        "530102000000",
        "昆明 供水 2026 年 11 月 20 日 8 时",
    ],
)
def test_what_is_no_number_of_a_person_is_left_alone(text):
    assert found_in(text) == []
    assert redact_resident_ids(text) == text


def test_several_numbers_in_one_text_are_all_found_in_order():
    text = f"甲{PERSON}，乙 {SPECIMEN}；丙530102850101123。"
    assert found_in(text) == [PERSON, SPECIMEN, "530102850101123"]
    assert redact_resident_ids(text) == f"甲{'*' * 18}，乙 {'*' * 18}；丙{'*' * 15}。"


def test_a_number_is_hidden_whole_where_its_beginning_looks_like_an_old_one():
    written = "530102 200105 011 231"
    assert found_in(written) == [written]


@given(
    resident_ids(), st.text("查询身份证 ，。ab", max_size=12), st.text("号码的 ，。yz", max_size=12)
)
def test_a_right_number_is_found_between_any_words(number, before, after):
    assert number in found_in(before + number + after)


@given(codes())
def test_a_credit_code_is_never_taken_for_a_person(code):
    assume(not is_resident_id(code, TODAY))
    assert found_in(f"查 {code} 信用") == []


def test_a_megabyte_of_digits_is_searched_in_linear_time():
    short, long = ("1 " * size for size in (5_000, 40_000))
    costs = [
        min(timeit.repeat(lambda text=text: find_resident_ids(text), number=1, repeat=3))
        for text in (short, long)
    ]
    assert costs[1] < 24 * costs[0]


# --- 行政区划代码 ---


@pytest.mark.rule("P-7")
@pytest.mark.parametrize(
    ("written", "code", "level"),
    [
        ("53", "530000000000", RegionLevel.PROVINCE),
        ("5301", "530100000000", RegionLevel.PREFECTURE),
        ("530100", "530100000000", RegionLevel.PREFECTURE),
        ("532301", "532301000000", RegionLevel.COUNTY),
        ("530102002", "530102002000", RegionLevel.TOWNSHIP),
        ("530102002001", "530102002001", RegionLevel.VILLAGE),
        ("441900003000", "441900003000", RegionLevel.TOWNSHIP),
    ],
)
def test_a_region_is_written_with_twelve_digits_whatever_its_level(written, code, level):
    assert region_code(written) == code
    assert region_level(code) is level


@pytest.mark.rule("P-7")
@pytest.mark.parametrize(
    "text", ["", "5", "530", "53010", "5301000", "03", "00", "530002", "5301２3", "昆明", "53010 "]
)
def test_what_is_no_region_has_no_code(text):
    assert region_code(text) is None
    assert region_level(text) is None
    assert region_ancestors(text) == ()


@pytest.mark.rule("P-7")
def test_a_county_lies_in_its_prefecture_and_its_province():
    assert region_ancestors("530102000000") == ("530100000000", "530000000000")
    assert region_ancestors("530102002001") == (
        "530102002000",
        "530102000000",
        "530100000000",
        "530000000000",
    )
    assert region_ancestors("530000000000") == ()
    assert is_within("532301000000", "532300000000")
    assert is_within("532301000000", "532301000000")
    assert not is_within("532301000000", "530300000000")
    assert not is_within("530110000000", "530111000000")
    assert not is_within("530100000000", "530102000000")


# --- 事项编码, 网站标识码 ---


@pytest.mark.rule("P-8")
def test_a_task_code_is_an_office_a_level_and_a_catalogue_code():
    assert is_task_code("12441500196720244T3442199806003")
    assert is_catalog_code("442199806003")
    assert is_catalog_code("511A01380000")


@pytest.mark.rule("P-8")
@pytest.mark.parametrize(
    "text",
    [
        "12441500196720245T3442199806003",  # the office's code fails its check
        "12441500196720244T0442199806003",  # no such level
        "12441500196720244T8442199806003",
        "12441500196720244T344219980600",
        "12441500196720244T3442199806003\n",
        "12441500196720244t3442199806003",
    ],
)
def test_what_is_no_task_code_is_refused(text):
    assert not is_task_code(text)


@pytest.mark.rule("P-8")
@pytest.mark.parametrize("text", ["44219980600", "4421998060033", "A42199806003", "44219980600x"])
def test_what_is_no_catalogue_code_is_refused(text):
    assert not is_catalog_code(text)


@pytest.mark.rule("P-9")
@pytest.mark.parametrize("code", ["1304000009", "5111000061", "bm07000001", "bm29000002"])
def test_site_codes_of_regions_and_ministries_are_right(code):
    assert is_site_code(code)


@pytest.mark.rule("P-9")
@pytest.mark.parametrize(
    "code", ["130400000", "BM07000001", "bm0700000", "13040000091", "１304000009"]
)
def test_what_is_no_site_code_is_refused(code):
    assert not is_site_code(code)


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("", 0),
        ("没有数字", 0),
        ("12345 热线", 5),
        ("138-0013 8000", 11),
        ("０８７１．316", 7),
        ("一三八零零一", 6),
        ("①②③ 4", 4),
        ("3 岁和 12 岁", 2),
    ],
)
def test_a_number_is_as_long_as_people_write_it(text, digits):
    assert longest_number(text) == digits
