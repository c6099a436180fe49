"""Amplitudes of the BOLD runs and of the series cohort, and the people who have BOLD.

Percent means percent of a voxel's mean signal. Displacements are summed as Power 2012 does
(10.1016/j.neuroimage.2011.10.018), rotations on a sphere of 50 mm. The real files are six AOMIC
runs and one NI-edu run (tables of fMRIPrep), 389 runs of CCNP (Reproducible Brain Charts' quality
table), a raw run of studyforrest at 3 mm and three people preprocessed at 7.5 mm; their ranges are
in ``benchmarks/results/bold_realism.tsv``.
"""

from typing import NamedTuple

from mriworkbook.practice.parameters._kinds import Value


class BoldPerson(NamedTuple):
    """Who has BOLD; number seeds all that is random, motion_level is the run's mean FD in mm."""

    number: int
    age: int
    sex: str
    group: str
    motion_level: float


# Ten controls and ten patients of equal mean age (40.8 years) and sex (five women each). Levels
# are the 5th, 15th, ... 95th centile of `motion_level` and `motion_group`, in no order of age.
# People 01, 02 and 03 are those of `people.py`.
BOLD_PEOPLE = {
    "01": BoldPerson(1, 24, "F", "control", 0.111),
    "02": BoldPerson(2, 67, "M", "control", 0.170),
    "03": BoldPerson(3, 45, "F", "control", 0.137),
    "13": BoldPerson(13, 29, "M", "control", 0.067),
    "14": BoldPerson(14, 33, "F", "control", 0.197),
    "15": BoldPerson(15, 38, "M", "control", 0.086),
    "16": BoldPerson(16, 52, "F", "control", 0.124),
    "17": BoldPerson(17, 21, "M", "control", 0.251),
    "18": BoldPerson(18, 58, "F", "control", 0.152),
    "19": BoldPerson(19, 41, "M", "control", 0.099),
    "20": BoldPerson(20, 23, "F", "patient", 0.153),
    "21": BoldPerson(21, 30, "M", "patient", 0.303),
    "22": BoldPerson(22, 34, "F", "patient", 0.210),
    "23": BoldPerson(23, 37, "M", "patient", 0.132),
    "24": BoldPerson(24, 44, "F", "patient", 0.386),
    "25": BoldPerson(25, 47, "M", "patient", 0.171),
    "26": BoldPerson(26, 53, "F", "patient", 0.262),
    "27": BoldPerson(27, 40, "M", "patient", 0.190),
    "28": BoldPerson(28, 60, "F", "patient", 0.233),
    "29": BoldPerson(29, 40, "M", "patient", 0.104),
}

_CHOICE = "choice"
_SEVEN = "measured: six AOMIC runs and one of NI-edu"
_THREE = (
    "three people at 7.5 mm, series at the regions' coordinates, half-way between with and without "
    "the global signal"
)
_DVARS = (
    "choice within what is measured: over volumes, squared DVARS rises with squared FD by (3.3 to "
    "5.4 %/mm)^2 in seven runs (AOMIC, NI-edu); here the parts together by about (3.8 %/mm)^2, two "
    "thirds of it linear, a fifth spin history, an eighth distance-dependent"
)

PROTOCOL = {
    "bold_protocol": Value(
        (2.0, 0.03, 73.0),
        "repetition time and echo time in s, flip angle in degrees",
        "TR and TE as studyforrest's sidecar; angle: Ernst's for grey matter, acos exp(-TR / T1)",
    ),
    "bold_t_r": Value(2.0, "s", "as in bold_protocol"),
    "bold_n_scans": Value(152, "volumes", "choice: five minutes"),
    "bold_n_dummies": Value(4, "volumes, the first ones, not in steady state", _CHOICE),
    "bold_raw_voxel": Value((3.5, 3.5, 4.0), "mm", "choice: studyforrest has 3 x 3 x 3.3 mm"),
    "bold_dropout": Value(
        (60.0, 10.0),
        "1/s: rate added to R2* at the surface of a sphere of air; its radius in mm",
        "choice: half of the signal is lost where frontal cortex lies within 15 mm of the sinus",
    ),
    "bold_coil": Value(
        1.25,
        "signal near the coil over that of the brain's middle",
        "choice: studyforrest's mean image was evened by the scanner (ratio 1.02)",
    ),
    "bold_intensity": Value(600.0, "scanner units of steady white matter", _CHOICE),
}

