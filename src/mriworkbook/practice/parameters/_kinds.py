"""What an entry of the frozen table looks like."""

from typing import NamedTuple


class Value(NamedTuple):
    """One frozen amplitude.

    Examples
    --------
    >>> Value(5.5, "mm", "choice").unit
    'mm'
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
