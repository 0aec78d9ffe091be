# SPDX-License-Identifier: Apache-2.0
"""The plugin's host side in the real Krita: ways of placing, undo in one press, what stands."""

import pytest

from hosts.host import Refused
from hosts.krita_plugin import becomes, krita_with_plugin, settle_and_close


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


INTO = """
    active = document.createNode("mine", "paintlayer")
    active.setPixelData(pixel((10, 20, 30, 255), 400), 0, 0, 20, 20)
    document.rootNode().addChildNode(active, None)
    active.setOpacity(200)
    active.setBlendingMode("multiply")
    document.waitForDone()
"""


def test_into_the_active_layer(krita):
    """Its name, blending and opacity stay; one press undoes, one brings it again."""
    krita.new_document(64, 64)
    krita.do(INTO)
    krita.until("host.look().layer == 'mine' and host.look().not_into == ''")
    before = krita.do("state()")
    krita.do("host.place_into(now(), layer(pixel((200, 100, 50, 255), 25), (2, 3, 5, 5), prompt='x'))")
    krita.until("host.look().layer == 'mine'")
    after = krita.do("state()")
    assert [one[:4] for one in after[1]] == [one[:4] for one in before[1]]
    assert krita.do("bytes(document.activeNode().pixelData(2, 3, 1, 1))") == bytes((200, 100, 50, 255))
    assert krita.do("bytes(document.activeNode().pixelData(1, 3, 1, 1))") == bytes((10, 20, 30, 255))
    for _ in range(2):
        krita.do("undo()")
        becomes(krita, before)
        krita.do("redo()")
        becomes(krita, after)


def test_into_twice(krita):
    """The layer stands for both versions; undone one by one, what is left is known."""
    krita.new_document(64, 64)
    krita.do(INTO)
    for number in (1, 2):
        krita.until("host.look().layer == 'mine' and host.look().not_into == ''")
        krita.do(
            """
            made = layer(pixel((200, 100, 50, 255), 25), (2, 3, 5, 5), grown=[1.5, number, 0])
            placed = host.place_into(now(), made)
            host.note_version(now(), placed, f"v{number}")
            """,
            number=number,
        )
        krita.until("document.activeNode().uniqueId().toString() == placed")
    assert krita.do("host.standing(now())") == ["v1", "v2"]
    assert krita.do("host.grown(now())") == [(1.5, 1, 0)]
    for standing in (["v1"], []):
        krita.do("undo()")
        krita.until(f"host.standing(now()) == {standing}")
        krita.do("document.waitForDone()")
    for standing in (["v1"], ["v1", "v2"]):
        krita.do("redo()")
        krita.until(f"host.standing(now()) == {standing}")
        krita.do("document.waitForDone()")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        ("document.setActiveNode(mask)", "no paint layer"),
        ("document.setActiveNode(active)", "masks"),
        ("active.setLocked(True)", "locked"),
        ("active.setAlphaLocked(True)", "transparency"),
        ("active.setInheritAlpha(True)", "transparency"),
        ("active.setVisible(False)", "hidden"),
        ("active.enableAnimation()", "animated"),
    ],
)
def test_not_into(krita, make, words):
    """Said beforehand, and refused in the same words."""
    krita.new_document(64, 64)
    krita.do(INTO)
    krita.until("host.look().layer == 'mine'")
    if "setActiveNode" in make:
        krita.do("mask = document.createTransparencyMask('mask'); active.addChildNode(mask, None)")
        krita.until("host.look().layer == 'mask'")
    krita.do(make)
    krita.until(f"{words!r} in host.look().not_into")
    why = krita.do("host.look().not_into")
    before = krita.do("(state(), steps())")
    with pytest.raises(Refused, match=why.replace(".", "")):
        krita.do("host.place_into(now(), layer(pixel((200, 100, 50, 255), 25), (2, 3, 5, 5)))")
    assert krita.do("(state(), steps())") == before


GROW = """
    document.activeNode().setPixelData(pixel((90, 80, 70, 255), 64 * 48), 0, 0, 64, 48)
    document.refreshProjection()
    document.waitForDone()
"""
BORDER = "layer(pixel((9, 8, 7, 255), 95 * 67), (-10, -8, 95, 67), name='border')"


