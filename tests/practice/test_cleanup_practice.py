"""cleanup on the practice study, where shading and brain are known voxel by voxel."""

import nibabel as nib
import numpy as np
import pytest

from mriworkbook.cleanup import correct_bias, extract_brain
from mriworkbook.images import dice
from mriworkbook.practice import truth_path


def head(core, subject):
    return core / f"sub-{subject}" / "anat" / f"sub-{subject}_T1w.nii.gz"


@pytest.mark.parametrize("subject", ["01", "02"])
def test_brain_mask_agrees_with_the_truth(core, subject):
    mask_img = extract_brain(head(core, subject))
    assert dice(mask_img, truth_path(core, subject, "brain_mask")) >= 0.95


# Sub-01 has 40 %, sub-02 20 % of shading: little shading is harder to tell from anatomy.
@pytest.mark.parametrize(
    ("subject", "lowest_r", "highest_ratio"), [("01", 0.93, 0.5), ("02", 0.8, 0.8)]
)
def test_shading_is_found(core, subject, lowest_r, highest_ratio):
    _, field = correct_bias(head(core, subject))
    inside = nib.load(truth_path(core, subject, "brain_mask")).get_fdata() > 0
    true = nib.load(truth_path(core, subject, "bias_field")).get_fdata()
    log_true, log_found = np.log(true[inside]), np.log(field.get_fdata()[inside])
    error = log_found - log_true
    assert np.corrcoef(log_true, log_found)[0, 1] >= lowest_r
    assert error.std() <= highest_ratio * log_true.std()


def test_little_error_is_added_where_there_is_no_shading(core):
    img = nib.load(head(core, "01"))
    mask_img = nib.load(truth_path(core, "01", "brain_mask"))
    true = nib.load(truth_path(core, "01", "bias_field")).get_fdata(dtype=np.float32)
    clean = nib.Nifti1Image(img.get_fdata(dtype=np.float32) / true, img.affine)
    _, field = correct_bias(clean, mask_img)
    assert np.log(field.get_fdata()[mask_img.get_fdata() > 0]).std() < 0.02
