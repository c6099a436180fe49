"""parcellation: labels keep number, name and place, and what does not fit is refused or told."""

import socket
import subprocess
import sys
import types
import warnings
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nilearn import datasets, image
from nilearn.maskers import NiftiLabelsMasker

from mriworkbook import parcellation
from mriworkbook.parcellation import (
    SpaceWarning,
    atlas_is_here,
    check_space,
    label_image,
    load_atlas,
    practice_parcellation,
    space_of,
)

LUT = pd.DataFrame({"index": [0, 10, 2401], "name": ["Background", "one", "two"]})


def atlas(affine=None, numbers=(0, 10, 2401), dtype=np.int16):
    """Three slabs across the first axis."""
    labels = np.repeat(numbers, 4 * 8 * 9).reshape(12, 8, 9).astype(dtype)
    return nib.Nifti1Image(labels, np.diag([3.0, 2, 2, 1]) if affine is None else affine)


class TestLoadAtlas:
    def test_labels_and_grid_stay(self, tmp_path):
        path = tmp_path / "atlas.nii.gz"
        img = atlas()
        img.to_filename(path)
        opened = load_atlas(path, LUT)
        np.testing.assert_array_equal(opened.dataobj, img.dataobj)
        np.testing.assert_array_equal(opened.affine, img.affine)

    def test_floats_that_are_whole_become_integers(self):
        assert load_atlas(atlas(dtype=np.float32)).get_data_dtype() == np.int16

    def test_without_qform_and_sform_nobody_knows_the_place(self, tmp_path):
        path = tmp_path / "lost.nii.gz"
        nib.Nifti1Image(np.asarray(atlas().dataobj), None).to_filename(path)
        with pytest.raises(ValueError, match=r"lost\.nii\.gz: neither qform nor sform is set"):
            load_atlas(path)

    def test_interpolated_labels_are_refused(self):
        soft = image.smooth_img(atlas(dtype=np.float32), 4)
        with pytest.raises(ValueError, match=r"no whole numbers.*\n?.*interpolation='nearest'"):
            load_atlas(soft)

    @pytest.mark.parametrize(
        ("lut", "word"),
        [
            (LUT.iloc[:2], r"1 labels have no name .*\(2401\)"),
            (pd.concat([LUT, LUT.iloc[1:2]]), "10 stand in it twice"),
            (LUT.rename(columns={"index": "id"}), "expected the columns index and name"),
            (LUT.assign(name=LUT["name"].iloc[-1]), "stand in it twice. Which row"),
            (LUT.assign(name=None), "rows lack a whole number or a name, the first is row 0"),
            (LUT.assign(index=LUT["index"] + 0.4), "rows lack a whole number or a name"),
        ],
    )
    def test_a_table_of_another_version(self, lut, word):
        with pytest.raises(ValueError, match=word):
            load_atlas(atlas(), lut)

    def test_a_table_that_was_not_read(self):
        with pytest.raises(TypeError, match=r"DataFrame, got dict. Read the file: pd.read_csv"):
            load_atlas(atlas(), {"index": [0], "name": ["Background"]})

    def test_numbers_as_text_are_read(self):
        assert load_atlas(atlas(), LUT.astype({"index": str})).shape == (12, 8, 9)

    def test_a_missing_file_is_named(self):
        with pytest.raises(FileNotFoundError, match=r"no-such\.nii"):
            load_atlas("no-such.nii")

    def test_a_probabilistic_atlas_is_no_image_of_labels(self):
        with pytest.raises(ValueError, match="expected 3 axes"):
            load_atlas(nib.Nifti1Image(np.zeros((4, 4, 4, 2), np.float32), np.eye(4)))


rotations = st.tuples(*[st.floats(-0.6, 0.6)] * 3)
zooms = st.tuples(*[st.sampled_from([1.0, 1.7, 4.0, -2.0])] * 3)


@settings(max_examples=15, deadline=None)
@given(rotations, zooms)
def test_oblique_uneven_and_flipped_grids_keep_every_region_in_its_place(angles, steps):
    turn = nib.eulerangles.euler2mat(*angles)
    affine = nib.affines.from_matvec(turn @ np.diag(steps), (5, -7, 11))
    opened = load_atlas(atlas(affine), LUT)
    # A map whose value is the atlas's own first voxel axis: its mean in a slab is known.
    ramp = np.broadcast_to(np.arange(12.0)[:, None, None], opened.shape).astype(np.float32)
    masker = NiftiLabelsMasker(opened, lut=LUT, standardize=None, resampling_target=None)
    means = masker.fit_transform(nib.Nifti1Image(ramp, affine))
    np.testing.assert_allclose(means, [5.5, 9.5])
    # On an upright grid each voxel says the label of the slab that its place lies in.
    upright = image.resample_img(opened, np.diag([1.3] * 3), interpolation="nearest")
    found = np.argwhere(image.get_data(upright) == 10)
    back = nib.affines.apply_affine(np.linalg.inv(affine) @ upright.affine, found)
    assert len(found)
    assert ((back[:, 0] > 3.49) & (back[:, 0] < 7.51)).all()


