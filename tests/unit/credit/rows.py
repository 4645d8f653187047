"""Records and rows that are in order; tests say only what they are about."""

from services.common.rows import Report, Row
from services.credit import usecases
from services.credit.domain import Penalty, Permit, Subject
from tests.callers import SYSTEM
from tests.conftest import NOW
from tests.fake_credit import FakeCredit

CODE = "91530100MA6K00014D"
OTHER = "91530100MA6NXT016P"
TRADER = "92530302MA6L0A2B7B"
EXCEPTION = "91350203M0001QAY9B"  # of the registry's lawful exceptions
AUTHORITY = "11530000015100012L"
PERSON = "11010519491231002X"  # the specimen of GB 11643

PERMIT_COLUMNS = {
    "XK_XDR_MC": "行政相对人名称",
    "XK_XDR_TYPE": "行政相对人类别",
    "XK_XDR_SHXYM": "行政相对人代码_1（统一社会信用代码）",
    "XK_XDR_GSZC": "行政相对人代码_2（工商注册号）",
    "XK_FRDB": "法定代表人",
    "XK_FR_ZJHM": "法定代表人证件号码",
    "XK_XDR_ZJLX": "证件类型",
    "XK_XDR_ZJHM": "证件号码",
    "XK_XKWS": "行政许可决定文书名称",
    "XK_WSH": "行政许可决定文书号",
    "XK_XKLB": "许可类别",
    "XK_XKZS": "许可证书名称",
    "XK_XKBH": "许可编号",
    "XK_NR": "许可内容",
    "XK_JDRQ": "许可决定日期",
    "XK_YXQZ": "有效期自",
    "XK_YXQZI": "有效期至",
    "XK_XKJG": "许可机关",
    "XK_XKJGDM": "许可机关统一社会信用代码",
    "XK_ZT": "当前状态（1 有效，2 无效）",
    "XK_LYDW": "数据来源单位",
    "XK_LYDWDM": "数据来源单位统一社会信用代码",
    "BZ": "备注",
}
PENALTY_COLUMNS = {
    "CF_XDR_MC": "行政相对人名称",
    "CF_XDR_TYPE": "行政相对人类别",
    "CF_XDR_SHXYM": "行政相对人代码_1（统一社会信用代码）",
    "CF_XDR_ZZJG": "行政相对人代码_3（组织机构代码）",
    "CF_FRDB": "法定代表人",
    "CF_FR_ZJHM": "法定代表人证件号码",
    "CF_XDR_ZJLX": "证件类型",
    "CF_XDR_ZJHM": "证件号码",
    "CF_WSH": "行政处罚决定书文号",
    "CF_WFXW": "违法行为类型",
    "CF_SY": "违法事实",
    "CF_YJ": "处罚依据",
    "CF_CFLB": "处罚类别",
    "CF_NR": "处罚内容",
    "CF_NR_FK": "罚款金额（万元）",
    "CF_NR_WFFF": "没收违法所得、没收非法财物的金额（万元）",
    "CF_NR_ZKDX": "暂扣或吊销证照名称及编号",
    "CF_JDRQ": "处罚决定日期",
    "CF_YXQ": "处罚有效期",
    "CF_GSJZQ": "公示截止期",
    "CF_CFJG": "处罚机关",
    "CF_CFJGDM": "处罚机关统一社会信用代码",
    "CF_SJLY": "数据来源单位",
    "CF_SJLYDM": "数据来源单位统一社会信用代码",
    "BZ": "备注",
}
OLD_PERMIT_COLUMNS = {
    "XK_XDR": "行政相对人名称",
    "XK_XDR_SHXYM": "行政相对人代码_1（统一社会信用代码）",
    "XK_XDR_SFZ": "行政相对人代码_5（居民身份证号）",
    "XK_FR": "法定代表人姓名",
    "XK_XMMC": "项目名称",
    "XK_WSH": "行政许可决定书文号",
    "XK_SPLB": "审批类别",
    "XK_NR": "许可内容",
    "XK_JDRQ": "许可决定日期",
    "XK_JZQ": "许可截止期",
    "XK_XZJG": "许可机关",
    "XK_ZT": "当前状态",
    "XK_SYFW": "信息使用范围",
    "DFBM": "地方编码",
    "SJC": "数据更新时间戳",
    "BZ": "备注",
}
OLD_PENALTY_COLUMNS = {
    "CF_XDR_MC": "行政相对人名称",
    "CF_XDR_SHXYM": "行政相对人代码_1（统一社会信用代码）",
    "CF_XDR_SFZ": "行政相对人代码_5（居民身份证号）",
    "CF_FR": "法定代表人姓名",
    "CF_WSH": "行政处罚决定书文号",
    "CF_CFMC": "处罚名称",
    "CF_SY": "处罚事由",
    "CF_YJ": "处罚依据",
    "CF_CFLB1": "处罚类别1",
    "CF_CFLB2": "处罚类别2",
    "CF_JG": "处罚结果",
    "CF_JDRQ": "处罚决定日期",
    "CF_GSQX": "公示期限",
    "CF_XZJG": "处罚机关",
    "CF_ZT": "当前状态",
    "CF_SYFW": "信息使用范围",
    "DFBM": "地方编码",
    "SJC": "数据更新时间戳",
    "BZ": "备注",
}
SUBJECT_COLUMNS = {
    "SUBJECT_CODE": "统一社会信用代码",
    "NAME": "企业名称",
    "SUBJECT_TYPE": "主体类型",
    "STATUS": "登记状态",
    "LEGAL_REPRESENTATIVE": "法定代表人",
    "ESTABLISH_DATE": "成立日期",
    "REGISTRATION_AUTHORITY": "登记机关",
    "ADDRESS": "住所",
    "REGION_CODE": "行政区划代码",
    "REGISTERED_CAPITAL": "注册资本（万元）",
    "INDUSTRY": "所属行业",
}
COLUMNS = {
    "subjects": SUBJECT_COLUMNS,
    "permits_2018": PERMIT_COLUMNS,
    "penalties_2018": PENALTY_COLUMNS,
    "permits_2015": OLD_PERMIT_COLUMNS,
    "penalties_2015": OLD_PENALTY_COLUMNS,
}


