"""Names by what they say: what matters in a question finds the official names."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.onestop import names as module
from gateway.onestop.names import Names

CALLED = {
    "食品经营许可": {"食品经营许可", "开饭店"},
    "食品生产许可": {"食品生产许可"},
    "教师资格证书补发": {"教师资格证书补发", "补教师证"},
    "犬类准养证核发": {"犬类准养证核发"},
}


def known(called=None):
    return Names().grown(CALLED if called is None else called)


def titles(names, *asked):
    return [title for title, _ in names.near(asked)]


def test_the_rarer_of_two_words_has_to_be_said():
    assert titles(known(), ["食品", "饭店"]) == ["食品经营许可"]


def test_of_three_words_two_have_to_be_said():
    assert titles(known(), ["食品", "经营", "准养证"]) == ["食品经营许可"]


def test_a_word_is_found_however_the_name_is_cut():
    assert titles(known(), ["师资格证"]) == ["教师资格证书补发"]


def test_nothing_is_found_by_a_word_that_stands_across_two_names():
    assert titles(known(), ["补发补教"]) == []


def test_what_more_of_the_texts_say_comes_first():
    assert titles(known(), ["食品"], ["生产"])[0] == "食品生产许可"


def test_a_text_that_stands_in_a_name_is_said():
    assert known().say("经营许可")
    assert not known().say("许可食品")
    assert not known().say("食")


def test_whether_enough_names_say_all_the_words():
    assert known().say_all(["食品", "许可"], 2)
    assert not known().say_all(["食品", "许可"], 3)
    assert not known().say_all(["食品", "核发"], 1)
    assert known().say_all(["食品", "经营", "证"], 1)  # a single character tells too little
    assert not known().say_all(["证"], 1)


def test_names_that_left_are_not_found_and_changed_ones_by_what_they_are_now():
    names = known()
    names = names.grown({"食品经营许可": {"食品经营许可", "开餐馆"}})
    assert titles(names, ["饭店"]) == titles(names, ["准养证"]) == []
    assert titles(names, ["餐馆"]) == ["食品经营许可"]


def test_what_is_kept_does_not_grow_with_names_that_come_and_go(monkeypatch):
    monkeypatch.setattr(module, "MOST_DEAD", 10)
    names = known()
    for number in range(100):
        names = names.grown(CALLED | {f"变更第{number}号": {f"变更第{number}号"}})
    assert len(names._titles) <= 2 * len(CALLED) + 10 + 3
    assert titles(names, ["犬类"]) == ["犬类准养证核发"]


NAME = st.text(st.sampled_from("甲乙丙丁戊"), min_size=1, max_size=6)


@given(
    st.lists(st.dictionaries(NAME, st.sets(NAME, min_size=1, max_size=3), max_size=6), max_size=4),
    st.text(st.sampled_from("甲乙丙丁戊"), min_size=2, max_size=3),
)
def test_one_word_finds_just_the_names_that_say_it(turns, word):
    names = Names()
    for called in turns:
        names = names.grown(called)
    last = turns[-1] if turns else {}
    expected = {title for title, said in last.items() if any(word in one for one in said)}
    assert set(titles(names, [word])) == expected
