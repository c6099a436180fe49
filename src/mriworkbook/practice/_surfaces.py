"""Surfaces of one person on the mesh of fsaverage5, as fMRIPrep and FreeSurfer write them.

fsaverage5's white surface goes to the template by FreeSurfer's published matrix, then to the person
by the person's true map, and errs a little along its normal, as tools do. The pial surface stands
on it: at every vertex as far as the cortex is thick, in the direction in which the mapped pial
surface of fsaverage5 lies. Folds are therefore fsaverage5's: smooth averages that do not coincide
with the sulci of the images, which are drawn at random.
"""

from typing import NamedTuple

import nibabel as nib
import numpy as np

from mriworkbook.practice import _mesh
from mriworkbook.practice._fields import generator
from mriworkbook.practice._files import raw_path
from mriworkbook.practice._freesurfer_files import (
    annotation_table,
    cube_geometry,
    write_morphometry,
    write_surface,
)
from mriworkbook.practice._mapping import load_mapping, to_image
from mriworkbook.practice._thickness import person_thickness
from mriworkbook.practice.parameters import PEOPLE, value
from mriworkbook.practice.regions import surface_labels

# sulc of nilearn's fsaverage5 is in cm, FreeSurfer's own in mm.
SULC_TO_MM = 10.0
# Coordinates in steps of 1/64 mm leave zeros in the mantissa, which gzip can use.
STEP = 1 / 64


class Surfaces(NamedTuple):
    """One hemisphere of a person: points (10242, 3) in mm of the T1w, maps (10242,) in mm."""

    white: np.ndarray
    pial: np.ndarray
    midthickness: np.ndarray
    inflated: np.ndarray
    faces: np.ndarray
    thickness: np.ndarray
    sulc: np.ndarray


def person_surfaces(person, mapping, hemi):
    """Surfaces of one hemisphere.

    Parameters
    ----------
    person : parameters.Person
    mapping : _mapping.Mapping
    hemi : {"L", "R"}

    Returns
    -------
    Surfaces
    """
    mesh = _mesh.template_mesh(hemi)
    white, pial = (to_image(mapping, points.T).T for points in (mesh.white, mesh.pial))
    edge, normals = _mesh.edge_length(white, mesh.faces), _mesh.vertex_normals(white, mesh.faces)
    rng = generator(person.number, f"surface {hemi}")
    error = _mesh.smooth(
        rng.standard_normal(len(white)), mesh.faces, value("surface_error_sigma"), edge
    )
    outwards = _directions(white, pial, normals)
    white = white + value("surface_error_sd") * (error / error.std())[:, None] * normals
    thickness = person_thickness(person, hemi, edge)
    pial = white + thickness[:, None] * outwards
    grown = _mesh.vertex_areas(white, mesh.faces).sum()
    # Inflation keeps the area (Fischl 1999, 10.1006/nimg.1998.0396); depth grows with the head.
    inflated = mesh.inflated - mesh.inflated.mean(axis=0)
    inflated *= np.sqrt(grown / _mesh.vertex_areas(inflated, mesh.faces).sum())
    size = np.sqrt(grown / _mesh.vertex_areas(mesh.white, mesh.faces).sum())
    white, pial, middle, inflated = (
        np.round(points / STEP) * STEP for points in (white, pial, (white + pial) / 2, inflated)
    )
    sulc = mesh.sulc * SULC_TO_MM * size
    thickness = np.linalg.norm(pial - white, axis=1)
    return Surfaces(white, pial, middle, inflated, mesh.faces, thickness, sulc)


def _directions(white, pial, normals):
    """Unit vectors from white to pial; the normal where fsaverage5's surfaces meet."""
    ways = pial - white
    length = np.linalg.norm(ways, axis=1, keepdims=True)
    return np.where(length > 0.1, ways / np.maximum(length, 0.1), normals)


_GIFTI = {
    "white": ("GrayWhite", "Anatomical"),
    "pial": ("Pial", "Anatomical"),
    "midthickness": ("MidThickness", "Anatomical"),
    "inflated": ("", "Inflated"),
}
_TEXTS = {
    "white": "border of grey and white matter",
    "pial": "outer border of the cortex",
    "midthickness": "half-way between the white and the pial surface",
    "inflated": "fsaverage5's inflated shape with the area of the white surface, centred on 0",
}