def row(shape, **changes):
    """A row of a file under the sheet's own codes, in order."""
    return _ROWS[shape]() | changes


def in_words(shape, values):
    """The same row under the headings that people read."""
    return {COLUMNS[shape][column]: value for column, value in values.items()}


def imported(shape, *values, store=None):
    """The report of an import, and the store after it."""
    report, store = Report(shape), store or FakeCredit(NOW)
    rows = [Row(number, one) for number, one in enumerate(values, 1)]
    usecases.import_records(rows, report, caller=SYSTEM, store=store)
    return report, store


def subject(**changes):
    values = {
        "subject_code": CODE,
        "name": "昆明云岭商贸有限公司（示例）",
        "subject_type": "法人及非法人组织",
        "status": "存续",
        "registration_authority": "昆明市市场监督管理局",
        "region_code": "530102000000",
    }
    return values | changes


def permit(**changes):
    values = {
        "subject_code": CODE,
        "subject_name": "昆明云岭商贸有限公司（示例）",
        "document_number": "示例许准〔2026〕1号",
        "certificate_number": "JY15301020000001",
        "decision_date": "2026-03-02",
        "authority_name": "昆明市市场监督管理局",
    }
    return values | changes


def penalty(**changes):
    values = {
        "subject_code": CODE,
        "subject_name": "昆明云岭商贸有限公司（示例）",
        "document_number": "示例罚决〔2026〕1号",
        "fine_amount": "1.500000",
        "decision_date": "2026-03-02",
        "publish_until_date": "2027-03-01",
        "authority_name": "昆明市市场监督管理局",
    }
    return values | changes


VALUES = {Subject: subject, Permit: permit, Penalty: penalty}


def _subject_row():
    return {
        "SUBJECT_CODE": CODE,
        "NAME": "昆明云岭商贸有限公司（示例）",
        "SUBJECT_TYPE": "法人及非法人组织",
        "STATUS": "存续",
        "LEGAL_REPRESENTATIVE": "王明华",
        "ESTABLISH_DATE": "2016-05-04",
        "REGISTRATION_AUTHORITY": "昆明市五华区市场监督管理局",
        "ADDRESS": "云南省昆明市五华区示例路1号",
        "REGION_CODE": "530102",
        "REGISTERED_CAPITAL": "100.000000",
        "INDUSTRY": "商贸",
    }


