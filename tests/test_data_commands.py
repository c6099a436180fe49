"""``mriworkbook data ...``, as a learner or an instructor types it."""

import errno
import os
import subprocess
import sys

import fake_practice
import pytest
from command_line import typed

import data_fetch
from data_fetch import catalogue
from mriworkbook import data_commands, practice, store, studies, terminal

COMMANDS = ("list", "info", "get", "verify", "mirror", "serve", "path")


@pytest.fixture
def data(tmp_path, monkeypatch):
    """An empty data root, and the stand-in for the real maker."""
    return fake_practice.use(monkeypatch, tmp_path)


@pytest.fixture
def run(data):
    """Type a command where there are no studies."""
    return typed


def test_every_command_explains_itself(run):
    code, out, _ = run("data", "--help")
    assert code == 0
    for command in COMMANDS:
        assert f" {command} " in out
        assert run("data", command, "--help")[0] == 0


def test_every_stage_of_practice_is_described():
    assert set(data_commands.STAGES) == set(practice.STAGES)


def test_list_says_what_there_is_how_big_and_what_is_here(run, data, real_data):
    code, out, _ = run("data", "list")
    assert code == 0
    assert all(f"{name}\n" in out for name in studies.known_studies())
    assert "--subset mini: 22 files, 19.4 MB and 1 of unpublished size\n" in out
    assert "--subset mini: 3 files, sizes not published\n" in out
    store.make_practice()
    run("data", "get", "atlases", "--subset", "aal", "--mirror", real_data)
    run("data", "get", "atlases", "--subset", "yeo2011", "--mirror", real_data)
    run("data", "get", "mriqc", "--mirror", real_data)
    out = run("data", "list")[1]
    assert "practice  (here: core)\n" in out
    assert "atlases  (here: yeo2011)\n" in out and "mriqc  (here: mini)\n" in out


def test_info_says_licence_terms_citation_sizes_and_what_is_here(run, data, real_data):
    run("data", "get", "rbc", "--mirror", real_data)
    code, out, _ = run("data", "info", "rbc")
    assert code == 0
    for words in (
        "Licence: CC BY-NC-SA",
        "Terms: Not for commercial use",
        "Cite: Liu, S.",
        "https://doi.org/10.1016/j.dcn.2021.101020",
        "https://github.com/ReproBrainChart/CCNP_CPAC",
        f"Folder: {data / 'rbc'}\n",
        "3 files, 159 kB, 3 of them here",
        "mriworkbook data get rbc",
    ):
        assert words in out, words
    assert "(not there yet)" in run("data", "info", "aomic")[1]
    assert "--stage core" in run("data", "info", "practice")[1]


def test_practice_is_made_found_verified_and_repaired(run, data):
    assert run("data", "get", "practice")[0] == 0
    assert fake_practice.made() == ["core"]
    assert run("data", "path", "practice") == (0, f"{data / 'practice'}\n", "")
    assert run("data", "verify", "practice")[0] == 0
    (data / "practice" / "README").write_text("changed")
    code, _, err = run("data", "verify", "practice")
    assert code == 1
    assert "README" in err and "mriworkbook data get practice" in err
    code, out, _ = run("data", "get", "practice")
    assert code == 0 and "1 files are gone or changed" in out
    assert run("data", "verify", "practice")[0] == 0
    assert fake_practice.made() == ["core"] * 2
    run("data", "get", "practice")
    assert fake_practice.made() == ["core"] * 2


def test_a_stage_is_added_listed_verified_and_repaired(run, data):
    run("data", "get", "practice")
    code, out, _ = run("data", "get", "practice", "--stage", "anatomy")
    assert code == 0
    assert out.splitlines()[-1] == f"practice (core, anatomy) is in {data / 'practice'}"
    assert fake_practice.made() == ["core", "anatomy"]
    assert "practice  (here: core, anatomy)\n" in run("data", "list")[1]
    (data / "practice" / "sub-03" / "T1w.nii.gz").unlink()
    assert "sub-03" in run("data", "verify", "practice")[2]
    # Whoever repairs with the short command keeps the stage.
    run("data", "get", "practice")
    assert run("data", "verify", "practice")[0] == 0
    assert store.stages_here() == ["core", "anatomy"]
    code, _, err = run("data", "get", "practice", "--stage", "bold")
    assert code == 2 and "core, anatomy" in err


def test_terms_are_shown_before_and_kept_beside_the_data(run, data, real_data, monkeypatch):
    shown = []
    fetch = data_fetch.get
    monkeypatch.setattr(data_fetch, "get", lambda *a, **k: shown.append("get") or fetch(*a, **k))
    monkeypatch.setattr(data_commands.typer, "echo", lambda text="", **k: shown.append(str(text)))
    run("data", "get", "rbc", "--mirror", real_data)
    said = "\n".join(shown[: shown.index("get")])
    kept = (data / "rbc" / ".mriworkbook" / "ABOUT.txt").read_text().strip()
    assert "CC BY-NC-SA" in kept and "doi.org/10.1016/j.dcn.2021.101020" in kept
    assert kept in said


