"""How rows of files are read: both sheets, by code and by heading."""

from decimal import Decimal

import pytest

from services.common.rows import Row
from services.credit.domain import (
    SHAPES,
    Penalty,
    Permit,
    RecordInvalid,
    Subject,
    SubjectStatus,
    recognise,
    record_of_row,
)
from tests.unit.credit.rows import AUTHORITY, CODE, COLUMNS, in_words, row

NAME = "昆明云岭商贸有限公司（示例）"
BUREAU = "昆明市市场监督管理局"


@pytest.mark.parametrize("shape", SHAPES)
def test_a_row_means_the_same_by_codes_and_by_headings(shape):
    by_code, in_chinese = row(shape), in_words(shape, row(shape))
    assert record_of_row(by_code, shape) == record_of_row(in_chinese, shape)
    assert recognise([Row(1, by_code)]) == recognise([Row(1, in_chinese)]) == shape


@pytest.mark.parametrize("shape", SHAPES)
def test_what_tells_a_shape_by_its_codes_is_recognised(shape):
    assert recognise([Row(1, dict.fromkeys(SHAPES[shape], ""))]) == shape


def test_every_column_of_a_penalty_has_its_field():
    found = record_of_row(
        row("penalties_2018", CF_NR_ZKDX="许可证 示例1", BZ="备注一"), "penalties_2018"
    )
    assert found == Penalty(
        subject_code=CODE,
        subject_name=NAME,
        subject_type="法人及非法人组织",
        legal_representative="王明华",
        document_number="示例罚决〔2026〕1号",
        category="罚款、没收违法所得",
        content="处罚款1.500000万元；没收违法所得0.200000万元。",
        decision_date="2026-03-02",
        valid_until_date="2027-03-01",
        authority_name=BUREAU,
        authority_code=AUTHORITY,
        source_name=BUREAU,
        source_code=AUTHORITY,
        remark="备注一",
        penalty_id=found.penalty_id,
        offence="销售不符合安全标准的产品",
        facts="当事人销售经检验不符合安全标准的产品。",
        basis="《中华人民共和国产品质量法》第四十九条",
        fine_amount=Decimal("1.5"),
        confiscated_amount=Decimal("0.2"),
        revoked_certificate="许可证 示例1",
        publish_until_date="2027-03-01",
    )


def test_every_column_of_a_permit_has_its_field():
    found = record_of_row(row("permits_2018", BZ="备注一"), "permits_2018")
    assert found == Permit(
        subject_code=CODE,
        subject_name=NAME,
        subject_type="法人及非法人组织",
        legal_representative="王明华",
        document_number="示例许准〔2026〕1号",
        category="普通",
        content="预包装食品、散装食品销售",
        decision_date="2026-03-02",
        valid_until_date="2031-03-01",
        authority_name=BUREAU,
        authority_code=AUTHORITY,
        source_name=BUREAU,
        source_code=AUTHORITY,
        remark="备注一",
        permit_id=found.permit_id,
        document_name="食品经营许可证准予许可决定书",
        certificate_name="食品经营许可证",
        certificate_number="JY15301020000001",
        valid_from_date="2026-03-02",
        validity="1",
    )


def test_every_column_of_a_subject_has_its_field():
    assert record_of_row(row("subjects"), "subjects") == Subject(
        subject_code=CODE,
        name=NAME,
        subject_type="法人及非法人组织",
        status=SubjectStatus.ACTIVE,
        legal_representative="王明华",
        establish_date="2016-05-04",
        registration_authority="昆明市五华区市场监督管理局",
        address="云南省昆明市五华区示例路1号",
        region_code="530102000000",
        registered_capital=Decimal(100),
    )


@pytest.mark.rule("K-8")
def test_a_permit_of_the_archive_becomes_one_of_today():
    assert record_of_row(row("permits_2015"), "permits_2015") == Permit(
        subject_code=CODE,
        subject_name=NAME,
        legal_representative="王明华",
        document_number="示例许准〔2016〕1号",
        category="普通",
        content="预包装食品销售",
        decision_date="2016-03-02",
        valid_until_date="2021-03-01",
        authority_name="昆明市食品药品监督管理局",
        permit_id=record_of_row(row("permits_2015"), "permits_2015").permit_id,
        document_name="食品经营许可",
        validity="1",
    )


