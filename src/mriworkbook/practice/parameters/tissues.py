"""Tissues and the protocols that image them."""

from mriworkbook.practice.parameters._kinds import Sequence, Tissue

AOMIC_NU = "measured: AOMIC sub-0001 nu.mgz, median in the eroded aseg label over that of WM"

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
