"""Each known mistake in the parcellation exercises gets a hint of its own."""

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn import image
from nilearn.datasets import load_mni152_template
from nilearn.surface import InMemoryMesh, PolyMesh, SurfaceImage

from mriworkbook.exercises import check, choices

QUIZZES = ["smri-05-space", "smri-05-threshold"]
RNG = np.random.default_rng(0)


def hint(verdict):
    assert verdict.status == "not yet", verdict
    return verdict.hint


@pytest.mark.parametrize("label", QUIZZES)
def test_a_quiz_has_one_right_choice_and_something_to_say_to_every_other(label):
    verdicts = {key: check(label, key) for key in choices(label)}
    right = [key for key, verdict in verdicts.items() if verdict.status == "correct"]
    assert len(right) == 1
    assert len({repr(verdict) for verdict in verdicts.values()}) == len(verdicts)


def test_one_half_is_not_the_threshold():
    assert "how many voxels have none" in hint(check("smri-05-threshold", "a"))


class TestByName:
    LABEL = "smri-05-by-name"

    @pytest.fixture
    def scene(self):
        """Four structures of 2 mm voxels; numbers with gaps, in another order than the rows."""
        labels = np.repeat([0, 53, 10, 17, 4], 20).reshape(5, 4, 5).astype(np.uint8)
        lut = pd.DataFrame({"index": [4, 10, 17, 53], "name": ["LV", "Thal", "L-Hip", "R-Hip"]})
        img = nib.Nifti1Image(labels, np.diag([2.0, 2, 2, 1]))
        return {"labels_img": img, "lut": lut, "name": "R-Hip"}

    def ask(self, scene, index=53, mask=None):
        made = image.math_img("img == 53", img=scene["labels_img"]) if mask is None else mask
        return check(self.LABEL, index, made, **scene)

    def test_the_right_answer(self, scene):
        verdict = self.ask(scene)
        assert verdict.status == "correct"
        assert "20 voxels of this image: 0.2 mL" in verdict.message

    def test_a_number_of_numpy_is_right_too(self, scene):
        index = scene["lut"].loc[scene["lut"]["name"] == "R-Hip", "index"].item()
        assert self.ask(scene, np.int64(index)).status == "correct"

    @pytest.mark.parametrize(
        ("index", "word"),
        [
            (3, "counted rows"),
            (17, "17 is L-Hip"),
            (99, "No region"),
            ("R-Hip", "one whole number"),
            (pd.Series([53]), "one whole number"),
        ],
    )
    def test_wrong_numbers(self, scene, index, word):
        assert word in hint(self.ask(scene, index))

    @pytest.mark.parametrize(
        ("formula", "word"),
        [
            ("img == 17", "17 is L-Hip"),
            ("img * (img == 53)", "do not multiply"),
            ("img == 3", "empty"),
            ("img >= 17", "2 different labels"),
        ],
    )
    def test_wrong_masks(self, scene, formula, word):
        mask = image.math_img(formula, img=scene["labels_img"])
        assert word in hint(self.ask(scene, mask=mask))

    def test_an_array_has_lost_the_affine(self, scene):
        array = image.get_data(scene["labels_img"]) == 53
        assert "lost the affine" in hint(self.ask(scene, mask=array))

    def test_another_grid(self, scene):
        mask = image.math_img("img == 53", img=scene["labels_img"])
        moved = nib.Nifti1Image(image.get_data(mask), np.eye(4))
        assert "own grid" in hint(self.ask(scene, mask=moved))

    def test_blanks(self, scene):
        assert check(self.LABEL, ..., ..., **scene).status == "not attempted"


