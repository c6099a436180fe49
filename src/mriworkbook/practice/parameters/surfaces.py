"""Amplitudes of surfaces, thickness and FreeSurfer-like tables."""

from mriworkbook.practice.parameters._kinds import Value

_AOMIC_226 = "measured: derivatives/fs_stats of AOMIC-PIOP2, 226 people of 18 to 26 years"
_AGE = (
    "choice after Salat 2004, 10.1093/cercor/bhh032, and Fjell 2009, 10.1093/cercor/bhn232: most "
    "in frontal, motor and superior temporal cortex, least in medial temporal and cingulate cortex"
)
_ALZHEIMER = (
    "choice after Dickerson 2009, 10.1093/cercor/bhn113: the cortical signature is medial temporal "
    "first, then association cortex, and spares sensory and motor cortex"
)

SURFACES = {
    # regions
    "region_spacing": Value(
        12.0,
        "mm",
        "choice: of two coordinates closer than this the later one of the list is dropped; few "
        "enough regions that each has some 20 vertices of fsaverage5",
    ),
    "region_reach": Value(
        6.0, "mm", "choice: grey voxels farther than this from the mid-surface are no cortex"
    ),
    "medial_wall_thickness": Value(
        1.0,
        "mm",
        "choice: the one connected patch where fsaverage5's average is thinner is no cortex",
    ),
    # thickness
    "thickness_mean": Value(
        2.54, "mm", f"{_AOMIC_226}: mean of MeanThickness is 2.546 (left) and 2.537 (right)"
    ),
    "thickness_reference_age": Value(22.0, "years", f"{_AOMIC_226}: their mean age"),
    "thickness_age_slope": Value(
        -0.005,
        "mm per year, mean over regions",
        "choice: -.2 % a year, less than the -.35 % that Storsve 2014, "
        "10.1523/JNEUROSCI.0391-14.2014, saw within people of 23 to 87 years",
    ),
    "thickness_alzheimer": Value(-0.25, "mm where the factor is 1", "choice: 10 % of the mean"),
    "thickness_person_sd": Value(0.084, "mm", f"{_AOMIC_226}: SD of lh MeanThickness"),
    "thickness_region_sd": Value(
        0.08,
        "mm",
        f"{_AOMIC_226}: regional means less the person's have a median SD of .143 (a2009s); the "
        "vertices' own SD leaves .12 of that in 15 patches a region, sqrt(.143^2 - .12^2) the rest",
    ),
    "thickness_region_sigma": Value(10.0, "mm (Gaussian sigma)", "choice: about half a region"),
    "thickness_vertex_sd": Value(
        0.47,
        "mm",
        "measured: AOMIC sub-0001's lh.thickness has SD .68, fsaverage5's average .49 in the "
        "cortex; independent, sqrt(.68^2 - .49^2)",
    ),
    "thickness_vertex_sigma": Value(
        2.1,
        "mm (Gaussian sigma)",
        "measured: autocovariance of that map along its surface less that of fsaverage5's: .12 "
        "mm2 at 3.2 mm, .06 at 5 mm, .01 at 7 mm",
    ),
    "thickness_least": Value(0.5, "mm", "choice: no thinner cortex is drawn"),
    "thickness_most": Value(5.0, "mm", "FreeSurfer's own limit: AOMIC's maps end at 5"),
    "thickness_planted_sigma": Value(
        5.0, "mm (Gaussian sigma)", "choice: effects of age and disease end softly at regions"
    ),
} | {
    # by network: how much of the effect of age and of disease
    f"thickness_{effect}_factor_{network}": Value(factor, "factor", source)
    for effect, source, factors in (
        (
            "age",
            _AGE,
            {
                "Auditory": 1.2,
                "CinguloOpercular": 0.8,
                "DefaultMode": 1.0,
                "DorsalAttention": 1.0,
                "FrontoParietal": 1.3,
                "MedialTemporalLobe": 0.3,
                "ParietoMedial": 0.7,
                "Reward": 0.6,
                "Salience": 0.8,
                "SomatomotorDorsal": 1.3,
                "SomatomotorLateral": 1.3,
                "VentralAttention": 0.9,
                "Visual": 1.0,
            },
        ),
        (
            "alzheimer",
            _ALZHEIMER,
            {
                "Auditory": 0.2,
                "CinguloOpercular": 0.3,
                "DefaultMode": 1.0,
                "DorsalAttention": 0.4,
                "FrontoParietal": 0.6,
                "MedialTemporalLobe": 1.6,
                "ParietoMedial": 1.0,
                "Reward": 0.4,
                "Salience": 0.3,
                "SomatomotorDorsal": 0.0,
                "SomatomotorLateral": 0.0,
                "VentralAttention": 0.6,
                "Visual": 0.2,
            },
        ),
    )
    for network, factor in factors.items()
}
SURFACES |= {
    # surfaces and labels as a tool would find them
    "surface_error_sd": Value(
        0.3,
        "mm along the normal",
        "choice: below the half millimetre of Fischl 2000, 10.1073/pnas.200033797",
    ),
    "surface_error_sigma": Value(4.0, "mm (Gaussian sigma)", "choice"),
    "aseg_error_sd": Value(
        0.6,
        "mm in each direction",
        "choice: about that of a brain mask's surface (mask_error_sd)",
    ),
    "aseg_error_sigma": Value(4.0, "mm (Gaussian sigma)", "choice"),
    "aseg_cortex_reach": Value(
        12.0,
        "mm",
        "choice: grey voxels farther than this from the template's mid-surface are called white "
        "matter, since the atlas of a tool has no cortex there",
    ),
    "talairach_error_sd": Value(
        2.0,
        "mm in each direction",
        "choice: what is left of it after the fit of 12 numbers to the whole brain is smaller",
    ),
    "talairach_error_sigma": Value(40.0, "mm (Gaussian sigma)", "choice: as broad as a lobe"),
    "etiv_scale": Value(
        1948.106,
        "ml",
        "FreeSurfer's code (mri_segstats, MRIestimateTIV); method: Buckner 2004, "
        "10.1016/j.neuroimage.2004.06.018",
    ),
}
