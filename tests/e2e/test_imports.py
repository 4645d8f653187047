"""`zhengtong import` as a stranger runs it: every row is in, or in the report with its reason."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import yaml

from infra.sample.places import FOLDER as SAMPLE
from infra.sample.write_credit import write_credit
from tests.e2e.city import City, command, item

REAL = Path(__file__).parents[3] / "shared" / "data"
MOVED = "http://www.homeoffice.gov.uk/101"
WELL, REFUSED_ROWS, WRONG_USE, NO_ANSWER, REFUSED = range(5)

beside = pytest.mark.skipif(not REAL.is_dir(), reason="the real data are not beside this clone")


def imported(city, what, path, *options):
    """The counts of an import; nothing but them is on standard output."""
    done = city.zhengtong("import", what, path, "--json", *options)
    counts = done.json
    assert counts["rejected"] == len({(one["file"], one["row"]) for one in counts["rejections"]})
    settled = sum(counts[name] for name in ("created", "changed", "unchanged", "rejected"))
    assert settled == counts["read"]
    assert done.code == (REFUSED_ROWS if counts["rejected"] else WELL)
    return counts


def numbers(counts):
    return [counts[name] for name in ("read", "created", "changed", "unchanged", "rejected")]


def written(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path


def items(count, begin="IMP", **more):
    return [item(f"导入演练{begin}{number}", f"{begin}-{number}") | more for number in range(count)]


@beside
def test_the_items_of_a_real_city_are_all_in_once_however_often_they_come(city):
    file = REAL / "service_items_guangan.json"
    before = city.counted("catalogue", "item")
    assert numbers(imported(city, "items", file)) == [1135, 1135, 0, 0, 0]
    assert numbers(imported(city, "items", file)) == [1135, 0, 0, 1135, 0]
    city.until(
        lambda: city.counted("catalogue", "item") == before + 1135, "the publication counts", 30
    )


@beside
def test_each_of_44000_real_addresses_is_in_or_in_the_report(city, tmp_path):
    rows, bad = 0, set()
    for path in (REAL / "website_mappings").glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as file:
            for number, row in enumerate(csv.DictReader(file), 1):
                rows += 1
                if row["Status"] not in ("301", "410"):
                    bad.add((path.name, number))
    report = tmp_path / "refused.jsonl"
    counts = imported(city, "mappings", REAL / "website_mappings", "--report", report)
    assert counts["read"] == rows == 43888
    assert {(one["file"], one["row"]) for one in counts["rejections"]} == bad
    assert [json.loads(line) for line in report.read_text().splitlines()] == counts["rejections"]
    again = imported(city, "mappings", REAL / "website_mappings")
    assert numbers(again) == [rows, 0, 0, rows - len(bad), len(bad)]
    moved = city.get("/api/v1/websites/mappings:resolve", url=MOVED)["mapping"]
    assert moved["new_url"] == "https://www.gov.uk/contact-police"


@beside
def test_the_60_sites_these_addresses_belonged_to_are_found_as_closed(city, tmp_path):
    sites = [site(path) for path in sorted((REAL / "website_mappings").glob("*.yml"))]
    counts = imported(city, "mappings", written(tmp_path / "sites.json", sites))
    assert numbers(counts) == [60, 60, 0, 0, 0]
    found = city.get("/api/v1/websites/sites/fco_ukinaustria")["site"]
    assert (found["state"], found["hosts"][0]) == ("SITE_STATE_CLOSED", "ukinaustria.fco.gov.uk")


def site(path):
    """What a site's file says, as a record of the inventory."""
    said = yaml.safe_load(path.read_text())
    return {
        "site_id": said["site"],
        "name": said.get("homepage_title", said["site"]),
        "hosts": [said["host"], *said.get("aliases", ())],
        "unit": said["whitehall_slug"],
        "state": "closed",
        "homepage": said["homepage"],
    }


