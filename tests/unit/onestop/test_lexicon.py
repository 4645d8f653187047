"""What a typed text may stand for, by the names that the index knows."""

import string
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.onestop.lexicon import Lexicon

NAMES = ["公积金\t住房公积金提取", "身份证\t居民身份证补领", "养老保险\t养老保险关系转移接续"]
WORDS = [("食品", 9), ("经营", 5), ("许可", 20), ("驾驶证", 3), ("转移", 4), ("接续", 4)]


@pytest.fixture
def lexicon():
    made = Lexicon()
    made.renew(NAMES, WORDS)
    return made


@pytest.mark.parametrize(
    ("letters", "name"),
    [
        ("gjj", "公积金"),
        ("gongjijin", "公积金"),
        ("sfz", "身份证"),
        ("shipinjingyingxuke", "食品经营许可"),
        ("xyz", None),
        ("q", None),
    ],
)
def test_letters_are_read_as_names_whole_or_word_by_word(lexicon, letters, name):
    assert lexicon.read(letters) == name


def test_an_everyday_name_tells_the_official_one(lexicon):
    assert lexicon.titles("公积金") == ("住房公积金提取",)
    assert lexicon.titles("食品") == ()


def test_names_are_spotted_in_a_sentence_the_longest_first_and_never_within_another(lexicon):
    assert lexicon.spotted("身份证和公积金怎么办") == ["身份证", "公积金"]
    lexicon.renew([*NAMES, "提取公积金\t住房公积金提取"], WORDS)
    assert lexicon.spotted("提取公积金") == ["提取公积金"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("身份正", "身份证"),  # another character of the same sound
        ("驾驶正", "驾驶证"),
        ("身证份", "身份证"),  # two swapped
        ("养老保俭", "养老保险"),
        ("养老险", "养老保险"),  # one missing
        ("公积积金", "公积金"),  # one too many
    ],
)
def test_one_slip_is_put_right(lexicon, typed, meant):
    assert meant in lexicon.corrections(typed)


def test_what_the_index_no_longer_says_is_meant_by_nobody(lexicon):
    lexicon.renew(NAMES[1:], WORDS)
    assert lexicon.read("gjj") is None
    assert lexicon.beginning("公积") == []
    assert "公积金" not in lexicon.corrections("公积今")


@given(st.text(alphabet=string.ascii_lowercase + "公积金身份证养老", max_size=40))
def test_any_text_is_looked_up_without_harm(typed):
    made = Lexicon()
    made.renew(NAMES, WORDS)
    for name in (*made.spotted(typed), *made.beginning(typed)):
        assert made.titles(name)
    assert len(made.corrections(typed)) <= 8
    made.read(typed)


def test_what_is_kept_does_not_grow_with_names_that_come_and_go(lexicon, monkeypatch):
    monkeypatch.setattr("gateway.onestop.lexicon.MOST_DEAD", 10)
    for number in range(100):
        lexicon.renew([*NAMES, f"变更{number}\t变更{number}"], WORDS)
    assert len(lexicon._learnt.known) <= 2 * (len(NAMES) * 2 + len(WORDS) + 1) + 11
    assert lexicon.read("sfz") == "身份证"
    lexicon.renew(NAMES, WORDS)
    assert lexicon.corrections("驾使证") == ["驾驶证"]


def test_questions_go_on_while_names_that_left_are_forgotten():
    lexicon = Lexicon()
    names = [f"事项甲{number}\t事项甲{number}" for number in range(3000)]
    ended = threading.Event()
    failed = []

    def ask():
        while not ended.is_set():
            try:
                lexicon.beginning("sx")
                lexicon.beginning("事项")
                lexicon.read("shixiang")
            except KeyError as error:
                failed.append(error)

    lexicon.renew(names, [])
    asking = threading.Thread(target=ask)
    asking.start()
    for turn in range(6):
        lexicon.renew(names[: 1500 * (turn % 2)], [])
        lexicon.renew(names, [])
    ended.set()
    asking.join()
    assert failed == []
