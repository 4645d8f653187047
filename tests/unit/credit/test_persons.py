"""What must not become public: natural persons (自然人) and their identity numbers."""

import unicodedata
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.common.identifiers import uscc_problem
from services.credit.domain import SHAPES, Penalty, Permit, RecordInvalid, record_of
from services.credit.domain.persons import ABOUT_A_PERSON
from tests.unit.credit.rows import (
    COLUMNS,
    PERSON,
    VALUES,
    imported,
    in_words,
    penalty,
    permit,
    row,
)

SECRET = "密"  # stands in no column, heading or reason of ours
ALSO_A_CODE = ["532901195110202812", "532901198608163412", "532901193312236042"]
IDENTITY_COLUMNS = {
    "subjects": ["证件号码", "身份证号码"],
    "permits_2018": ["XK_XDR_ZJLX", "XK_XDR_ZJHM", "证件号码", "行政相对人身份证号"],
    "penalties_2018": ["CF_XDR_ZJLX", "CF_XDR_ZJHM", "证件类型", "自然人证件号码"],
    "permits_2015": ["XK_XDR_SFZ", "行政相对人代码_5", "行政相对人代码_5（居民身份证号）"],
    "penalties_2015": ["CF_XDR_SFZ", "行政相对人代码_5", "居民身份证号"],
}
OF_THE_REPRESENTATIVE = {
    "subjects": ["法定代表人身份证号", "经营者证件号码"],
    "permits_2018": ["XK_FR_ZJHM", "XK_FRDB_ZJLX", "法定代表人证件类型", "法人证件号码"],
    "penalties_2018": ["CF_FR_SFZH", "CF_FDDBR_ZJHM", "负责人身份证号", "法定代表人证件号码"],
    "permits_2015": ["XK_FR_SFZ", "法定代表人身份证号"],
    "penalties_2015": ["CF_FR_SFZ", "投资人证件号码"],
}
TYPE_COLUMNS = {
    "subjects": "SUBJECT_TYPE",
    "permits_2018": "XK_XDR_TYPE",
    "penalties_2018": "CF_XDR_TYPE",
    "permits_2015": "XK_XDR_TYPE",
    "penalties_2015": "CF_XDR_TYPE",
}
CODE_COLUMNS = {
    "subjects": "SUBJECT_CODE",
    "permits_2018": "XK_XDR_SHXYM",
    "penalties_2018": "CF_XDR_SHXYM",
    "permits_2015": "XK_XDR_SHXYM",
    "penalties_2015": "CF_XDR_SHXYM",
}
WRITINGS = {
    "plain": str,
    "lower": str.lower,
    "full width": lambda number: "".join(chr(ord(one) + 0xFEE0) for one in number),
    "arabic digits": lambda number: "".join(
        chr(ord(one) - ord("0") + 0x0660) if one.isdigit() else one for one in number
    ),
    "blanks": lambda number: f"{number[:6]} {number[6:14]}\u3000{number[14:]}",
    "hyphens": lambda number: f"{number[:6]}-{number[6:14]}－{number[14:]}",
    "fifteen digits": lambda number: number[:6] + number[8:17],
    "zero width": "\u200b".join,
}


@st.composite
def resident_ids(draw):
    """Right numbers of people born between 1930 and 1999, some also right as a credit code."""
    if draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(ALSO_A_CODE))
    region = draw(st.sampled_from(["110105", "530102", "532901", "440106", "650102"]))
    born = draw(st.dates(date(1930, 1, 1), date(1999, 12, 31)))
    first17 = f"{region}{born:%Y%m%d}{draw(st.integers(0, 999)):03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(first17, weights, strict=True))
    return first17 + "10X98765432"[total % 11]


def secrets_of_a_person(shape):
    """A row with something of a person's own in every column, as long as a code is."""
    return {column: f"{SECRET}{n:017}" for n, column in enumerate(COLUMNS[shape])}