MOTION = {
    "motion_level": Value(
        (0.13, 0.40),
        "mean FD of a control's run: median in mm, SD of the logarithm",
        "measured: six AOMIC runs: geometric mean .138, SD .38; CCNP's 389 runs .070 and .68",
    ),
    "motion_group": Value(
        0.43,
        "log of patients' over controls' median FD (factor 1.54)",
        "choice, larger than 1.25 between 47 schizophrenic patients and 56 controls "
        "(10.1016/j.neuropsychologia.2015.07.003), so that 60 against 60 people show what it does",
    ),
    "motion_rescan": Value(
        0.7,
        "correlation of a person's log level over two scans",
        "measured: CCNP, 195 people with two runs, .70",
    ),
    "motion_axes": Value(
        (0.10, 1.0, 0.55, 0.37, 0.16, 0.14),
        "relative size of trans_x, y, z and rot_x, y, z (on 50 mm)",
        f"{_SEVEN}: median shares of FD .04, .43, .24, .16, .06, .06",
    ),
    "motion_background": Value(
        (0.3, 0.04, 0.25, 0.8),
        "per volume, relative to the jitter: walk, drift; waxing and waning: SD of log, memory",
        f"{_SEVEN}: SD of log FD .40-.60, its lag-1 correlation -.08-.44, lag-1 correlation of "
        "steps -.26 to -.57, SD of ten-volume over one-volume steps 1.3-2.0",
    ),
    "motion_spikes": Value(
        (0.015, 2.5, 0.4, 0.5),
        "per volume at the median level; size in units of the axes, SD of its log; share that "
        "goes back",
        f"{_SEVEN}: 0 to 2.5 % of volumes above three times the median FD, largest 2.2-4.9 times",
    ),
    "motion_estimate_sd": Value(
        0.005,
        "mm, error of each estimated parameter in each volume (rotations on 50 mm)",
        f"{_SEVEN}: trans_x changes by an SD of .005-.014 mm, which bounds the error's by half "
        "of that or more",
    ),
}

COUPLING = {
    "coupling_within": Value(
        0.40,
        "correlation of far regions of one network",
        f"measured: {_THREE}: .42 (.58 with, .26 without; default mode .35)",
    ),
    "coupling_between": Value(
        (0.25, 0.30, 0.15),
        "correlation of networks: everywhere, more within a system, less of the default mode with "
        "its opponents",
        f"{_THREE}: region pairs .25 across networks, of which networks' systems make .2; the "
        "artefacts in these files make some of it, so here .10 everywhere",
    ),
    "coupling_systems": Value(
        (
            (
                "Auditory",
                "DorsalAttention",
                "SomatomotorDorsal",
                "SomatomotorLateral",
                "Visual",
            ),
            ("CinguloOpercular", "FrontoParietal", "Salience", "VentralAttention"),
            ("DefaultMode", "MedialTemporalLobe", "ParietoMedial", "Reward"),
        ),
        "networks",
        f"measured: {_THREE}: pairs of networks above .2",
    ),
    "coupling_opponents": Value(
        ("DorsalAttention", "SomatomotorDorsal", "Visual"),
        "networks",
        f"measured: {_THREE}: the three lowest with the default mode",
    ),
    "coupling_local": Value(
        (0.3, 12.0),
        "share of what the network does not explain, width in mm (Gaussian sigma)",
        "choice: half of what those three people (smooth to 20 mm) have more below 20 mm",
    ),
    "coupling_group_default_mode": Value(
        -0.05,
        "correlation, patients over controls, within the default mode",
        "choice: three quarters of people's SD; patients with depression have .25 SD less in the "
        "network's core (10.1016/j.nicl.2021.102570), and to see that takes 500 people",
    ),
    "coupling_person_sd": Value(
        (0.33, 0.5),
        "SD of the logit of the network's share: per network, per region",
        "choice: .08 in a network's mean coupling and .12 in a pair's; with coupling_rescan_share "
        "a pair's ICC is near .25 (.23-.36 in 25 studies, 10.1016/j.neuroimage.2019.116157)",
    ),
    "coupling_person_between_sd": Value(0.15, "SD, see _coupling", "choice: .06 in a pair"),
    "coupling_rescan_share": Value(
        0.7, "share of the person's variance that stays", "choice; see coupling_person_sd"
    ),
    "neural_spectrum": Value(
        (0.5, 0.01),
        "exponent of power over frequency, corner in Hz, before the haemodynamic response",
        "choice: lag-1 correlation .78 after it; the global signal of seven runs has .41-.91",
    ),
    "neural_sd": Value(
        0.6,
        "percent, pure grey matter",
        "choice above what is measured in three people at 7.5 mm, much smoothed: median SD of "
        "series at the regions' coordinates .30, .49 and .54 %, breathing in it",
    ),
    "parcel_shift": Value(
        (2.5, 15.0),
        "mm: SD in each direction of a person's parcels against the atlas, Gaussian sigma",
        "choice: 4 mm on average, twice the landmark error of registration (1.8 mm, Lau 2019, "
        "10.1002/hbm.24693), because function does not follow folds exactly",
    ),
}

