"""Masks (脱敏): what may be shown where a person must be recognised.

Every function is total and takes the text as a person typed it. What is not clearly what it should
be is hidden whole, its length too (rule P-20): a mask that guesses shows what nobody meant to show.
"""

import re
import unicodedata

from services.common.identifiers import normalise_code

HIDDEN = "***"
_REST = "****"


def _folded(text: str) -> str:
    """The text in half width, without invisible characters and blanks at its ends."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(c for c in plain if unicodedata.category(c) not in ("Cf", "Cc")).strip()


# --- 公民身份号码 ---

_RESIDENT_ID = re.compile(r"[1-9][0-9]{16}[0-9X]|[1-9][0-9]{14}")


def mask_resident_id(text: str) -> str:
    """Hide the middle of a 公民身份号码 of 18 or 15 characters: `5301**********1234` (rule P-6)."""
    code = normalise_code(text)
    if not _RESIDENT_ID.fullmatch(code):
        return HIDDEN if code else ""
    return f"{code[:4]}{'*' * (len(code) - 8)}{code[-4:]}"


# --- 姓名 ---

# 复姓 of two characters that people bear today; in both scripts, for 港澳台居民 write theirs so.
_SURNAMES = (
    "欧阳 歐陽 上官 司马 司馬 司徒 司空 诸葛 諸葛 东方 東方 皇甫 尉迟 尉遲 公孙 公孫 "
    "慕容 令狐 宇文 长孙 長孫 夏侯 轩辕 軒轅 端木 百里 呼延 东郭 東郭 南宫 南宮 独孤 "
    "獨孤 万俟 萬俟 闻人 聞人 赫连 赫連 澹台 澹臺 宗政 濮阳 濮陽 公冶 太叔 申屠 仲孙 "
    "仲孫 钟离 鍾離 鲜于 鮮于 闾丘 閭丘 亓官 司寇 子车 公羊 公西 颛孙 壤驷 漆雕 乐正 "
    "谷梁 拓跋 夹谷 段干 梁丘 左丘 东门 西门 第五 纳兰 完颜 耶律 羊舌 微生 即墨 褚师"
)
_COMPOUND_SURNAMES = frozenset(_SURNAMES.split())
_DOTS = "\u00b7\u2022\u2027\u2219\u22c5\u30fb\u2024\u0387"  # what is typed for the 间隔号
_TO_DOT = dict.fromkeys(map(ord, _DOTS), "·")
_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af"
_HAN_NAME = re.compile(rf"[{_HAN}]{{1,30}}")
_DOTTED_NAME = re.compile(rf"[{_HAN}]{{1,20}}(?:·[{_HAN}]{{1,20}}){{1,5}}")
_LATIN_NAME = re.compile(r"[^\W\d_]+(?:[ '’.-]{1,2}[^\W\d_]+)*\.?")
_LONGEST_LATIN = 60


def mask_name(text: str) -> str:
    """Hide a person's 姓名 but for the surname and the end of a longer given name (rule P-16).

    `张三` → `张*`, `李小敏` → `李*敏`, `欧阳修` → `欧阳*`, `买买提·阿不都` → `买**·**都`,
    `John Smith` → `J*** *****`.
    """
    name = _folded(text.translate(_TO_DOT)).translate(_TO_DOT)
    joined = "".join(name.split())  # 张　三, as forms align it
    if _HAN_NAME.fullmatch(joined):
        return _mask_han_name(joined)
    dotted = joined.replace(".", "·")
    if _DOTTED_NAME.fullmatch(dotted):
        return _mask_dotted_name(dotted)
    if _is_latin_name(name):
        return name[0] + re.sub(r"[^\W\d_]", "*", name[1:])
    return HIDDEN if name else ""


def _mask_han_name(name: str) -> str:
    if len(name) == 1:
        return "*"
    surname = 2 if name[:2] in _COMPOUND_SURNAMES and len(name) > 2 else 1
    given = len(name) - surname
    return name[:surname] + ("*" if given == 1 else "*" * (given - 1) + name[-1])


def _mask_dotted_name(name: str) -> str:
    """Show the first letter and the last; of two letters the first only, as in `张*`."""
    stars = "".join("·" if letter == "·" else "*" for letter in name)
    last = name[-1] if len(name.replace("·", "")) > 2 else "*"
    return f"{name[0]}{stars[1:-1]}{last}"


def _is_latin_name(name: str) -> bool:
    """Tell whether every letter is Latin; of Latin names the first letter alone is shown."""
    return (
        1 < len(name) <= _LONGEST_LATIN
        and _LATIN_NAME.fullmatch(name) is not None
        and all(unicodedata.name(c, "").startswith("LATIN") for c in name if c.isalpha())
    )


# --- 电话号码 ---

_GAPS = re.compile(r"[\s().\u2010-\u2015\u2212-]+")
_MOBILE = re.compile(r"(?:\+86|0086|86)?(1[3-9][0-9]{9})")
# 区号 after its leading zero: of two digits for the largest cities, else of three.
_LANDLINE = re.compile(r"(?:(?:(?:\+86|0086)0?|0)(10|2[0-9]|[3-9][0-9]{2}))?[2-9][0-9]{6,7}")
_EXTENSION = re.compile(r"(?i)(?:转|轉|分机|ext\.?|x)[\s:.]*[0-9]{1,6}$")
_HYPHEN_EXTENSION = re.compile(r"^((?:0[0-9]{2,3}-)?[2-9][0-9]{6,7})-[0-9]{1,6}$")


def mask_phone(text: str) -> str:
    """Hide the middle of a mobile number, all but the end of a landline's (rule P-17).

    `13812343210` → `138****3210`, `0871-63123456` → `0871-****3456`. An extension is left out.
    """
    typed = _EXTENSION.sub("", _folded(text)).strip()
    typed = _HYPHEN_EXTENSION.sub(r"\1", typed)
    number = _GAPS.sub("", typed)
    if mobile := _MOBILE.fullmatch(number):
        return f"{mobile[1][:3]}****{mobile[1][-4:]}"
    if landline := _LANDLINE.fullmatch(number):
        return f"0{landline[1]}-****{number[-4:]}" if landline[1] else f"****{number[-4:]}"
    return HIDDEN if number else ""


# --- 住址 ---

_LONGEST_ADDRESS = 200
_PROVINCE = (
    "(?:(?:河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|"
    "云南|陕西|甘肃|青海|台湾)省|内蒙古自治区|广西壮族自治区|西藏自治区|宁夏回族自治区|"
    "新疆维吾尔自治区)"
)


def _called(most: int) -> str:
    """A name of a place. After its first character it has none that names of streets have."""
    return rf"[{_HAN}](?:(?![路街巷弄号村组栋幢院])[{_HAN}]){{0,{most - 1}}}?"


_PREFECTURE = rf"(?:{_called(12)}自治州|{_called(4)}(?:市|地区|盟|州(?![市区县])))"
# The 区 of a housing estate (小区, 社区, 园区, 三区 …) is no county, nor is a 门市 or a 城市花园.
_ESTATE = "小社园校院厂片景营宅活属街住一二三四五六七八九十甲乙丙丁"
_COUNTY = (
    rf"(?:{_called(14)}自治[县旗]|{_called(4)}县|{_called(6)}旗|"
    rf"{_called(4)}(?<![城都超门夜])市(?![场政民委区])|"
    rf"{_called(3)}(?<![{_ESTATE}])(?<![{_HAN}]{{2}}[东西南北中期])区)"
)
_ADDRESS = re.compile(
    rf"({_PROVINCE}(?:{_PREFECTURE}{_COUNTY}?|{_COUNTY})?|{_PREFECTURE}{_COUNTY})(.*)", re.DOTALL
)


def mask_address(text: str) -> str:
    """Hide a 住址 from the township on: `云南省昆明市五华区****` (rule P-18).

    Only what begins with a province, or with a city and its county, is clear enough to show any of.
    """
    address = "".join(_folded(text).split())
    found = _ADDRESS.fullmatch(address) if len(address) <= _LONGEST_ADDRESS else None
    if found is None:
        return HIDDEN if address else ""
    return f"{found[1]}{_REST}" if found[2] else found[1]


# --- 电子邮箱 ---

_MAIL = re.compile(r"([A-Za-z0-9._%+-]{1,64})@([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5})")


def mask_mail(text: str) -> str:
    """Hide an 电子邮箱 but for its first character and its host: `z***@example.com` (rule P-19)."""
    mail = _folded(text)
    found = _MAIL.fullmatch(mail)
    if found is None:
        return HIDDEN if mail else ""
    first = found[1][0] if len(found[1]) > 2 else ""
    return f"{first}{HIDDEN}@{found[2]}"
