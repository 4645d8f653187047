"""The words and names that the platform brings along: what people say finds what it is called."""

import pytest

from gateway.onestop import text
from gateway.onestop.lexicon import Lexicon
from gateway.onestop.question import Interpreter
from gateway.onestop.regions import Regions
from gateway.onestop.synonyms import Synonyms, own_groups
from tests.unit.onestop.shelf import card

SYNONYMS = Synonyms()
INTERPRETER = Interpreter(Regions(), SYNONYMS, Lexicon())
ITEMS = (
    "车辆购置税申报",
    "农民专业合作社设立登记",
    "公司变更登记",
    "公司注销登记",
    "个体工商户设立登记",
    "食品经营许可（新办）",
    "仅销售预包装食品备案",
    "公共场所卫生许可",
    "旅馆业特种行业许可",
    "户口迁移",
    "出生登记（新生儿落户）",
    "生育登记",
    "法律援助申请审核",
    "临时救助对象认定",
    "基本医疗保险医疗费用手工报销",
    "跨省异地就医备案",
    "城乡居民基本医疗保险参保登记",
    "往来港澳通行证签发",
    "不动产登记信息查询",
    "不动产抵押权首次登记",
    "网络预约出租汽车经营许可",
    "社会团体成立登记",
    "老年人优待证办理",
    "取水许可审批",
    "动物防疫条件合格证核发",
    "林木采伐许可证核发",
    "机动车驾驶证期满换证",
)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("买新车交税", "车辆购置税申报"),
        ("成立合作社", "农民专业合作社设立登记"),
        ("公司改名", "公司变更登记"),
        ("股权转让", "公司变更登记"),
        ("公司倒闭", "公司注销登记"),
        ("开水果店", "个体工商户设立登记"),
        ("我要开一家奶茶店", "食品经营许可（新办）"),
        ("开餐厅要哪些手续", "食品经营许可（新办）"),
        ("食品安全许可证", "食品经营许可（新办）"),
        ("开小卖部", "仅销售预包装食品备案"),
        ("开足浴店", "公共场所卫生许可"),
        ("开客栈", "旅馆业特种行业许可"),
        ("转户口", "户口迁移"),
        ("宝宝入户", "出生登记（新生儿落户）"),
        ("怀孕", "生育登记"),
        ("请不起律师", "法律援助申请审核"),
        ("困难补助", "临时救助对象认定"),
        ("住院报销", "基本医疗保险医疗费用手工报销"),
        ("外地看病", "跨省异地就医备案"),
        ("农村医保", "城乡居民基本医疗保险参保登记"),
        ("去澳门", "往来港澳通行证签发"),
        ("查名下房产", "不动产登记信息查询"),
        ("房子抵押", "不动产抵押权首次登记"),
        ("跑滴滴", "网络预约出租汽车经营许可"),
        ("社团登记", "社会团体成立登记"),
        ("老人证", "老年人优待证办理"),
        ("打水井", "取水许可审批"),
        ("养猪", "动物防疫条件合格证核发"),
        ("伐木", "林木采伐许可证核发"),
    ],
)
async def test_what_people_say_finds_the_item(shelf, typed, found):
    shelf.put(*(card(title, family=title) for title in ITEMS))
    assert (await shelf.titles(typed))[:1] == [found]


@pytest.mark.parametrize(
    ("typed", "stopped"),
    [
        ("家里没水了", "停水"),
        ("水管爆了", "停水"),
        ("断电", "停电"),
        ("什么时候来电", "停电"),
        ("没煤气", "停气"),
        ("没暖气", "停热"),
    ],
)
async def test_what_stopped_finds_the_notice(shelf, typed, stopped):
    stops = ("停水", "停电", "停气", "停热")
    shelf.put(*(card(f"{stop}公告：示例路", kind="utility") for stop in stops))
    assert await shelf.titles(typed) == [f"{stopped}公告：示例路"]


