"""Twins, faults, rescans and structures: few slices where few are enough."""

import json

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from mriworkbook import practice
from mriworkbook.practice import _people, _scan, anatomy, artefacts, structures
from mriworkbook.practice._deformation import jacobian_determinant, to_scanner, to_template
from mriworkbook.practice._fields import grid_points
from mriworkbook.practice._sampling import _region, acquire, small_volumes
from mriworkbook.practice.contrast import tissue_signals
from mriworkbook.practice.parameters import FROZEN, PEOPLE, TISSUES, value

CONTRASTS = ("T1w", "FLAIR")
NAMES = {index: name for name, index in structures.STRUCTURES.items()}


def data(img):
    return np.asarray(img.dataobj, dtype=np.float32)


@pytest.fixture(scope="module")
def place():
    """Where person 01 lies, made once; all coarse scans of these tests use it."""
    from mriworkbook.practice import _simulate

    yield _simulate._place(PEOPLE["01"])[0]
    _simulate._place.cache_clear()


# ---------------------------------------------------------------- people


def test_the_frozen_people_are_the_twelve_of_the_study():
    assert list(PEOPLE) == [f"{n:02d}" for n in range(1, 13)]
    faults = {label: person.fault for label, person in PEOPLE.items() if person.fault}
    assert faults == {"07": "motion", "08": "wrap", "09": "flip"}
    assert [label for label, person in PEOPLE.items() if person.voxel_size == 1] == ["10"]
    # All that is not a choice of its own is shared by twins.
    differing = {
        f for f in PEOPLE["05"]._fields if getattr(PEOPLE["05"], f) != getattr(PEOPLE["06"], f)
    }
    assert differing == {"lesions", "twin_of", "diagnosis"}
    numbers = [person.number for person in PEOPLE.values() if not person.twin_of]
    assert len(set(numbers)) == len(numbers)


def test_twins_differ_in_lesions_alone(place):
    """A slab of both brains in one place, as their numbers make them lie in one."""
    shape, affine = _people.raw_grid(PEOPLE["05"], place.deformation)
    signals = [tissue_signals(contrast) for contrast in CONTRASTS]
    part = (slice(0, shape[0]), slice(0, shape[1]), slice(76, 82))
    first, second = (
        acquire(shape, affine, part, _dressed(place, PEOPLE[label], signals), signals)
        for label in ("05", "06")
    )
    lesion = first.shares["lesion"]
    assert not second.shares["lesion"].any()
    for contrast, ill, well in zip(CONTRASTS, first.signals, second.signals, strict=True):
        assert np.array_equal(ill[lesion == 0], well[lesion == 0])
        inside = (ill - well)[lesion > 230]
        assert len(inside) > 30
        assert (np.sign(inside) == (1 if contrast == "FLAIR" else -1)).mean() > 0.99
    for tissue in ("gm", "wm", "inside"):
        assert np.array_equal(first.shares[tissue], second.shares[tissue])
    # Lesioned white matter is still white matter.
    assert np.all(lesion <= first.shares["wm"] + np.float32(1))  # it is rounded up


def _dressed(place, person, signals):
    return place._replace(brain=_people.make_brain(person, signals))


# ---------------------------------------------------------------- the reader's own tissues


def test_slices_with_frozen_tissues_are_those_of_the_files(core, place):
    part = np.s_[20:50, 40:80, 58:62]
    label = "01"
    made = practice.simulate(label, slices=part)
    raw = nib.load(core / f"sub-{label}" / "anat" / f"sub-{label}_T1w.nii.gz")
    there = raw.slicer[part]
    assert np.array_equal(data(made.images["T1w"]), data(there))
    assert np.allclose(made.images["T1w"].affine, there.affine, atol=1e-4)
    for tissue, img in made.fractions.items():
        true = nib.load(practice.truth_path(core, label, tissue)).slicer[part]
        assert np.allclose(data(img), data(true), atol=1e-6)


def test_a_longer_t1_of_grey_matter_darkens_grey_matter_alone(place):
    part = np.s_[:, :, 66:68]
    longer = {"GM": TISSUES["GM"]._replace(t1=2200)}
    before = practice.simulate("01", slices=part)
    after = practice.simulate("01", tissues=longer, slices=part)
    grey, white = (data(after.fractions[tissue]) > 0.99 for tissue in ("GM", "WM"))
    before, after = data(before.images["T1w"]), data(after.images["T1w"])
    assert np.median(after[white] - before[white]) == 0
    assert np.median(after[grey] / before[grey]) < 0.85


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"slices": np.s_[5:5, :, :]}, "holds nothing"),
        ({"contrasts": ("T2",)}, "choose one of T1w"),
        ({"tissues": {"grey": TISSUES["GM"]}}, "Unknown tissue grey"),
    ],
)
def test_what_cannot_be_simulated_is_refused(place, arguments, message):
    with pytest.raises(ValueError, match=message):
        practice.simulate("01", **arguments)


