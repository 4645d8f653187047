"""Identifiers of the state: what they look like, and what is wrong with one that was typed.

Every function is total: whatever the text, the answer is a plain value (a Chinese reason, `None`,
`False`, an empty list), never an exception. Only the makers of check characters raise, because
asking for the check character of half a code is a mistake in the program. Functions judge a code
as it is written: pass what a person typed through `normalise_code` first.
"""

import re
import unicodedata
from datetime import date
from enum import IntEnum
from operator import mul

_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_INVISIBLE = "\u00ad\u034f\u200b\u200c\u200d\u2060\ufe0e\ufe0f\ufeff"
_HYPHENS = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d"
_BLANKS = " \t\r\n\v\f\u00a0\u2002\u2003\u2009\u202f\u3000"
_TO_CODE = _FULL_WIDTH | dict.fromkeys(map(ord, _INVISIBLE + _HYPHENS + _BLANKS))


def normalise_code(text: str) -> str:
    """Write a typed code as registers do: half-width, upper case, without blanks and hyphens."""
    if text.isascii() and text.isalnum():
        return text.upper()
    return text.translate(_TO_CODE).upper()


# --- 统一社会信用代码 (GB 32100-2015) and 组织机构代码 inside it (GB 11714) ---

_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100-2015: no I, O, S, V, Z
_USCC_LENGTH = 18
_USCC_SHAPE = re.compile(rf"[{_USCC_ALPHABET}]{{2}}[1-9][0-9]{{5}}[{_USCC_ALPHABET}]{{10}}")
# The 18th character counts with weight 1: the weighted sum of a right code is 0 mod 31.
_USCC_WEIGHTS = (*(pow(3, place, 31) for place in range(17)), 1)
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # GB 11714: A is 10, Z is 35
_ORGANISATION_CHECKS = "0X987654321"  # by remainder; 10 is written X, 11 is written 0


def _values_of(alphabet: str) -> bytes:
    """Make a table for `bytes.translate` that turns each character into its value."""
    table = bytearray(256)
    for value, character in enumerate(alphabet):
        table[ord(character)] = value
    return bytes(table)


_USCC_VALUES = _values_of(_USCC_ALPHABET)
_ORGANISATION_VALUES = _values_of(_ORGANISATION_ALPHABET)


def uscc_problem(text: str) -> str | None:
    """Say what is wrong with a 统一社会信用代码, or None.

    Source: GB 32100-2015 (18 characters, check character mod 31); the 9th to 17th are an
    组织机构代码 whose own check character (GB 11714, mod 11) must be right as well. A record that
    comes from a registry is not refused for a wrong check: see `has_uscc_exception`.
    """
    if not _USCC_SHAPE.fullmatch(text):
        return _uscc_shape_problem(text)
    code = text.encode("ascii")
    if sum(map(mul, code.translate(_USCC_VALUES), _USCC_WEIGHTS)) % 31:
        return "统一社会信用代码第 18 位校验码不符，请核对是否有错字"
    body = code[8:16].translate(_ORGANISATION_VALUES)
    if text[16] != _ORGANISATION_CHECKS[sum(map(mul, body, _ORGANISATION_WEIGHTS)) % 11]:
        return "统一社会信用代码第 17 位（组织机构代码校验码）不符，请核对是否有错字"
    return None


def is_uscc_shape(text: str) -> bool:
    """Tell whether the text looks like a 统一社会信用代码, right or wrong in its checks."""
    return _USCC_SHAPE.fullmatch(text) is not None


def has_uscc_exception(text: str) -> bool:
    """Tell whether a registry may lawfully have issued this code although a check fails.

    The first codes of the 福建 pilot (body code from `M000`) are legal and fail: such a record is
    kept and flagged `check_digit_exception`.
    """
    return is_uscc_shape(text) and text[8:12] == "M000" and uscc_problem(text) is not None