@pytest.mark.rule("K-8")
def test_a_penalty_of_the_archive_becomes_one_of_today():
    found = old_penalty()
    assert (found.offence, found.content) == (
        "销售不符合安全标准的产品",
        "处罚款1.5万元，没收违法所得。",
    )
    assert found.category == "罚款、没收违法所得、没收非法财物"
    assert (found.decision_date, found.publish_until_date) == ("2025-03-02", "2027-03-02")
    assert found.authority_name == "昆明市工商行政管理局"


@pytest.mark.rule("K-8")
@pytest.mark.parametrize("scope", ["1", "2", "仅政府部门内部共享", 1, 0.5, ["0"], True])
@pytest.mark.parametrize("shape", ["permits_2015", "penalties_2015"])
def test_a_row_that_is_not_for_the_public_is_refused(shape, scope):
    assert at_fault(shape, **{f"{prefix(shape)}_SYFW": scope}) == [f"{prefix(shape)}_SYFW"]


@pytest.mark.rule("K-8")
@pytest.mark.parametrize("scope", ["0", 0, "公示", "社会公示", "", None])
@pytest.mark.parametrize("shape", ["permits_2015", "penalties_2015"])
def test_a_row_that_is_for_the_public_is_taken(shape, scope):
    assert at_fault(shape, **{f"{prefix(shape)}_SYFW": scope}) == []


@pytest.mark.rule("K-8")
@pytest.mark.parametrize("state", ["1", 1, "撤销"])
def test_an_annulled_penalty_is_refused_and_an_annulled_permit_has_lost_its_force(state):
    assert at_fault("penalties_2015", CF_ZT=state) == ["CF_ZT"]
    assert record_of_row(row("permits_2015", XK_ZT=state), "permits_2015").validity == "2"


@pytest.mark.rule("K-8")
@pytest.mark.parametrize("state", ["2", "异议", "3", "其他"])
def test_a_permit_in_dispute_says_nothing_of_its_force(state):
    assert record_of_row(row("permits_2015", XK_ZT=state), "permits_2015").validity == ""
    assert at_fault("penalties_2015", CF_ZT=state) == []


@pytest.mark.rule("K-8")
@pytest.mark.parametrize("state", ["4", "作废", {}, 1.0])
def test_a_state_that_nobody_knows_is_refused(state):
    assert at_fault("permits_2015", XK_ZT=state) == ["XK_ZT"]


@pytest.mark.rule("K-8")
@pytest.mark.parametrize(
    ("first", "second", "category"),
    [
        ("0", "", "警告"),
        ("1", "1", "罚款"),
        (3, "5", "责令停产停业、行政拘留"),
        ("罚款", "6", "罚款、其他"),
        ("", "4", "暂扣或者吊销许可证、暂扣或者吊销执照"),
        ("通报批评", None, "通报批评"),
        ("", "", ""),
    ],
)
def test_the_two_categories_of_the_archive_become_one(first, second, category):
    assert old_penalty(CF_CFLB1=first, CF_CFLB2=second).category == category


@pytest.mark.rule("K-8")
def test_a_category_that_is_no_text_is_refused_not_lost():
    assert at_fault("penalties_2015", CF_CFLB2=["罚款"]) == ["CF_CFLB2"]
    assert at_fault("penalties_2015", CF_CFLB1=True) == ["CF_CFLB1"]


@pytest.mark.rule("K-8")
@pytest.mark.parametrize(
    ("period", "until"),
    [
        ("1年", "2026-03-02"),
        ("一年", "2026-03-02"),
        ("6个月", "2025-09-02"),
        ("三月", "2025-06-02"),
        ("2026/1/1", "2026-01-01"),
        ("长期", "2028-03-02"),
        ("999年", "2028-03-02"),
        ("", "2028-03-02"),
    ],
)
def test_the_period_of_publication_is_a_date_or_counted_from_the_decision(period, until):
    assert old_penalty(CF_GSQX=period).publish_until_date == until


