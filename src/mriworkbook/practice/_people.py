"""Who lies in the scanner: deformation, head, brain and place of one person."""

import numpy as np
from nibabel.orientations import axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform

from mriworkbook.practice import anatomy, structures
from mriworkbook.practice._deformation import make_deformation, rotation, to_scanner
from mriworkbook.practice._head import make_head
from mriworkbook.practice._lesions import lesion_map
from mriworkbook.practice._sampling import Subject
from mriworkbook.practice.parameters import value

FIELD_OF_VIEW = (184.0, 256.0, 240.0)  # mm: left-right, back-front, bottom-top


def make_subject(person, signals):
    """One person with brain signals for some contrasts.

    Parameters
    ----------
    person : parameters.Person
    signals : list of dict of str to float
        See `anatomy.make_brain`.

    Returns
    -------
    _sampling.Subject
    """
    return make_place(person)._replace(brain=make_brain(person, signals))


def make_place(person):
    """One person without a brain (None): what no tissue parameter changes."""
    template, labels = anatomy.load_template(), structures.template_structures()
    deformation = make_deformation(person, template, np.isin(labels, (17, 53)))
    return Subject(deformation, make_head(person, template), None, structures.template_regions())


def make_brain(person, signals):
    """`anatomy.make_brain` with the person's lesions."""
    template = anatomy.load_template()
    lesions = lesion_map(person, template, structures.template_structures())
    return anatomy.make_brain(person, template, signals, lesions)


def raw_grid(person, deformation):
    """Shape and affine of the raw image: own storage order, slightly oblique."""
    shape = np.round(np.array(FIELD_OF_VIEW) / person.voxel_size).astype(int)
    ras = np.eye(4)
    ras[:3, :3] = rotation(person.grid_rotation) * person.voxel_size
    # The crown comes to lie 8 mm below the top of the field of view.
    crown, middle = np.array([[0, -15, 97.0], [0, -6, 0.0]])
    top, centre = to_scanner(deformation, np.stack([crown, middle], axis=1)).T
    centre = np.array([centre[0], centre[1], top[2] + 8 - FIELD_OF_VIEW[2] / 2])
    ras[:3, 3] = centre - ras[:3, :3] @ ((shape - 1) / 2)
    turn = ornt_transform(io_orientation(ras), axcodes2ornt(person.orientation))
    affine = ras @ inv_ornt_aff(turn, shape)
    stored = np.empty(3, int)
    stored[turn[:, 0].astype(int)] = shape
    return tuple(int(n) for n in stored), affine


def moved(deformation, affine, shape, pose):
    """The deformation of a person whose head has moved since.

    Parameters
    ----------
    deformation : Deformation
    affine, shape
        The raw grid; the head turns about its middle.
    pose : tuple
        Rotation in degrees and shift in mm, scanner axes.

    Returns
    -------
    Deformation
    """
    rigid = pose_matrix(affine, shape, pose)
    return deformation._replace(affine=rigid @ deformation.affine)


def pose_matrix(affine, shape, pose):
    """4 x 4 matrix of a rigid movement about the middle of a grid."""
    turn, shift = pose
    middle = affine @ [*((np.array(shape) - 1) / 2), 1]
    rigid = np.eye(4)
    rigid[:3, :3] = rotation(turn)
    rigid[:3, 3] = middle[:3] - rigid[:3, :3] @ middle[:3] + shift
    return rigid


def front_back_axis(affine):
    """Number of the array axis that runs between front and back."""
    return int(np.flatnonzero(io_orientation(affine)[:, 0] == 1)[0])


def kept_by_wrap(person, shape, affine):
    """The part of the whole grid that a person's field of view keeps, as three slices."""
    part = [slice(0, n) for n in shape]
    if person.fault == "wrap":
        axis = front_back_axis(affine)
        n = round(value("wrap_field_of_view") / person.voxel_size)
        back = round(value("wrap_field_shift") / person.voxel_size * np.sign(affine[1, axis]))
        first = (shape[axis] - n) // 2 - back
        part[axis] = slice(first, first + n)
    return tuple(part)
