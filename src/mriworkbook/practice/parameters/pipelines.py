"""How far simulated pipelines err, and their grey values."""

from mriworkbook.practice.parameters._kinds import Value

PIPELINES = {
    # masks as a tool would make them: boundary moved along its normal
    "mask_error_sd": Value(
        0.52,
        "mm",
        "measured: fMRIPrep brain mask to FreeSurfer brainmask of AOMIC sub-0001 differs by SD "
        ".73 mm along the surface, two independent errors of .52 each",
    ),
    "mask_error_sigma": Value(
        2.6,
        "mm (Gaussian sigma)",
        "measured: autocorrelation of that difference .46 at 4 mm, .30 at 6 mm, .18 at 8 mm; "
        "smoothed noise of sigma 2.6 has .55, .26, .09",
    ),
    "fmriprep_mask_offset": Value(0.0, "mm", "choice: taken as the one nearer the truth"),
    "freesurfer_mask_offset": Value(
        1.8,
        "mm outwards",
        "measured: FreeSurfer's boundary lies 1.79 mm outside fMRIPrep's in AOMIC sub-0001",
    ),
    # registration to the template
    "registration_error_sd": Value(
        1.05,
        "mm along each axis",
        "Lau 2019, 10.1002/hbm.24693: 32 anatomical points of 30 people lie 1.80 mm from the "
        "template's after nonlinear registration (mean of the published table, PHASE3_afid_AFRE), "
        ".67 mm of it is the raters' own error if three place a point; 1.67 = 1.6 SD is left",
    ),
    "registration_error_sigma": Value(
        10.0, "mm (Gaussian sigma)", "choice: errors of neighbouring gyri go together"
    ),
    # FreeSurfer's grey values
    "conform_quantile": Value(
        0.999,
        "quantile of the positive voxels put at 255 (the rest clips)",
        "FreeSurfer's conversion to uint8 keeps 99.9 %, see mri_convert",
    ),
    "t1_white_matter": Value(110.0, "grey value", "FreeSurfer: Dale 1999, 10.1006/nimg.1998.0395"),
}
