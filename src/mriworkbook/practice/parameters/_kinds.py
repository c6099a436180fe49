"""What an entry of the frozen table looks like."""

from typing import NamedTuple


class Value(NamedTuple):
    """One frozen amplitude, or several that belong together.

    Examples
    --------
    >>> Value(5.5, "mm", "choice").unit
    'mm'
    """

    value: float | tuple
    unit: str
    source: str


class Tissue(NamedTuple):
    """Relaxation times (ms) at 3 T and proton density (water or fat signal at t = 0; CSF = 1)."""

    t1: float
    t2_star: float
    pd: float
    t2: float
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


class SpinEcho(NamedTuple):
    """A (turbo) spin-echo protocol; times in ms.

    echo_time is that of the centre of k-space; inversion_time is None without inversion.
    """

    field_strength: float
    repetition_time: float
    echo_time: float
    inversion_time: float | None
    source: str


class Person(NamedTuple):
    """What makes one person and one scan; lengths in mm, angles in degrees, bias in percent.

    number seeds all that is random about the person. Growth is the natural logarithm of a volume
    ratio at the structure's middle, sulcal_widening is relative to `sulcal_floor`, lesions is how
    many there are, twin_of the label of the person who is the same but for them. fault is "",
    "motion", "wrap" or "flip" and concerns the first T1w alone.
    """

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
    hippocampus_log_growth: float = 0.0
    sulcal_widening: float = 0.0
    lesions: int = 0
    twin_of: str = ""
    fault: str = ""
    diagnosis: str = ""
