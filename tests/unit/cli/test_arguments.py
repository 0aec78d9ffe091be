# SPDX-License-Identifier: Apache-2.0
"""What can be typed, and what it means."""

from pathlib import Path

import pytest

from bridge_server.cli.arguments import Asked, UsageError, asked_from, parse

FILL = ["fill", "a.png", "--mask", "m.png", "-o", "b.png"]


def asked(*arguments):
    """The verb in a command line."""
    return asked_from(parse(list(arguments)))


def test_a_fill_needs_three_names_only():
    """Everything else has a default that the daemon knows."""
    assert asked(*FILL) == Asked("fill", Path("a.png"), Path("b.png"), Path("m.png"))


def test_every_option_reaches_its_field():
    """Nothing typed is lost."""
    options = ["--prompt", "a tree", "--negative-prompt", "text", "--count", "3", "--seed", "0"]
    more = ["--engine", "e", "--strength", "0.25", "--param", "a=1", "--param", "b=x=y"]
    assert asked(*FILL, *options, *more) == Asked(
        "fill", Path("a.png"), Path("b.png"), Path("m.png"), count=3, seed=0, engine="e", prompt="a tree",
        negative_prompt="text", strength=0.25, parameters={"a": 1, "b": "x=y"},
    )  # fmt: skip


def test_an_expand_has_sides_and_no_mask():
    """Sides come in the order left, right, top, bottom; those not given are 0."""
    got = asked("expand", "a.png", "--top", "7", "--left", "3", "-o", "b.png")
    assert (got.sides, got.mask) == ((3, 0, 7, 0), None)


def test_vary_has_an_amount_and_refine_a_strength():
    """The one number that matters most to each."""
    assert asked("vary", "a.png", "--mask", "m.png", "--amount", "1", "-o", "b.png").amount == 1
    refine = asked("refine", "a.png", "--strength", "0.5", "-o", "b.png")
    assert (refine.strength, refine.mask) == (0.5, None)


def test_set_is_another_word_for_param(capsys):
    """Shorter; both may be given. The help has an example with a model, and the guides."""
    assert asked(*FILL, "--set", "steps=30", "--param", "a=1").parameters == {"steps": 30, "a": 1}
    with pytest.raises(SystemExit):
        parse(["fill", "--help"])
    out = capsys.readouterr().out
    assert "--engine diffusers/sd15 --prompt 'a tree' --param steps=30" in out
    assert "toward" in out


@pytest.mark.parametrize(
    ("text", "value"),
    [("2", 2), ("0.5", 0.5), ("true", True), ("word", "word"), ("", ""), ("[1, 2]", [1, 2]), ('"2"', "2")],
)
def test_a_parameter_is_json_if_it_can_be(text, value):
    """Numbers are numbers, words need no quotes."""
    assert asked(*FILL, "--param", f"name={text}").parameters == {"name": value}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (FILL[:-2], "-o"),
        (["fill", "a.png", "-o", "b.png"], "--mask"),
        ([*FILL, "--count", "0"], "0 is not from 1 to 16"),
        ([*FILL, "--count", "many"], "'many' is no whole number"),
        ([*FILL, "--seed", "-1"], "-1 is not from 0"),
        ([*FILL, "--strength", "1.5"], "1.5 is not from 0 to 1"),
        ([*FILL, "--strength", "nan"], "nan is not from 0 to 1"),
        ([*FILL, "--strength", "much"], "'much' is no number"),
        ([*FILL, "--param", "novalue"], "'novalue' is not NAME=VALUE"),
        ([*FILL, "--left", "3"], "--left"),
        (["expand", "a.png", "-o", "b.png"], "grows no side"),
        (["expand", "a.png", "--left", "-3", "-o", "b.png"], "-3 is not from 0"),
        (["vary", "a.png", "--mask", "m.png", "-o", "b.png"], "--amount"),
        (["refine", "a.png", "-o", "b.png"], "--strength"),
        (["refine", "a.png", "--strength", "1", "-o", ".."], "no file's name"),
        (["serve", "--idle-exit", "inf"], "inf is not from 0 up"),
        (["paint"], "paint"),
        ([], "COMMAND"),
    ],
)
def test_what_makes_no_sense_is_named(line, message):
    """Each wrong command line raises one error that quotes what is wrong."""
    with pytest.raises(UsageError) as raised:
        asked(*line)
    assert message in str(raised.value)


def test_a_usage_error_says_where_help_is():
    """The hint names the command's own help, and the usage line is there to be shown."""
    with pytest.raises(UsageError) as raised:
        parse(["vary"])
    assert raised.value.hint == "See 'bridge-server vary --help'."
    assert raised.value.usage.startswith("usage: bridge-server vary")


def test_guides_are_kinds_files_and_weights():
    """In the order in which they were typed; a colon may be in a name."""
    typed = ["--guide", "scribble=s.png", "--guide", "style=C:\\my style.png:0.5", "--guide", "depth=a:1.png"]
    assert asked(*FILL, *typed).guides == (
        ("scribble", Path("s.png"), 1.0),
        ("style", Path("C:\\my style.png"), 0.5),
        ("depth", Path("a:1.png"), 1.0),
    )
    for wrong in ("scribble", "=s.png", "scribble=", "style=a.png:3"):
        with pytest.raises(UsageError):
            asked(*FILL, "--guide", wrong)
