import pytest

from fashion_lib.course import doctor
from fashion_lib.course.doctor import Finding, examine, lock_differences, locked_requirements


def test_this_installation_follows_the_lock():
    differing = lock_differences()
    assert all(item.startswith(("nvidia-", "cuda-", "triton ")) for item in differing)


def test_every_subject_is_examined_once_and_printed_on_a_line():
    findings = examine()
    subjects = [finding.subject for finding in findings]
    assert len(subjects) == len(set(subjects))
    assert {
        "python",
        "lock",
        "torch",
        "accelerator",
        "notebooks",
        "cache",
        "runs",
        "wardrobe",
        "clothing",
    } < set(subjects)
    for finding in findings:
        assert "\n" not in str(finding)
        assert str(finding).split()[0] in ("ok", "note", "problem")


def test_a_changed_version_and_a_missing_package_are_named(project):
    (project / "requirements.lock").write_text(
        "numpy==1.0 ; python_full_version >= '3.11' \\\n    --hash=sha256:00\n"
        "no-such-package==2.0\npywinpty==1.0 ; os_name == 'nt'\n"
    )
    first, second = lock_differences()
    assert first.startswith("numpy ")
    assert first.endswith("(1.0)")
    assert second == "no-such-package missing (2.0)"


def test_only_missing_cuda_libraries_are_no_problem(project, monkeypatch):
    (project / "requirements.lock").write_text("nvidia-no-such-library==2.0\ncuda-no-such==1\n")
    (finding,) = doctor._lock()
    assert finding.good
    assert "CUDA libraries are left out" in finding.state
    (project / "requirements.lock").write_text("nvidia-no-such-library==2.0\nno-such-package==1\n")
    (finding,) = doctor._lock()
    assert not finding.good


def test_locked_requirements_skip_hashes_and_comments(tmp_path):
    (tmp_path / "lock").write_text(
        "# made\na==1 \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\nb==2 ; os_name == 'nt' \\\n"
    )
    assert [str(line) for line in locked_requirements(tmp_path / "lock")] == ["a==1", 'b==2; os_name == "nt"']


def test_an_unusable_folder_is_a_problem_with_advice(project, monkeypatch):
    (project / "file").write_text("")
    monkeypatch.setenv("FASHION_CACHE", str(project / "file" / "cache"))
    cache = next(finding for finding in doctor._folders() if finding.subject == "cache")
    assert not cache.good
    assert "cannot be written to" in str(cache)


@pytest.mark.parametrize(
    ("finding", "text", "good"),
    [
        (Finding("torch", "2.12.1"), "ok       torch            2.12.1", True),
        (Finding("x", "gone", "run y"), "problem  x                gone: run y", False),
        (Finding("x", "gone", "run y", optional=True), "note     x                gone: run y", True),
    ],
)
def test_how_a_finding_reads(finding, text, good):
    assert str(finding) == text
    assert finding.good is good
