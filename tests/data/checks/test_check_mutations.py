"""Every way to damage a list file ends in a new finding or one sentence: never in a traceback, never in silence."""

import os
import shutil

import pytest
from check_layouts import DAMAGES, LAYOUTS, in_effect, write

from fashion_lib.core.errors import FashionError
from fashion_lib.data.checks.examination import examine_folder
from fashion_lib.data.checks.examination_text import as_text
from fashion_lib.data.checks.file_kinds import OWN, kind_of
from fashion_lib.data.checks.finding import SEVERITIES
from fashion_lib.tasks.retrieval.metrics import random_average_precision

pytestmark = pytest.mark.slow  # `make quick` leaves it out

OWN_FORM = (
    "filenames_test.txt",
    "query_test.txt",
    "label_train.txt",
    "label_valid.txt",
)  # others are as FashionAI's
LISTS = [
    (layout, name)
    for layout, (dataset, files) in LAYOUTS.items()
    for name in files
    if kind_of(dataset if dataset != "coats" else OWN, name)
    and layout != "shopping100k"  # the same files as ADDE's for DeepFashion
    and ("_tripletlist_" not in name or "/heel_tripletlist_t" in name)  # two of twelve that are alike
    and (layout not in ("darn lists", "deepfashion lists") or name.endswith(OWN_FORM))
]
CASES = [
    (layout, name, damage) for layout, name in LISTS for damage in DAMAGES if in_effect(layout, name, damage)
]


def examined(layout, folder, pictures="none"):
    return examine_folder(LAYOUTS[layout][0], folder, random_average_precision, pictures=pictures)


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """Layout -> (its folder, its findings)."""
    made = {}
    for layout in LAYOUTS:
        folder = write(layout, tmp_path_factory.mktemp("layout"))
        made[layout] = folder, set(examined(layout, folder).findings)
    return made


def new_findings(clean, layout):
    folder, before = clean[layout]
    try:
        findings = examined(layout, folder).findings
    except FashionError as error:
        assert str(error).endswith(".") and "\n" not in str(error)
        return [error]
    for finding in findings:
        assert finding.severity in SEVERITIES and finding.what and finding.advice and finding.file
        assert not set("\n\r\0") & set(finding.what + finding.advice)
    return set(findings) - before


def test_there_are_enough_cases():
    assert len(CASES) > 1_000 and len(LISTS) > 40


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_whole_layout_has_no_error(clean, layout):
    assert [f for f in clean[layout][1] if f.severity == "error"] == []


@pytest.mark.parametrize(("layout", "name", "damage"), CASES)
def test_damage_is_found(clean, layout, name, damage):
    path = clean[layout][0] / name
    whole = path.read_bytes()
    path.write_bytes(DAMAGES[damage](whole))
    try:
        assert new_findings(clean, layout)
    finally:
        path.write_bytes(whole)


def missing(path):
    pass


def folder(path):
    path.mkdir()


def pipe(path):
    os.mkfifo(path)


def dangling(path):
    path.symlink_to(path.parent / "nowhere")


def circle(path):
    path.symlink_to(path)


@pytest.mark.parametrize("instead", [missing, folder, pipe, dangling, circle], ids=lambda f: f.__name__)
@pytest.mark.parametrize(("layout", "name"), LISTS)
def test_what_stands_in_place_of_a_list_is_found(clean, layout, name, instead):
    path = clean[layout][0] / name
    whole = path.read_bytes()
    path.unlink()
    instead(path)
    try:
        assert new_findings(clean, layout)
    finally:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
        path.write_bytes(whole)


@pytest.mark.parametrize(("layout", "name"), LISTS)
def test_a_list_that_nobody_may_read_is_found(clean, layout, name, monkeypatch):
    refused, opened = clean[layout][0] / name, type(clean[layout][0]).open

    def refuses(path, *arguments, **options):
        if path == refused:
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *arguments, **options)

    monkeypatch.setattr(type(refused), "open", refuses)
    assert any("Permission denied" in finding.what for finding in new_findings(clean, layout))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_picture_that_is_gone_is_found(clean, layout):
    folder = clean[layout][0]
    path = next(folder / name for name in LAYOUTS[layout][1] if name.endswith(".jpg"))
    path.rename(path.with_suffix(".away"))
    try:
        assert new_findings(clean, layout)
    finally:
        path.with_suffix(".away").rename(path)


@pytest.mark.parametrize(("layout", "name"), LISTS)
def test_one_list_alone_is_examined_to_the_end(tmp_path, layout, name):
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_bytes(LAYOUTS[layout][1][name])
    assert as_text(examined(layout, tmp_path)).count("\n") > 2