def test_grow(krita):
    """All four sides; the layer lies where it was asked for; one press undoes both, one redoes both."""
    krita.new_document(64, 48)
    krita.do(GROW)
    before = krita.do("state()")
    krita.do(f"placed = host.grow(now(), Sides(left=10, right=21, top=8, bottom=11), {BORDER})")
    krita.until("host.look().layer == 'border'")
    after = krita.do("state()")
    assert after[0] == (95, 67)
    assert after[2] == bytes((9, 8, 7, 255)) * 95 * 67
    assert krita.do("bytes(document.nodeByName('Background').pixelData(10, 8, 1, 1))") == bytes(
        (90, 80, 70, 255)
    )
    for _ in range(3):
        krita.do("undo()")
        becomes(krita, before)
        krita.do("redo()")
        becomes(krita, after)


def test_grow_a_large_document(krita):
    """One press also where Krita is busy with the picture for a while after each step."""
    krita.new_document(4000, 4000)
    krita.do(
        "host.grow(now(), Sides(left=200), layer(pixel((9, 8, 7, 255), 300 * 4000), (-200, 0, 300, 4000)))"
    )
    krita.until("host.look().layer == 'made'")
    krita.do("undo()")
    krita.until("host.size(now()) == (4000, 4000)")
    krita.do("document.waitForDone(); redo()")
    krita.until("host.size(now()) == (4200, 4000) and document.nodeByName('made') is not None")


def test_grow_by_keys(krita, screen):
    """The same by the artist's keys."""
    krita.new_document(64, 48)
    krita.do(GROW)
    before = krita.do("state()")
    krita.do(f"host.grow(now(), Sides(10, 21, 8, 11), {BORDER})")
    krita.until("host.look().layer == 'border'")
    after = krita.do("state()")
    screen.key("ctrl+z")
    becomes(krita, before)
    screen.key("ctrl+shift+z")
    becomes(krita, after)


def test_growing_twice_and_steps_between(krita):
    """Each press takes one grow back, and other steps stay single."""
    krita.new_document(64, 48)
    krita.do(GROW)
    states = [krita.do("state()")]
    for number in range(2):
        krita.do(
            """
            border = layer(pixel((9, 8, 7, 255), 100), (64 + number * 10, 0, 10, 10))
            host.grow(now(), Sides(right=10), border)
            document.waitForDone()
            """,
            number=number,
        )
        states.append(krita.do("state()"))
        krita.do("document.rootNode().addChildNode(document.createNode('own', 'paintlayer'), None)")
        krita.do("document.waitForDone()")
        states.append(krita.do("state()"))
    for state in reversed(states[:-1]):
        krita.do("undo()")
        becomes(krita, state)
    for state in states[1:]:
        krita.do("redo()")
        becomes(krita, state)


def test_a_layer_removed_by_hand(krita):
    """After removing the border layer oneself, one press takes back one step."""
    krita.new_document(64, 48)
    krita.do(f"placed = host.grow(now(), Sides(10, 21, 8, 11), {BORDER})")
    krita.until("host.look().layer == 'border'")
    krita.do("document.nodeByName('border').remove()")
    krita.until("steps()[-1] == 'Remove Layer'")
    removed = krita.do("state()")
    krita.do("document.rootNode().addChildNode(document.createNode('own', 'paintlayer'), None)")
    krita.until("host.look().layer == 'own'")
    krita.do("undo()")
    becomes(krita, removed)
    krita.do("begun = time.monotonic()")
    krita.until("time.monotonic() > begun + 1")  # what would come wrongly, comes within half a second
    becomes(krita, removed)


def test_one_press_in_the_document_in_front(krita):
    """A grow in one document does not disturb the undo of another; a closed one neither."""
    krita.new_document(64, 48, name="one")
    krita.do(f"one = now(); host.grow(one, Sides(10, 21, 8, 11), {BORDER})")
    krita.do("first = document; first.waitForDone()")
    krita.new_document(32, 32, name="two")
    before = krita.do("state()")
    krita.do(
        "two = now(); host.place(two, layer(pixel((1, 2, 3, 255), 4), (0, 0, 2, 2)), above_active=False)"
    )
    krita.do("undo()")
    becomes(krita, before)
    assert krita.do("(one != two, host.size(one), host.size(two))") == (True, (95, 67), (32, 32))
    krita.do("first.setModified(False); first.close()")
    with pytest.raises(Refused, match="The document is closed"):
        krita.do("host.size(one)")
    krita.do("redo()")
    krita.until("host.look().layer == 'made'")
    krita.do("undo()")
    becomes(krita, before)


