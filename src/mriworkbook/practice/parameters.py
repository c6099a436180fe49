"""The frozen table: every amplitude of the practice study, with its unit and its source.

A value comes from a paper (DOI), or was measured on real files, or is a choice; its source says
which. Nothing is tuned until a tool's score looks good. What was revised after a first look at the
simulated heads: shells, scalp, muscle, fat, marrow and skin (to the intensity centiles of real
heads), least shares of fluid and white matter in sulci and folia (to pictures and to AOMIC). The
shares in the cerebellum, the scale of the mask error and T1 of caudate and putamen were revised, to
AOMIC, when first scores of N4 were already known.
Changing any value changes `mriworkbook.practice.fingerprint`, and the study is made anew.

The real files are AOMIC-PIOP2 (OpenNeuro ds002790), sub-0001 unless said otherwise, and four T1w
heads of IXI at 2 mm with label maps (IXI012 to IXI015).
"""

from typing import NamedTuple

MASTER_SEED = 20260131
SPACE = "MNI152NLin2009aSym"
AOMIC_NU = "measured: AOMIC sub-0001 nu.mgz, median in the eroded aseg label over that of WM"


class Value(NamedTuple):
    """One frozen amplitude.

    Examples
    --------
    >>> FROZEN["jacobian_sd"].value, FROZEN["jacobian_sd"].unit
    (0.16, '1')
    """

    value: float
    unit: str
    source: str


class Tissue(NamedTuple):
    """Relaxation times (ms) at 3 T and proton density (water or fat signal at t = 0; CSF = 1)."""

    t1: float
    t2_star: float
    pd: float
    source: str


class Sequence(NamedTuple):
    """An MPRAGE protocol; times in ms, angle in degrees."""

    field_strength: float
    repetition_time: float
    inversion_time: float
    flip_angle: float
    echo_spacing: float
    echo_time: float
    train_length: int
    source: str


class Person(NamedTuple):
    """What makes one person and one scan; lengths in mm, angles in degrees, bias in percent."""

    number: int
    age: int
    sex: str
    voxel_size: float
    brain_volume_ml: float
    proportions: tuple[float, float, float]
    ventricle_log_growth: float
    bias_percent: float
    orientation: str
    head_rotation: tuple[float, float, float]
    grid_rotation: tuple[float, float, float]


# Sex, age and the numbers below are choices inside the ranges of the real files: brain volume is
# 1.35 to 1.65 l in the four IXI label maps and 1.44 l in AOMIC sub-0001's mask; bias ranges are
# BrainWeb's 20 and 40 % (10.1109/42.816072, Kwan 1999) and one between. Three storage orders,
# because tools that trust array order must fail here as they do on real data.
PEOPLE = {
    "01": Person(
        1, 24, "F", 2.0, 1480.0, (1.01, 0.99, 1.0), 0.10, 40.0, "RAS", (3.0, -2.0, 4.0), (2.0, 0, 1)
    ),
    "02": Person(
        2, 67, "M", 2.0, 1590.0, (0.98, 1.02, 1.0), 0.75, 20.0, "PSR", (-6.0, 1.0, -3.0), (0, 3, -2)
    ),
    "03": Person(
        3, 45, "F", 2.0, 1420.0, (1.02, 0.99, 0.99), 0.35, 30.0, "LAS", (5.0, 3.0, 2.0), (-3, 2, 1)
    ),
}

MPRAGE = Sequence(
    3.0,
    2300.0,
    900.0,
    9.0,
    7.0,
    3.0,
    176,
    "MPRAGE at 3 T: TR 2300, TI 900, 9 degrees (ADNI, Jack 2008, 10.1002/jmri.21049); echo "
    "spacing, echo time and 176 excitations for a whole head are typical choices",
)

_DEEP = "T1 solved from the signal equation so that the T1w ratio to WM is {}; " + AOMIC_NU
_PETERS = "; T2*: Peters 2007, 10.1016/j.mri.2007.02.014"
_GOLD = "T1: Gold 2004, 10.2214/ajr.183.2.1830343; T2* choice"
_IXI = "; PD set by IXI heads, signal over WM: {}"
_BONE = "no signal at these echo times (T2* of cortical bone is below 1 ms)"
TISSUES = {
    "CSF": Tissue(
        4163.0,
        1000.0,
        1.0,
        "T1: 4.2 s is commonly quoted for 3 T (choice, no paper checked); T2* long, choice; "
        "PD 1 by definition",
    ),
    "GM": Tissue(
        1607.0,
        66.0,
        0.82,
        "T1: Wright 2008, 10.1007/s10334-008-0104-8; T2*: Peters 2007, 10.1016/j.mri.2007.02.014; "
        "PD: Whittall 1997, 10.1002/mrm.1910370107, rounded",
    ),
    "WM": Tissue(838.0, 53.2, 0.70, "as GM"),
    "caudate": Tissue(1270.0, 41.3, 0.80, _DEEP.format("0.70") + _PETERS),
    "putamen": Tissue(1150.0, 31.5, 0.80, _DEEP.format("0.77") + _PETERS),
    "thalamus": Tissue(1080.0, 50.0, 0.77, _DEEP.format("0.83")),
    "pallidum": Tissue(910.0, 30.0, 0.75, _DEEP.format("0.94")),
    "muscle": Tissue(1412.0, 28.0, 0.85, _GOLD + _IXI.format("median of deep tissue .61 to .67")),
    "fat": Tissue(371.0, 40.0, 0.42, _GOLD + _IXI.format("99th centile of the scalp 1.2 to 1.3")),
    "marrow": Tissue(365.0, 12.0, 0.29, _GOLD + _IXI.format("vault at 6 mm from the brain .4-.5")),
    "skin": Tissue(1100.0, 12.0, 0.55, "choice" + _IXI.format("median of the scalp .51 to .55")),
    "blood": Tissue(1932.0, 40.0, 0.85, "T1: Stanisz 2005, 10.1002/mrm.20605; rest choice"),
    "vitreous": Tissue(4000.0, 800.0, 1.0, "choice: close to CSF"),
    "bone": Tissue(1000.0, 0.5, 0.20, _BONE),
    "air": Tissue(1000.0, 0.5, 0.0, "no protons"),
}

_CHOICE = "choice, inside the anatomical range; looked at beside IXI and AOMIC heads"
FROZEN = {
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
    # FreeSurfer's grey values
    "conform_quantile": Value(
        0.999,
        "quantile of the positive voxels put at 255 (the rest clips)",
        "FreeSurfer's conversion to uint8 keeps 99.9 %, see mri_convert",
    ),
    "t1_white_matter": Value(110.0, "grey value", "FreeSurfer: Dale 1999, 10.1006/nimg.1998.0395"),
}


def value(name):
    """Value of one frozen amplitude.

    Examples
    --------
    >>> value("noise")
    0.0125
    """
    return FROZEN[name].value
