"""What fMRIPrep would leave: real N4 on the raw image, a mask that errs as a real one."""

import nibabel as nib
import numpy as np

from mriworkbook.practice import truth_path
from mriworkbook.practice._files import raw_path, save, sidecar, write_json
from mriworkbook.practice._masks import erring_mask
from mriworkbook.practice._n4 import estimate_fields
from mriworkbook.practice.parameters import PEOPLE


def write_fmriprep(root, label):
    """Write the fMRIPrep-like folder of one person below `root`."""
    person, raw = PEOPLE[label], nib.load(raw_path(root, label))
    mask = erring_mask(nib.load(truth_path(root, label, "brain_mask")), person, "fmriprep")
    (field,) = estimate_fields([(raw, mask)])
    anat = root / "derivatives" / "fmriprep" / f"sub-{label}" / "anat"
    anat.mkdir(parents=True)
    source = [f"bids:raw:{raw_path(root, label).relative_to(root).as_posix()}"]
    path = anat / f"sub-{label}_desc-preproc_T1w.nii.gz"
    data = np.clip(np.round(np.asarray(raw.dataobj) / field), 0, 32767).astype(np.int16)
    save(nib.Nifti1Image(data, raw.affine), path, np.int16)
    text = "Simulated raw image after real N4 bias-field correction."
    write_json(path, sidecar(text, SkullStripped=False, Sources=source))
    path = anat / f"sub-{label}_desc-brain_mask.nii.gz"
    save(mask, path, np.uint8)
    text = "Simulated: the true mask with its surface moved as real tools' masks err."
    write_json(path, sidecar(text, Type="Brain", Sources=source))
