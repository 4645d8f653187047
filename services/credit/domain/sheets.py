"""The sheets that credit takes: their columns, by code and by heading, and how a row is read.

双公示 has two: that of 2018, in force, and that of 2015, which archives are full of. Columns are
recognised by their code (XK_WSH) or by their heading (行政许可决定文书号), with or without what the
heading says in parentheses.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from services.common.errors import Violation
from services.common.fields import shown
from services.common.identifiers import redact_resident_ids
from services.credit.domain import archive
from services.credit.domain.persons import (
    ABOUT_A_PERSON,
    about_a_person,
    is_identity_column,
    is_of_the_representative,
)
from services.credit.domain.reading import RecordInvalid, record_of
from services.credit.domain.records import Penalty, Permit, Record, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.common.rows import Row

_CODE_1 = "行政相对人代码_1 行政相对人代码_1统一社会信用代码 统一社会信用代码"
_REPRESENTATIVE = "法定代表人 法定代表人姓名 法定代表人或负责人 负责人"
_PASSED = re.compile(
    r"(XK|CF)_XDR_(GSZC|ZZJG|SWDJ|SYDW|SHZZ|ZDM|GSDJ)|行政相对人代码_[2-6].*"
    r"|工商注册号|工商登记码|组织机构代码|税务登记号|事业单位证书号|社会组织登记证号"
    r"|((XK|CF)_)?(DFBM|SJC)|地方编码|数据更新时间戳|XK_GS(QX|JZQ)|CF_AJMC|案件名称"
    r"|INDUSTRY|行业|所属行业|VERSION|UPDATE_TIME|CHECK_DIGIT_EXCEPTION"
)
_PARENTHESES = re.compile(r"\([^()]*\)")
_AMOUNTS: Final = {"fine_amount", "confiscated_amount", "registered_capital"}
# What is wrong with the columns is said for each row: 5,000 rows must still fit into one report.
_MOST_SAID: Final = 5


_PERMITS_2018: Final = {
    "subject_name": "XK_XDR_MC 行政相对人名称",
    "subject_type": "XK_XDR_TYPE XK_XDR_LB 行政相对人类别",
    "subject_code": f"XK_XDR_SHXYM {_CODE_1}",
    "legal_representative": f"XK_FRDB XK_FDDB XK_FDDBR {_REPRESENTATIVE}",
    "document_name": "XK_XKWS 行政许可决定文书名称",
    "document_number": "XK_WSH 行政许可决定文书号 行政许可决定书文号",
    "category": "XK_XKLB 许可类别",
    "certificate_name": "XK_XKZS 许可证书名称",
    "certificate_number": "XK_XKBH 许可编号",
    "content": "XK_NR 许可内容",
    "decision_date": "XK_JDRQ 许可决定日期",
    "valid_from_date": "XK_YXQZ 有效期自",
    "valid_until_date": "XK_YXQZI 有效期至",
    "authority_name": "XK_XKJG 许可机关",
    "authority_code": "XK_XKJGDM 许可机关统一社会信用代码 许可机关代码",
    "validity": "XK_ZT 当前状态",
    "source_name": "XK_LYDW XK_SJLY 数据来源单位",
    "source_code": "XK_LYDWDM XK_SJLYDM 数据来源单位统一社会信用代码 数据来源单位代码",
    "remark": "BZ XK_BZ 备注",
}
_PENALTIES_2018: Final = {
    "subject_name": "CF_XDR_MC 行政相对人名称",
    "subject_type": "CF_XDR_TYPE CF_XDR_LB 行政相对人类别",
    "subject_code": f"CF_XDR_SHXYM {_CODE_1}",
    "legal_representative": f"CF_FRDB CF_FDDB CF_FDDBR {_REPRESENTATIVE}",
    "document_number": "CF_WSH 行政处罚决定书文号 行政处罚决定文书号",
    "offence": "CF_WFXW 违法行为类型",
    "facts": "CF_SY 违法事实",
    "basis": "CF_YJ 处罚依据",
    "category": "CF_CFLB 处罚类别",
    "content": "CF_NR 处罚内容",
    "fine_amount": "CF_NR_FK 罚款金额",
    "confiscated_amount": "CF_NR_WFFF 没收金额 没收违法所得、没收非法财物的金额",
    "revoked_certificate": "CF_NR_ZKDX 暂扣或吊销证照名称及编号",
    "decision_date": "CF_JDRQ 处罚决定日期",
    "valid_until_date": "CF_YXQ 处罚有效期",
    "publish_until_date": "CF_GSJZQ 公示截止期 公示截止日期",
    "authority_name": "CF_CFJG 处罚机关",
    "authority_code": "CF_CFJGDM 处罚机关统一社会信用代码 处罚机关代码",
    "source_name": "CF_SJLY CF_LYDW 数据来源单位",
    "source_code": "CF_SJLYDM CF_LYDWDM 数据来源单位统一社会信用代码 数据来源单位代码",
    "remark": "BZ CF_BZ 备注",
}
_PERMITS_2015: Final = {
    "subject_name": "XK_XDR XK_XDR_MC 行政相对人名称",
    "subject_type": "XK_XDR_TYPE XK_XDR_LB 行政相对人类别",
    "subject_code": f"XK_XDR_SHXYM {_CODE_1}",
    "legal_representative": f"XK_FR XK_FRDB {_REPRESENTATIVE}",
    "document_name": "XK_XMMC 项目名称",
    "document_number": "XK_WSH 行政许可决定书文号 行政许可决定文书号",
    "category": "XK_SPLB 审批类别",
    "content": "XK_NR 许可内容",
    "decision_date": "XK_JDRQ 许可决定日期",
    "valid_until_date": "XK_JZQ 许可截止期 许可截止日期",
    "authority_name": "XK_XZJG 许可机关",
    archive.STATE: "XK_ZT 当前状态",
    archive.SCOPE: "XK_SYFW SYFW 信息使用范围",
    "remark": "BZ XK_BZ 备注",
}
_PENALTIES_2015: Final = {
    "subject_name": "CF_XDR CF_XDR_MC 行政相对人名称",
    "subject_type": "CF_XDR_TYPE CF_XDR_LB 行政相对人类别",
    "subject_code": f"CF_XDR_SHXYM {_CODE_1}",
    "legal_representative": f"CF_FR CF_FRDB {_REPRESENTATIVE}",
    "document_number": "CF_WSH 行政处罚决定书文号 行政处罚决定文书号",
    "offence": "CF_CFMC 处罚名称",
    "facts": "CF_SY 处罚事由 违法事实",
    "basis": "CF_YJ 处罚依据",
    "category": "CF_CFLB1 CF_CFLB 处罚类别1 处罚类别",
    archive.SECOND_CATEGORY: "CF_CFLB2 处罚类别2",
    "content": "CF_JG 处罚结果",
    "decision_date": "CF_JDRQ 处罚决定日期",
    "valid_until_date": "CF_JZQ CF_JZRQ 处罚截止期 处罚截止日期",
    "publish_until_date": "CF_GSJZQ GSJZQ 公示截止期 公示截止日期",
    archive.PERIOD: "CF_GSQX GSQX 公示期限",
    "authority_name": "CF_XZJG 处罚机关",
    archive.STATE: "CF_ZT 当前状态",
    archive.SCOPE: "CF_SYFW SYFW 信息使用范围",
    "remark": "BZ CF_BZ 备注",
}
_SUBJECTS: Final = {
    "subject_code": "SUBJECT_CODE 统一社会信用代码",
    "name": "NAME 名称 主体名称 企业名称 机构名称 单位名称",
    "subject_type": "SUBJECT_TYPE 主体类型",
    "status": "STATUS 登记状态 经营状态 状态",
    "legal_representative": f"LEGAL_REPRESENTATIVE {_REPRESENTATIVE}",
    "establish_date": "ESTABLISH_DATE 成立日期",
    "registration_authority": "REGISTRATION_AUTHORITY 登记机关",
    "address": "ADDRESS 住所 地址",
    "region_code": "REGION_CODE 区划码 区划代码 行政区划代码",
    "registered_capital": "REGISTERED_CAPITAL 注册资本",
}


# What tells each shape, looked for among the names of the columns; the first that is found counts.
_TELLING: Final = {
    "penalties_2015": r"^(CF_(CFMC|CFLB[12]|JG|XZJG|FR)|处罚(名称|类别[12]|事由|结果))$",
    "penalties_2018": r"^CF_|处罚",
    "permits_2015": r"^(XK_(XMMC|SPLB|XDR|JZQ|XZJG|FR)|项目名称|审批类别|许可截止(日)?期)$",
    "permits_2018": r"^XK_|许可",
    "subjects": r"^(SUBJECT_CODE|统一社会信用代码)$",
}
SHAPES: Final[dict[str, frozenset[str]]] = {
    "subjects": frozenset({"subject_code", "name"}),
    "permits_2018": frozenset({"XK_XDR_MC", "XK_XKJG"}),
    "penalties_2018": frozenset({"CF_XDR_MC", "CF_CFJG"}),
    "permits_2015": frozenset({"XK_XDR", "XK_XZJG"}),
    "penalties_2015": frozenset({"CF_XDR_MC", "CF_XZJG"}),
}


class _Sheet:
    """One shape of rows.

    Args:
        table: for each field the names its column may have, codes first, separated by blanks.
        personal: columns that hold an identity number although their name does not say so.
    """

    def __init__(self, kind: type[Record], table: Mapping[str, str], personal: str = "") -> None:
        self.kind = kind
        self.names = {field: names.split() for field, names in table.items()}
        self.fields = {name: field for field, names in self.names.items() for name in names}
        self.personal = personal

    def name_of(self, field: str, *, by_code: bool) -> str:
        """What the sheet calls a field that the file does not have."""
        return next((n for n in self.names.get(field, []) if n.isascii() == by_code), field)


_SHEETS: Final = {
    "subjects": _Sheet(Subject, _SUBJECTS),
    "permits_2018": _Sheet(Permit, _PERMITS_2018),
    "penalties_2018": _Sheet(Penalty, _PENALTIES_2018),
    "permits_2015": _Sheet(Permit, _PERMITS_2015, personal="行政相对人代码_5"),
    "penalties_2015": _Sheet(Penalty, _PENALTIES_2015, personal="行政相对人代码_5"),
}


@dataclass(frozen=True, slots=True)
class _Plan:
    """How rows with these columns are read.

    Args:
        columns: the column of each field.
        personal: columns that are filled in rows about natural persons only.
        wrong: what is wrong with the columns themselves, the first few.
    """

    sheet: _Sheet
    columns: Mapping[str, str]
    personal: tuple[str, ...]
    wrong: tuple[Violation, ...]


def recognise(rows: Sequence[Row]) -> str:
    """The shape that the columns of the first row tell; empty if they tell none."""
    first = next((row.values for row in rows if isinstance(row.values, Mapping)), {})
    names = "\n".join(_PARENTHESES.sub("", _folded(column)) for column in first)
    return next(
        (shape for shape, telling in _TELLING.items() if re.search(telling, names, re.MULTILINE)),
        "",
    )


def record_of_row(values: Any, shape: str) -> Record:
    """The record in one row of a file of the given shape.

    Rule K-2: of a row about a natural person nothing is read, and nothing of it is said.
    Rule K-3: columns with the representative's identity documents are never read at all.

    Raises:
        RecordInvalid: with each column at fault, under its name in the file.
    """
    if not isinstance(values, Mapping):
        raise RecordInvalid("不是一行完整的数据。", Violation("", "这一行不是一条完整的数据"))
    plan = _plan(shape, tuple(values))
    for column in plan.personal:
        if not _is_blank(values[column]):
            said = Violation(_shown(column), ABOUT_A_PERSON)
            raise RecordInvalid("自然人的信用信息不予收录。", said)
    if plan.wrong:
        raise RecordInvalid("有无法识别的列。", *plan.wrong)
    # As _is_blank says it, without a call for each of some twenty columns.
    given = {
        field: value
        for field, column in plan.columns.items()
        if (value := values[column]) is not None
        and not (value.__class__ is str and (not value or value.isspace()))
    }
    if shape.endswith("2015"):
        wrong = about_a_person(given) or archive.converted(plan.sheet.kind, given)
        if wrong:
            raise RecordInvalid("这一行未予收录。", *_by_column(wrong, plan))
    try:
        return record_of(plan.sheet.kind, given)
    except RecordInvalid as refusal:
        raise type(refusal)(str(refusal), *_by_column(refusal.violations, plan)) from None


def columns_read(values: Mapping[str, Any], shape: str) -> dict[str, Any]:
    """A row without the columns that say nothing of a record.

    Rule K-3: so the representative's identity documents are not kept either.
    """
    plan = _plan(shape, tuple(values))
    return {column: values[column] for column in plan.columns.values()}


def column_of(record: Record, values: Mapping[str, Any], shape: str, field: str = "") -> str:
    """The column of a row that says a field, under its name in the file.

    Args:
        field: empty: the one that says which record it is about.
    """
    field = field or ("subject_code" if isinstance(record, Subject) else "document_number")
    return _by_column([Violation(field, "")], _plan(shape, tuple(values)))[0].field


@lru_cache(maxsize=64)
def _plan(shape: str, columns: tuple[str, ...]) -> _Plan:
    sheet = _SHEETS[shape]
    taken: dict[str, str] = {}
    personal: list[str] = []
    wrong: list[Violation] = []
    for column in columns:
        whole = _folded(column)
        name = _PARENTHESES.sub("", whole)
        field = sheet.fields.get(name)
        if is_identity_column(whole) or name == sheet.personal:
            if not is_of_the_representative(whole):
                personal.append(column)
        elif field in taken:
            wrong.append(Violation(_shown(column), "与另一列是同一项内容，请只保留一列"))
        elif field in _AMOUNTS and _is_in_another_unit(whole):
            wrong.append(Violation(_shown(column), "金额应以万元为单位，请换算后更正列名"))
        elif field:
            taken[field] = column
        elif not _PASSED.fullmatch(name):
            wrong.append(Violation(_shown(column), "没有这个字段，请删去或更正名称"))
    return _Plan(sheet, taken, tuple(personal), tuple(wrong[:_MOST_SAID]))


def _folded(column: str) -> str:
    return "".join(unicodedata.normalize("NFKC", column).split()).upper()


def _is_in_another_unit(column: str) -> bool:
    """Rule K-4: a heading that names 元 but not 万元 means amounts ten thousand times smaller."""
    said = "".join(_PARENTHESES.findall(column))
    return "元" in said and "万元" not in said


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and (not value or value.isspace()))


def _shown(column: str) -> str:
    return redact_resident_ids(shown(column))


def _by_column(wrong: Iterable[Violation], plan: _Plan) -> list[Violation]:
    """Name the file's columns instead of the contract's fields."""
    by_code = any(column.isascii() for column in plan.columns.values())
    return [
        Violation(
            _shown(plan.columns.get(one.field) or plan.sheet.name_of(one.field, by_code=by_code)),
            one.description,
        )
        for one in wrong
    ]