def test_a_dry_run_writes_nothing(run, data, real_data):
    code, out, _ = run("data", "get", "mriqc", "--mirror", real_data, "--dry-run")
    assert code == 0
    assert "2 files, 1.5 MB would be fetched" in out and "abide.tsv (1.2 MB, https://" in out
    assert not (data / "mriqc").exists()


def test_a_big_download_is_asked_for(run, data, monkeypatch):
    urls = {"url": "http://127.0.0.1:9/a", "algorithm": "md5", "checksum": "0" * 32}
    big = catalogue.Entry(path="a", bytes=300_000_000, subset="mini", **urls)
    monkeypatch.setattr(catalogue, "manifest", lambda name: [big])
    monkeypatch.setattr(data_commands, "_at_a_keyboard", lambda: False)
    code, _, err = run("data", "get", "aomic")
    assert code == 1 and "300.0 MB are to be fetched. Say that you want it: --yes" in err
    monkeypatch.setattr(data_commands, "_at_a_keyboard", lambda: True)
    code, out, err = typed("data", "get", "aomic", answer="n\n")
    assert code == 1 and "Fetch 300.0 MB?" in out and "300.0 MB were not wanted" in err
    assert not (data / "aomic").exists()
    monkeypatch.setattr(data_fetch, "get", lambda *a, confirm, **k: confirm(3e8) and stopped())
    for words in (["--yes"], []):
        code, _, _ = typed("data", "get", "aomic", *words, answer="y\n")
        assert code == terminal.STOPPED


def stopped():
    raise KeyboardInterrupt


def test_a_mirror_is_written_offered_and_used(run, data, real_data, tmp_path):
    run("data", "get", "rbc", "--mirror", real_data)
    code, out, _ = run("data", "mirror", tmp_path / "usb")
    assert code == 0
    assert "rbc: 3 files fetched" in out
    assert f"mriworkbook data get rbc --mirror {tmp_path / 'usb'}" in out
    assert (tmp_path / "usb" / "rbc" / "study-CCNP_desc-T1_qc.tsv").is_file()
    assert "CC BY-NC-SA" in (tmp_path / "usb" / "rbc" / ".mriworkbook" / "ABOUT.txt").read_text()
    (data / "rbc" / "study-CCNP_desc-T1_qc.tsv").unlink()
    code, out, _ = run("data", "get", "rbc", "--mirror", tmp_path / "usb")
    assert code == 0 and "1 files fetched, 2 were there already." in out
    # What one mirror lacks another one gives, or it is named.
    code, out, _ = run("data", "mirror", tmp_path / "usb", "aomic", "--mirror", real_data)
    assert code == terminal.PARTIAL
    assert "files could not be had" in out and "sub-0001_desc-preproc_T1w.nii.gz" in out


def test_a_mirror_of_nothing_says_what_to_name(run, tmp_path):
    code, _, err = run("data", "mirror", tmp_path / "usb")
    assert code == 1 and f"mriworkbook data mirror {tmp_path / 'usb'} aomic atlases" in err


def test_serve_prints_the_line_that_attendees_type(run, real_data, monkeypatch):
    from data_fetch import serve

    def once(folder, host, port, ready):
        ready(f"http://192.168.1.5:{port}")

    monkeypatch.setattr(serve, "serve", once)
    code, out, _ = run("data", "serve", real_data, "--port", "8010")
    assert code == 0
    assert "  mriworkbook data get aomic --mirror http://192.168.1.5:8010\n" in out
    assert run("data", "serve", real_data / "nothing")[0] == 1


def test_damage_and_absence_have_their_exit_codes(run, data, real_data):
    run("data", "get", "mriqc", "--mirror", real_data)
    assert run("data", "verify", "mriqc")[0] == 0
    code, out, _ = run("data", "verify", "mriqc", "--subset", "workshop")
    assert code == terminal.PARTIAL and "4 files of the workshop subset not here" in out
    (data / "mriqc" / "ds030.tsv").write_text("changed")
    code, _, err = run("data", "verify", "mriqc")
    assert code == 1
    assert err.startswith("ds030.tsv: sha256 is ") and "mriworkbook data get mriqc" in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("data get aomic --subset huge", "Known: mini, workshop, full, rest."),
        ("data get aomic --mirror /nowhere", "has no folder 'aomic'"),
        ("data get rbc --unchecked", "Known: atlases, pixar, templateflow."),
        ("data verify practice", "mriworkbook data get practice"),
        ("data info atlas", "Did you mean 'atlases'?"),
        ("data serve /nowhere", "mriworkbook data mirror"),
    ],
)
def test_problems_are_one_paragraph(run, words, says):
    code, _, err = run(*words.split())
    assert code == 1
    assert says in err and "Traceback" not in err
    assert err.count("\n") == 1


def test_a_full_disk_is_one_paragraph(run, monkeypatch):
    import mriworkbook

    def fails(root, stage, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(mriworkbook.practice, "make_stage", fails)
    code, _, err = run("data", "get", "practice")
    assert code == 1
    assert "the disk is full" in err and "export MRIWORKBOOK_DATA=/path/with/space" in err


def test_listing_needs_nothing_heavy(data):
    code = (
        "import sys; from mriworkbook.cli import app\n"
        "try: app(['data', 'info', 'aomic'])\n"
        "finally: print({'numpy', 'bids', 'nilearn', 'requests', 'rich.progress'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("set()")
