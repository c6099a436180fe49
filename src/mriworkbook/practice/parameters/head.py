"""Amplitudes of anatomy, head and scanner."""

from mriworkbook.practice.parameters._kinds import Value

_CHOICE = "choice, inside the anatomical range; looked at beside IXI and AOMIC heads"
HEAD = {
    # deformation
    "jacobian_sd": Value(
        0.16,
        "1",
        "design range .14-.18 (SD of J over the full 2 mm field of view of AOMIC sub-0001..0003 "
        "FSL-VBM maps: .157, .150, .177; inside the MNI brain mask they have .249, .236, .280)",
    ),
    "jacobian_correlation_length": Value(
        8.0,
        "mm (Gaussian sigma of the fine part of the velocity)",
        "measured: autocorrelation of log J in AOMIC sub-0001..0003 is .78 at 6, .49 at 10, .16 at "
        "16 mm; sigma 8 with the coarse part below is a little smoother: .84, .61, .30",
    ),
    "velocity_coarse_sigma": Value(24.0, "mm", _CHOICE),
    "velocity_coarse_share": Value(0.25, "share of the variance of log J", _CHOICE),
    "ventricle_sigma": Value(7.0, "mm", _CHOICE),
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
    "noise": Value(
        0.0125,
        "SD of each channel over the WM signal (SNR 80)",
        "measured: robust SD of neighbour differences in eroded WM, median of four IXI heads at "
        "2 mm (.0105, .0144, .0107, .0241)",
    ),
    "white_matter_units": Value(1400.0, "scanner units", "measured: WM median of the IXI heads"),
}
