"""A copy in service gets the names of what it replaced, wherever that was cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from recovery.errors import CopyNotReady, NotConfirmed
from streamflix.errors import EnvironmentHeld
from tests.unit.recovery.scene import COPY, GROUPS, MEASURED, NEW, OLD, RUN, SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from recovery.restores import Restore
    from tests.unit.recovery.scene import Scene

ASIDE = f"{SOURCE}-q1"
CHANGES = (
    "modify_db_cluster",
    "modify_db_instance",
    "failover_db_cluster",
    "remove_tags_from_resource",
)


@pytest.fixture
def ended(scene: Scene) -> Restore:
    """A cutover that is over, but for its adoption."""
    scene.rds.clusters[SOURCE]["DeletionProtection"] = True
    scene.rds.clusters[SOURCE]["BackupRetentionPeriod"] = 35
    scene.turned()
    for step in ("tell", "resume", "readers"):
        scene.step(step)
    scene.restore("clean")
    return scene.restores.known(RUN)


def adopt(scene: Scene) -> None:
    """As the workflow calls it, in an execution of its own."""
    run = str(scene.step("settle", "", input={"confirm": NEW})["run"])
    for step in ("aside", "in", "finish"):
        scene.step(step, run)


def names(scene: Scene, cluster: str) -> dict[str, bool]:
    members = scene.rds.clusters[cluster]["DBClusterMembers"]
    return {it["DBInstanceIdentifier"]: it["IsClusterWriter"] for it in members}


def whole(scene: Scene) -> None:
    """All that an adoption has to leave behind."""
    assert scene.rds.clusters.keys() == {SOURCE, ASIDE}
    new, old = scene.rds.clusters[SOURCE], scene.rds.clusters[ASIDE]
    assert (new["DbClusterResourceId"], old["DbClusterResourceId"]) == (NEW, OLD)
    assert names(scene, SOURCE) == {f"{SOURCE}-a": True, f"{SOURCE}-b": False}
    assert names(scene, ASIDE).keys() == {f"{ASIDE}-a", f"{ASIDE}-b"}
    assert scene.rds.instances.keys() == names(scene, SOURCE).keys() | names(scene, ASIDE).keys()
    assert (new["DeletionProtection"], old["DeletionProtection"]) == (True, False)
    assert new["BackupRetentionPeriod"] == 35
    assert scene.rds.worn(SOURCE) == set(GROUPS)
    for described in (new, *(scene.rds.instances[name] for name in names(scene, SOURCE))):
        kept = {each["Key"] for each in described.get("TagList", [])}
        assert "Restore" not in kept, "it is the stack's own now"
    assert scene.book() == [f"{SOURCE}.cluster:5432", f"{SOURCE}.cluster-ro:5432", "5"]
    assert scene.rds.targets == [SOURCE]
    assert not any(scene.scaling.suspended.values())
    assert not scene.restores.known(RUN).waits_for_adoption


def test_an_adoption_makes_the_stack_whole_again(scene: Scene, ended: Restore) -> None:
    adopt(scene)

    whole(scene)
    assert scene.begin("next", mode="drill", confirm="")["turned"] is False, "nobody holds it"


def changes_of_an_adoption() -> range:
    """How often one asks RDS for a change; a test below knows when there are more."""
    return range(11)


class Cut(Exception):
    """The process is gone."""


def cut_off(scene: Scene, monkeypatch: pytest.MonkeyPatch, at: int, *, done: bool) -> None:
    """At a call of RDS the process dies, before AWS has heard of it or after it did."""
    left = [at]

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def made(**asked: Any) -> Any:
            left[0] -= 1
            if left[0] == -1:
                if done:
                    call(**asked)
                raise Cut
            return call(**asked)

        return made

    with monkeypatch.context() as context:
        for name in CHANGES:
            context.setattr(scene.rds, name, dying(getattr(scene.rds, name)))
        with pytest.raises(Cut):
            adopt(scene)


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("at", changes_of_an_adoption())
def test_from_wherever_it_was_cut_off_another_adoption_goes_on(
    scene: Scene, ended: Restore, monkeypatch: pytest.MonkeyPatch, at: int, done: bool
) -> None:
    cut_off(scene, monkeypatch, at, done=done)

    adopt(scene)

    whole(scene)


def test_every_place_where_it_can_be_cut_off_is_tried(scene: Scene, ended: Restore) -> None:
    before = len(scene.rds.changed)

    adopt(scene)

    assert len(scene.rds.changed) - before == len(changes_of_an_adoption())


def test_a_cluster_that_fails_over_just_now_is_waited_for(scene: Scene, ended: Restore) -> None:
    run = str(scene.step("settle", "", input={"confirm": NEW})["run"])
    scene.step("aside", run)
    for member in scene.rds.clusters[COPY]["DBClusterMembers"]:
        member["IsClusterWriter"] = False

    with pytest.raises(CopyNotReady, match="has no writer just now"):
        scene.step("in", run)


def test_whoever_names_another_cluster_adopts_nothing(scene: Scene, ended: Restore) -> None:
    for confirm in (OLD, "", None, COPY):
        with pytest.raises(NotConfirmed, match="is not the cluster in service; make adopt asks"):
            scene.step("settle", "", input={"confirm": confirm})
    with pytest.raises(NotConfirmed):
        scene.step("settle", "")

    assert scene.holder() == ""


@pytest.mark.parametrize("mode", ["drill", "cutover"])
def test_a_run_that_has_not_turned_is_not_there_to_be_adopted(scene: Scene, mode: str) -> None:
    scene.begun(mode=mode)
    if mode == "cutover":
        scene.step("fence", **MEASURED)

    with pytest.raises(NotConfirmed, match="no cutover waits to be adopted"):
        scene.step("settle", "", input={"confirm": NEW})


def test_a_cutover_that_is_not_complete_goes_on_before_it_is_adopted(scene: Scene) -> None:
    """Under the stack's names nobody would know any more which readers it lacks, or who counts."""
    scene.turned()
    for step in ("tell", "resume", "readers"):
        with pytest.raises(NotConfirmed, match=f"^{RUN} is not complete: make cutover RUN={RUN} "):
            scene.step("settle", "", input={"confirm": NEW})
        scene.step(step)
    scene.restore("clean")

    assert scene.step("settle", "", input={"confirm": NEW}) == {"run": RUN}


def test_an_adoption_makes_no_instance(scene: Scene, ended: Restore) -> None:
    """Readers are a cutover's; with one that is gone since, what is left gets its name."""
    scene.rds.clusters[COPY]["DBClusterMembers"].pop()
    del scene.rds.instances[f"{COPY}-a"]

    adopt(scene)

    assert names(scene, SOURCE) == {f"{SOURCE}-b": True}


def test_what_is_adopted_is_not_adopted_again(scene: Scene, ended: Restore) -> None:
    adopt(scene)
    first = scene.restores.known(RUN)
    scene.time.sleep(60)

    assert scene.step("finish") == {"replaced": ASIDE}
    assert scene.restores.known(RUN) == first
    with pytest.raises(NotConfirmed, match="no cutover waits to be adopted"):
        scene.step("settle", "", input={"confirm": NEW})


def test_an_adoption_keeps_everybody_else_from_clusters_and_credentials(
    scene: Scene, ended: Restore
) -> None:
    scene.step("settle", "", input={"confirm": NEW})

    assert scene.holder() == f"an adoption, adopt-{RUN}"
    with pytest.raises(EnvironmentHeld, match=f"adopt-{RUN}"):
        scene.step("pause")
