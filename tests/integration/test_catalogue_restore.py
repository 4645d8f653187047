"""After a backup was brought back: the department's log begins a new epoch by one command."""

import pytest

from services.common import transaction
from services.common.eventlog import restore


@pytest.fixture
def catalogue(mongo, mongodb_uri, monkeypatch):
    """The catalogue's own database, which the command knows by its name."""
    monkeypatch.setenv("MONGODB_URI", mongodb_uri)
    transaction.ensure(mongo["zt_catalogue"])
    yield mongo["zt_catalogue"]
    mongo.drop_database("zt_catalogue")


def test_a_restore_begins_a_new_epoch_each_time_and_says_which(catalogue, capsys):
    before = epoch_of(catalogue)
    assert restore.main(["catalogue"]) == 0
    first = epoch_of(catalogue)
    assert first != before
    assert first in capsys.readouterr().out
    assert restore.main(["catalogue"]) == 0
    assert epoch_of(catalogue) not in {before, first}


@pytest.mark.parametrize("arguments", [[], ["nobody"], ["catalogue", "credit"]])
def test_wrong_use_changes_nothing_and_says_how_it_is_used(catalogue, capsys, arguments):
    before = epoch_of(catalogue)
    assert restore.main(arguments) == 2
    assert epoch_of(catalogue) == before
    assert "catalogue|credit" in capsys.readouterr().err


def epoch_of(database):
    return database["log"].find_one()["epoch"]
