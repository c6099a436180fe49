"""What the practice study says of itself: README, descriptions, table of people, ignored names.

The texts fit what is there, so every stage writes them anew.
"""

from mriworkbook.practice._files import description, write_json
from mriworkbook.practice.parameters import PEOPLE

NAME = "MRI Workbook practice study (simulated)"
# Derivative data sets, and names in them that those tools write but the validator does not know:
# the first two lines fMRIPrep writes itself, the folders are those of FreeSurfer's recon-all.
PIPELINES = {
    "fmriprep": ("fMRIPrep-like simulation", ["*_xfm.*", "*.surf.gii", "*.shape.gii"]),
    "freesurfer": (
        "FreeSurfer-like simulation",
        [f"sub-*/{folder}" for folder in ("mri", "stats", "surf", "label")],
    ),
}
# What BIDS has no words for lies in plain folders, each with a README.
PLAIN = {
    "truth": "what is true about the people of the practice study, voxel by voxel.",
    "fs_stats": "tables of a cohort, in the form of FreeSurfer's aparcstats2table.",
    "vbm": "grey-matter maps and Jacobian determinants of a cohort.",
}

README = """\
Everything in this data set is simulated. No person was scanned.

The practice study of the MRI Workbook: heads of {people} invented people. Tissue maps of the
ICBM 2009a nonlinear symmetric template (Fonov et al. 2011, doi:10.1016/j.neuroimage.2010.07.033)
were folded and sharpened into one anatomy each, put into heads, moved by known diffeomorphisms,
and given signal, intensity non-uniformity and noise. Every amplitude is in the table
mriworkbook.practice.parameters, with its source.

sub-*/anat               raw images; the storage order differs on purpose
derivatives/fmriprep     simulated outputs named as fMRIPrep names its own: N4-corrected images
                         (real N4 on the simulated image), brain masks and registrations that err as
                         real ones do
derivatives/freesurfer   simulated outputs named as FreeSurfer names its own. FreeSurfer conforms to
                         256 voxels of 1 mm; here the cube is 128 voxels of 2 mm, the images' own
                         spacing. Surfaces carry the average folding of fsaverage5, moved by each
                         person's warp; the images' sulci were drawn at random, so that surfaces and
                         images agree in the large, not sulcus by sulcus
derivatives/truth        what is true: masks, fields, tissue fractions, point maps between scanner
                         and template in both directions and the Jacobian determinant template ->
                         scanner (4 mm grids, RAS+ millimetres)
{cohort}
What it cannot teach: faces, necks and vessels are crude, sulci do not have their names, and one
scanner model made all images. Do not use it as evidence about people or about tools.
"""
COHORT_README = """\
derivatives/fs_stats     tables of a cohort of 200 further invented people, sub-1001 to sub-1200,
                         who have no scans of their own; planted effects of known size
derivatives/vbm          grey-matter maps and Jacobian determinants of the same cohort
"""
NUMBERS = {3: "three", 12: "twelve"}


def write_texts(root, labels, *, cohort):
    """Write the texts of a study that holds, or is about to hold, some people.

    Parameters
    ----------
    root : Path
    labels : list of str
    cohort : bool
        Whether the cohort's tables belong to it.
    """
    people = NUMBERS.get(len(labels), str(len(labels)))
    text = README.format(people=people, cohort=COHORT_README if cohort else "")
    (root / "README").write_text(text, encoding="utf-8")
    write_json(root / "dataset_description.json", description(NAME, "mriworkbook", False))
    for folder, (what, unknown) in PIPELINES.items():
        path = root / "derivatives" / folder
        path.mkdir(parents=True, exist_ok=True)
        about = description(f"{NAME}: {what}", what, True)
        write_json(path / "dataset_description.json", about)
        (path / ".bidsignore").write_text("\n".join(unknown) + "\n", encoding="utf-8")
    for folder, what in PLAIN.items():
        if cohort or folder == "truth":
            path = root / "derivatives" / folder
            path.mkdir(exist_ok=True)
            text = f"Everything in this folder is simulated: {what}\n"
            (path / "README").write_text(text, encoding="utf-8")
    _write_participants(root, labels)


def _write_participants(root, labels):
    # Planted faults (motion, wrap-around, a flip) are not told here: they are to be found.
    rows = ["participant_id\tage\tsex\tgroup"]
    for label in sorted(labels):
        person = PEOPLE[label]
        rows.append(f"sub-{label}\t{person.age}\t{person.sex}\t{person.diagnosis or 'control'}")
    (root / "participants.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    write_json(
        root / "participants.json",
        {
            "age": {"Description": "Invented age of a simulated person", "Units": "year"},
            "sex": {
                "Description": "Invented sex of a simulated person",
                "Levels": {"F": "female", "M": "male"},
            },
            "group": {
                "Description": "What the simulated brain is made to look like; nobody was ill",
                "Levels": {
                    "control": "nothing planted",
                    "AD-like": "atrophy as in Alzheimer's disease",
                    "MS-like": "lesions of white matter as in multiple sclerosis",
                },
            },
        },
    )