def test_a_closed_document(krita):
    """Everything says so; noting a version is no error."""
    krita.new_document(64, 48)
    krita.do("""
        name = now()
        placing = layer(pixel((1, 2, 3, 255), 4), (0, 0, 2, 2))
        area = Placement(0, 0, 2, 2)
        document.setModified(False)
        document.close()
        calls = [
            lambda: host.layout(name), lambda: host.size(name), lambda: host.read(name, area, "visible"),
            lambda: host.coverage(name, area), lambda: host.place(name, placing, above_active=True),
            lambda: host.place_into(name, placing), lambda: host.grow(name, Sides(1), placing),
            lambda: host.place_group(name, "g", [placing], above_active=False), lambda: host.standing(name),
            lambda: host.picture(name, placing.pixels),
        ]
        def said(call):
            try:
                return str(call())
            except Gone as gone:
                return str(gone)
    """)
    assert set(krita.do("[said(call) for call in calls]")) == {"The document is closed."}
    assert krita.do("host.note_version(name, 'x', 'y'), host.look()") == (None, None)


def test_a_group(krita):
    """All candidates in it, only the chosen one visible, on top; one step; facts of each."""
    krita.new_document(64, 48)
    krita.do(GROW)
    before = krita.do("state()")
    krita.do("""
        at = (5, 6, 10, 10)
        made = [layer(pixel((n, n, n, 255), 100), at, name=f"c{n}", visible=n == 0, n=n) for n in range(3)]
        placed = host.place_group(now(), "All", made, above_active=False)
        host.note_version(now(), placed, "v1")
    """)
    krita.until("host.look().layer == 'All'")
    after = krita.do("state()")
    assert krita.do("[(one[0], one[1], [inner[0] for inner in one[5]]) for one in tree()]") == [
        ("Background", "paintlayer", []),
        ("All", "grouplayer", ["c2", "c1", "c0"]),
    ]
    assert krita.do("[document.nodeByName(f'c{n}').visible() for n in range(3)]") == [True, False, False]
    assert krita.do("bytes(document.pixelData(4, 6, 2, 1))") == bytes((90, 80, 70, 255, 0, 0, 0, 255))
    assert krita.do("host.standing(now())") == ["v1"]
    krita.do("undo()")
    becomes(krita, before)
    assert krita.do("host.standing(now())") == []
    krita.do("redo()")
    becomes(krita, after)
    assert krita.do("host.standing(now())") == ["v1"]


def test_what_stands(krita):
    """Placed layers by their versions, in order; the undone are not there; merging keeps them."""
    krita.new_document(64, 48)
    krita.do("""
        def put(version):
            placed = host.place(now(), layer(pixel((1, 2, 3, 255), 4), (0, 0, 2, 2)), above_active=False)
            if version:
                host.note_version(now(), placed, version)
            document.waitForDone()
        put("v1"), put(""), put("v2")
    """)
    krita.until("steps() == ['<empty>', 'Add Layer', 'Add Layer', 'Add Layer']")
    assert krita.do("host.standing(now())") == ["v1", "v2"]
    steps = krita.do("host.steps_taken()")
    krita.do("undo()")
    krita.until("host.standing(now()) == ['v1']")
    assert krita.do("host.steps_taken()") > steps
    krita.do("redo()")
    krita.until("host.standing(now()) == ['v1', 'v2']")
    krita.until("host.look().layer == 'made'")
    krita.do("host.place_into(now(), layer(pixel((1, 2, 3, 255), 4), (0, 0, 2, 2)))")
    assert krita.do("host.standing(now())") == ["v1", "v2"]
    krita.do("undo()")
    krita.until("host.standing(now()) == ['v1', 'v2']")
    krita.do("undo()")
    krita.until("host.standing(now()) == ['v1']")


def test_colours_converted_meanwhile(krita):
    """A result in the old colours is refused in words, and nothing is done."""
    krita.new_document(64, 48)
    krita.do(
        "late = layer(pixel((1, 2, 3, 255), 4), (0, 0, 2, 2)); document.setColorSpace('RGBA', 'U16', '')"
    )
    krita.do("document.waitForDone()")
    before = krita.do("state()")
    for call in (
        "place(now(), late, above_active=False)",
        "place_into(now(), late)",
        "grow(now(), Sides(9), late)",
    ):
        with pytest.raises(Refused, match="converted meanwhile"):
            krita.do(f"host.{call}")
    assert krita.do("state()") == before
