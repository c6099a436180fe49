"""Amplitudes of anatomy, head and scanner."""

from mriworkbook.practice.parameters._kinds import Value

_CHOICE = "choice, inside the anatomical range; looked at beside IXI and AOMIC heads"
_UNITS = (
    "choice: half of what the MS patient's files have (T1w about 500, T2w 371, FLAIR 314); noise "
    "has an SD of 3 to 4 units then, rounding adds 1 % to its variance, and files are small"
)
HEAD = {
    # deformation
    "jacobian_sd": Value(
        0.25,
        "1 (SD of log J in the brain, affine part excluded)",
        "measured: SD of J in the MNI brain mask of AOMIC sub-0001..0003's FSL-VBM maps: .249, "
        ".236, .280 (over the full field of view, J = 1 outside: .157, .150, .177)",
    ),
    "jacobian_correlation_length": Value(
        8.0,
        "mm (Gaussian sigma of the fine part of the velocity)",
        "measured: autocorrelation of log J in AOMIC sub-0001..0003 is .78 at 6, .49 at 10, .16 at "
        "16 mm; sigma 8 with the coarse part below is a little smoother: .84, .61, .30",
    ),
    "velocity_coarse_sigma": Value(24.0, "mm", _CHOICE),
    "velocity_coarse_share": Value(
        0.08,
        "share of the variance of log J",
        "choice: smooth differences of shape, without which heads of one size would be alike",
    ),
    "mirror_share_shallow": Value(
        0.26,
        "share of the velocity's variance that left and right have in common, near the surface",
        "measured: correlation of log J with its mirror image in AOMIC sub-0001..0003 within 6 mm "
        "of the brain's surface: .16, .26, .36",
    ),
    "mirror_share_deep": Value(
        0.9,
        "the same, deeper than 22 mm",
        "measured: log(left / right) of FreeSurfer volumes of 40 adults (fsaverage's) has SD .04 "
        "(thalamus) to .10 (amygdala), a fraction of the SD of the volumes themselves",
    ),
    "velocity_shallow": Value(1.0, "factor", "1 by definition"),
    "velocity_deep": Value(
        0.8,
        "factor, deeper than 22 mm",
        "measured: SD of log J in the same three maps .25 at 6 to 20 mm from the surface, .20 "
        "below 30 mm",
    ),
    "velocity_skull_calm": Value(
        0.65,
        "share of the fine velocity that is missing outside the brain",
        "choice: outlines of IXI heads are smooth over centimetres",
    ),
    "ventricle_sigma": Value(7.0, "mm", _CHOICE),
    "hippocampus_sigma": Value(5.0, "mm", _CHOICE),
    # brain
    "sharpening": Value(
        1.8, "exponent of the template's probabilities", "choice: average -> one person"
    ),
    "sulcal_sigma": Value(
        4.2,
        "mm; band-passed field with sulci about 13 mm apart",
        "gyral width about 1 cm; " + _CHOICE,
    ),
    "folium_sigma": Value(2.0, "mm; cerebellar fissures about 6 mm apart", _CHOICE),
    "sulcal_floor": Value(
        0.10,
        "least share of CSF within the cortex",
        "choice: the template's classifier saw sulci narrower than a voxel as grey; 1.3 mm of "
        "fluid every 13 mm",
    ),
    "folium_floor": Value(0.10, "least share of CSF in the cerebellar cortex", _CHOICE),
    "folium_white": Value(
        0.30,
        "share of WM laminae in the cerebellar cortex",
        "measured: AOMIC sub-0001 nu.mgz, eroded cerebellar cortex over WM .665 (cerebral .56): "
        "with the fluid above, a third of it must be WM",
    ),
    "tissue_edge": Value(
        0.3, "log odds of the latent quantile", "choice: edges narrower than 1 mm"
    ),
    "brainstem_white_share": Value(
        0.8,
        "share of the template's brainstem GM counted as WM",
        "measured: brainstem/WM = .94 in AOMIC nu.mgz, between GM (.56) and WM (1)",
    ),
    "texture_fine_sd": Value(0.012, "relative", "half of the WM texture below"),
    "texture_coarse_sd": Value(
        0.025,
        "relative",
        "measured: SD/mean of WM in AOMIC nu.mgz .041, of which noise and partial volume the rest",
    ),
    # shells, in template millimetres
    "csf_shell": Value(2.0, "mm", _CHOICE),
    "csf_shell_sd": Value(0.7, "mm", _CHOICE),
    "inner_table": Value(1.9, "mm", _CHOICE),
    "marrow_thickness": Value(2.4, "mm", _CHOICE),
    "marrow_thickness_sd": Value(0.9, "mm", _CHOICE),
    "outer_table": Value(2.0, "mm", _CHOICE),
    "scalp": Value(5.5, "mm", _CHOICE),
    "scalp_sd": Value(0.7, "mm", _CHOICE),
    "skin": Value(1.6, "mm", _CHOICE),
    "scalp_fat": Value(2.2, "mm", _CHOICE),
    "shell_sigma": Value(20.0, "mm", _CHOICE),
    "muscle_grain": Value(
        0.22,
        "relative SD",
        "measured: IXI deep tissue outside the brain, 25th to 75th centile .5 to .8 of WM",
    ),
    "fat_grain": Value(0.15, "relative SD", _CHOICE),
    "marrow_grain": Value(0.25, "relative SD", _CHOICE),
    # scanner
    "head_position": Value(6.0, "mm, largest shift along each axis", _CHOICE),
    "coil_gain_sd": Value(0.35, "SD of log gain of a coil element", _CHOICE),
    "central_brightening": Value(
        0.375,
        "relative, of the field in the head's middle",
        "choice: the middle of a head is excited more strongly at 3 T",
    ),
    "noise_T1w": Value(
        0.0125,
        "SD of each channel over the WM signal (SNR 80)",
        "measured: robust SD of neighbour differences in eroded WM, median of four IXI heads at "
        "2 mm (.0105, .0144, .0107, .0241)",
    ),
    "noise_T2w": Value(0.02, "as noise_T1w", "choice: less signal at a late echo"),
    "noise_PDw": Value(0.0125, "as noise_T1w", "choice, as T1w"),
    "noise_FLAIR": Value(0.025, "as noise_T1w", "choice: less signal at a late echo"),
    "white_matter_units_T1w": Value(250.0, "scanner units", _UNITS),
    "white_matter_units_T2w": Value(185.0, "scanner units", _UNITS),
    "white_matter_units_PDw": Value(250.0, "scanner units", _UNITS),
    "white_matter_units_FLAIR": Value(155.0, "scanner units", _UNITS),
    # lesions
    "lesion_periventricular_share": Value(
        0.65, "share of the number", "choice: most lie at the ventricles, some below the cortex"
    ),
    "lesion_radius": Value(
        3.4,
        "mm, median of the geometric mean radius",
        "choice: 40 lesions make 5 to 15 ml, what 5 to 14 years of disease leave at 1.1 ml a year "
        "(10.1177/1352458510388824)",
    ),
    "lesion_radius_spread": Value(
        0.38, "SD of log radius", "choice: many small ones and a few of more than 0.5 ml"
    ),
    "lesion_edge": Value(0.5, "relative radius over which a lesion fades", _CHOICE),
    # faults
    "motion_poses": Value(
        (
            (0.00, (2.2, 0.8, -1.5), (0.5, -0.4, 1.2)),
            (0.22, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
            (0.58, (-1.8, -0.6, 2.4), (-0.8, 0.6, -1.0)),
            (0.74, (3.0, 0.5, 0.8), (0.4, 1.0, 1.8)),
        ),
        "share of the lines measured before, rotation in degrees, shift in mm",
        "choice: a restless head; the middle of k-space is measured at rest",
    ),
    "rescan_pose": Value(
        ((1.2, -0.8, 1.0), (1.0, -0.6, 0.8)),
        "rotation in degrees, shift in mm",
        "choice: a head after a short break",
    ),
    "wrap_field_of_view": Value(
        184.0, "mm front to back", "choice: as long as a brain, too short for a head"
    ),
    "wrap_field_shift": Value(
        8.0, "mm to the back", "choice: centred on the brain, not on the head"
    ),
}
