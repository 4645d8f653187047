import os

from infra.local.logs import bound, last_lines, open_log, said_since


def test_a_log_past_its_limit_begins_anew_while_its_writer_goes_on(tmp_path):
    path = tmp_path / "worker.log"
    log = open_log(path)
    os.write(log, b"old " * 100)

    bound(path, limit=100)
    os.write(log, b"new\n")
    os.close(log)

    assert path.read_bytes() == b"new\n"
    assert (tmp_path / "worker.log.1").read_bytes() == b"old " * 100


def test_a_log_and_its_predecessor_stay_bounded_however_much_is_written(tmp_path):
    path = tmp_path / "worker.log"
    log = open_log(path)
    for _ in range(50):
        os.write(log, b"x" * 60)
        bound(path, limit=100)
    os.close(log)

    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 320
    assert len(list(tmp_path.iterdir())) == 2


def test_a_log_under_its_limit_and_one_that_is_not_there_are_left_alone(tmp_path):
    path = tmp_path / "worker.log"
    bound(path, limit=100)
    path.write_bytes(b"x" * 100)
    bound(path, limit=100)

    assert [file.name for file in tmp_path.iterdir()] == ["worker.log"]


def test_the_last_lines_are_told_without_reading_the_whole(tmp_path):
    path = tmp_path / "worker.log"
    path.write_text("x" * 100_000 + "\n甲\n\n乙\n", encoding="utf-8")

    assert last_lines(path, 2) == ["甲", "乙"]
    assert last_lines(tmp_path / "none.log") == []


def test_what_was_said_before_a_start_does_not_count_and_what_after_it_does(tmp_path):
    path = tmp_path / "worker.log"
    path.write_text("ready worker\n")
    begin = path.stat().st_size

    assert not said_since(path, begin, "ready worker")
    with path.open("a") as file:
        file.write("ready worker\n")
    assert said_since(path, begin, "ready worker")


def test_a_log_begun_anew_since_the_start_is_read_whole(tmp_path):
    path = tmp_path / "worker.log"
    path.write_text("ready worker\n")

    assert said_since(path, 10_000, "ready worker")