class TestLabelImage:
    @pytest.mark.parametrize(
        ("high", "dtype"), [(255, "uint8"), (256, "int16"), (32767, "int16"), (32768, "int32")]
    )
    def test_the_smallest_type_that_holds_all(self, high, dtype):
        img = label_image(np.full((2, 2, 2), high), nib.Nifti1Image(np.ones((2, 2, 2)), np.eye(4)))
        assert img.get_data_dtype() == dtype

    @settings(max_examples=25, deadline=None)
    @given(
        st.lists(st.integers(0, 2**31 - 1), min_size=8, max_size=8),
        st.sampled_from(["int64", "float64", "uint32"]),
    )
    def test_what_goes_in_comes_out_of_the_file(self, numbers, dtype):
        labels = np.array(numbers, dtype).reshape(2, 2, 2)
        img = label_image(labels, nib.Nifti1Image(np.ones((2, 2, 2)), np.eye(4)))
        again = nib.Nifti1Image.from_bytes(img.to_bytes())
        np.testing.assert_array_equal(np.asarray(again.dataobj), labels)

    def test_a_byte_is_refused_and_not_wrapped(self):
        with pytest.raises(ValueError, match=r"largest is 2401, but uint8 ends at 255 .* into 97"):
            label_image(np.asarray(atlas().dataobj), atlas(), dtype="uint8")

    @pytest.mark.parametrize(
        ("labels", "word"),
        [
            (np.full((12, 8, 9), -1), "begin at 0"),
            (np.full((12, 8, 9), 0.5), "no whole numbers"),
            (np.full((12, 8, 9), 2**40), "int32 ends at"),
            (np.zeros((12, 8)), "expected the shape"),
        ],
    )
    def test_what_is_no_label(self, labels, word):
        with pytest.raises(ValueError, match=word):
            label_image(labels, atlas())

    def test_the_place_is_kept(self):
        like = atlas()
        like.set_sform(like.affine, 4)
        made = label_image(np.asarray(like.dataobj), like)
        assert made.header["sform_code"] == 4
        np.testing.assert_array_equal(made.affine, like.affine)


