# SPDX-License-Identifier: Apache-2.0
"""Two commands at one model, and what a pull that got nothing leaves behind: nothing."""

import pytest
from filelock import FileLock

from bridge_server.models.pull import pull, wanted_from
from bridge_server.models.shelf import Shelf
from bridge_server.models.watch import Watch
from bridge_server.protocol.errors import BadRequest, Conflict, ConnectionLost, NotFound
from hub import Repo, serving
from modelfiles import pipeline

pytest.importorskip("huggingface_hub", reason="pulling needs bridge-server[diffusers]")


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """An empty one, and no waiting between attempts."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    return Shelf(tmp_path / "models")


def left(shelf):
    """What lies where models are pulled."""
    return [path.name for path in (shelf.folder / ".partial").iterdir()]


def test_two_at_the_same_model_don_t_mix(shelf):
    """The second one is told to wait, and leaves the first one's lock and files alone."""
    folder = shelf.folder / ".partial"
    (folder / "sd").mkdir(parents=True)
    with serving({"o/sd": Repo(pipeline())}) as hub, FileLock(folder / "sd.lock"):
        with pytest.raises(Conflict, match="Another command"):
            pull(wanted_from("o/sd"), shelf, endpoint=hub.endpoint)
        assert sorted(left(shelf)) == ["sd", "sd.lock"]


def test_no_lock_stays(shelf):
    """After a pull that went well, and after one that could not begin."""
    with serving({"o/sd": Repo(pipeline())}) as hub:
        with pytest.raises(NotFound) as caught:
            pull(wanted_from("o/none"), shelf, endpoint=hub.endpoint)
        assert "stays" not in caught.value.hint
        assert left(shelf) == []
        pull(wanted_from("o/sd"), shelf, endpoint=hub.endpoint)
    assert left(shelf) == []


def test_a_preset_says_what_it_costs_also_offline(shelf):
    """About, and before anyone is asked; nothing is said to stay."""
    with serving({}) as gone:
        endpoint = gone.endpoint
    notes = []

    class Heard(Watch):
        def note(self, text):
            """Keep it."""
            notes.append(text)

    with pytest.raises(ConnectionLost) as caught:
        pull(wanted_from("sd15"), shelf, Heard(), endpoint=endpoint)
    assert notes == ["Stable Diffusion 1.5: about 2.1 GB. Licence: creativeml-openrail-m."]
    assert "stays" not in caught.value.hint
    assert left(shelf) == []


def test_a_family_that_nobody_knows_is_refused_before_anyone_is_asked(shelf):
    """It would load for nothing."""
    with serving({"o/sd": Repo(pipeline())}) as hub:
        with pytest.raises(BadRequest, match="'banana'"):
            pull(wanted_from("o/sd", family="banana"), shelf, endpoint=hub.endpoint)
        assert hub.asked == []
