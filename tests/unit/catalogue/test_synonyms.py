"""Groups of synonyms: what one is made of, who edits them, and what they tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalogue import messages
from services.catalogue.domain import synonyms as domain
from services.catalogue.domain.synonyms import (
    LONGEST_NAME,
    LONGEST_WORD,
    MOST_WORDS,
    KeptGroup,
    SynonymGroup,
    SynonymGroupInvalid,
    SynonymGroupNotFound,
    group_of,
)
from services.common.access import NATIONWIDE
from services.common.errors import Stale
from tests.publications import KUNMING

GROUP = {"name": "开饭店", "words": ["开饭店", "开餐馆"], "note": "窗口常听到"}
RESIDENT_ID = "11010519491231002X"


def faults(**changes):
    with pytest.raises(SynonymGroupInvalid) as refusal:
        group_of(GROUP | changes)
    told = " ".join([str(refusal.value), *(one.description for one in refusal.value.violations)])
    assert RESIDENT_ID not in told.upper()
    return [one.field for one in refusal.value.violations]


@pytest.mark.rule("I-31")
def test_words_are_kept_without_what_makes_no_difference_and_once():
    group = group_of({"name": " ＫＴＶ ", "words": [" ktv ", "ＫＴＶ", "歌  厅", "歌\u3000厅"]})
    assert group == SynonymGroup("ktv", ("ktv", "歌 厅"))


@pytest.mark.rule("I-31")
@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"name": ""}, ["name"]),
        ({"name": "开/饭店"}, ["name"]),
        ({"name": "开 饭店"}, ["name"]),
        ({"name": "字" * (LONGEST_NAME + 1)}, ["name"]),
        ({"name": "热线13800138000"}, ["name"]),
        ({"name": RESIDENT_ID}, ["name"]),
        ({"words": ["开饭店"]}, ["words"]),
        ({"words": ["开饭店", "开饭店 "]}, ["words"]),
        ({"words": ["开饭店", "字" * (LONGEST_WORD + 1)]}, ["words"]),
        ({"words": ["开饭店", "……"]}, ["words"]),
        ({"words": ["开饭店", "打138001"]}, ["words"]),
        ({"words": ["开饭店", RESIDENT_ID]}, ["words"]),
        ({"words": ["开饭店", "开\x00馆"]}, ["words"]),
        ({"words": [f"词{chr(0x4E00 + n)}" for n in range(MOST_WORDS + 1)]}, ["words"]),
        ({"note": "字" * 201}, ["note"]),
        ({"note": f"应{RESIDENT_ID}要求"}, ["note"]),
        ({"nonsense": 1}, ["nonsense"]),
    ],
)
def test_what_is_no_group_is_refused_by_its_field(changes, fields):
    assert faults(**changes) == fields


@pytest.mark.rule("I-31")
def test_a_short_number_is_a_word_and_no_words_take_the_group_away():
    assert group_of(GROUP | {"words": ["12345", "市长热线"]}).words == ("12345", "市长热线")
    assert group_of(GROUP | {"words": []}).words == ()


TYPED = st.text(
    st.one_of(st.characters(codec="utf-8"), st.sampled_from("开饭店12０1 \u3000\n\x00/·")),
    max_size=LONGEST_WORD + 2,
)


@pytest.mark.rule("I-31")
@given(TYPED, st.lists(TYPED, max_size=MOST_WORDS + 2), TYPED)
def test_whatever_is_typed_is_refused_by_a_field_or_kept_within_its_bounds(name, words, note):
    values = {"name": name, "words": words, "note": note}
    try:
        group = group_of(values)
    except SynonymGroupInvalid:
        assert set(faults(**values)) <= {"name", "words", "note"}
        return
    assert group.name.isalnum()
    assert len(group.name) <= LONGEST_NAME
    assert len(group.words) != 1
    assert len(set(group.words)) == len(group.words) <= MOST_WORDS
    assert all(0 < len(word) <= LONGEST_WORD and word.isprintable() for word in group.words)
    assert group_of({"name": group.name, "words": group.words, "note": group.note}) == group


@pytest.mark.rule("I-32")
@pytest.mark.parametrize(
    ("kind", "region", "may"),
    [
        ("account", "530000000000", True),
        ("account", NATIONWIDE, True),
        ("service", "", True),
        ("account", KUNMING, False),
        ("account", "", False),
    ],
)
def test_the_province_edits_what_counts_in_every_region(kind, region, may):
    assert domain.may_edit(kind, region) is may


def test_a_group_is_edited_forgotten_and_edited_again():
    group = group_of(GROUP)
    first = domain.save_group(None, group).kept
    assert first == KeptGroup(group, version=1)
    assert domain.save_group(first, group) is None
    gone = domain.remove_group(first).kept
    assert (gone.version, gone.active) == (2, False)
    for nothing in (None, gone):
        with pytest.raises(SynonymGroupNotFound):
            domain.remove_group(nothing)
    assert domain.save_group(gone, group).kept == KeptGroup(group, version=3)


def test_whoever_saw_another_version_is_stale():
    kept = domain.save_group(None, group_of(GROUP)).kept
    domain.check_version(kept, 0)
    domain.check_version(kept, 1)
    for one, seen in ((kept, 2), (None, 1)):
        with pytest.raises(Stale):
            domain.check_version(one, seen)


@pytest.mark.rule("I-32")
def test_an_edit_is_told_as_a_row_of_the_table_without_why():
    kept = domain.save_group(None, group_of(GROUP)).kept
    told = messages.synonym_fact(domain.GroupChanged(kept))
    assert (told.card.kind, told.card.title) == (".synonyms", "开饭店")
    assert list(told.card.aliases) == ["开饭店", "开餐馆"]
    assert "窗口" not in str(told)
    gone = messages.synonym_fact(domain.remove_group(kept))
    assert (gone.removal.kind, gone.name) == (".synonyms", "开饭店")