def _permit_row():
    return {
        "XK_XDR_MC": "昆明云岭商贸有限公司（示例）",
        "XK_XDR_TYPE": "法人及非法人组织",
        "XK_XDR_SHXYM": CODE,
        "XK_XDR_GSZC": "",
        "XK_FRDB": "王明华",
        "XK_FR_ZJHM": "",
        "XK_XDR_ZJLX": "",
        "XK_XDR_ZJHM": "",
        "XK_XKWS": "食品经营许可证准予许可决定书",
        "XK_WSH": "示例许准〔2026〕1号",
        "XK_XKLB": "普通",
        "XK_XKZS": "食品经营许可证",
        "XK_XKBH": "JY15301020000001",
        "XK_NR": "预包装食品、散装食品销售",
        "XK_JDRQ": "2026-03-02",
        "XK_YXQZ": "2026-03-02",
        "XK_YXQZI": "2031-03-01",
        "XK_XKJG": "昆明市市场监督管理局",
        "XK_XKJGDM": AUTHORITY,
        "XK_ZT": "1",
        "XK_LYDW": "昆明市市场监督管理局",
        "XK_LYDWDM": AUTHORITY,
        "BZ": "",
    }


def _penalty_row():
    return {
        "CF_XDR_MC": "昆明云岭商贸有限公司（示例）",
        "CF_XDR_TYPE": "法人及非法人组织",
        "CF_XDR_SHXYM": CODE,
        "CF_XDR_ZZJG": "",
        "CF_FRDB": "王明华",
        "CF_FR_ZJHM": "",
        "CF_XDR_ZJLX": "",
        "CF_XDR_ZJHM": "",
        "CF_WSH": "示例罚决〔2026〕1号",
        "CF_WFXW": "销售不符合安全标准的产品",
        "CF_SY": "当事人销售经检验不符合安全标准的产品。",
        "CF_YJ": "《中华人民共和国产品质量法》第四十九条",
        "CF_CFLB": "罚款、没收违法所得",
        "CF_NR": "处罚款1.500000万元；没收违法所得0.200000万元。",
        "CF_NR_FK": "1.500000",
        "CF_NR_WFFF": "0.200000",
        "CF_NR_ZKDX": "",
        "CF_JDRQ": "2026-03-02",
        "CF_YXQ": "2027-03-01",
        "CF_GSJZQ": "2027-03-01",
        "CF_CFJG": "昆明市市场监督管理局",
        "CF_CFJGDM": AUTHORITY,
        "CF_SJLY": "昆明市市场监督管理局",
        "CF_SJLYDM": AUTHORITY,
        "BZ": "",
    }


def _old_permit_row():
    return {
        "XK_XDR": "昆明云岭商贸有限公司（示例）",
        "XK_XDR_SHXYM": CODE,
        "XK_XDR_SFZ": "",
        "XK_FR": "王明华",
        "XK_XMMC": "食品经营许可",
        "XK_WSH": "示例许准〔2016〕1号",
        "XK_SPLB": "普通",
        "XK_NR": "预包装食品销售",
        "XK_JDRQ": "2016/3/2",
        "XK_JZQ": "2021/3/1",
        "XK_XZJG": "昆明市食品药品监督管理局",
        "XK_ZT": "0",
        "XK_SYFW": "0",
        "DFBM": "530000",
        "SJC": "2016/3/9",
        "BZ": "",
    }


def _old_penalty_row():
    return {
        "CF_XDR_MC": "昆明云岭商贸有限公司（示例）",
        "CF_XDR_SHXYM": CODE,
        "CF_XDR_SFZ": "",
        "CF_FR": "王明华",
        "CF_WSH": "示例罚决〔2025〕9号",
        "CF_CFMC": "销售不符合安全标准的产品",
        "CF_SY": "当事人销售经检验不符合安全标准的产品。",
        "CF_YJ": "《中华人民共和国产品质量法》第四十九条",
        "CF_CFLB1": "1",
        "CF_CFLB2": "2",
        "CF_JG": "处罚款1.5万元，没收违法所得。",
        "CF_JDRQ": "2025/3/2",
        "CF_GSQX": "2年",
        "CF_XZJG": "昆明市工商行政管理局",
        "CF_ZT": "0",
        "CF_SYFW": "0",
        "DFBM": "530000",
        "SJC": "2025/3/9",
        "BZ": "",
    }


_ROWS = {
    "subjects": _subject_row,
    "permits_2018": _permit_row,
    "penalties_2018": _penalty_row,
    "permits_2015": _old_permit_row,
    "penalties_2015": _old_penalty_row,
}
