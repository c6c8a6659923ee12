"""Every checkout has a cloud of its own, and its clients can reach no other."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from local.complaint import Complaint
from local.instance import LONGEST_STATE, Instance, make_state, reachable, remove_state, state_of


def test_two_checkouts_and_two_instances_use_different_ports(tmp_path: Path) -> None:
    roots = [tmp_path / str(n) for n in range(3)]
    bases = {
        Instance.named(name, root, {}).port_base for root in roots for name in ("main", "test")
    }

    assert len(bases) == 6
    assert all(10000 <= base <= 29950 for base in bases)


def test_the_environment_chooses_the_ports(tmp_path: Path) -> None:
    env = {"STREAMFLIX_PORT_BASE": "31000"}

    assert Instance.named("main", tmp_path, env).port_base == 31000
    assert Instance.named("test", tmp_path, env).port_base == 31050


def test_a_running_instance_is_found_without_its_environment(tmp_path: Path) -> None:
    Instance.named("test", tmp_path, {"STREAMFLIX_PORT_BASE": "31000"}).remember()

    assert Instance.named("test", tmp_path, {}).port_base == 31050
    assert Instance.named("main", tmp_path, {}).port_base != 31050


@pytest.mark.parametrize("base", ["80", "65500", "-1", "many", "1.5"])
def test_what_is_no_port_is_refused(tmp_path: Path, base: str) -> None:
    with pytest.raises(Complaint, match="STREAMFLIX_PORT_BASE"):
        Instance.named("main", tmp_path, {"STREAMFLIX_PORT_BASE": base})


def test_a_child_gets_this_cloud_s_address_and_nothing_of_the_caller_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "BOTO_CONFIG", "FOO"):
        monkeypatch.setenv(name, "the caller's")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the caller's")
    instance = Instance.named("main", tmp_path, {"STREAMFLIX_PORT_BASE": "31000"})

    env = instance.child_env({"EXTRA": "yes"})

    assert "the caller's" not in env.values()
    assert env["PATH"] == os.environ["PATH"]
    assert env["AWS_ENDPOINT_URL"] == "http://127.0.0.1:31000"
    assert env["AWS_ACCESS_KEY_ID"] == env["AWS_SECRET_ACCESS_KEY"] == "test"
    assert env["EXTRA"] == "yes"


def test_the_state_stays_where_it_was_made_and_goes_whole(tmp_path: Path) -> None:
    state = make_state(tmp_path / "home")
    (state / "data").mkdir()

    assert make_state(tmp_path / "home") == state == state_of(tmp_path / "home")
    assert (tmp_path / "home" / "state").resolve() == state
    assert stat.S_IMODE(state.stat().st_mode) & 0o066 == 0

    remove_state(tmp_path / "home")

    assert not state.exists()
    assert not (tmp_path / "home" / "state").is_symlink()


def test_a_state_too_long_for_a_socket_lies_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("a" * 60) / ("b" * 60)

    assert len(str(state_of(deep))) <= LONGEST_STATE
    assert not state_of(deep).is_relative_to(tmp_path)
    assert state_of(deep) != state_of(deep.parent)


def test_a_state_that_somebody_else_made_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    monkeypatch.setattr("local.instance.state_of", lambda _: tmp_path / "planted")
    (tmp_path / "planted").symlink_to(theirs)

    with pytest.raises(Complaint, match="belongs to somebody else"):
        make_state(tmp_path / "home")


def test_a_closed_directory_is_beyond_the_servers_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (tmp_path / "closed").mkdir(mode=0o700)

    assert reachable(Path("/usr"))
    assert not reachable(tmp_path / "closed")
