"""Images of a person of the practice study, without files and with the reader's own tissues."""

import functools
from typing import NamedTuple

import nibabel as nib
import numpy as np

from mriworkbook.practice import _people, _scan
from mriworkbook.practice._sampling import acquire, inside_brain
from mriworkbook.practice.contrast import tissue_signals
from mriworkbook.practice.parameters import PEOPLE


class Simulation(NamedTuple):
    """Images by contrast and true fractions by tissue, Nifti1Image on one grid."""

    images: dict
    fractions: dict


@functools.lru_cache(maxsize=1)
def _place(person):
    """What no tissue parameter changes: the person without a brain, grid and bias field."""
    subject = _people.make_place(person)
    shape, affine = _people.raw_grid(person, subject.deformation)
    mask = _scan.largest(inside_brain(shape, affine, subject) > 127)
    bias = _scan.bias_of(person, mask, affine)
    return subject, shape, affine, bias


def simulate(label, tissues, contrasts, slices):
    """See `mriworkbook.practice.simulate`."""
    if label not in PEOPLE:
        raise KeyError(f"No person is called {label!r}; choose one of {', '.join(PEOPLE)}.")
    signals = [tissue_signals(contrast, tissues=tissues) for contrast in contrasts]
    person = PEOPLE[label]._replace(fault="")
    # Twins have one place.
    subject, shape, affine, bias = _place(person._replace(lesions=0, twin_of="", diagnosis=""))
    kept = _people.kept_by_wrap(PEOPLE[label], shape, affine)
    part = _part(slices, kept)
    subject = subject._replace(brain=_people.make_brain(person, signals))
    voxels = acquire(shape, affine, part, subject, signals)
    near = affine.copy()
    near[:3, 3] = nib.affines.apply_affine(affine, [p.start for p in part])
    images = {}
    for contrast, signal in zip(contrasts, voxels.signals, strict=True):
        # Noise is drawn for the whole kept grid, so that slices have the noise of the files.
        clean = np.zeros(shape, np.float32)
        clean[part] = signal * bias[part]
        raw = np.empty(shape, np.int16)
        raw[kept] = _scan.add_noise(person, contrast, clean[kept])
        images[contrast] = nib.Nifti1Image(raw[part], near)
    everything = tuple(slice(None) for _ in range(3))
    fractions = {
        name: nib.Nifti1Image(np.asarray(img.dataobj) / np.float32(255), near)
        for name, img in _scan.fraction_images(voxels.shares, everything, near).items()
    }
    return Simulation(images, fractions)


def _part(slices, kept):
    """Slices of the kept grid as slices, with start and stop, of the whole one."""
    given = slices or (slice(None),) * 3
    part = []
    for one, whole in zip(given, kept, strict=True):
        start, stop, step = one.indices(whole.stop - whole.start)
        if step != 1 or stop <= start:
            raise ValueError(f"{one} holds nothing or has a step: give slice(start, stop).")
        part.append(slice(whole.start + start, whole.start + stop))
    return tuple(part)
