"""What is written in two places says the same in both."""

import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from mriworkbook.editions import read_front_matter


@pytest.fixture(scope="module")
def project(repository):
    return tomllib.loads((repository / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def pins(repository):
    """Name to version of every line of the lock; a name may be pinned for several platforms."""
    lines = (repository / "requirements.lock").read_text().splitlines()
    found = [Requirement(line) for line in lines]
    return {(canonicalize_name(pin.name), str(pin.marker)): pin for pin in found}


def test_conda_environment_is_in_step_with_the_package(repository, project):
    environment = yaml.safe_load((repository / "environment.yml").read_text())
    *packages, pip = environment["dependencies"]
    python = next(line for line in packages if line.startswith("python="))
    assert SpecifierSet(project["requires-python"]).contains(python.removeprefix("python="))
    assert pip["pip"] == ["-r requirements.lock", "--editable ."]


def test_lock_has_exact_pins_and_no_addresses(repository, pins):
    text = (repository / "requirements.lock").read_text()
    assert "://" not in text
    assert "--" not in text
    assert all(len(pin.specifier) == 1 and "==" in str(pin.specifier) for pin in pins.values())


def test_every_dependency_is_pinned_within_its_bounds(project, pins):
    extras = project["optional-dependencies"].values()
    wanted = [Requirement(line) for line in sum(extras, project["dependencies"])]
    for requirement in wanted:
        versions = [
            next(iter(pin.specifier)).version
            for (name, _), pin in pins.items()
            if name == canonicalize_name(requirement.name)
        ]
        assert any(requirement.specifier.contains(version) for version in versions), requirement


def test_versions_agree(repository, project):
    citation = yaml.safe_load((repository / "CITATION.cff").read_text())
    assert citation["version"] == project["version"]


def test_readme_lists_the_episodes_with_their_minutes(repository):
    readme = (repository / "README.md").read_text()
    rows = re.findall(
        r"^\| \[(.+?)\]\(notebooks/(.+?)\.ipynb\) \| (\d+) min \| (\d+) min \|$", readme, re.M
    )
    fronts = {
        path.stem: read_front_matter(path.read_text(encoding="utf-8"))
        for path in (repository / "notebooks").glob("*.md")
    }
    course = yaml.safe_load((repository / "book" / "course.yml").read_text())
    order = [stem for part in course.values() for stem in part["episodes"]]
    expected = [
        (
            fronts[stem]["title"],
            stem,
            str(fronts[stem]["minutes"]["teaching"]),
            str(fronts[stem]["minutes"]["exercises"]),
        )
        for stem in sorted(fronts, key=order.index)
    ]
    assert rows == expected
    assert expected


def test_ci_calls_the_commands_that_the_readme_gives(repository):
    readme, ci = (repository / "README.md").read_text(), (repository / ".ci" / "run").read_text()
    makefile = (repository / "Makefile").read_text()
    for target in ("book", "test"):
        assert f"make {target} " in readme
        assert re.search(rf"^step make {target}$", ci, re.M)
        assert re.search(rf"^{target}:", makefile, re.M)


def test_pages_of_the_course_are_in_the_table_of_contents(repository):
    toc = yaml.safe_load((repository / "_toc.yml").read_text())
    listed = {chapter["file"] for part in toc["parts"] for chapter in part["chapters"]}
    episodes = {f"notebooks/{path.stem}" for path in (repository / "notebooks").glob("*.md")}
    assert episodes <= listed
    course = yaml.safe_load((repository / "book" / "course.yml").read_text())
    known = {stem for part in course.values() for stem in part["episodes"]}
    assert {name.removeprefix("notebooks/") for name in episodes} <= known