def uscc_check_char(first17: str) -> str:
    """Compute the 18th character of a 统一社会信用代码 (GB 32100-2015).

    Raises:
        ValueError: not 17 characters of the code's alphabet.
    """
    if len(first17) != _USCC_LENGTH - 1 or not set(first17) <= set(_USCC_ALPHABET):
        raise ValueError(f"not the first 17 characters of a code: {first17!r}")
    values = first17.encode("ascii").translate(_USCC_VALUES)
    return _USCC_ALPHABET[-sum(map(mul, values, _USCC_WEIGHTS)) % 31]


def organisation_code_check_char(first8: str) -> str:
    """Compute the 9th character of an 组织机构代码 (GB 11714).

    Raises:
        ValueError: not 8 digits or capital letters.
    """
    if len(first8) != len(_ORGANISATION_WEIGHTS) or not set(first8) <= set(_ORGANISATION_ALPHABET):
        raise ValueError(f"not the first 8 characters of a code: {first8!r}")
    values = first8.encode("ascii").translate(_ORGANISATION_VALUES)
    return _ORGANISATION_CHECKS[sum(map(mul, values, _ORGANISATION_WEIGHTS)) % 11]


def _uscc_shape_problem(text: str) -> str:
    if len(text) != _USCC_LENGTH:
        return f"统一社会信用代码应为 18 位，实为 {len(text)} 位"
    wrong = next((character for character in text if character not in _USCC_ALPHABET), None)
    if wrong is not None:
        return (
            f"统一社会信用代码含有不允许的字符“{wrong}”（只用数字和除 I、O、S、V、Z 外的大写字母）"
        )
    return "统一社会信用代码第 3 至 8 位应为 6 位行政区划代码"


# --- 公民身份号码 (GB 11643) ---

# GB/T 2260 provinces; 81 to 83 begin residence permits of 港澳台居民, 91 to 98 cards of foreigners.
_PROVINCE = re.compile(r"1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|9[1-8]")
_BIRTH_YEARS = range(1850, 2100)
_ID_SHAPE = re.compile(r"[1-9][0-9]{16}[0-9X]")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"  # by remainder mod 11


def resident_id_problem(text: str, today: date) -> str | None:
    """Say what is wrong with an 18-digit 公民身份号码, or None.

    Source: GB 11643: region, a real date of birth that is not in the future, order number, check
    character mod 11-2.

    Args:
        today: the calendar date in Asia/Shanghai.
    """
    if not _ID_SHAPE.fullmatch(text):
        return "公民身份号码应为 17 位数字加 1 位数字或 X"
    if not _PROVINCE.match(text):
        return "公民身份号码前 2 位不是有效的省级行政区划代码"
    born = _calendar_date(text[6:14])
    if born is None:
        return "公民身份号码中的出生日期不存在"
    if born > today:
        return "公民身份号码中的出生日期晚于今天"
    if not _has_id_check(text):
        return "公民身份号码末位校验码不符，请核对是否有错字"
    return None


def is_resident_id(text: str, today: date) -> bool:
    """Tell whether the text is a right 公民身份号码 of somebody born by `today`."""
    return resident_id_problem(text, today) is None


def _has_id_check(text: str) -> bool:
    return text[17] == _ID_CHECKS[sum(map(mul, map(int, text[:17]), _ID_WEIGHTS)) % 11]


def _calendar_date(digits: str) -> date | None:
    try:
        found = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
    return found if found.year in _BIRTH_YEARS else None


# --- 公民身份号码 in free text: to refuse and to redact ---