@pytest.mark.parametrize(
    ("typed", "body"),
    [
        ("昆明市发改委", "发展和改革委员会"),
        ("昆明市人社局网站", "人力资源和社会保障局"),
        ("昆明卫健委", "卫生健康委员会"),
        ("昆明住建局网站", "住房和城乡建设局"),
        ("昆明市市场监管局", "市场监督管理局"),
        ("昆明文旅局", "文化和旅游局"),
        ("昆明市水务局", "水务局"),
    ],
)
async def test_a_body_is_found_by_what_it_is_called_for_short(shelf, typed, body):
    bodies = ("发展和改革委员会", "人力资源和社会保障局", "卫生健康委员会", "住房和城乡建设局")
    bodies += ("市场监督管理局", "文化和旅游局", "水务局")
    sites = (f"昆明市{one}网站" for one in bodies)
    shelf.put(*(card(site, kind="website", region_code="530100000000") for site in sites))
    assert await shelf.titles(typed) == [f"昆明市{body}网站"]


@pytest.mark.parametrize(
    "typed",
    ["今天天气", "股票", "火箭发射", "附近火锅店推荐", "奶茶配方", "手机多少钱", "怎么养猫"],
)
async def test_what_no_office_does_finds_nothing(shelf, typed):
    shelf.put(*(card(title, family=title) for title in ITEMS))
    assert await shelf.titles(typed) == []


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("东川市", "东川区"),
        ("呈贡县", "呈贡区"),
        ("晋宁县", "晋宁区"),
        ("路南县", "石林彝族自治县"),
        ("路南彝族自治县", "石林彝族自治县"),
        ("安宁县", "安宁市"),
        ("曲靖地区", "曲靖市"),
        ("曲靖县", "麒麟区"),
        ("沾益县", "沾益区"),
        ("马龙县", "马龙区"),
        ("宣威县", "宣威市"),
        ("玉溪地区", "玉溪市"),
        ("玉溪县", "红塔区"),
        ("江川县", "江川区"),
        ("澄江县", "澄江市"),
        ("保山地区", "保山市"),
        ("保山县", "隆阳区"),
        ("腾冲县", "腾冲市"),
        ("昭通地区", "昭通市"),
        ("昭通县", "昭阳区"),
        ("水富县", "水富市"),
        ("丽江地区", "丽江市"),
        ("丽江县", "丽江市"),
        ("丽江纳西族自治县", "丽江市"),
        ("思茅地区", "普洱市"),
        ("思茅市", "思茅区"),
        ("思茅县", "思茅区"),
        ("翠云区", "思茅区"),
        ("普洱县", "宁洱哈尼族彝族自治县"),
        ("普洱哈尼族彝族自治县", "宁洱哈尼族彝族自治县"),
        ("临沧地区", "临沧市"),
        ("临沧县", "临翔区"),
        ("楚雄县", "楚雄市"),
        ("禄丰县", "禄丰市"),
        ("个旧县", "个旧市"),
        ("开远县", "开远市"),
        ("蒙自县", "蒙自市"),
        ("弥勒县", "弥勒市"),
        ("文山县", "文山市"),
        ("邱北县", "丘北县"),
        ("景洪县", "景洪市"),
        ("大理县", "大理市"),
        ("下关市", "大理市"),
        ("瑞丽县", "瑞丽市"),
        ("畹町", "瑞丽市"),
        ("畹町市", "瑞丽市"),
        ("潞西县", "芒市"),
        ("潞西市", "芒市"),
        ("泸水县", "泸水市"),
        ("中甸县", "香格里拉市"),
        ("香格里拉县", "香格里拉市"),
    ],
)
def test_a_region_is_known_by_the_name_it_had(before, now):
    for typed in (f"{before}低保", f"{before} 低保"):
        question = INTERPRETER.understand(typed)
        assert (question.region.name, question.exact) == (now, "低保")


def test_a_name_a_region_had_takes_none_of_the_names_of_today():
    regions = Regions()
    for code, region in regions.by_code.items():
        assert regions.called(region.name, apart=False).code == code


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("老赖", "中国执行信息公开网"),
        ("失信被执行人查询", "中国执行信息公开网"),
        ("限制高消费", "统一社会信用代码"),
        ("企业信用查询", "统一社会信用代码"),
        ("行政处罚查询", "统一社会信用代码"),
        ("征信报告", "中国人民银行"),
    ],
)
def test_what_is_elsewhere_or_asked_otherwise_is_said(typed, says):
    assert says in INTERPRETER.understand(typed).hint


def test_every_word_of_a_group_can_be_seen_in_a_text():
    for words in own_groups().values():
        assert len(set(words)) == len(words)
        for word in words:
            cut = text.words(text.fold(word))
            assert [*INTERPRETER._known_expressions(cut)] == [(0, len(cut))], word
