"""The commands ``mriworkbook data ...``: what there is, getting it, checking it, passing it on."""

import functools
import sys
from pathlib import Path
from typing import Annotated

import typer

from mriworkbook.terminal import PARTIAL, plainly, problem

# How much of the practice study each stage is.
STAGES = {
    "core": "three heads and the BOLD runs of one of them, about a minute",
    "anatomy": "core, nine more heads and a cohort of 200, two to three minutes",
    "functional": "core, BOLD runs of 20 people and time series of 120, two minutes",
}

app = typer.Typer(no_args_is_help=True, help="Studies: list, get, check, pass on.")

Name = Annotated[str, typer.Argument(help="Study, see `mriworkbook data list`.")]
Subset = Annotated[
    str, typer.Option(help="How much: mini, workshop, full, or a part that `data info` names.")
]
Stage = Annotated[
    str, typer.Option(help="How much of practice: core, anatomy or functional; see `data list`.")
]
Mirror = Annotated[
    str | None, typer.Option(help="Folder or http address with a copy: files at PATH/NAME/...")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before big downloads.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be fetched.")]
Jobs = Annotated[int, typer.Option(min=1, max=16, help="Connections at once.")]
Unchecked = Annotated[
    bool,
    typer.Option(
        "--unchecked", help="Let nilearn or TemplateFlow fetch what they can; no checksums."
    ),
]


@app.command("list")
@plainly
def data_list():
    """List the studies, how big they are and what of them is here."""
    import data_fetch
    from mriworkbook import store, studies

    for name in studies.known_studies():
        if name == store.PRACTICE:
            _list_practice()
            continue
        about = data_fetch.dataset(name)
        typer.echo(f"{name}{_here(name)}\n  {about.title}")
        for subset in about.subsets:
            entries = data_fetch.select(data_fetch.manifest(name), subset)
            typer.echo(f"  --subset {subset}: {_amount(entries)}")
    typer.echo("Licence, citation and what is in a subset: mriworkbook data info NAME")


@app.command("info")
@plainly
def data_info(name: Name):
    """Say what a study is: licence, terms, citation, subsets with sizes, what is here."""
    import data_fetch
    from data_fetch import about
    from mriworkbook import store, studies

    folder = studies.study_folder(name)
    if name == store.PRACTICE:
        _list_practice()
        return
    typer.echo(f"{name}: {about.text(name)}")
    typer.echo(f"Folder: {folder}{'' if folder.is_dir() else ' (not there yet)'}")
    files = data_fetch.manifest(name)
    for subset, words in data_fetch.dataset(name).subsets.items():
        entries = data_fetch.select(files, subset)
        here = sum((folder / entry.path).is_file() for entry in entries)
        typer.echo(f"--subset {subset}: {words}\n  {_amount(entries)}, {here} of them here")
    typer.echo(f"Get it: mriworkbook data get {name}")


@app.command("get")
@plainly
def data_get(
    name: Name,
    subset: Subset = "mini",
    mirror: Mirror = None,
    stage: Stage = "core",
    yes: Yes = False,
    dry_run: DryRun = False,
    jobs: Jobs = 6,
    unchecked: Unchecked = False,
):
    """Fetch a study, or make the practice study; what is already right is kept.

    --stage is for practice, all other options are for the rest. A download that was stopped goes
    on where it was when the same command is typed again.

    Exit code 3: the mirror lacks some files; they are listed, the others are there.
    """
    from mriworkbook import store, studies

    folder = studies.study_folder(name)
    if name == store.PRACTICE:
        _get_practice(mirror, stage)
        return
    if unchecked:
        _get_unchecked(name, folder, subset)
        return
    options = {"mirror": mirror, "subset": subset, "jobs": jobs, "dry_run": dry_run}
    _get(name, folder, options, yes)


@app.command("verify")
@plainly
def data_verify(name: Name, subset: Subset = "mini"):
    """Check every file of a study against its checksum.

    Exit code 1: a file is damaged. Exit code 3: files of the subset are absent.
    """
    from mriworkbook import store

    folder = _folder_here(name)
    if name == store.PRACTICE:
        _verify_practice()
    else:
        _verify(name, folder, subset)


@app.command("mirror")
@plainly
def data_mirror(
    folder: Annotated[
        Path, typer.Argument(help="Where the copy goes: a USB stick, a shared disk.")
    ],
    names: Annotated[
        list[str] | None, typer.Argument(help="Studies; by default those on this machine.")
    ] = None,
    subset: Subset = "workshop",
    mirror: Mirror = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    jobs: Jobs = 6,
):
    """Write a copy that others take their files from: --mirror FOLDER, or `data serve FOLDER`.

    What is right on this machine is copied, the rest is fetched.

    Exit code 3: some files could not be had; they are listed.
    """
    import data_fetch
    from data_fetch import about
    from mriworkbook import studies

    names = names or [n for n in data_fetch.names() if studies.study_folder(n).is_dir()]
    if not names:
        raise data_fetch.FetchError(
            "No study to copy is on this machine. Name the studies that the mirror shall have: "
            f"mriworkbook data mirror {folder} aomic atlases"
        )
    done = _reported(
        "Writing the mirror",
        functools.partial(
            data_fetch.write_mirror, folder, names, subset, have=studies.study_folder
        ),
        {"mirror": mirror, "jobs": jobs, "dry_run": dry_run},
        yes,
    )
    for name, result in done.items():
        typer.echo(f"{name}: {_summary(result, dry_run)}")
        if not dry_run:
            about.write(name, folder / name)
        if result.absent:
            _list_absent(result.absent, "could not be had")
    typer.echo(f"Use it: mriworkbook data get {names[0]} --mirror {folder}")
    if any(result.partial for result in done.values()):
        raise typer.Exit(PARTIAL)


@app.command("serve")
@plainly
def data_serve(
    folder: Annotated[
        Path | None, typer.Argument(help="A mirror; by default the studies on this machine.")
    ] = None,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "0.0.0.0",
    port: Annotated[int, typer.Option(help="Port to listen at.")] = 8000,
):
    """Offer a mirror to the room over HTTP, read only, until Ctrl-C."""
    from data_fetch.serve import serve
    from mriworkbook import store

    folder = folder or store.data_root()
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {folder}. Make it: mriworkbook data mirror")

    def ready(address):
        typer.echo(f"{folder} is offered at {address}. Attendees type:")
        typer.echo(f"  mriworkbook data get {_offered(folder)} --mirror {address}")
        typer.echo("Stop with Ctrl-C.")

    serve(folder, host=host, port=port, ready=ready)


@app.command("path")
@plainly
def data_path(name: Name):
    """Print the folder of a study."""
    typer.echo(_folder_here(name))


def _folder_here(name):
    from mriworkbook import studies

    folder = studies.study_folder(name)
    if not folder.is_dir():
        raise studies.StudyNotFound(
            f"{name} is not on this machine (it would be in {folder}). "
            f"Get it: mriworkbook data get {name}"
        )
    return folder


def _here(name):
    """What of a study is on this machine: the widest subset whose files are all there."""
    import data_fetch
    from mriworkbook import studies

    folder = studies.study_folder(name)
    if not folder.is_dir():
        return ""
    entries = data_fetch.manifest(name)
    whole = [
        subset
        for subset in data_fetch.dataset(name).subsets
        if all((folder / entry.path).is_file() for entry in data_fetch.select(entries, subset))
    ]
    return f"  (here: {', '.join(whole) or 'in part'})"


def _list_practice():
    from mriworkbook import practice, store

    here = store.stages_here()
    typer.echo(f"{store.PRACTICE}{'  (here: ' + ', '.join(here) + ')' if here else ''}")
    typer.echo("  Simulated, with known truth; made on this machine, nothing is fetched.")
    for stage in practice.STAGES:
        typer.echo(f"  --stage {stage}: {store.SIZES[stage]}: {STAGES[stage]}")


def _get_practice(mirror, stage):
    from mriworkbook import practice, store

    if stage not in practice.STAGES:
        raise typer.BadParameter(f"{stage!r}: choose one of {', '.join(practice.STAGES)}")
    if mirror is not None:
        typer.echo("The practice study is simulated on this machine; the mirror is not used.")
    damaged = store.verify_practice()
    if damaged:
        typer.echo(f"{len(damaged)} files are gone or changed; the study is made again.")
    folder = store.make_practice(stage, force=bool(damaged))
    typer.echo(f"practice ({', '.join(store.stages_here())}) is in {folder}")


def _get(name, folder, options, yes):
    import data_fetch
    from data_fetch import about

    dry_run, mirror = options["dry_run"], options["mirror"]
    wanted = data_fetch.select(data_fetch.manifest(name), options["subset"])
    typer.echo(about.text(name))
    typer.echo(f"{name}, {options['subset']}: {_amount(wanted)}, to {folder}")
    get = functools.partial(data_fetch.get, name, folder)
    result = _reported(f"Getting {name}", get, options, yes)
    typer.echo(_summary(result, dry_run))
    if dry_run:
        _list_files(result.planned)
    else:
        about.write(name, folder)
    if result.partial:
        where = f"in the mirror {mirror}" if mirror else "at their publisher any more"
        _list_absent(result.absent, f"not {where}; the study is there in part")
        raise typer.Exit(PARTIAL)


def _get_unchecked(name, folder, subset):
    from data_fetch import about, nilearn_fetch

    typer.echo(about.text(name))
    nilearn_fetch.fetch(name, folder, subset)
    about.write(name, folder)
    typer.echo(f"{name} is in {folder}; nobody checked it.")


def _reported(title, call, options, yes):
    """Call a function of `data_fetch` with progress bars, asking before anything big."""
    from data_fetch.progress import bars

    size = functools.partial(_agree, yes=yes)
    if options["dry_run"]:
        return call(**options, confirm=size)
    with bars(title) as report:
        return call(**options, **report, confirm=size)


def _agree(size, *, yes):
    """Ask whether a big download is wanted; nobody can be asked without a keyboard."""
    import data_fetch

    words = data_fetch.human_size(size)
    if yes:
        return True
    if not _at_a_keyboard():
        raise data_fetch.FetchError(f"{words} are to be fetched. Say that you want it: --yes")
    return typer.confirm(f"Fetch {words}?")


def _at_a_keyboard():
    return sys.stdin.isatty()


def _summary(result, dry_run):
    there = f"{len(result.present)} were there already."
    if dry_run:
        return f"{_amount(result.planned)} would be fetched, {there}"
    return f"{len(result.fetched)} files fetched, {there}"


def _verify_practice():
    from mriworkbook import store

    damaged = store.verify_practice()
    if damaged is None:
        damaged = ["The study's stamp is gone or unreadable."]
    if damaged:
        problem("\n".join([*damaged, f"Gone or changed. Make the study again: {store.REMAKE}"]))
        raise typer.Exit(1)
    typer.echo("practice: every file is as it was made.")


def _verify(name, folder, subset):
    import data_fetch
    from mriworkbook.progress import progress_line

    with progress_line(f"Checking {name}") as report:
        found = data_fetch.verify(name, folder, subset=subset, progress=report)
    typer.echo(f"{name}: {len(found.good)} files are right.")
    for entry, checksum in found.wrong:
        problem(f"{entry.path}: {entry.algorithm} is {checksum}, expected {entry.checksum}")
    if found.unchecked:
        typer.echo(f"{len(found.unchecked)} files are there, but their publisher told no checksum:")
        _list_files(found.unchecked)
    if found.absent:
        _list_absent(found.absent, f"of the {subset} subset not here")
    if found.wrong:
        problem(f"{len(found.wrong)} files are damaged. Get them: mriworkbook data get {name}")
        raise typer.Exit(1)
    if found.absent:
        raise typer.Exit(PARTIAL)


def _offered(folder):
    """A study of a mirror, for the line that attendees type; rather one that opens than tables."""
    import data_fetch

    names = [name for name in data_fetch.names() if (folder / name).is_dir()]
    return min(names, key=lambda name: not data_fetch.dataset(name).opens, default="NAME")


def _list_absent(entries, why):
    typer.echo(f"{len(entries)} files {why}:")
    _list_files(entries)


def _list_files(entries):
    import data_fetch

    for entry in entries:
        typer.echo(f"  {entry.path} ({data_fetch.human_size(entry.bytes)}, {entry.url})")


def _amount(entries):
    import data_fetch

    size, unknown = data_fetch.total_size(entries)
    known = data_fetch.human_size(size)
    if unknown:
        known = f"{known} and {unknown} of unpublished size" if size else "sizes not published"
    return f"{len(entries)} files, {known}"