class TestOntoGrid:
    LABEL = "smri-05-onto-grid"

    @pytest.fixture
    def scene(self):
        """Twelve slabs of 2 mm voxels, numbered out of order, and a grid of 2.6 mm."""
        numbers = RNG.permutation(np.arange(1, 13)) * 7
        labels = np.repeat(numbers, 3 * 24 * 24).reshape(36, 24, 24).astype(np.int16)
        labels[:, :4] = 0
        img = nib.Nifti1Image(labels, np.diag([2.0, 2, 2, 1]))
        scan = nib.Nifti1Image(RNG.random(labels.shape).astype(np.float32), img.affine)
        return {"labels_img": img, "target": image.resample_img(scan, 2.6 * np.eye(3))}

    def moved(self, scene, way):
        floats = image.math_img("img.astype('float32')", img=scene["labels_img"])
        return image.resample_to_img(floats, scene["target"], interpolation=way)

    def ask(self, scene, moved):
        return check(self.LABEL, moved, **scene)

    def test_the_right_answer(self, scene):
        verdict = self.ask(
            scene,
            image.resample_to_img(scene["labels_img"], scene["target"], interpolation="nearest"),
        )
        assert verdict.status == "correct"
        assert "12 regions arrive" in verdict.message

    @pytest.mark.parametrize("way", ["linear", "continuous"])
    def test_interpolated(self, scene, way):
        moved = self.moved(scene, way)
        assert "no whole numbers" in hint(self.ask(scene, moved))
        assert "only copies" in hint(self.ask(scene, image.math_img("np.rint(img)", img=moved)))

    def test_linear_on_integers_gives_whole_numbers_and_is_found_all_the_same(self, scene):
        moved = image.resample_to_img(scene["labels_img"], scene["target"], interpolation="linear")
        data = np.asarray(moved.dataobj)
        assert np.array_equal(data, np.round(data))
        assert "only copies" in hint(self.ask(scene, moved))

    @pytest.mark.parametrize(
        ("way", "word"), [("linear", "only copies"), ("continuous", "no whole numbers")]
    )
    @pytest.mark.filterwarnings("ignore:Casting data")
    def test_the_grid_of_the_page_tells_interpolation_apart(self, practice_core, way, word):
        """On a grid whose voxels fall on those of the atlas nothing would be interpolated."""
        (atlas,) = practice_core.glob("derivatives/parcellation/tpl-MNI*/*_res-2_dseg.nii.gz")
        text = (Path(__file__).parents[2] / "notebooks" / "smri-05-parcellation.md").read_text()
        cell = text[text.index("grid = np.diag([4.0") :]
        scope = {"np": np, "image": image, "template": load_mni152_template(resolution=2)}
        exec(cell[: cell.index("print(")], scope)
        scene = {"labels_img": image.load_img(atlas), "target": scope["coarse"]}
        moved = image.resample_to_img(scene["labels_img"], scene["target"], interpolation=way)
        assert word in hint(self.ask(scene, moved))
        right = image.resample_to_img(atlas, scene["target"], interpolation="nearest")
        assert "too small for this grid" in self.ask(scene, right).message

    def test_the_wrong_way_round(self, scene):
        moved = image.resample_to_img(scene["target"], scene["labels_img"], interpolation="nearest")
        assert "Which one is to move" in hint(self.ask(scene, moved))

    def test_another_grid_or_no_image(self, scene):
        other = image.resample_img(
            scene["labels_img"], np.diag([5.0, 5, 5]), interpolation="nearest"
        )
        assert "grid of `target`" in hint(self.ask(scene, other))
        assert "gives an image" in hint(self.ask(scene, image.get_data(other)))

    def test_nearly(self, scene):
        moved = self.moved(scene, "nearest")
        image.get_data(moved)[-1, -1, -1] += 7
        assert "Nearly" in hint(self.ask(scene, moved))

    def test_blanks(self, scene):
        assert self.ask(scene, ...).status == "not attempted"


class TestPrecuneus:
    LABEL = "smri-05-precuneus"

    @pytest.fixture
    def scene(self):
        """Two hemispheres with one table; a region is elsewhere on each side, as in Destrieux."""
        mesh = InMemoryMesh(RNG.random((12, 3)), RNG.integers(0, 12, (6, 3)))
        left, right = np.repeat([0, 9, 30, 42], 3), np.repeat([30, 42, 9, 0], 3)
        parcels = SurfaceImage(PolyMesh(mesh, mesh), {"left": left, "right": right})
        lut = pd.DataFrame({"index": [0, 42, 9, 30], "name": ["Unknown", "Wall", "PCC", "PreC"]})
        return {"parcels": parcels, "lut": lut, "name": "PreC", "shown": "PCC"}

    def ask(self, scene, index=30, roi=None, hemi="right"):
        right = scene["parcels"].data.parts["right"]
        return check(self.LABEL, index, right == index if roi is None else roi, hemi, **scene)

    def test_the_right_answer(self, scene):
        assert self.ask(scene).status == "correct"
        assert self.ask(scene, roi=np.repeat([1, 0, 0, 0], 3)).status == "correct"

    def test_only_the_hemisphere_was_changed(self, scene):
        assert "not the region" in hint(self.ask(scene, index=9))

    def test_only_the_region_was_changed(self, scene):
        left = scene["parcels"].data.parts["left"] == 30
        assert "not the hemisphere" in hint(self.ask(scene, roi=left))
        assert "not the hemisphere" in hint(self.ask(scene, roi=left, hemi="left"))

    def test_right_vertices_on_the_left_mesh(self, scene):
        assert "other places" in hint(self.ask(scene, hemi="left"))

    def test_a_region_that_the_left_map_lacks(self, scene):
        """As in the practice parcellation, whose names are those of one hemisphere."""
        scene["parcels"].data.parts["left"][6:9] = 0
        assert "you took the left map" in hint(self.ask(scene, roi=np.zeros(12, int)))

    @pytest.mark.parametrize(
        ("answer", "word"),
        [
            ({"index": 3, "roi": np.zeros(12)}, "counted rows"),
            ({"roi": np.repeat([30, 0, 0, 0], 3)}, "compare with =="),
            ({"roi": np.zeros(24)}, "shape (24,)"),
            ({"roi": np.repeat([0, 1, 0, 0], 3)}, "right hemisphere with `index`"),
            ({"hemi": "rh"}, "as nilearn writes it"),
            ({"hemi": np.array(["right"])}, "as nilearn writes it"),
        ],
    )
    def test_known_mistakes(self, scene, answer, word):
        assert word in hint(self.ask(scene, **answer))

    def test_both_hemispheres_at_once(self, scene):
        assert "array of one hemisphere" in hint(self.ask(scene, roi=scene["parcels"]))

    def test_blanks(self, scene):
        assert check(self.LABEL, ..., ..., ..., **scene).status == "not attempted"