# ---------------------------------------------------------------- faults


def test_what_leaves_the_field_of_view_enters_on_the_other_side():
    volume = np.zeros((4, 10, 3), np.float32)
    volume[1, 1, 1], volume[2, 5, 2], volume[3, 9, 0] = 1, 2, 3
    folded = artefacts.wrap_around(volume, np.s_[0:4, 3:8, 0:3])
    assert folded.shape == (4, 5, 3)
    assert folded[1, 3, 1] == 1 and folded[2, 2, 2] == 2 and folded[3, 1, 0] == 3
    assert folded.sum() == 6


def test_motion_blurs_along_the_phase_encoding_axis_only():
    still, moved = np.zeros((2, 16, 16, 4), np.float32)
    still[6:10, 8], moved[6:10, 9] = 1, 1
    image = artefacts.move_between_lines([(0, still), (0.5, moved)])
    assert np.all(image[:6] < 1e-6) and np.all(image[10:] < 1e-6)
    assert np.count_nonzero(image[7, :, 0] > 0.02) > 4
    with pytest.raises(ValueError, match="start at 0"):
        artefacts.move_between_lines([(0.2, still)])


def small(person):
    """A person with a coarse grid, cheap enough for whole heads."""
    return person._replace(voxel_size=8.0)


def test_faults_change_the_t1w_alone_and_never_the_truth(place):
    person = small(PEOPLE["01"])
    subject = _dressed(place, person, [tissue_signals(c) for c in ("T1w", "T2w")])

    def scan(fault, **options):
        options = {"contrasts": ("T1w", "T2w"), "subject": subject, **options}
        return _scan.make_scan(person._replace(fault=fault), **options)

    clean, flipped, moved, wrapped = (scan(f) for f in ("", "flip", "motion", "wrap"))
    t1w, mask = data(clean.images["T1w"]), data(clean.brain_mask)
    assert np.array_equal(data(flipped.images["T1w"]), t1w[::-1])
    assert np.array_equal(flipped.images["T1w"].affine, clean.images["T1w"].affine)
    for other in (flipped, moved):
        assert np.array_equal(data(other.images["T2w"]), data(clean.images["T2w"]))
        assert np.array_equal(data(other.brain_mask), mask)
    inner = ndimage.binary_erosion(mask)
    noise = value("noise_T1w") * value("white_matter_units_T1w")
    assert (data(moved.images["T1w"]) - t1w)[inner].std() > noise  # the noise itself is the same
    # The brain stays in the field of view; what folds is outside it in the T2w.
    kept = _people.kept_by_wrap(person._replace(fault="wrap"), t1w.shape, clean.brain_mask.affine)
    assert np.array_equal(data(wrapped.brain_mask), mask[kept])
    assert wrapped.brain_mask.shape[1] == 23 and data(wrapped.brain_mask).sum() == mask.sum()
    added = data(wrapped.images["T1w"]) - t1w[kept]
    assert np.percentile(added[:, [0, -1]], 99) > 10 * noise
    assert abs(np.median(added[inner[kept]])) < noise
    subject = _dressed(place, person, [tissue_signals()])
    again = scan("motion", contrasts=("T1w",), subject=subject, rescan=True)
    assert abs(data(again.brain_mask).sum() / mask.sum() - 1) < 0.03
    assert not np.allclose(again.deformation.affine, clean.deformation.affine, atol=0.1)


# ---------------------------------------------------------------- structures and Jacobians