@pytest.mark.rule("K-8")
def test_the_end_of_publication_counts_before_the_period():
    found = old_penalty(CF_GSQX="1年", GSJZQ="2025-12-31")
    assert found.publish_until_date == "2025-12-31"


@pytest.mark.rule("K-8")
@pytest.mark.parametrize("period", ["永久", "半年", ["1年"], "1年半"])
def test_a_period_that_nobody_understands_is_refused(period):
    assert at_fault("penalties_2015", CF_GSQX=period) == ["CF_GSQX"]


@pytest.mark.rule("K-8")
@pytest.mark.parametrize("decided", ["", None, "昨天", {}])
def test_a_period_from_a_day_that_is_none_blames_the_day(decided):
    assert at_fault("penalties_2015", CF_JDRQ=decided) == ["CF_JDRQ"]


@pytest.mark.rule("K-4")
@pytest.mark.parametrize("unit", ["元", "人民币元", "亿元", "万美元 / 元以下取整"])
def test_a_column_of_another_unit_is_refused(unit):
    values = in_words("penalties_2018", row("penalties_2018"))
    values[f"罚款金额({unit})"] = values.pop("罚款金额（万元）")
    assert faults(values, "penalties_2018") == [f"罚款金额({unit})"]


@pytest.mark.rule("K-4")
@pytest.mark.parametrize(
    "heading", ["罚款金额", "罚款金额(单位:万元)", "罚款 金额（万元，精确到元）"]
)
def test_a_column_of_the_sheets_unit_is_read(heading):
    values = in_words("penalties_2018", row("penalties_2018"))
    values[heading] = values.pop("罚款金额（万元）")
    assert record_of_row(values, "penalties_2018").fine_amount == Decimal("1.5")


@pytest.mark.parametrize("shape", SHAPES)
def test_a_column_that_nobody_knows_is_refused(shape):
    assert at_fault(shape, 企业规摸="大") == ["企业规摸"]


def test_of_many_columns_that_nobody_knows_the_first_are_named():
    unknown = {f"第{number}列": "x" for number in range(100)}
    assert at_fault("permits_2018", **unknown) == [f"第{number}列" for number in range(5)]


def test_two_columns_of_the_same_thing_are_refused():
    assert at_fault("permits_2018", 行政相对人名称="乙公司") == ["行政相对人名称"]


def test_what_is_missing_is_called_as_the_file_calls_its_columns():
    by_code = row("penalties_2018")
    del by_code["CF_WSH"]
    assert faults(by_code, "penalties_2018") == ["CF_WSH"]
    in_chinese = in_words("penalties_2018", row("penalties_2018"))
    del in_chinese["行政处罚决定书文号"]
    assert faults(in_chinese, "penalties_2018") == ["行政处罚决定书文号"]


@pytest.mark.parametrize("values", [None, [], "文本", 5, ["a", "b"]])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_row_that_is_no_record_is_refused(shape, values):
    assert faults(values, shape) == [""]


def test_a_file_of_another_department_is_not_recognised():
    for columns in ({"name": "", "sector": ""}, {"task_name": ""}, {"old_url": ""}, {}):
        assert recognise([Row(1, columns)]) == ""
    assert recognise([]) == recognise([Row(1, None)]) == ""


def test_a_broken_first_row_does_not_hide_the_shape():
    assert recognise([Row(1, None), Row(2, row("penalties_2015"))]) == "penalties_2015"


def test_the_headings_of_the_rows_here_are_those_of_both_sheets():
    assert all(COLUMNS[shape].keys() == row(shape).keys() for shape in SHAPES)


def prefix(shape):
    return "XK" if shape.startswith("permits") else "CF"


def old_penalty(**changes):
    return record_of_row(row("penalties_2015", **changes), "penalties_2015")


def at_fault(shape, **changes):
    return faults(row(shape, **changes), shape)


def faults(values, shape):
    try:
        record_of_row(values, shape)
    except RecordInvalid as refused:
        return [violation.field for violation in refused.violations]
    return []
