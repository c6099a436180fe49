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

def fingerprint():
    return os.environ.get("FAKE_FINGERPRINT", "abc")

def truth_path(root, subject, what):
    return Path(root, "derivatives", "truth", f"sub-{subject}", "anat", f"{what}.nii.gz")

def make_core(root, *, n_jobs=1, progress=None):
    with open(os.environ["FAKE_LOG"], "a") as log:
        log.write("made\\n")
    for step in range(2):
        progress("half a study", step, 2)
        Path(root, f"file{step}").write_text(f"content {step}")
        if step == 0:
            time.sleep(float(os.environ.get("FAKE_SECONDS", "0")))
    Path(root, "dataset_description.json").write_text(
        json.dumps({"Name": "fake", "BIDSVersion": "1.10.0"})
    )
    progress("done", 2, 2)
"""

OPEN = f"""
import sys, types
fake = types.ModuleType("mriworkbook.practice")
exec({FAKE!r}, fake.__dict__)
sys.modules["mriworkbook.practice"] = fake
from mriworkbook.studies import open_study
print(open_study().root)
"""


def use(monkeypatch, folder):
    """Let `open_study` make the stand-in below `folder`; return the data root."""
    fake = types.ModuleType("mriworkbook.practice")
    exec(FAKE, fake.__dict__)
    monkeypatch.setitem(sys.modules, "mriworkbook.practice", fake)
    monkeypatch.setattr(mriworkbook, "practice", fake, raising=False)
    monkeypatch.setenv("MRIWORKBOOK_DATA", str(folder / "data"))
    monkeypatch.setenv("FAKE_LOG", str(folder / "log"))
    for name in ("MRIWORKBOOK_STUDY", "MRIWORKBOOK_QUIET", "FAKE_FINGERPRINT", "FAKE_SECONDS"):
        monkeypatch.delenv(name, raising=False)
    return folder / "data"


def times_made():
    log = Path(os.environ["FAKE_LOG"])
    return len(log.read_text().splitlines()) if log.exists() else 0


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