_GAP = rf"[\s{_INVISIBLE}{re.escape(_HYPHENS)}_.·•]{{0,3}}"
# Where the check character tells a number from others, marks between its parts hide it no better.
_MARK_GAP = rf"[\s{_INVISIBLE}{re.escape(_HYPHENS)}_.·•,，、/／\\|:：;；()（）]{{0,3}}"
# A number may have a word in front or behind (`ID5301…`), but no part of a longer code is one:
# a 实施编码 begins with digits, so letters between digits end the search. The look-ahead lets a
# candidate that turns out to be none overlap with a real one.
_ALONE = r"(?<![0-9A-Za-z])[A-Za-z]*+(?=({})(?![0-9])[A-Za-z]*+(?![0-9A-Za-z]))"
_LONG_ID = re.compile(_ALONE.format(rf"[1-9](?:{_MARK_GAP}[0-9]){{16}}{_MARK_GAP}[0-9Xx]"))
_SHORT_ID = re.compile(_ALONE.format(rf"[1-9][0-9]{{5}}{_GAP}[0-9]{{6}}{_GAP}[0-9]{{3}}"))
_SHORTEST = 15


def find_resident_ids(text: str) -> list[tuple[int, int]]:
    """Find each 公民身份号码 in a free text, as (start, end), in order and without overlap.

    Found too: full-width and other Unicode digits, digits set apart by blanks or marks, the
    15-digit numbers of before 1999, and 18 unbroken digits with a possible region and date whose
    check character is wrong (one typing error hides nobody). A valid 统一社会信用代码 that is not
    a valid 公民身份号码 as well is none, nor is any part of a longer run of digits.
    """
    if len(text) < _SHORTEST:
        return []
    folded = text if text.isascii() else "".join(map(_half_width, text))
    spans = [match.span(1) for match in _LONG_ID.finditer(folded) if _names_somebody(match[1])]
    spans += [match.span(1) for match in _SHORT_ID.finditer(folded) if _named_somebody(match[1])]
    found: list[tuple[int, int]] = []
    for span in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not found or span[0] >= found[-1][1]:
            found.append(span)
    return found


def redact_resident_ids(text: str) -> str:
    """Replace each 公民身份号码 in a free text by asterisks, so that the text may be logged."""
    parts, done = [], 0
    for start, end in find_resident_ids(text):
        parts += [text[done:start], "*" * (end - start)]
        done = end
    return "".join([*parts, text[done:]])


def _names_somebody(candidate: str) -> bool:
    digits = "".join(filter(str.isalnum, candidate)).upper()
    if not _PROVINCE.match(digits) or _calendar_date(digits[6:14]) is None:
        return False
    # Digits set apart are dates, amounts and codes side by side far more often than a number with
    # an error in it: there the check character must be right.
    return _has_id_check(digits) or (
        len(candidate) == len(digits) and uscc_problem(digits) is not None
    )


def _named_somebody(candidate: str) -> bool:
    digits = "".join(filter(str.isalnum, candidate))
    return bool(_PROVINCE.match(digits)) and _calendar_date(f"19{digits[6:12]}") is not None


def _half_width(character: str) -> str:
    """Fold one character to its ASCII digit or letter, keeping the length of the text."""
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    code = _FULL_WIDTH.get(ord(character))
    return character if code is None else chr(code)


# --- numbers in free text: those that may be of a telephone, a card or a case ---

_BETWEEN_DIGITS = re.compile(rf"(?<=\d){_GAP}(?=\d)")
_DIGITS = re.compile(r"\d+")
_SPOKEN = str.maketrans("零〇一二三四五六七八九幺", "001234567891")


def longest_number(text: str) -> int:
    """How many digits the longest number in a free text has, 0 if there is none.

    Digits count in whatever script, also written as characters (一三八…), and also set apart by
    blanks, hyphens or dots, as people write telephone numbers.
    """
    folded = unicodedata.normalize("NFKC", text).translate(_SPOKEN)
    joined = _BETWEEN_DIGITS.sub("", folded)
    return max((len(found) for found in _DIGITS.findall(joined)), default=0)


# --- 行政区划代码 (GB/T 2260; 12 digits on the platform) ---


