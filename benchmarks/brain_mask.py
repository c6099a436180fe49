"""Brain masks side by side: extract_brain and the package brainextractor alone.

    python benchmarks/brain_mask.py              table over all heads, both tools in one run
    python benchmarks/brain_mask.py --axes       one head in all 48 storage orders

Each tool runs on each head in a process of its own, so that peak memory is its own. Needs the `dev`
extra and the real files in ../shared/data; the practice study is made if it is not there yet.
"""

import argparse
import contextlib
import io
import itertools
import json
import subprocess
import sys
import time
import warnings
from pathlib import Path

import nibabel as nib
import numpy as np

from mriworkbook.images import dice

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
COLUMNS = "{:<14}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}"


def heads():
    """Name, whole head and reference mask of every head there is."""
    from mriworkbook.practice.write import CORE
    from mriworkbook.studies import open_study

    mri = DATA / "aomic/derivatives/freesurfer/sub-0001/mri"
    yield "aomic 0001", mri / "orig.mgz", mri / "brainmask.mgz"
    for head in sorted(DATA.glob("ixi-2mm/*-T1_ds.nii.gz")):
        labels = head.with_name(head.name.replace("_ds.", "_ds_DLMUSE."))
        yield head.name[:6], head, labels
    study = open_study("practice")
    for subject in CORE:
        head = study.file(f"sub-{subject}", "anat", f"sub-{subject}_T1w.nii.gz")
        yield f"practice {subject}", head, study.truth(subject, "brain_mask")


def run_ours(img):
    from mriworkbook.cleanup import extract_brain

    return extract_brain(img)


def run_brainextractor(img):
    from brainextractor import BrainExtractor

    data = np.asarray(img.dataobj, dtype=np.float32)
    # It reports by printing, a line for each of 1000 steps.
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        extractor = BrainExtractor(nib.Nifti1Image(data, img.affine))
        extractor.run()
        mask = extractor.compute_mask()
    return nib.Nifti1Image((mask > 0).astype(np.uint8), img.affine)


TOOLS = {"ours": run_ours, "brainextractor": run_brainextractor}


def measure(tool, head, reference):
    """Dice, seconds and peak memory in MB of one tool on one head, in this process."""
    img = nib.load(head)
    begin = time.perf_counter()
    mask = np.asarray(TOOLS[tool](img).dataobj)
    seconds = time.perf_counter() - begin
    overlap = dice(mask, np.asarray(nib.load(reference).dataobj))
    return {"dice": overlap, "seconds": seconds, "megabytes": peak_memory()}


def peak_memory():
    """Peak memory of this process in MB (Linux), NaN where the system does not say."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return float("nan")
    line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def in_own_process(*arguments):
    command = [sys.executable, __file__, "--one", *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def table():
    print(COLUMNS.format("", "Dice", "", "", "s", "", "", "MB", ""))
    print(
        COLUMNS.format("head", "ours", "b.extr", "diff", "ours", "b.extr", "ratio", "ours", "b.ex")
    )
    for name, head, reference in heads():
        ours, other = (in_own_process(tool, head, reference) for tool in TOOLS)
        cells = [f"{x['dice']:.4f}" for x in (ours, other)]
        cells += [f"{ours['dice'] - other['dice']:+.4f}"]
        cells += [f"{x['seconds']:.1f}" for x in (ours, other)]
        cells += [f"{ours['seconds'] / other['seconds']:.2f}"]
        cells += [f"{x['megabytes']:.0f}" for x in (ours, other)]
        print(COLUMNS.format(name, *cells), flush=True)


def all_axes():
    """Lowest Dice between the masks of one head in all 48 storage orders."""
    img = nib.load(next(iter(sorted(DATA.glob("ixi-2mm/*-T1_ds.nii.gz")))))
    first = run_ours(img)
    lowest, slowest = 1.0, 0.0
    for axes in itertools.permutations(range(3)):
        for flips in itertools.product((1, -1), repeat=3):
            order = np.column_stack([axes, flips])
            begin = time.perf_counter()
            overlap = dice(run_ours(img.as_reoriented(order)), first.as_reoriented(order))
            seconds = time.perf_counter() - begin
            lowest, slowest = min(lowest, overlap), max(slowest, seconds)
            print(axes, flips, f"{overlap:.6f}  {seconds:.1f} s", flush=True)
    print(f"48 orders: lowest Dice {lowest:.6f}, slowest {slowest:.1f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--axes", action="store_true", help="one head in all 48 storage orders")
    parser.add_argument("--one", nargs=3, metavar=("TOOL", "HEAD", "REFERENCE"))
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measure(*options.one)))
    elif options.axes:
        all_axes()
    else:
        table()


if __name__ == "__main__":
    main()