@pytest.mark.parametrize(
    ("what", "file", "rows"),
    [
        ("items", "items.json", 611),
        ("institutions", "institutions.json", 39),
        ("mappings", "sites.json", 59),
        ("mappings", "mappings.csv", 234),
    ],
)
def test_the_files_of_the_sample_are_known_already(city, what, file, rows):
    assert numbers(imported(city, what, SAMPLE / file)) == [rows, 0, 0, rows, 0]


def test_new_enterprises_permits_and_penalties_are_in_once(city, tmp_path):
    write_credit(tmp_path, (700, 650, 70), seed=20261124)
    for file, rows in (("enterprises.json", 700), ("permits.csv", 650), ("penalties.csv", 70)):
        first = imported(city, "credit", tmp_path / file)
        again = imported(city, "credit", tmp_path / file)
        assert (first["read"], first["rejected"]) == (rows, 0)
        assert numbers(again) == [rows, 0, 0, rows, 0]


def test_a_csv_of_a_spreadsheet_in_gb_18030_is_read(city, tmp_path):
    rows = items(3, "GB")
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    (tmp_path / "items.csv").write_bytes("\r\n".join(lines).encode("gb18030"))
    assert numbers(imported(city, "items", tmp_path / "items.csv")) == [3, 3, 0, 0, 0]


def test_broken_rows_are_refused_by_number_and_field_and_the_others_are_in(city, tmp_path):
    rows = items(6, "BAD")
    rows[0] = None
    rows[2] = {**rows[2], "task_type": "99"}
    rows[3] = {**rows[3], "task_name": "\ud800半个字符"}
    rows[4] = {**rows[4], "colour": "red"}
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(rows))
    counts = imported(city, "items", path)
    assert numbers(counts) == [6, 2, 0, 0, 4]
    refused = [(one["row"], one["field"]) for one in counts["rejections"]]
    assert refused == [(1, ""), (3, "task_type"), (4, "task_name"), (5, "colour")]
    told = city.zhengtong("import", "items", path)
    assert (told.code, told.out) == (REFUSED_ROWS, "")
    assert "读取 6 行：新增 0，变更 0，未变 2，被拒 4。" in told.err
    assert "rows.json 第 3 行 task_type：" in told.err


def test_a_broken_row_among_thousands_keeps_its_number_and_spoils_no_other(city, tmp_path):
    """Whichever row a call of 500 begins with, and whatever it is."""
    rows = [f"http://old.example/{number},,410" for number in range(1001)]
    rows[500] = "http://old.example/500"  # the first of the second call, with cells missing
    (tmp_path / "old.csv").write_text("\n".join(["Old Url,New Url,Status", *rows]))
    counts = imported(city, "mappings", tmp_path / "old.csv")
    assert numbers(counts) == [1001, 1000, 0, 0, 1]
    assert counts["rejections"][0]["row"] == 501


def test_rows_too_large_for_one_call_together_go_in_several(city, tmp_path):
    rows = items(500, "LONG", accept_condition="长" * 3000)
    path = written(tmp_path / "long.json", rows)
    assert path.stat().st_size > 4 * 1024 * 1024
    assert numbers(imported(city, "items", path)) == [500, 500, 0, 0, 0]


def test_a_folder_is_imported_file_by_file_up_to_one_that_cannot_be_read(city, tmp_path):
    written(tmp_path / "1.json", items(2, "DIR"))
    (tmp_path / "2.json").write_bytes(b"\x00\xff\xfe" * 100)
    written(tmp_path / "3.json", items(2, "DIR3"))
    done = city.zhengtong("import", "items", tmp_path, "--json")
    assert done.code == WRONG_USE
    assert "2.json" in done.err
    assert numbers(done.json) == [2, 2, 0, 0, 0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "CSV 第一行应为各列的名称"),
        (b"\x00\xff\xfe\x80" * 50, "编码"),
        (b'[{"task_name": "a"', "JSON 格式有误"),
        (b"name,colour\na,red\n", "看不出文件是哪种格式"),
        (b'[{"subject_code": "1", "name": "b"}]', "看不出文件是哪种格式"),
    ],
)
def test_a_file_of_another_kind_is_refused_as_a_whole_and_named(city, tmp_path, content, said):
    (tmp_path / "wrong.json").write_bytes(content)
    done = city.zhengtong("import", "items", tmp_path / "wrong.json", "--json")
    assert (done.code, done.out) == (WRONG_USE, "")
    assert f"{tmp_path / 'wrong.json'}：" in done.err
    assert said in done.err
    assert "Traceback" not in done.err


