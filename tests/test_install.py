"""The installer: what it says where it cannot go on, and when it has nothing to do."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import install
import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course in an empty folder, so that nothing is installed; no pip is run."""
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    venv = tmp_path / ".venv"
    venv.mkdir()
    for name, place in {"ROOT": tmp_path, "VENV": venv, "STAMP": venv / "installed.txt"}.items():
        monkeypatch.setattr(install, name, place)
    return tmp_path


@pytest.mark.parametrize("script", ["tools/install.py", "aigc_lib/doctor.py"])
def test_an_old_python_can_read_it(script):
    ast.parse((ROOT / script).read_text("utf-8"), feature_version=(3, 7))


def test_an_old_python_is_named(monkeypatch):
    monkeypatch.setattr(install, "OLDEST", (99, 1))
    with pytest.raises(SystemExit, match=r"^Python 3\.\d+ is too old: install 99\.1 or newer"):
        install.check_python()


def test_a_python_without_venv_is_told_how_to_get_it(monkeypatch):
    install.check_python()
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(SystemExit, match=r"has no venv module.*apt install python3\.\d+-venv"):
        install.check_python()


@pytest.mark.parametrize(
    ("build", "hint"), [("cpu", "make room, then"), ("cuda", "take its CPU build")]
)
def test_a_disk_too_small_is_named(build, hint, course, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=2.9e9))
    with pytest.raises(SystemExit, match=rf"needs {install.NEEDED_GB[build]} GB .*2\.9 GB") as stop:
        install.check_disk(build)
    assert hint in str(stop.value)


def test_what_is_installed_already_needs_no_more_disk(course, monkeypatch):
    monkeypatch.setattr(install, "NEEDED_GB", {"cpu": 3e-6})
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    (course / ".venv/there").write_bytes(bytes(1999))
    with pytest.raises(SystemExit):
        install.check_disk("cpu")
    (course / ".venv/there").write_bytes(bytes(2000))
    install.check_disk("cpu")


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ("ERROR: [Errno 28] No space left on device: 'x'\nRetrying", "The disk is full"),
        ("WARNING: Retrying (Retry(total=4)) after connection broken", "connect to the network"),
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken by 'SSLError("
            "SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] ...'))': /simple/x/",
            "set PIP_CERT to your school's certificate file",
        ),
        ("pip._vendor.urllib3.exceptions.ReadTimeoutError: timed out", "connect to the network"),
        ("ERROR: no wheel\nnote: this is a hint\n", "the last error was: ERROR: no wheel"),
        ("Permission denied", "the last error was: Permission denied"),
        ("", "none given"),
    ],
)
def test_a_failure_is_told_in_one_line(log, line):
    assert line in install.reason(log)
    assert "\n" not in install.reason(log)


@pytest.mark.parametrize(
    ("system", "versions", "build"),
    [
        ("linux", ["2.13.0"], "cuda"),
        ("linux", ["2.13.0+cpu"], "cpu"),
        ("linux", [], "cpu"),  # PyTorch is there already
        ("darwin", ["2.13.0"], "cpu"),
    ],
)
def test_the_build_of_pytorch_decides_on_the_disk(system, versions, build, monkeypatch):
    report = json.dumps({"install": [{"metadata": {"version": version}} for version in versions]})
    monkeypatch.setattr(install, "pip", lambda *arguments, **options: report)
    monkeypatch.setattr(sys, "platform", system)
    assert install.torch_build() == build


@pytest.fixture
def calls(course, monkeypatch):
    """What pip was asked for, by an installer that believes it has an environment."""
    calls = []
    monkeypatch.setattr(install, "works", lambda: True)
    monkeypatch.setattr(install, "check_disk", lambda build: None)
    monkeypatch.setattr(install, "torch_build", lambda: "cpu")
    monkeypatch.setattr(install, "pip", lambda *arguments: calls.append(arguments[-1]))
    return calls


def test_a_second_call_installs_nothing(calls):
    install.install("lab")
    assert calls == ["pip", f"{install.ROOT}[lab]"]
    install.install("lab")
    assert len(calls) == 2


def test_the_test_tools_contain_the_lab_but_not_the_other_way_round(calls):
    install.install("lab")
    install.install("test")
    assert calls[-1] == f"{install.ROOT}[test]"
    install.install("lab")
    assert len(calls) == 4


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_change_of_what_is_asked_for_installs_again(name, course, calls):
    install.install("lab")
    with (course / name).open("a") as file:
        file.write("# changed\n")
    install.install("lab")
    assert len(calls) == 4


def test_an_interrupted_installation_is_taken_up_again(calls, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as during:
        during.setattr(install, "pip", interrupt)
        with pytest.raises(KeyboardInterrupt):
            install.install("lab")
    install.install("lab")
    assert len(calls) == 2


def test_half_an_environment_does_not_work(course, monkeypatch):
    inside = install.PYTHON.relative_to(ROOT / ".venv")
    monkeypatch.setattr(install, "PYTHON", install.VENV / inside)
    assert not install.works()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", install.VENV], check=True)
    assert not install.works()


@pytest.fixture
def lessons(course):
    """The folder of copies in a course of one lesson, after `make lab`."""
    (course / "notebooks").mkdir()
    (course / "notebooks/01_x.ipynb").write_text("original")
    install.prepare_lab()
    return course / "work"


def test_a_lesson_is_copied_to_work(lessons):
    assert [path.name for path in lessons.iterdir()] == ["01_x.ipynb"]
    assert (lessons / "01_x.ipynb").read_text() == "original"


def test_a_copy_is_never_overwritten_but_a_deleted_one_comes_back(lessons):
    (lessons / "01_x.ipynb").write_text("answers")
    (lessons.parent / "notebooks/02_y.ipynb").write_text("new")
    install.prepare_lab()
    assert {path.read_text() for path in lessons.iterdir()} == {"answers", "new"}
    (lessons / "01_x.ipynb").unlink()
    install.prepare_lab()
    assert (lessons / "01_x.ipynb").read_text() == "original"


def test_jupyterlab_shows_no_news_and_keeps_the_settings_it_was_given(lessons, monkeypatch):
    from jupyter_core import paths
    from jupyterlab_server.config import get_static_page_config

    (settings,) = install.VENV.rglob("page_config.json")
    inside = Path(paths.ENV_CONFIG_PATH[0]).relative_to(sys.prefix)
    monkeypatch.setattr(paths, "ENV_CONFIG_PATH", [str(install.VENV / inside)])
    news = {"@jupyterlab/apputils-extension:announcements": True}
    assert get_static_page_config(level="sys_prefix") == {"disabledExtensions": news}
    settings.write_text("{}")
    install.prepare_lab()
    assert get_static_page_config(level="sys_prefix") == {}


def test_without_network_one_line_says_so(course):
    (course / "tools").mkdir()
    shutil.copy(ROOT / "tools/install.py", course / "tools")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    environ |= {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",  # nothing listens there
        "PIP_RETRIES": "1",
    }
    command = [sys.executable, course / "tools/install.py", "lab"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "pip cannot reach its package index: connect to the network, then do this again."
    ]
    assert not (course / ".venv/installed.txt").exists()
