"""What BOLD images need beside the amplitudes that they share with the series."""

from mriworkbook.practice.parameters._kinds import Value

_CHOICE = "choice"

BOLD_IMAGES = {
    "bold_slices": Value(41, "slices", "choice: 164 mm, from the cerebellum to the crown"),
    "bold_matrix": Value(64, "voxels along both axes of a slice", "choice: studyforrest has 80"),
    "bold_tilt": Value(
        ((12.0, 0.0, 2.0), (8.0, 1.5, -1.0)),
        "degrees about x, y, z: slices of the raw runs of 01 and 02 against the scanner",
        "choice: studyforrest's slices are tilted up in front by 13",
    ),
    "bold_session_pose": Value(
        ((0.8, -0.6, 0.5), (0.7, -1.0, 1.5)),
        "rotation in degrees, shift in mm, of the head since the T1w image",
        _CHOICE,
    ),
    "bold_fluid_renewed": Value(
        0.22,
        "share of the fluid that flows in unsaturated between two pulses",
        "measured: studyforrest's lateral ventricles are 1.37 times as bright as the brain's "
        "median; relaxation alone gives .99 at its angle of 90 degrees",
    ),
    "bold_fat_left": Value(
        0.1, "share of the signal of fat, marrow and skin that fat saturation leaves", _CHOICE
    ),
    "least_active_grey": Value(
        0.25, "share of grey matter below which a voxel carries no activity", _CHOICE
    ),
}