def nothing_is_kept_or_said(report, store):
    assert report.read == report.rejected == 1
    assert store.records == {}
    assert store.told == []
    said = "".join(one.field + one.reason for one in report.rejections)
    assert SECRET not in said
    assert not digits_of(said) & {PERSON[:17]}
    return True


@pytest.mark.rule("K-2")
@pytest.mark.parametrize("said", ["自然人", " 自然人 ", "自然人（个人）"])
@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_of_a_row_about_a_natural_person_is_kept_or_said(shape, said):
    values = secrets_of_a_person(shape) | {
        column: ""
        for column in COLUMNS[shape]
        if column.endswith(("ZT", "SYFW", "ZJLX", "ZJHM", "SFZ"))
    }
    report, store = imported(shape, values | {TYPE_COLUMNS[shape]: said})
    assert nothing_is_kept_or_said(report, store)
    assert [one.field for one in report.rejections] == [TYPE_COLUMNS[shape]]


@pytest.mark.rule("K-2")
@pytest.mark.parametrize(
    ("shape", "column"), [(shape, one) for shape in SHAPES for one in IDENTITY_COLUMNS[shape]]
)
@pytest.mark.parametrize("filled", [PERSON, "5301**********1234", SECRET, 110105194912310021])
def test_a_filled_identity_column_is_a_row_about_a_person(shape, column, filled):
    report, store = imported(shape, row(shape) | {column: filled})
    assert nothing_is_kept_or_said(report, store)
    assert [one.field for one in report.rejections] == [column]
    untouched, _ = imported(shape, row(shape) | {column: "  "})
    assert untouched.created == 1


@pytest.mark.rule("K-2")
@pytest.mark.parametrize("typed", [PERSON, " 110105 19491231 002x", 110101199003078035])
@pytest.mark.parametrize("shape", SHAPES)
def test_an_identity_number_in_place_of_a_code_is_a_row_about_a_person(shape, typed):
    report, store = imported(shape, row(shape) | {CODE_COLUMNS[shape]: typed})
    assert nothing_is_kept_or_said(report, store)
    about = [(one.field, one.reason) for one in report.rejections]
    assert about == [(CODE_COLUMNS[shape], ABOUT_A_PERSON)]


@pytest.mark.rule("K-2")
@pytest.mark.parametrize("said", ["个人", "公民", "居民", "港澳居民", "人"])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_type_that_may_be_another_word_for_a_person_is_refused(shape, said):
    report, store = imported(shape, row(shape) | {TYPE_COLUMNS[shape]: said})
    assert nothing_is_kept_or_said(report, store)


@pytest.mark.rule("K-2")
@pytest.mark.parametrize("said", ["个体工商户", "企业法人", "法人和非法人组织", "社会组织", ""])
@pytest.mark.parametrize("shape", SHAPES)
def test_organisations_and_sole_traders_are_not_persons(shape, said):
    report, _ = imported(shape, row(shape) | {TYPE_COLUMNS[shape]: said})
    assert (report.created, report.rejected) == (1, 0)


@pytest.mark.rule("K-2")
@pytest.mark.parametrize("kind", VALUES)
def test_a_person_handed_in_by_a_call_is_refused_unread(kind):
    with pytest.raises(RecordInvalid) as refused:
        record_of(kind, VALUES[kind](subject_type="自然人", subject_code=SECRET, 没有的字段=SECRET))
    assert [one.field for one in refused.value.violations] == ["subject_type"]
    assert SECRET not in str(refused.value)


@pytest.mark.rule("K-3")
@pytest.mark.parametrize(
    ("shape", "column"),
    [(shape, one) for shape in SHAPES for one in OF_THE_REPRESENTATIVE[shape]],
)
def test_the_representatives_documents_are_never_read(shape, column):
    report, store = imported(shape, row(shape) | {column: PERSON})
    assert (report.created, report.rejected) == (1, 0)
    assert PERSON not in repr(store.told)


