"""Which of a RabbitMQ's applications a broker is started with."""

import pytest

from infra.local.layout import Layout
from infra.local.rabbit import RabbitServer, configure, needed
from infra.local.users import AMQP, ensure_files

NAMES = {
    "rabbit": "kernel,rabbit_common, ranch",
    "rabbit_common": "kernel,jsx",
    "ranch": "",
    "jsx": "kernel",
    "rabbitmq_management": "rabbit,cowboy",
    "cowboy": "ranch",
}


def server(folder, version="1.0.0"):
    """Applications as packages have them, each with what it says of itself."""
    for name, others in NAMES.items():
        told = folder / "plugins" / f"{name}-{version}" / "ebin" / f"{name}.app"
        told.parent.mkdir(parents=True)
        says = f"[{{vsn, '1'}},\n\t{{applications, [{others}]}}]"
        told.write_text(f"{{application, {name}, {says}}}.\n")
    (folder / "sbin").mkdir()
    return RabbitServer(folder / "sbin" / "rabbitmq-server", folder)


def names(folders):
    return {one.name for one in folders}


def test_a_broker_is_started_with_what_it_needs_and_no_more(tmp_path):
    server(tmp_path)
    wanted = {f"{name}-1.0.0" for name in ("rabbit", "rabbit_common", "ranch", "jsx")}
    assert names(needed(tmp_path / "plugins")) == wanted


@pytest.mark.parametrize("name", ["rabbit", "ranch"])
def test_a_broker_whose_applications_cannot_be_read_is_started_with_all(tmp_path, name):
    server(tmp_path)
    (tmp_path / "plugins" / f"{name}-1.0.0" / "ebin" / f"{name}.app").unlink()
    assert names(needed(tmp_path / "plugins")) == {f"{one}-1.0.0" for one in NAMES}


def test_another_version_takes_the_place_of_the_one_before(tmp_path):
    layout = Layout(tmp_path / "run")
    layout.make()
    ensure_files(layout.secrets, [AMQP])
    for version in ("1.0.0", "2.0.0"):
        configure(server(tmp_path / version, version), layout, 5672)
        home = layout.rabbit / "server"
        linked = {one.name: one.resolve() for one in (home / "plugins").iterdir()}
        assert linked["jsx-" + version] == (tmp_path / version / "plugins" / f"jsx-{version}")
        assert len(linked) == 4
        assert (home / "sbin").resolve() == tmp_path / version / "sbin"