class RegionLevel(IntEnum):
    """层级 of a region; the numbers are those of 行使层级 (GB/T 39046-2020, A.2)."""

    PROVINCE = 2
    PREFECTURE = 3
    COUNTY = 4
    TOWNSHIP = 5
    VILLAGE = 6


_LEVELS = (
    (2, RegionLevel.PROVINCE),
    (4, RegionLevel.PREFECTURE),
    (6, RegionLevel.COUNTY),
    (9, RegionLevel.TOWNSHIP),
    (12, RegionLevel.VILLAGE),
)
_REGION = re.compile(r"[1-9][0-9](?:0{10}|(?!00)[0-9]{10})")


def region_code(text: str) -> str | None:
    """Write a 行政区划代码 of 2, 4, 6, 9 or 12 digits as the platform's 12 digits, or None.

    `53`, `5300` and `530000` name 云南省 alike, `5301` and `530100` 昆明市.
    """
    if len(text) not in {length for length, _ in _LEVELS}:
        return None
    code = text.ljust(12, "0")
    return code if _REGION.fullmatch(code) else None


def region_level(code: str) -> RegionLevel | None:
    """Tell the 层级 of a 12-digit 行政区划代码, None if it is none."""
    if not _REGION.fullmatch(code):
        return None
    return next(level for length, level in _LEVELS if not code[length:].strip("0"))


def region_ancestors(code: str) -> tuple[str, ...]:
    """List the 上级区划 of a 12-digit code, the nearest first, itself not among them.

    `530102000000` lies in `530100000000` and `530000000000`. Cities without counties (东莞) skip a
    level.
    """
    if not _REGION.fullmatch(code):
        return ()
    shortened = (code[:length].ljust(12, "0") for length, _ in reversed(_LEVELS))
    return tuple(dict.fromkeys(region for region in shortened if region != code))


def is_within(code: str, ancestor: str) -> bool:
    """Tell whether a 12-digit region is the other one or lies in it."""
    return code == ancestor or ancestor in region_ancestors(code)


def region_of_uscc(text: str) -> str | None:
    """Read the 登记管理机关行政区划 out of a 统一社会信用代码, as 12 digits."""
    return region_code(text[2:8]) if is_uscc_shape(text) else None


# --- 事项编码 and 网站标识码 ---

_CATALOG_CODE = re.compile(r"[0-9]{2}[0-9A-Z]{10}")
_TASK_CODE = re.compile(rf"[{_USCC_ALPHABET}]{{18}}[1-7][0-9A-Z]{{12}}")
# As seen on the live platform; GB/T 39046-2020 says an..50, and provinces have shapes of their own.
_CASE_NUMBER = re.compile(
    r"([0-9A-Z]{31})20[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{4}"
)
_SITE_CODE = re.compile(r"bm[0-9]{8}|[0-9]{10}")


def is_catalog_code(text: str) -> bool:
    """Tell whether the text has the shape of a 基本编码.

    12 characters: region 2 + 事项类型 2 + department 2 + 主项 3 + 子项 3. Local types hold letters
    (`1A`), so only the region must be digits. The live platform's length; GB/T 39046-2020 says 10.
    """
    return _CATALOG_CODE.fullmatch(text) is not None


def is_task_code(text: str) -> bool:
    """Tell whether the text is an 实施编码: 统一社会信用代码 18 + 行使层级 1 + 基本编码 12."""
    if not _TASK_CODE.fullmatch(text):
        return False
    return uscc_problem(text[:18]) is None or has_uscc_exception(text[:18])


def task_code_of_case(text: str) -> str | None:
    """Read the 实施编码 out of a 办件编号: 实施编码 31, day 8 and serial 4; None if it is none."""
    found = _CASE_NUMBER.fullmatch(text)
    return found[1] if found and is_task_code(found[1]) else None


def is_site_code(text: str) -> bool:
    """Tell whether it is a 网站标识码: 10 digits (the region's first) or `bm` and 8 digits."""
    return _SITE_CODE.fullmatch(text) is not None
