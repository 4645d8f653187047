"""Synthetic enterprises of 云南 with valid codes, and 双公示 rows about them: any number.

Nothing here is real: names end in （示例）, and the 组织机构代码 in each code begins with `XX`,
which no registry is known to issue. Row n depends on n and the seed alone, so nothing is kept in
memory and the same call gives the same rows on every machine. The companies among the institutions
of the sample come first in every population; they get permits, never penalties.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import cache
from typing import Any, NamedTuple, overload

from infra.sample.bodies import bodies
from infra.sample.institutions import institutions
from infra.sample.places import Row, read, regions
from services.common.identifiers import (
    RegionLevel,
    organisation_code_check_char,
    region_level,
    uscc_check_char,
)

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_MARK = "XX"
_BODIES = len(_ALPHABET) ** 6
_STRIDE = 31 * 524_287 + 1  # prime to 31: neighbours get codes far apart, and none comes twice
_FIRST_DAY = date(2024, 1, 2)
_DAYS = 1030  # the last decision is of October 2026
_TRADES_OF_SECTORS = {
    "water": "水务",
    "electricity": "市政工程",
    "gas": "燃气",
    "heating": "市政工程",
    "transport": "客运",
    "environment": "环保科技",
}


def enterprises(count: int, seed: int = 0) -> Iterator[Row]:
    """Make `count` enterprises (信用主体), each with a 统一社会信用代码 of its own."""
    return iter(Enterprises(count, seed))


class Enterprises(Sequence[Row]):
    """The enterprises of a seed as a sequence: a row is made when it is looked at."""

    def __init__(self, count: int, seed: int = 0) -> None:
        if not 0 <= count <= _BODIES:
            raise ValueError(f"count must be between 0 and {_BODIES}")
        self._count = count
        self._seed = seed

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(self._count))]
        if not -self._count <= index < self._count:
            raise IndexError(index)
        return _enterprise(index % self._count, self._seed)


def permits(count: int, seed: int, enterprises: Sequence[Row]) -> Iterator[Row]:
    """Make `count` 行政许可 rows of the 2018 双公示 sheet, going round the enterprises."""
    for index in range(count if enterprises else 0):
        yield _permit(index, _draw(index, seed, 2), enterprises[index % len(enterprises)])


def penalties(count: int, seed: int, enterprises: Sequence[Row]) -> Iterator[Row]:
    """Make `count` 行政处罚 rows of the 2018 双公示 sheet.

    Raises:
        ValueError: there is no enterprise but institutions of the sample.
    """
    for index in range(count):
        draw = _draw(index, seed, 3)
        yield _penalty(index, draw, _fined(enterprises, draw >> 20))


class _Lists(NamedTuple):
    """What names, places and decisions are drawn from."""

    brands: list[str]
    middles: list[str]
    trades: list[tuple[str, str]]
    surnames: str
    given: str
    permits: dict[str, list[Any]]
    penalties: dict[str, list[Any]]
    kinds: dict[str, str]
    counties: list[tuple[str, str, str]]  # code, name with its 州市, short name of the 州市


@cache
def _lists() -> _Lists:
    authored = read("authored/enterprises.json")
    kinds = {trade: kind for kind, trade in authored["trades"]}
    return _Lists(**authored, kinds=kinds, counties=_counties())


def _counties() -> list[tuple[str, str, str]]:
    found = []
    for code, county in regions().items():
        if region_level(code) is RegionLevel.COUNTY:
            parent = regions()[county["parent"]]
            found.append((code, parent["name"] + county["name"], parent["aliases"][0]))
    return found


@cache
def _companies() -> list[Row]:
    return [row for row in institutions() if row["code"].startswith("91")]


def _draw(index: int, seed: int, purpose: int) -> int:
    """Draw 64 bits that depend on the arguments alone (the finaliser of SplitMix64)."""
    mixed = (index * 0x9E3779B97F4A7C15 + seed * 0xD1B54A32D192ED03 + purpose) & 0xFFFFFFFFFFFFFFFF
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return mixed ^ (mixed >> 31)


def _enterprise(index: int, seed: int) -> Row:
    lists = _lists()
    draw, brand = divmod(_draw(index, seed, 1), len(lists.brands))
    draw, middle = divmod(draw, len(lists.middles))
    draw, trade = divmod(draw, len(lists.trades))
    draw, county = divmod(draw, len(lists.counties))
    draw, surname = divmod(draw, len(lists.surnames))
    draw, given = divmod(draw, len(lists.given) * (len(lists.given) + 1))
    draw, capital = divmod(draw, 200)
    draw, share = divmod(draw, 100)
    second, first = divmod(given, len(lists.given))
    code, place, city = lists.counties[county]
    alone = share < 20
    word = lists.trades[trade][1]
    row = {
        "subject_code": _code("92" if alone else "91", code, index, seed),
        "name": _name(alone, city, lists.brands[brand] + lists.middles[middle] + word),
        "subject_type": "个体工商户" if alone else "法人及非法人组织",
        "status": "注销" if share in {40, 41, 42, 43} else "吊销" if share == 44 else "存续",
        "legal_representative": (
            lists.surnames[surname] + lists.given[first] + lists.given[second : second + 1]
        ),
        "establish_date": str(date(2005, 1, 4) + timedelta(days=draw % 6900)),
        "registration_authority": f"{place}市场监督管理局",
        "address": f"云南省{place}示例路{capital + 1}号",
        "region_code": code,
        "registered_capital": f"{(capital + 1) * (1 if alone else 50)}.000000",
        "industry": word,
    }
    return row if index >= len(_companies()) else row | _of_company(_companies()[index])


def _of_company(company: Row) -> Row:
    """Say about a company of the sample what its institution row says already."""
    region_code = company["region_code"]
    return {
        "subject_code": company["code"],
        "name": company["name"],
        "subject_type": "法人及非法人组织",
        "status": "存续",
        "registration_authority": f"{regions()[region_code]['name']}市场监督管理局",
        "address": company["address"],
        "region_code": region_code,
        "industry": _TRADES_OF_SECTORS.get(company["sector"], "信息技术"),
    }


def _name(alone: bool, city: str, words: str) -> str:  # noqa: FBT001 (private, one caller)
    return f"{city}{words}{'经营部' if alone else '有限公司'}（示例）"


def _code(registry: str, region_code: str, index: int, seed: int) -> str:
    rest = (index * _STRIDE + seed * 7_919) % _BODIES
    body = _MARK
    for _ in range(6):
        rest, value = divmod(rest, len(_ALPHABET))
        body += _ALPHABET[value]
    first17 = f"{registry}{region_code[:6]}{body}{organisation_code_check_char(body)}"
    return first17 + uscc_check_char(first17)


def _authority(kind: str, region_code: str) -> tuple[str, str]:
    """Get name and code of the 州市 bureau that decides in a region."""
    found = bodies()[kind, f"{region_code[:4]}00000000"]
    return found["name"], found["code"]


def _subject(prefix: str, enterprise: Row) -> Row:
    return {
        f"{prefix}_XDR_MC": enterprise["name"],
        f"{prefix}_XDR_TYPE": enterprise["subject_type"],
        f"{prefix}_XDR_SHXYM": enterprise["subject_code"],
        f"{prefix}_XDR_GSZC": "",
        f"{prefix}_XDR_ZZJG": "",
        f"{prefix}_XDR_SWDJ": "",
        f"{prefix}_XDR_SYDW": "",
        f"{prefix}_XDR_SHZZ": "",
        f"{prefix}_FRDB": enterprise["legal_representative"],
    }


def _permit(index: int, draw: int, enterprise: Row) -> Row:
    lists = _lists()
    kind, certificate, prefix, content, years = lists.permits[lists.kinds[enterprise["industry"]]]
    authority, authority_code = _authority(kind, enterprise["region_code"])
    decided = _FIRST_DAY + timedelta(days=draw % _DAYS)
    return {
        **_subject("XK", enterprise),
        "XK_XKWS": f"{certificate}准予许可决定书",
        "XK_WSH": f"示例许准〔{decided.year}〕{index + 1}号",
        "XK_XKLB": "普通",
        "XK_XKZS": certificate,
        "XK_XKBH": f"{prefix}{enterprise['region_code'][:6]}{index + 1:08d}",
        "XK_NR": content,
        "XK_JDRQ": str(decided),
        "XK_YXQZ": str(decided),
        "XK_YXQZI": str(decided + timedelta(days=365 * years - 1)),
        "XK_XKJG": authority,
        "XK_XKJGDM": authority_code,
        "XK_ZT": "1" if enterprise["status"] == "存续" else "2",
        "XK_LYDW": authority,
        "XK_LYDWDM": authority_code,
        "BZ": "",
    }


def _fined(enterprises: Sequence[Row], start: int) -> Row:
    """Look from a random place for an enterprise that is no institution of the sample."""
    for step in range(len(enterprises)):
        enterprise = enterprises[(start + step) % len(enterprises)]
        if enterprise["subject_code"][8:10] == _MARK:
            return enterprise
    raise ValueError("no enterprise that may be shown with a penalty")


def _penalty(index: int, draw: int, enterprise: Row) -> Row:
    lists = _lists()
    trade = lists.kinds[enterprise["industry"]]
    kind, offence, facts, basis, *range_, confiscates, revocable = lists.penalties[trade]
    authority, authority_code = _authority(kind, enterprise["region_code"])
    draw, day = divmod(draw, _DAYS)
    decided = _FIRST_DAY + timedelta(days=day)
    revoked = revocable and draw % 40 == 0
    fine, taken = _wan(_between(draw, *range_)), _wan(_between(draw, 1, 80) if confiscates else 0)
    certificate = f"{lists.permits[trade][1]} 示例{index + 1:08d}"
    measures = {"罚款": f"处罚款{fine}万元"}
    if confiscates:
        measures["没收违法所得"] = f"没收违法所得{taken}万元"
    if revoked:
        measures["吊销许可证件"] = f"吊销{certificate}"
    # 严重失信 three years, 一般失信 one: the longest that 信用修复管理办法 allows.
    until = str(decided + timedelta(days=3 * 365 if revoked else 365))
    return {
        **_subject("CF", enterprise),
        "CF_WSH": f"示例罚决〔{decided.year}〕{index + 1}号",
        "CF_WFXW": offence,
        "CF_SY": f"当事人{facts}。",
        "CF_YJ": basis,
        "CF_CFLB": "、".join(measures),
        "CF_NR": "；".join(measures.values()) + "。",
        "CF_NR_FK": fine,
        "CF_NR_WFFF": taken,
        "CF_NR_ZKDX": certificate if revoked else "",
        "CF_JDRQ": str(decided),
        "CF_YXQ": until,
        "CF_GSJZQ": until,
        "CF_CFJG": authority,
        "CF_CFJGDM": authority_code,
        "CF_SJLY": authority,
        "CF_SJLYDM": authority_code,
        "BZ": "",
    }


def _between(draw: int, lowest: int, highest: int) -> int:
    return lowest + (draw >> 8) % (highest - lowest + 1)


def _wan(hundreds: int) -> str:
    """Write an amount of so many hundred 元 in 万元 with six decimals."""
    return f"{hundreds // 100}.{hundreds % 100:02d}0000"