def test_an_empty_list_and_a_bare_heading_are_nothing_and_well(city, tmp_path):
    (tmp_path / "none.json").write_text("[]")
    (tmp_path / "none.csv").write_text("Old Url,New Url,Status\n")
    assert numbers(imported(city, "items", tmp_path / "none.json")) == [0] * 5
    assert numbers(imported(city, "mappings", tmp_path / "none.csv")) == [0] * 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["import", "items", "nowhere.json"], "没有这个文件：nowhere.json"),
        (["import", "items"], "path"),
        (["import", "things", "x"], "things"),
        (["import", "items", "x", "--colour", "red"], "--colour"),
        (["import"], "items"),
        (["nothing"], "nothing"),
        (["stop", "weather"], "没有部门 weather，可用：catalogue、credit、utilities、websites"),
        (["events", "dead", "--department", "weather"], "没有部门 weather"),
        (["events", "replay", "some-id"], "--department"),
    ],
)
def test_wrong_use_says_what_is_wrong_and_ends_with_2(city, words, said):
    done = city.zhengtong(*words)
    assert done.code == WRONG_USE
    assert said in done.out + done.err
    assert "Traceback" not in done.err


def test_a_shape_that_does_not_exist_is_told_with_those_that_do(city, tmp_path):
    path = written(tmp_path / "one.json", items(1, "SHAPE"))
    done = city.zhengtong("import", "items", path, "--shape", "round")
    assert done.code == WRONG_USE
    assert "没有名为 round 的格式，可用：standard、template、exchange、guangan" in done.err
    assert numbers(imported(city, "items", path, "--shape", "standard"))[:2] == [1, 1]


def test_a_key_that_is_nobodys_is_refused_with_4(city, tmp_path):
    (tmp_path / "token").write_text("somebody-elses")
    path = written(tmp_path / "one.json", items(1, "TOKEN"))
    token = {"ZHENGTONG_API_KEY_FILE": str(tmp_path / "token")}
    done = city.zhengtong("import", "items", path, "--json", **token)
    assert (done.code, done.out) == (REFUSED, "")


def test_without_a_platform_every_command_says_so(tmp_path):
    nowhere = {"ZHENGTONG_RUN_DIR": str(tmp_path), "ZHENGTONG_HTTP_PORT": "1"}
    path = written(tmp_path / "one.json", items(1))
    for words, code, said in (
        (["status"], NO_ANSWER, "网关没有应答"),
        (["import", "items", path], WRONG_USE, "读不到接口密钥"),
        (["index", "verify"], WRONG_USE, "make up"),
        (["events", "dead"], WRONG_USE, "make up"),
    ):
        done = command("gateway.cli", *words, env=nowhere)
        assert (words, done.code) == (words, code)
        assert said in done.err


def test_progress_and_words_for_people_are_never_on_standard_output(city, tmp_path):
    path = written(tmp_path / "one.json", items(1, "QUIET"))
    told = city.zhengtong("import", "items", path)
    assert (told.code, told.out) == (WELL, "")
    assert "one.json" in told.err
    assert "读取 1 行：新增 1，变更 0，未变 0，被拒 0。" in told.err
    asked = city.zhengtong("import", "items", path, "--json")
    assert numbers(asked.json) == [1, 0, 0, 1, 0]
    assert "one.json" in asked.err


def test_a_changed_row_is_a_change_and_found_by_its_new_name(city: City, tmp_path):
    path = written(tmp_path / "one.json", items(1, "CHANGE"))
    imported(city, "items", path)
    written(path, [item("改名之后的演练事项", "CHANGE-0")])
    assert numbers(imported(city, "items", path)) == [1, 0, 1, 0, 0]
    city.until(
        lambda: city.query("改名之后的演练事项", kind="item")["groups"] != [], "the new name", 10
    )