def test_structures_are_where_and_as_large_as_in_a_person():
    labels, template = structures.template_structures(), anatomy.load_template()
    litre = PEOPLE["01"].brain_volume_ml / template.volume_ml
    volume = {
        NAMES[i]: n * litre / 1000 for i, n in enumerate(np.bincount(labels.ravel())) if i and n
    }
    for side in ("Left", "Right"):
        # Ranges of healthy adults, wide enough for an average of 152 people.
        assert 2.8 < volume[f"{side}-Hippocampus"] < 4.6
        assert 1.1 < volume[f"{side}-Amygdala"] < 2.2
        assert 4.0 < volume[f"{side}-Lateral-Ventricle"] < 12
        assert 5.5 < volume[f"{side}-Thalamus"] < 9
        assert volume[f"{side}-Hippocampus"] == pytest.approx(volume["Left-Hippocampus"], rel=0.02)
    middle = {
        NAMES[i]: np.argwhere(labels == i).mean(axis=0) + template.affine[:3, 3]
        for i in np.unique(labels)[1:]
    }
    assert middle["Left-Hippocampus"][0] < -20 and middle["Right-Hippocampus"][0] > 20
    assert abs(middle["3rd-Ventricle"][0]) < 0.6
    assert middle["Left-Amygdala"][1] > middle["Left-Hippocampus"][1] + 10
    parts = structures.template_regions()
    assert np.array_equal(parts > 0, template.depth > 0) or (parts > 0)[template.depth > 0].all()


def test_jacobians_add_up_to_volumes_counted_in_the_scanner():
    """The person with the strongest flow, three structures, counted independently."""
    person = PEOPLE["04"]
    place = _people.make_place(person)
    shape, affine = _people.raw_grid(person, place.deformation)
    # Half of the field of view holds all of the three.
    part = tuple(slice(n // 4, n - n // 8) for n in shape)
    points = grid_points([p.stop - p.start for p in part], affine, [p.start for p in part])
    points = to_template(place.deformation, points)
    regions = _region(place, points.reshape(3, -1)).reshape(points.shape[1:])
    counted = small_volumes(affine, part, regions, place, (4, 17, 50, 53), 4)
    labels, template = structures.template_structures(), anatomy.load_template()
    for index in (4, 17, 50):
        inside = (np.argwhere(labels == index) + template.affine[:3, 3]).T.astype(np.float32)
        jacobian = jacobian_determinant(place.deformation, inside)
        assert jacobian.min() > 0
        assert jacobian.sum() == pytest.approx(counted[index], rel=0.01), NAMES[index]
        error = to_template(place.deformation, to_scanner(place.deformation, inside)) - inside
        assert np.linalg.norm(error, axis=0).max() < 0.25
    # A quarter less hippocampus than the head's size alone would give.
    size = np.linalg.det(place.deformation.affine[:3, :3])
    both = counted[17] + counted[53]
    expected = np.isin(labels, (17, 53)).sum() * size * np.exp(person.hippocampus_log_growth)
    assert both == pytest.approx(expected, rel=0.2)


def test_blocks_do_not_change_what_a_voxel_gets(place):
    person, signals = small(PEOPLE["01"]), [tissue_signals()]
    subject = _dressed(place, person, signals)
    shape, affine = _people.raw_grid(person, subject.deformation)
    whole = acquire(shape, affine, tuple(slice(0, n) for n in shape), subject, signals)
    part = np.s_[7:12, 3:20, 11:18]
    piece = acquire(shape, affine, part, subject, signals)
    assert np.array_equal(piece.signals[0], whole.signals[0][part])
    for name, share in piece.shares.items():
        assert np.array_equal(share, whole.shares[name][part])


# ---------------------------------------------------------------- what is written


def test_facts_and_tables_say_what_was_planted(core):
    facts = json.loads(practice.truth_path(core, "01", "facts").read_text())
    assert facts["Simulated"] and facts["BiasPercent"] == PEOPLE["01"].bias_percent
    assert facts["Fault"] == {"Kind": "none"} and facts["LesionVolumeMm3"] == 0
    assert facts["BrainVolumeMm3"] / 1000 == pytest.approx(PEOPLE["01"].brain_volume_ml, rel=0.02)
    lines = practice.truth_path(core, "01", "structure_volumes").read_text().splitlines()
    assert lines[0].split("\t") == ["index", "name", "template_mm3", "native_mm3"]
    table = {name: (index, float(native)) for index, name, _, native in map(str.split, lines[1:])}
    labels = data(nib.load(practice.truth_path(core, "01", "structures")))
    voxel = PEOPLE["01"].voxel_size ** 3
    for name in ("Left-Thalamus", "Brain-Stem", "Left-Cerebral-Cortex"):
        index, native = table[name]
        assert (labels == int(index)).sum() * voxel == pytest.approx(native, rel=0.08), name
    assert set(np.unique(labels).astype(int)) - {0} <= set(structures.STRUCTURES.values())


def test_frozen_faults_have_sources():
    assert all(FROZEN[name].source for name in ("motion_poses", "rescan_pose", "lesion_radius"))
