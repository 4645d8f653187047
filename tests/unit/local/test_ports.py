import os
import socket

import pytest

from infra.local.ports import CLAIMABLE, Port, PortClaims, PortsTaken, check


@pytest.fixture
def taken():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        yield listener.getsockname()[1]


def test_a_port_in_use_is_told_by_its_name_its_number_and_its_variable(taken):
    with PortClaims() as claims:
        free = Port("MongoDB ", claims.claim(), "ZHENGTONG_MONGO_PORT")
        with pytest.raises(PortsTaken) as refusal:
            check([free, Port("网关 HTTP ", taken, "ZHENGTONG_HTTP_PORT")])

    text = str(refusal.value)
    assert "网关 HTTP" in text
    assert str(taken) in text
    assert "ZHENGTONG_HTTP_PORT" in text
    assert "MongoDB" not in text


def test_every_port_in_use_is_told_at_once(taken):
    with socket.socket() as second:
        second.bind(("127.0.0.1", 0))
        second.listen(1)
        other = second.getsockname()[1]
        with pytest.raises(PortsTaken) as refusal:
            check([Port("甲 ", taken, "A"), Port("乙 ", other, "B")])

    assert str(refusal.value).count("端口被占用") == 2


def test_free_ports_are_no_trouble_and_stay_free():
    with PortClaims() as claims:
        port = Port("甲 ", claims.claim(), "A")
        check([port])
        check([port])
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", port.number))
            assert listener.getsockname()[1] == port.number


def test_one_number_for_two_servers_is_told_with_both_names():
    with PortClaims() as claims:
        number = claims.claim()
        with pytest.raises(PortsTaken, match=r"甲.*A.*乙.*B"):
            check([Port("甲 ", number, "A"), Port("乙 ", number, "B")])


def test_a_port_whose_last_connection_still_winds_down_is_free():
    with PortClaims() as claims:
        number = claims.claim()
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", number))
            listener.listen(1)
            with socket.create_connection(("127.0.0.1", number)) as client:
                accepted, _ = listener.accept()
                accepted.close()  # the server's side closes first and keeps the waiting state
                assert client.recv(1) == b""

        check([Port("甲 ", number, "A")])


def test_an_address_that_is_not_of_this_machine_is_told_with_its_variable():
    with pytest.raises(PortsTaken, match=r"无法监听.*ZHENGTONG_HTTP_PORT"):
        check([Port("网关 HTTP ", 8080, "ZHENGTONG_HTTP_PORT", "192.0.2.1")])


def test_no_port_is_claimed_twice_even_by_claimants_that_do_not_know_each_other():
    with PortClaims() as ours, PortClaims() as theirs:
        claimed = [each.claim() for _ in range(40) for each in (ours, theirs)]

    assert len(set(claimed)) == 80
    assert set(claimed) <= set(CLAIMABLE)


def test_claims_of_another_process_are_kept_until_it_ends():
    with PortClaims() as claims:
        number = claims.claim()
        child = os.fork()
        if child == 0:
            os._exit(0 if PortClaims()._take(number) else 7)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 7
    with PortClaims() as claims:
        assert claims._take(number)
