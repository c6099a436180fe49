"""Tissues and the protocols that image them."""

from mriworkbook.practice.parameters._kinds import Sequence, SpinEcho, Tissue

AOMIC_NU = "measured: AOMIC sub-0001 nu.mgz, median in the eroded aseg label over that of WM"

MPRAGE = Sequence(
    3.0,
    2300.0,
    900.0,
    9.0,
    7.0,
    3.0,
    176,
    "MPRAGE at 3 T: TR 2300, TI 900, TE 3, 9 degrees as in an ADNI-3 sidecar (the study: Jack "
    "2008, 10.1002/jmri.21049); echo spacing and 176 excitations for a whole head are choices",
)
_IXI_TSE = "IXI's dual-echo PD/T2 protocol at 3 T: TR 5725.79, TE 8 and 100 ms, TR rounded"
SEQUENCES = {
    "T1w": MPRAGE,
    "T2w": SpinEcho(3.0, 5726.0, 100.0, None, _IXI_TSE),
    "PDw": SpinEcho(3.0, 5726.0, 8.0, None, _IXI_TSE),
    "FLAIR": SpinEcho(
        3.0,
        9000.0,
        125.0,
        2470.0,
        "TE as MRBrainS18 (11000/125/2800 ms at 3 T); TR choice; TI solves signal(CSF) = 0 for "
        "the T1 of CSF below",
    ),
}

_DEEP = "effective T1, solved from the signal equation so that the T1w ratio to WM is {}; "
_DEEP += AOMIC_NU
_PETERS = "; T2*: Peters 2007, 10.1016/j.mri.2007.02.014; T2 choice, a fifth below cortical GM"
_GOLD = "T1, T2: Gold 2004, 10.2214/ajr.183.2.1830343; T2* choice"
_IXI = "; PD set by IXI heads, signal over WM: {}"
_BONE = "no signal at these echo times (T2* and T2 of cortical bone are below 1 ms)"
_WANSAPURA = (
    "T2: Wansapura 1999, J Magn Reson Imaging 9:531 (in vivo; others have 55.6 to 75 for WM and "
    "69.4 to 99 for GM)"
)
TISSUES = {
    "CSF": Tissue(
        4309.0,
        1000.0,
        1.0,
        1886.0,
        "T1, T2: subarachnoid CSF at 3 T, 4309 and 1886 ms, 'Quantification of T1 and T2 of "
        "subarachnoid CSF', PMC10696635; T2* long, choice; PD 1 by definition",
    ),
    "GM": Tissue(
        1607.0,
        66.0,
        0.82,
        110.0,
        "T1: Wright 2008, 10.1007/s10334-008-0104-8; T2*: Peters 2007, 10.1016/j.mri.2007.02.014; "
        "PD: Whittall 1997, 10.1002/mrm.1910370107, rounded; " + _WANSAPURA,
    ),
    "WM": Tissue(838.0, 53.2, 0.70, 79.6, "as GM"),
    "caudate": Tissue(1270.0, 41.3, 0.80, 88.0, _DEEP.format("0.70") + _PETERS),
    "putamen": Tissue(1150.0, 31.5, 0.80, 84.0, _DEEP.format("0.77") + _PETERS),
    "thalamus": Tissue(1080.0, 50.0, 0.77, 84.0, _DEEP.format("0.83") + "; T2, T2* choice"),
    "pallidum": Tissue(
        910.0,
        30.0,
        0.75,
        56.0,
        _DEEP.format("0.94") + "; T2* choice; T2 that of WM times .70, the ratio of pallidum to "
        "frontal WM in Gelman 1999, 10.1148/radiology.210.3.r99fe41759",
    ),
    "hippocampus": Tissue(
        1471.0,
        60.0,
        0.81,
        104.0,
        _DEEP.format("0.60") + "; it holds sheets of white matter that a voxel does not resolve; "
        "T2, T2*, PD choices, between GM and WM",
    ),
    "lesion": Tissue(
        1350.0,
        90.0,
        0.77,
        150.0,
        "T1 at 3 T: Madhuranthakam 2012 (Magn Reson Med 67:81), as quoted; PD: a tenth more water "
        "than WM, MacKay 1994, 10.1002/mrm.1910310614; T2 choice between 100 (quoted for 3 T) and "
        "BrainWeb's 237 ms (1.5 T); T2* choice",
    ),
    "muscle": Tissue(
        1420.0, 28.0, 0.85, 31.7, _GOLD + _IXI.format("median of deep tissue .61 to .67")
    ),
    "fat": Tissue(
        371.0, 40.0, 0.42, 133.0, _GOLD + _IXI.format("99th centile of the scalp 1.2 to 1.3")
    ),
    "marrow": Tissue(
        365.0, 12.0, 0.29, 133.0, _GOLD + _IXI.format("vault at 6 mm from the brain .4-.5")
    ),
    "skin": Tissue(1100.0, 12.0, 0.55, 35.0, "choice" + _IXI.format("median of the scalp .51-.55")),
    "blood": Tissue(
        1932.0,
        40.0,
        0.85,
        20.0,
        "T1: Stanisz 2005, 10.1002/mrm.20605; T2 choice, far below the 275 ms of still blood, "
        "because flowing blood leaves the slice between excitation and echo; rest choice",
    ),
    "vitreous": Tissue(4000.0, 800.0, 1.0, 1500.0, "choice: close to CSF"),
    "bone": Tissue(1000.0, 0.5, 0.20, 0.5, _BONE),
    "air": Tissue(1000.0, 0.5, 0.0, 0.5, "no protons"),
}
