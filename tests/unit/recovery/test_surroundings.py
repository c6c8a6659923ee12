"""What belongs to the cluster and is none of it is stopped, led on, and let go on again."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from recovery.surroundings import SUSPENSIONS, Surroundings
from streamflix.addresses import Address
from tests.unit.recovery.scene import COPY, ENV, SOURCE

if TYPE_CHECKING:
    from tests.unit.recovery.scene import Scene

COPIED = {
    "DBClusterIdentifier": COPY,
    "Endpoint": "copy.cluster",
    "ReaderEndpoint": "copy.cluster-ro",
    "Port": 5433,
}


@pytest.fixture
def surroundings(scene: Scene) -> Surroundings:
    return Surroundings(ENV)


def test_the_book_leads_to_the_copy_as_clients_read_it(
    scene: Scene, surroundings: Surroundings
) -> None:
    surroundings.lead_to(COPIED, 5)

    writer, reader, epoch = scene.book()
    assert Address.parse(writer) == ("copy.cluster", 5433)
    assert Address.parse(reader) == ("copy.cluster-ro", 5433)
    assert epoch == "5"
    assert surroundings.epoch() == 5


@pytest.mark.parametrize("turned", [0, 1, 2])
def test_the_epoch_is_turned_last_wherever_it_is_cut_off(
    scene: Scene,
    surroundings: Surroundings,
    turned: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever finds the new address with the old epoch is refused; the reverse would write."""
    put, left = scene.ssm.put_parameter, [turned]

    def cut(**asked: Any) -> Any:
        if not left[0]:
            raise ConnectionError
        left[0] -= 1
        return put(**asked)

    with monkeypatch.context() as context:
        context.setattr("recovery.surroundings.aws.client", lambda _: scene.ssm)
        context.setattr(scene.ssm, "put_parameter", cut)
        with pytest.raises(ConnectionError):
            surroundings.lead_to(COPIED, 5)

    assert scene.book()[2] == "4"
    assert sum(page.startswith("copy") for page in scene.book()) == turned


def test_the_proxy_is_led_to_the_copy_and_lets_go_of_the_other_first(
    scene: Scene, surroundings: Surroundings
) -> None:
    surroundings.lead_to(COPIED, 5)
    assert scene.rds.proxied == [f"-{SOURCE}", f"+{COPY}"]

    surroundings.lead_to(COPIED, 5)
    assert scene.rds.targets == [COPY]
    assert len(scene.rds.proxied) == 2, "it is there already"


def test_a_proxy_that_lost_its_target_halfway_gets_it(
    scene: Scene, surroundings: Surroundings
) -> None:
    scene.rds.targets = []

    surroundings.lead_to(COPIED, 5)

    assert scene.rds.proxied == [f"+{COPY}"]


def test_the_consumer_and_the_scaling_are_stopped_and_let_go_on(
    scene: Scene, surroundings: Surroundings
) -> None:
    for _ in range(2):
        surroundings.pause()
        assert scene.mapping.state == "Disabled"
        assert scene.scaling.suspended == dict.fromkeys(SUSPENSIONS, True)
    for _ in range(2):
        surroundings.resume_stream()
        surroundings.resume_scaling()
        assert scene.mapping.state == "Enabled"
        assert scene.scaling.suspended == dict.fromkeys(SUSPENSIONS, False)


@pytest.mark.parametrize("state", ["Enabling", "Enabled"])
def test_a_stream_that_goes_on_is_not_asked_to(
    scene: Scene, surroundings: Surroundings, state: str
) -> None:
    """AWS refuses a change of a mapping that is changing."""
    scene.mapping.state = state

    surroundings.resume_stream()

    assert scene.mapping.state == state


def test_a_stream_that_is_being_stopped_is_not_asked_to(
    scene: Scene, surroundings: Surroundings
) -> None:
    scene.mapping.state = "Disabling"

    surroundings.pause()

    assert scene.mapping.state == "Disabling"


def test_a_scaling_that_is_refused_stops_nothing(
    scene: Scene, surroundings: Surroundings, caplog: pytest.LogCaptureFixture
) -> None:
    scene.scaling.refuses = True

    with caplog.at_level(logging.WARNING):
        surroundings.pause()

    assert scene.mapping.state == "Disabled"
    assert scene.scaling.suspended == {}
    assert "scaling goes on as it did" in caplog.text


def test_where_nothing_scales_nothing_is_made_to(scene: Scene, surroundings: Surroundings) -> None:
    scene.scaling.there = False

    surroundings.pause()

    assert scene.scaling.suspended == {}
