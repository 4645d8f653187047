"""What is understood of a question before anything is searched."""

import pytest

from gateway.onestop import pinyin, text
from gateway.onestop.lexicon import Lexicon
from gateway.onestop.question import Interpreter
from gateway.onestop.regions import Regions
from gateway.onestop.synonyms import Synonyms

INTERPRETER = Interpreter(Regions(), Synonyms(), Lexicon())


def understood(typed):
    return INTERPRETER.understand(typed)


@pytest.mark.parametrize(
    ("typed", "region", "exact"),
    [
        ("昆明 公积金", "昆明市", "公积金"),
        ("昆明供水", "昆明市", "供水"),
        ("五华区停水", "五华区", "停水"),
        ("昆明市五华区 停电", "五华区", "停电"),
        ("楚雄 低保", "楚雄彝族自治州", "低保"),
        ("西双版纳傣族自治州景洪市低保", "景洪市", "低保"),
        ("安宁 公积金", "安宁市", "公积金"),
        ("中甸 社保", "香格里拉市", "社保"),
        ("5301 公积金", "昆明市", "公积金"),
        ("公积金 530100", "昆明市", "公积金"),
        ("５３２３０１ 低保", "楚雄市", "低保"),
        ("532300000000 低保", "楚雄彝族自治州", "低保"),
    ],
)
def test_a_region_named_in_the_text_says_where_and_is_no_word(typed, region, exact):
    question = understood(typed)
    assert (question.region.name, question.exact) == (region, exact)


@pytest.mark.parametrize(
    "typed",
    ["大理石加工", "安宁疗护", "古城保护", "威信受损", "5301公积金"],
)
def test_a_word_that_only_looks_like_a_region_stays_a_word(typed):
    question = understood(typed)
    assert question.region is None
    assert question.exact == typed


@pytest.mark.parametrize(
    ("typed", "region"),
    [
        ("昆明", "昆明市"),
        ("5301", "昆明市"),
        ("530100", "昆明市"),
        ("德宏州", "德宏傣族景颇族自治州"),
        ("双江拉祜族佤族布朗族傣族自治县", "双江拉祜族佤族布朗族傣族自治县"),
        ("kunming", "昆明市"),
    ],
)
def test_a_region_alone_asks_for_all_that_it_has(typed, region):
    question = understood(typed)
    assert (question.region.name, question.everything) == (region, True)


def test_a_region_in_pinyin_beside_other_words_says_where():
    assert understood("dali 护照").region.name == "大理白族自治州"
    question = INTERPRETER.understand("dali 护照", find_region=False)
    assert question.region is None


@pytest.mark.parametrize(
    "typed",
    [
        "查91530100MA6K00014D",
        "统一社会信用代码：91530100ma6k00014d",
        "91530100MA6K00014D 处罚",
        "某公司（91530100MA6K00014D）",
    ],
)
def test_a_credit_code_is_known_with_words_around_it(typed):
    question = understood(typed)
    assert (question.subject_code, question.exact) == ("91530100MA6K00014D", "91530100ma6k00014d")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("91530100MA6K00014", "应为 18 位，实为 17 位"),
        ("91530100MA6KO0014D", "不允许的字符“O”"),
        ("查91530100MA6K00014E", "校验码不符"),
    ],
)
def test_what_was_meant_as_a_credit_code_is_told_what_is_wrong_with_it(typed, told):
    question = understood(typed)
    assert question.subject_code is None
    assert told in question.hint


@pytest.mark.parametrize("typed", ["91530100MA6K00014D 91530100MA6K00022X", "编号12345678"])
def test_of_several_codes_or_of_a_number_none_is_asked_for(typed):
    assert understood(typed).subject_code is None


@pytest.mark.parametrize(
    "typed",
    ["www.km.gov.example", "https://www.KM.gov.example/a?b=1", "ｗｗｗ.km.gov.example:8080"],
)
def test_the_address_of_a_site_is_one_code(typed):
    question = understood(typed)
    assert (question.type, question.exact, question.kind) == ("code", "wwwkmgovexample", "website")


