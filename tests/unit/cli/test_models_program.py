# SPDX-License-Identifier: Apache-2.0
"""``models`` as a program, with a hub on this machine."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from bridge_server.cli.main import main
from bridge_server.models.shelf import Shelf
from hub import Repo, serving
from modelfiles import pipeline, safetensors

BIG = safetensors({"weight": (1000, 10_000)})
UNET = "unet/diffusion_pytorch_model.fp16.safetensors"


def program(folder, endpoint, *arguments, **variables):
    """A command in a process of its own, which finds the hub as an artist would name a mirror."""
    pytest.importorskip("huggingface_hub", reason="pulling needs bridge-server[diffusers]")
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(folder / "hf"), **variables}
    environment.pop("HF_TOKEN", None)
    command = [sys.executable, "-m", "bridge_server", "models", *arguments, "--data-dir", str(folder)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_mirror_is_used_and_the_model_listed(tmp_path, capsys):
    """From pull to list to remove, by HF_ENDPOINT alone; nothing is left elsewhere."""
    with serving({"o/sd": Repo(pipeline(half=True))}) as hub:
        out, err = program(tmp_path, hub.endpoint, "pull", "o/sd", "--id", "mine").communicate(timeout=60)
    assert out.startswith("Pulled mine: base for sd15, ")
    assert "o/sd: 0.03 MB. Licence: openrail." in err
    assert "Traceback" not in err
    assert not (tmp_path / "hf").exists()
    assert main(["models", "--json", "--data-dir", str(tmp_path)]) == 0
    (card,) = json.loads(capsys.readouterr().out)["models"]
    assert (card["id"], card["source"], card["missing"]) == ("mine", "o/sd", False)
    assert main(["models", "remove", "mine", "--data-dir", str(tmp_path)]) == 0
    assert "came free" in capsys.readouterr().out
    assert Shelf(tmp_path / "models").cards() == []


def test_offline_nothing_is_asked(tmp_path):
    """HF_HUB_OFFLINE holds, and the list still works."""
    with serving({"o/sd": Repo(pipeline())}) as hub:
        made = program(tmp_path, hub.endpoint, "pull", "o/sd", HF_HUB_OFFLINE="1")
        _, err = made.communicate(timeout=60)
        assert (made.returncode, hub.asked) == (1, [])
        assert "HF_HUB_OFFLINE is set" in err
        listing = program(tmp_path, hub.endpoint, "list", HF_HUB_OFFLINE="1")
        assert "sd15-inpaint" in listing.communicate(timeout=60)[0]


def arrived(parts, process):
    """Wait until what the hub let out is on the disk: the library writes pieces of 10 MiB."""
    for _ in range(3000):
        if sum(path.stat().st_size for path in parts.iterdir()) >= 10 * 2**20:
            return
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.02)
    raise AssertionError("nothing arrived")


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_in_the_middle_it_goes_on_there(tmp_path, how):
    """By Ctrl-C or a power cut: nothing half-installed, and what was there is not loaded again."""
    with serving({"o/sd": Repo(pipeline(half=True) | {UNET: BIG})}) as hub:
        hub.held = {UNET: 12_000_000}
        first = program(tmp_path, hub.endpoint, "pull", "o/sd")
        assert hub.waiting.wait(60)
        arrived(tmp_path / "models" / ".partial" / "sd" / "parts", first)
        first.send_signal(how)
        _, err = first.communicate(timeout=60)
        assert first.returncode == (130 if how == signal.SIGINT else -9)
        assert "Traceback" not in err
        assert Shelf(tmp_path / "models").cards() == []
        hub.held.clear()
        hub.waiting.clear()
        hub.asked.clear()
        listing = program(tmp_path, hub.endpoint, "list").communicate(timeout=60)[0]
        assert "Not finished: sd." in listing
        out, err = program(tmp_path, hub.endpoint, "pull", "o/sd").communicate(timeout=60)
    assert out.startswith("Pulled sd"), err
    ((path, range_),) = hub.got()
    assert path == UNET
    assert int(range_.removeprefix("bytes=").rstrip("-")) >= 10 * 2**20
    assert (tmp_path / "models/sd/files" / UNET).read_bytes() == BIG


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting a small disk needs root"
)
def test_a_disk_that_is_really_full_in_the_middle(tmp_path):
    """What fits stays; with room, the same command goes on; nothing half-installed."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "none", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        filler = disk / "filler"
        with serving({"o/sd": Repo(pipeline(half=True) | {UNET: BIG})}) as hub:
            hub.on_file = lambda path: path == UNET and filler.write_bytes(bytes(52 * 2**20))
            out, err = program(disk, hub.endpoint, "pull", "o/sd").communicate(timeout=60)
            assert "The disk is full." in err, out
            assert "goes on from there" in err
            assert Shelf(disk / "models").cards() == []
            hub.on_file = None
            filler.unlink()
            hub.asked.clear()
            out, err = program(disk, hub.endpoint, "pull", "o/sd").communicate(timeout=60)
            assert out.startswith("Pulled sd"), err
            assert {path for path, _ in hub.got()} == {UNET}
        assert (disk / "models/sd/files" / UNET).read_bytes() == BIG
    finally:
        subprocess.run(["umount", str(disk)], check=True)
