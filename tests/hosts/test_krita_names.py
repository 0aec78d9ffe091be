# SPDX-License-Identifier: Apache-2.0
"""What is kept in the real Krita's documents and settings: names, facts of layers."""

import pytest

from hosts.krita_plugin import krita_with_plugin, settle_and_close


@pytest.fixture(scope="module")
def shared(room, screen, request):
    """One Krita for the module."""
    with krita_with_plugin(room, screen, request.config.rootpath) as krita:
        yield krita


@pytest.fixture
def krita(shared):
    """The same Krita, with no document open."""
    yield shared
    settle_and_close(shared)


def test_names_over_saving_and_opening(krita, room):
    """A layer of ours brings the name into the file; a copy of that file is another document."""
    krita.new_document(64, 48)
    krita.do("""
        name = now()
        placed = host.place(name, layer(pixel((1, 2, 3, 255), 4), (0, 0, 2, 2), seed=3), above_active=False)
        host.note_version(name, placed, "v1")
        document.waitForDone()
        document.setBatchmode(True)
    """)
    assert krita.do("name").startswith("unnamed-")
    krita.do("saved = document.saveAs(path)", path=str(room.run / "sky.kra"))
    assert krita.do("(saved, now() == name, host.look().title)") == (True, True, "sky.kra")
    settle_and_close(krita)
    krita.do(
        "document = app.openDocument(path); view = window().addView(document)", path=str(room.run / "sky.kra")
    )
    krita.until("host.look() and host.look().layer != ''")
    assert krita.do("(now() == name, document.modified(), host.standing(name))") == (True, False, ["v1"])
    # A copy of the file, open beside it, is another document.
    (room.run / "copy.kra").write_bytes((room.run / "sky.kra").read_bytes())
    krita.do("copy = app.openDocument(path); view = window().addView(copy)", path=str(room.run / "copy.kra"))
    krita.until("app.activeDocument() == copy and copy.activeNode() is not None")
    assert krita.do("now() != name and now().startswith('copy.kra-')")
    assert krita.do("host.size(name), host.standing(now())") == ((64, 48), ["v1"])


def open_file(krita, path):
    """A file in front, looked at."""
    krita.do("document = app.openDocument(path); view = window().addView(document)", path=str(path))
    krita.until("app.activeDocument() == document and host.look() and host.look().layer != ''")


def test_a_name_is_older_than_the_file(krita, room):
    """What is saved, or saved elsewhere, without a layer of ours has its name again when it is opened."""
    krita.new_document(64, 48)
    krita.do("name = now(); document.setBatchmode(True)")
    sky, moved = room.run / "new sky.kra", room.run / "moved.kra"
    # closed right after: nobody looks in between
    krita.do("document.saveAs(path); document.close()", path=str(sky))
    krita.until("not app.documents()")
    open_file(krita, sky)
    assert krita.do("now() == name and name.startswith('unnamed-')")
    krita.do("document.setBatchmode(True); document.saveAs(path)", path=str(moved))
    assert krita.do("now() == name")
    # the first file beside it is another document now, and stays it
    krita.do("first = document")
    open_file(krita, sky)
    assert krita.do("other = now(); (other != name, host.size(other), first == document)")[0]
    settle_and_close(krita)
    open_file(krita, sky)
    assert krita.do("now() == other")
    open_file(krita, moved)
    assert krita.do("now() == name")


def test_names_are_remembered_within_bounds(krita, room):
    """The latest 200; what others have made of the setting is no error."""
    krita.do("import json; kept = memory.recall('names')")
    for odd in ("", "[1]", "{", '{"a": 5}'):
        krita.do("memory.keep('names', odd)", odd=odd)
        krita.new_document(64, 48)
        krita.do("name = now(); document.setBatchmode(True)")
        krita.do("document.saveAs(path)", path=str(room.run / "odd.kra"))
        assert krita.do("list(json.loads(memory.recall('names')).values()) == [name]")
        settle_and_close(krita)
    krita.do("[host._names._remember(f'/{n}', str(n)) for n in (*range(300), 150)]")
    numbers = [*range(100, 150), *range(151, 300), 150]
    assert krita.do("list(json.loads(memory.recall('names')).values())") == [str(n) for n in numbers]
    krita.do("memory.keep('names', kept)")


@pytest.mark.parametrize(
    "layers",
    [
        '{"layers": {"x": {"holds": 5}, "y": {"version": 5}}}',
        '{"layers": {"x": {"holds": ["v0", 5]}, "y": {"chosen": [], "grown": "abc"}}}',
        '{"layers": {"x": 5, "": {"holds": {}}}}',
        '{"layers": [5]}',
        "[" * 100000,
    ],
)
def test_odd_notes_in_a_file(krita, layers):
    """What others have made of the annotation is no error, and new notes can be written."""
    krita.new_document(64, 48)
    krita.do(
        """
        mark = document.activeNode().uniqueId().toString()
        text = layers.replace('"x"', f'"{mark}"').replace('"y"', f'"{mark}"')
        document.setAnnotation("bridge_krita/layers", "", QByteArray(text.encode()))
        """,
        layers=layers,
    )
    assert krita.do("host.standing(now()), host.grown(now())") == ([], [])
    krita.do("placed = host.place(now(), layer(pixel((1, 2, 3, 255), 4), (0, 0, 2, 2)), above_active=True)")
    krita.do("host.note_version(now(), mark, 'v1'), host.note_version(now(), placed, 'v2')")
    assert sorted(krita.do("host.standing(now())")) == ["v1", "v2"]


def test_two_views_are_one_document(krita):
    """One name, and the view is that of the window."""
    krita.new_document(64, 48)
    krita.do("name = now(); view = window().addView(document)")
    krita.until("len(main.views()) == 2")
    assert krita.do("now() == name and host.view().document() == document")


def test_memory_and_language(krita):
    """What is kept is there; what is not, is empty."""
    assert krita.do("memory.recall('nothing')") == ""
    text = '{"a": "ü, \\" = [x]\\n"}'
    krita.do("memory.keep('some', text)", text=text)
    assert krita.do("memory.recall('some')") == text
    assert krita.do("language()") == "en"