ARTEFACTS = {
    "artefact_linear": Value(
        (1.0, 3.6, 0.3, 0.01),
        "SD over places, % per mm of position, per mm of step, per mm^2; share that is everywhere",
        _DVARS,
    ),
    "artefact_linear_length": Value((10.0, 64), "mm (Gaussian sigma), maps", _CHOICE),
    "artefact_spin_history": Value(
        (4.5, 8.0, 1.607),
        "% per mm through the slice, most %, recovery time in s",
        f"{_DVARS}; recovery: T1 of grey matter, Wright 2008, 10.1007/s10334-008-0104-8",
    ),
    "artefact_respiratory": Value(
        (0.35, 0.8, 0.3, 30.0),
        "% of its own, % per mm of FD, unevenness over places, its length in mm",
        f"{_SEVEN}: the global signal's SD is .21-.37 %, and it is lowest 8-16 s after FD was high "
        "(correlation -.08 to -.48)",
    ),
    "artefact_respiratory_elsewhere": Value(
        0.15,
        "share of it outside grey matter",
        f"choice; {_SEVEN}: the global signal correlates with the mean of white matter (.41-.70) "
        "and of CSF (.09-.70)",
    ),
    "artefact_distance": Value(
        (1.2, 15.0, 128),
        "% per mm of FD, length in mm (Gaussian sigma), maps",
        f"{_DVARS}; length: Power 2012, 10.1016/j.neuroimage.2011.10.018: near pairs rise, far "
        "pairs fall",
    ),
}

NOISE = {
    "bold_thermal_sd": Value(
        (0.60, 1.10),
        "%: at the brain's surface and from `bold_thermal_depth` on",
        "measured: studyforrest realigned, at 4 mm: 1.22 % deeper than 20 mm (lag-1 correlation "
        "-.03, so hardly anything else), .95 % in the outer 10 mm, of which about .6 % thermal",
    ),
    "bold_thermal_depth": Value(30.0, "mm below the surface", "as above"),
    "bold_noise_sigma": Value(
        0.42,
        "voxels (Gaussian sigma) that resampling to 4 mm spreads thermal noise over",
        "measured: correlation of neighbours in studyforrest realigned, at 4 mm: .32, .33, .16",
    ),
    "bold_physiological": Value(
        (0.45, 0.3, 1.4),
        "%: pure grey matter, white matter, CSF",
        f"choice; {_SEVEN}: mean of the CSF mask has SD .19-.45 %, of white matter .10-.13 %",
    ),
    "bold_physiological_courses": Value(
        (4, 0.2, 3.0),
        "courses, their lag-1 correlation, mm (Gaussian sigma) over which one keeps its sign",
        f"choice; {_SEVEN}: DVARS strays by a tenth that FD does not explain, which takes few "
        "courses in many voxels: heart and breath, aliased; so short that a mask's mean has little",
    ),
    "bold_physiological_person_sd": Value(0.25, "SD of the logarithm over people", _CHOICE),
    "bold_drift": Value(
        (0.35, 15.0),
        "%: SD over time of a voxel's linear and quadratic change; mm (Gaussian sigma)",
        "measured: studyforrest: median over voxels .59 %, the head's motion in it; choice below",
    ),
}

TASK = {
    "task_effect": Value(1.5, "%, pure grey matter of the hand area", "choice: 1-3 % at 3 T"),
    "task_block": Value(20.0, "s of movement, and of rest", "choice"),
    "task_deactivation": Value(-0.3, "%, the other side's hand area", _CHOICE),
}

CONFOUNDS = {
    "bold_coregistration_sd": Value(
        0.5,
        "mm in each direction: tissue maps against the BOLD run",
        "choice: an eighth of a voxel; the maps of the noise masks come from a T1w image",
    ),
    "noise_mask_purity": Value(
        (0.80, 0.99),
        "least share of CSF, of white matter, in a voxel of its noise mask",
        "white matter: fMRIPrep's; CSF: choice: .99 leaves a handful of voxels at 4 mm, .8 leaves "
        "8-12 ml (AOMIC's masks have 10-24 ml: 380-871 voxels of 3 mm)",
    ),
}

PARCELLATION = {
    "speck_regions": Value(
        ("CinguloOpercular_08", "DorsalAttention_05", "FrontoParietal_13", "Visual_02"),
        "regions of the parcellation that are specks",
        "choice: the smallest of four large networks, none in the planted group difference",
    ),
    "speck_radius": Value(
        2.9, "mm", "choice: up to 19 voxels of 2 mm, none of them on the lattice of 4 mm"
    ),
}

BOLD = PROTOCOL | MOTION | COUPLING | ARTEFACTS | NOISE | TASK | CONFOUNDS | PARCELLATION