def test_a_region_given_as_a_parameter_leaves_the_text_as_it_is():
    question = INTERPRETER.understand("昆明公积金", find_region=False)
    assert question.region is None
    assert question.alternatives[0] == ("昆明", "公积金")


@pytest.mark.parametrize(
    "typed",
    ["91530100MA6K00014D", " 9153 0100 ma6k 0001 4d ", "９１５３０１００ＭＡ６Ｋ０００１４Ｄ"],
)
def test_a_credit_code_is_known_however_it_is_written(typed):
    question = understood(typed)
    assert (question.type, question.subject_code) == ("subject_code", "91530100MA6K00014D")


TASK = "12441500196720244T3442199806003"


def test_a_case_number_leads_to_its_item_and_says_where_to_ask_for_the_progress():
    question = understood(f"{TASK}202206230068")
    assert (question.type, question.task_code) == ("case_number", TASK)
    assert question.exact == TASK.lower()
    assert "办件编号" in question.hint
    for other in (f"{TASK}202213230068", f"{TASK}20220623006", TASK):
        assert understood(other).type == "code"


def test_a_credit_code_with_an_error_is_told_and_not_asked_for():
    question = understood("91530100MA6K00014E")
    assert question.subject_code is None
    assert "第 18 位校验码不符" in question.hint


def test_synonyms_find_each_other_and_what_nobody_searches_for_is_left_out():
    question = understood("怎么办理取公积金")
    assert question.alternatives[0] == ("公积金",)
    assert question.pairs == (("取公",),)
    assert ("住房", "公积金", "提取") in question.alternatives


@pytest.mark.parametrize(
    ("typed", "words", "pairs"),
    [
        ("开公司", ("公司",), (("开公",),)),
        ("身份证换", ("身份证",), (("证换",),)),
        ("驾使证", (), (("驾使",), ("驾使", "使证"), ("使证",))),
        ("办水", (), (("办水",),)),
        ("兴源公司", ("公司",), (("兴源",),)),
        ("水", ("水",), ()),
    ],
)
def test_a_character_by_itself_counts_only_beside_its_neighbour(typed, words, pairs):
    question = understood(typed)
    assert (question.alternatives[0], question.pairs) == (words, pairs)


def test_only_unsearched_words_are_searched_all_the_same():
    assert understood("办理流程").alternatives == (("办理", "流程"),)


def test_a_synonym_inside_another_word_is_none():
    assert understood("机关门户网站").alternatives[0] == ("机关", "门户网站")
    assert not any("注销" in words for words in understood("机关门户").alternatives)


def test_the_words_point_to_a_group():
    assert understood("五华区停水").kind == "utility"
    assert understood("企业失信查询").kind == "credit"
    assert understood("市教育局门户网站").kind == "website"


def test_the_bank_credit_report_is_elsewhere_and_that_is_said():
    assert "中国人民银行" in understood("个人征信报告").hint


def test_full_width_and_what_cannot_be_seen_make_no_difference():
    assert text.fold("ＥＴＣ　办\u200b理\ufeff") == "etc 办理"
    assert text.squeeze(text.fold("食品经营许可（新办）")) == "食品经营许可新办"
    assert text.words("3.5%税率_备案") == ["3", "5", "税率", "备案"]


@pytest.mark.parametrize(
    ("characters", "expected"),
    [
        ("中国银行", "zhong guo yin hang"),
        ("重庆市", "chong qing shi"),
        ("行政许可", "xing zheng xu ke"),
        ("会计", "kuai ji"),
        ("办理A证", "ban li a zheng"),
    ],
)
def test_characters_are_read_as_their_word_is(characters, expected):
    assert " ".join(pinyin.syllables(text.fold(characters))) == expected


def test_letters_are_read_as_syllables_in_every_way_that_works():
    assert pinyin.readings("gongjijin") == [["gong", "ji", "jin"]]
    assert ["xi", "an"] in pinyin.readings("xian")
    assert pinyin.readings("qysl") == []
    assert pinyin.readings("an" * 24 + "q") == []  # at once, though there are millions of ways
