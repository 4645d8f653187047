"""Parameters are read strictly, and what is refused is named."""

import contextlib
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.onestop.asked import Asked, QueryHasResidentId, QueryInvalid, read
from services.common.errors import Invalid
from services.common.paging import PageTokenInvalid, page_token

RESIDENT = "11010519491231002X"  # the specimen of GB 11643


def refused(query):
    with pytest.raises(Invalid) as refusal:
        read(query.encode() if isinstance(query, str) else query)
    (violation,) = refusal.value.violations
    return violation.field, refusal.value


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "q"),
        ("q=", "q"),
        ("q=+%20", "q"),
        ("q=%EF%BC%81%EF%BC%81", "q"),
        (f"q={'a' * 201}", "q"),
        (f"q={'a' * 1_000_000}", "q"),
        ("q=a%00b", "q"),
        ("q=a%1Bb", "q"),
        ("q=%ED%A0%80", "q"),
        ("q=%FF", "q"),
        (b"q=\xff", "q"),
        ("q=a&q=b", "q"),
        ("q=a&colour=red", "colour"),
        ("q=a&region=yunnan", "region"),
        ("q=a&region=5301000", "region"),
        ("q=a&region=%EF%BC%95%EF%BC%93", "region"),
        ("q=a&kind=it%20em", "kind"),
        (f"q=a&kind={'k' * 41}", "kind"),
        ("q=a&page_size=0", "page_size"),
        ("q=a&page_size=51", "page_size"),
        ("q=a&page_size=-1", "page_size"),
        ("q=a&page_size=1e1", "page_size"),
        (f"q=a&page_size={'9' * 100_000}", "page_size"),
        ("q=a&page_size=%E4%B8%89", "page_size"),
        ("q=a&kind=item&page_token=abc", "page_token"),
        ("q=a&kind=item&page_token=%E4%B8%89", "page_token"),
        ("q=a&page_token=abc", "page_token"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_parameter_named(query, field):
    assert refused(query)[0] == field


@pytest.mark.parametrize("raw", ["食品经营许可", quote("食品经营许可")])
def test_text_comes_as_plain_utf8_or_percent_encoded(raw):
    assert read(f"q={raw}".encode()).text == "食品经营许可"


@pytest.mark.parametrize("raw", ["食品%09经营", "食品%0D%0A经营", "%09食品 经营%0A"])
def test_what_is_copied_from_a_table_has_blanks(raw):
    assert read(f"q={raw}".encode()).text.split() == ["食品", "经营"]


@pytest.mark.rule("P-5")
@pytest.mark.parametrize(
    "typed",
    [
        RESIDENT,
        f"查{RESIDENT}的社保",
        "１１０１０５１９４９１２３１００２Ｘ",
        RESIDENT.lower(),
        f"{RESIDENT[:6]}\n{RESIDENT[6:]}",
        f"{RESIDENT}\x00",
        f"{RESIDENT}{'查' * 200}",
        f"{RESIDENT[:6]}，{RESIDENT[6:14]}，{RESIDENT[14:]}",
        f"{RESIDENT[:6]}/{RESIDENT[6:14]}（{RESIDENT[14:]}）",
        f"{RESIDENT[:6]}\ufe0f{RESIDENT[6:]}",
    ],
)
def test_a_persons_identity_number_is_refused_and_repeated_nowhere(typed):
    for query in (f"q={quote(typed)}", f"q=a&{quote(typed)}=1"):
        field, refusal = refused(query)
        assert RESIDENT[:6] not in f"{field} {refusal} {refusal.violations}"
    assert isinstance(refused(f"q={quote(typed)}")[1], QueryHasResidentId)


def test_a_page_token_is_for_the_same_question_only():
    asked = read("q=食品&kind=item".encode())
    token = asked.next_page_token(20)
    assert read(f"q=食品&kind=item&page_token={token}".encode()).offset == 20
    for other in ("q=药品&kind=item", "q=食品&kind=credit", "q=食品&kind=item&region=53"):
        with pytest.raises(PageTokenInvalid):
            read(f"{other}&page_token={token}".encode())


@pytest.mark.parametrize("position", [[-1], [0], [1000], [True], ["20"], [1.5], [20, 20], []])
def test_a_page_token_made_by_somebody_else_is_refused(position):
    token = page_token("onestop\n食品\n\nitem", position)
    with pytest.raises(PageTokenInvalid):
        read(f"q=食品&kind=item&page_token={token}".encode())


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(query):
    with contextlib.suppress(QueryInvalid, QueryHasResidentId, PageTokenInvalid):
        assert isinstance(read(query), Asked)