class TestSpaces:
    @pytest.mark.parametrize(
        ("name", "space"),
        [
            (
                "sub-01_space-MNI152NLin2009cAsym_res-2_desc-preproc_T1w.nii.gz",
                "MNI152NLin2009cAsym",
            ),
            ("derivatives/tpl-fsaverage5_hemi-L_atlas-practice_dseg.label.gii", "fsaverage5"),
            ("sub-01_desc-preproc_T1w.nii.gz", "native to sub-01"),
            ("sub-01_task-rest_space-T1w_desc-preproc_bold.nii.gz", "native to sub-01"),
            ("sub-01_task-rest_desc-preproc_bold.nii.gz", "native to sub-01's BOLD"),
            (
                "sub-7_space-MNIPediatricAsym_cohort-6_desc-brain_mask.nii.gz",
                "MNIPediatricAsym cohort-6",
            ),
        ],
    )
    def test_from_the_name(self, name, space):
        assert space_of(name) == space

    def test_a_name_that_says_nothing(self):
        with pytest.raises(ValueError, match=r"AAL\.nii: .*atlas\.template"):
            space_of(Path("atlas") / "AAL.nii")

    @pytest.mark.parametrize(
        ("spaces", "advice"),
        [
            (("MNIColin27", "MNI152NLin2009cAsym"), "register the two"),
            (("MNI152NLin6Asym", "native to sub-01"), "through the transform"),
            (("native to sub-02", "native to sub-01"), "through the transform"),
        ],
    )
    def test_a_difference_is_told_with_both_names(self, spaces, advice):
        with pytest.warns(SpaceWarning, match=rf"{spaces[0]}.*{spaces[1]}(.|\n)*{advice}"):
            check_space(*spaces)

    def test_the_same_space_is_silent(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            check_space("native to sub-01", "native to sub-01")

    def test_two_spaces_with_one_grid_are_still_two(self, practice_core):
        """What a comparison of grids cannot find, the names do."""
        anat = practice_core / "derivatives" / "fmriprep" / "sub-01" / "anat"
        native = anat / "sub-01_desc-brain_mask.nii.gz"
        labels = next(practice_core.glob("derivatives/parcellation/*/*res-2_dseg.nii.gz"))
        onto = image.resample_to_img(str(labels), str(native), interpolation="nearest")
        assert np.allclose(onto.affine, nib.load(native).affine)
        with pytest.warns(SpaceWarning, match=r"MNI152NLin2009aSym.*native"):
            check_space(space_of(labels), space_of(native))


class TestPracticeParcellation:
    @pytest.fixture
    def real_study(self, tmp_path):
        return types.SimpleNamespace(
            simulated=False, memory=types.SimpleNamespace(location=str(tmp_path))
        )

    def test_a_real_study_gets_the_same_as_the_practice_study(self, real_study, practice_core):
        folder = practice_parcellation(real_study)
        theirs = practice_core / "derivatives" / "parcellation"
        names = sorted(path.relative_to(theirs) for path in theirs.glob("tpl-*/*"))
        assert sorted(path.relative_to(folder) for path in folder.glob("tpl-*/*")) == names
        for name in names:
            if name.suffix == ".gz":
                a, b = (np.asarray(nib.load(place / name).dataobj) for place in (folder, theirs))
                np.testing.assert_array_equal(a, b)
        stamp = folder.stat().st_mtime_ns
        assert practice_parcellation(real_study).stat().st_mtime_ns == stamp

    def test_another_notebook_may_be_faster(self, real_study, monkeypatch):
        from mriworkbook.practice import _parcellation

        root = Path(real_study.memory.location) / "parcellation"

        def write(making):
            (making / "mine").touch()
            root.mkdir()
            (root / "theirs").touch()

        monkeypatch.setattr(_parcellation, "write_parcellation", write)
        practice_parcellation(real_study)
        assert [path.name for path in root.iterdir()] == ["theirs"]
        assert [path.name for path in root.parent.iterdir()] == ["parcellation"]

    def test_a_run_that_fails_leaves_nothing(self, real_study, monkeypatch):
        from mriworkbook.practice import _parcellation

        def write(making):
            (making / "half").touch()
            raise OSError("disk full")

        monkeypatch.setattr(_parcellation, "write_parcellation", write)
        with pytest.raises(OSError, match="disk full"):
            practice_parcellation(real_study)
        assert not list(Path(real_study.memory.location).iterdir())


@pytest.fixture(scope="module")
def atlases(real_data, tmp_path_factory):
    """Data root with the published atlases."""
    root = tmp_path_factory.mktemp("data")
    program = Path(sys.executable).with_name("mriworkbook")
    command = [program, "data", "get", "atlases", "--mirror", real_data]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MRIWORKBOOK_DATA", str(root))
        subprocess.run(command, check=True, capture_output=True)
    return root


class TestPublishedAtlases:
    @pytest.fixture
    def offline(self, monkeypatch):
        def refuse(*_args, **_kwargs):
            raise AssertionError("the fetcher went to the network")

        monkeypatch.setattr(socket, "create_connection", refuse)

    def test_absent_says_the_command(self, tmp_path, monkeypatch, capsys):
        monkeypatch.setenv("MRIWORKBOOK_DATA", str(tmp_path))
        assert not atlas_is_here("destrieux")
        said = capsys.readouterr().out
        assert said.count("\n") == 1
        assert "mriworkbook data get atlases --subset destrieux" in said

    def test_half_an_atlas_is_none(self, tmp_path, monkeypatch, capsys):
        monkeypatch.setenv("MRIWORKBOOK_DATA", str(tmp_path))
        left = parcellation.study_folder("atlases") / "destrieux_surface/left.aparc.a2009s.annot"
        left.parent.mkdir(parents=True)
        left.touch()
        assert not atlas_is_here("destrieux")

    def test_what_is_here_opens_without_network(self, atlases, monkeypatch, capsys, offline):
        monkeypatch.setenv("MRIWORKBOOK_DATA", str(atlases))
        folder = parcellation.study_folder("atlases")
        for part in ["aal", "destrieux", "harvard-oxford", "yeo2011"]:
            assert atlas_is_here(part)
        assert not capsys.readouterr().out
        aal = datasets.fetch_atlas_aal(version="SPM12", data_dir=folder, verbose=0)
        opened = load_atlas(aal.maps, aal.lut)
        assert opened.shape == (91, 109, 91)
        assert opened.get_data_dtype() == np.int16
        number = aal.lut.loc[aal.lut["name"] == "Supp_Motor_Area_L", "index"].item()
        assert number == 2401 != aal.labels.index("Supp_Motor_Area_L")
        with pytest.warns(SpaceWarning, match=r"MNIColin27.*MNI152NLin2009cAsym"):
            check_space(aal.template, "MNI152NLin2009cAsym")
        destrieux = datasets.fetch_atlas_surf_destrieux(data_dir=folder, verbose=0)
        assert len({*destrieux.labels} - {"Unknown", "Medial_wall"}) == 74
        assert isinstance(destrieux.labels[0], str)

    def test_aomic_labels_beyond_255_open_whole(self, real_data):
        path = real_data / "aomic/derivatives/freesurfer/sub-0001/mri/aparc.a2009s+aseg.mgz"
        opened = load_atlas(path)
        assert int(np.asarray(opened.dataobj).max()) > 12000
        np.testing.assert_array_equal(opened.dataobj, nib.load(path).dataobj)