@pytest.mark.rule("K-3")
@pytest.mark.parametrize(
    ("shape", "column"), [(shape, column) for shape in SHAPES for column in COLUMNS[shape]]
)
@settings(max_examples=25)
@given(number=resident_ids(), writing=st.sampled_from(sorted(WRITINGS)), word=st.booleans())
def test_an_identity_number_gets_past_no_column_however_it_is_written(
    shape, column, number, writing, word
):
    written = WRITINGS[writing](number)
    typed = f"经查，{written}，属实" if word else written
    report, store = imported(shape, row(shape) | {column: typed})
    kept_or_said = repr(store.told) + repr(report.rejections)
    assert not digits_of(kept_or_said) & {number[:17], number[:6] + number[8:17]}


@pytest.mark.rule("K-3")
@settings(max_examples=25)
@given(number=resident_ids(), writing=st.sampled_from(sorted(WRITINGS)))
def test_every_free_text_with_an_identity_number_is_refused_by_its_field(number, writing):
    written = WRITINGS[writing](number)
    for kind, values, fields in (
        (Permit, permit, ("subject_name", "document_number", "content", "certificate_number")),
        (Penalty, penalty, ("facts", "basis", "offence", "remark", "legal_representative")),
    ):
        for field in fields:
            with pytest.raises(RecordInvalid) as refused:
                record_of(kind, values(**{field: f"甲{written}乙"}))
            assert [one.field for one in refused.value.violations] == [field]


@pytest.mark.rule("K-3")
@pytest.mark.parametrize("field", ["subject_code", "authority_code", "source_code"])
@pytest.mark.parametrize("number", ALSO_A_CODE)
def test_a_number_that_is_right_as_a_code_too_is_a_persons(field, number):
    assert uscc_problem(number) is None
    with pytest.raises(RecordInvalid) as refused:
        record_of(Penalty, penalty(**{field: number}))
    assert [one.field for one in refused.value.violations] == [field]


@pytest.mark.rule("K-3")
@pytest.mark.parametrize("number", ["530102201909190201", "示例 530102202511280101 号"])
def test_a_construction_permits_number_is_no_persons(number):
    found = record_of(Permit, permit(certificate_number=number, document_number=number))
    assert found.certificate_number == number
    with pytest.raises(RecordInvalid):
        record_of(Permit, permit(content=number))
    with pytest.raises(RecordInvalid):
        record_of(Permit, permit(certificate_number="530102199909190201"))


@pytest.mark.rule("K-3")
@pytest.mark.parametrize("shape", SHAPES)
def test_an_identity_number_in_a_heading_is_not_said_again(shape):
    report, _ = imported(shape, row(shape) | {f"备注{PERSON}": "x"})
    assert report.rejected == 1
    assert not digits_of(repr(report.rejections)) & {PERSON[:17]}


@pytest.mark.parametrize("words", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_reason_never_repeats_a_value_of_its_row(shape, words):
    values = secrets_of_a_person(shape)
    for column in COLUMNS[shape]:
        one = row(shape) | {column: values[column]}
        report, _ = imported(shape, in_words(shape, one) if words else one)
        assert SECRET not in repr(report.rejections)
    report, _ = imported(shape, in_words(shape, values) if words else values)
    assert SECRET not in repr(report.rejections)


def digits_of(text):
    """Every run of digits in a text, however it is written, cut to each length of a number."""
    folded = unicodedata.normalize("NFKC", text)
    only = "".join(str(unicodedata.digit(one)) if one.isdigit() else "" for one in folded)
    return {only[i : i + size] for size in (15, 17) for i in range(len(only))}


def test_the_look_for_numbers_here_finds_them():
    for write in WRITINGS.values():
        found = digits_of(f"甲{write(PERSON)}乙")
        assert found & {PERSON[:17], PERSON[:6] + PERSON[8:17]}