_HONEST = (
    "The mesh and its folds are fsaverage5's, moved by the person's true map with a small error; "
    "they do not coincide with the sulci of the image."
)


def gifti_surface(points, faces, hemi, kind):
    """Surface with the metadata that fMRIPrep and Workbench expect.

    Parameters
    ----------
    points : ndarray (n, 3)
        RAS+ mm.
    faces : ndarray (m, 3)
    hemi : {"L", "R"}
    kind : {"white", "pial", "midthickness", "inflated"}

    Returns
    -------
    GiftiImage
    """
    secondary, geometry = _GIFTI[kind]
    structure = "Cortex" + _mesh.HEMISPHERES[hemi].capitalize()
    about = {
        "AnatomicalStructurePrimary": structure,
        "AnatomicalStructureSecondary": secondary,
        "GeometricType": geometry,
    }
    about = {key: text for key, text in about.items() if text}
    scanner = "NIFTI_XFORM_UNKNOWN" if kind == "inflated" else "NIFTI_XFORM_SCANNER_ANAT"
    arrays = (
        (points.astype(np.float32), "NIFTI_INTENT_POINTSET", "NIFTI_TYPE_FLOAT32", about),
        (
            faces.astype(np.int32),
            "NIFTI_INTENT_TRIANGLE",
            "NIFTI_TYPE_INT32",
            {"TopologicalType": "Closed"},
        ),
    )
    # In the file itself: BIDS knows no sidecar of a surface.
    text = f"Simulated: {_TEXTS[kind]}. {_HONEST}"
    img = nib.gifti.GiftiImage(meta=nib.gifti.GiftiMetaData({"Description": text}))
    for data, intent, datatype, meta in arrays:
        img.add_gifti_data_array(
            nib.gifti.GiftiDataArray(
                data,
                intent=intent,
                datatype=datatype,
                coordsys=nib.gifti.GiftiCoordSystem(scanner, scanner),
                meta=nib.gifti.GiftiMetaData(meta),
            )
        )
    return img


def write_surfaces(root, label):
    """Write one person's surfaces: GIFTI for fMRIPrep, binary files and labels for FreeSurfer."""
    person, mapping = PEOPLE[label], load_mapping(root, label)
    anat = root / "derivatives" / "fmriprep" / f"sub-{label}" / "anat"
    subject = root / "derivatives" / "freesurfer" / f"sub-{label}"
    for folder in (anat, subject / "surf", subject / "label"):
        folder.mkdir(parents=True, exist_ok=True)
    geometry = cube_geometry(nib.load(raw_path(root, label)), person.voxel_size)
    for hemi in _mesh.HEMISPHERES:
        surfaces = person_surfaces(person, mapping, hemi)
        for kind in _TEXTS:
            path = anat / f"sub-{label}_hemi-{hemi}_{kind}.surf.gii"
            img = gifti_surface(getattr(surfaces, kind), surfaces.faces, hemi, kind)
            path.write_bytes(img.to_bytes())
        _write_freesurfer_surfaces(subject, hemi, surfaces, geometry)


def _write_freesurfer_surfaces(subject, hemi, surfaces, geometry):
    """surf/ and label/ of one hemisphere."""
    side = f"{hemi.lower()}h"
    for kind in ("white", "pial"):
        points = getattr(surfaces, kind) - geometry["cras"]
        write_surface(subject / "surf" / f"{side}.{kind}", points, surfaces.faces, geometry)
    for kind in ("thickness", "sulc"):
        path = subject / "surf" / f"{side}.{kind}"
        write_morphometry(path, getattr(surfaces, kind), len(surfaces.faces))
    colours, names = annotation_table()
    nib.freesurfer.write_annot(
        subject / "label" / f"{side}.practice.annot",
        surface_labels(hemi).astype(int),
        colours,
        names,
        fill_ctab=True,
    )
