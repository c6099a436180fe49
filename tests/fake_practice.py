"""A stand-in for `mriworkbook.practice`: as quick or as slow as a test needs it."""

import os
import subprocess
import sys
import time
import types
from pathlib import Path

import mriworkbook

FAKE = """
import json, os, time
from pathlib import Path

VERSION = 1
NEEDS = {"core": (), "anatomy": ("core",), "functional": ("core",)}
STAGES = tuple(NEEDS)

def fingerprint():
    return os.environ.get("FAKE_FINGERPRINT", "abc")

def truth_path(root, subject, what, run=None, task="rest"):
    return Path(root, "derivatives", "truth", f"sub-{subject}", "anat", f"{what}.nii.gz")

def make_stage(root, stage, *, n_jobs=1, progress=None):
    with open(os.environ["FAKE_LOG"], "a") as log:
        log.write(f"{stage}\\n")
    first = 2 * STAGES.index(stage)
    # As the real one: rewritten in place by every stage, to fit what is there.
    here = [name for i, name in enumerate(STAGES) if Path(root, f"sub-0{2 * i}").is_dir()]
    with open(Path(root, "README"), "w") as file:
        file.write(", ".join(sorted([*here, stage])))
    for step in range(2):
        progress(f"{stage}, half of it", step, 2)
        folder = Path(root, f"sub-0{first + step}")
        folder.mkdir()
        (folder / "T1w.nii.gz").write_text(f"content {first + step}")
        if step == 0:
            time.sleep(float(os.environ.get("FAKE_SECONDS", "0")))
    Path(root, "dataset_description.json").write_text(
        json.dumps({"Name": "fake", "BIDSVersion": "1.10.0"})
    )
    progress(f"{stage} is ready", 2, 2)
"""

# Python announces what changes the disk before it happens: moments to be killed at.
KILL = """
import os, signal, sys

moment, seen = int(os.environ.get("FAKE_KILLED_AT", "-1")), 0

def count(event, details):
    global seen
    changes = event in ("os.rename", "os.link", "os.mkdir", "os.remove", "os.rmdir")
    if changes or event == "open" and isinstance(details[1], str) and details[1][0] in "wax":
        if seen == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        seen += 1

sys.addaudithook(count)
"""

OPEN = f"""
import os, sys, types
fake = types.ModuleType("mriworkbook.practice")
exec({FAKE!r}, fake.__dict__)
sys.modules["mriworkbook.practice"] = fake
from mriworkbook.studies import open_study
{KILL}
study = open_study(stage=os.environ.get("FAKE_STAGE", "core"))
print(seen)
print(study.root)
"""


def use(monkeypatch, folder):
    """Let `open_study` make the stand-in below `folder`; return the data root."""
    fake = types.ModuleType("mriworkbook.practice")
    exec(FAKE, fake.__dict__)
    monkeypatch.setitem(sys.modules, "mriworkbook.practice", fake)
    monkeypatch.setattr(mriworkbook, "practice", fake, raising=False)
    monkeypatch.setenv("MRIWORKBOOK_DATA", str(folder / "data"))
    monkeypatch.setenv("FAKE_LOG", str(folder / "log"))
    for name in ("MRIWORKBOOK_STUDY", "MRIWORKBOOK_QUIET"):
        monkeypatch.delenv(name, raising=False)
    for name in ("FAKE_FINGERPRINT", "FAKE_SECONDS", "FAKE_STAGE", "FAKE_KILLED_AT"):
        monkeypatch.delenv(name, raising=False)
    return folder / "data"


def made():
    """Stages in the order in which they were made, again and again perhaps."""
    log = Path(os.environ["FAKE_LOG"])
    return log.read_text().split() if log.exists() else []


def open_elsewhere(**environment):
    return subprocess.Popen(
        [sys.executable, "-c", OPEN],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
