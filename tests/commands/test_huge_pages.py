"""A program begins again, once, where huge pages are for those who ask."""

import os
import subprocess
import sys

import pytest

from dfrec_jax.commands import huge_pages

SHOWS = "import os; from dfrec_jax.commands import huge_pages; huge_pages.ask(); print(os.environ['GLIBC_TUNABLES'])"


@pytest.fixture
def glibc(monkeypatch):
    monkeypatch.setattr(os, "confstr", lambda name: "glibc 2.36")


@pytest.mark.parametrize(
    ("kernel", "environment", "wanted"),
    [
        ("always [madvise] never\n", {}, True),
        ("[always] madvise never\n", {}, False),
        ("always madvise [never]\n", {}, False),
        ("always [madvise] never\n", {"GLIBC_TUNABLES": ""}, False),
    ],
)
def test_where_they_are_asked_for(glibc, tmp_path, kernel, environment, wanted):
    (tmp_path / "enabled").write_text(kernel)
    assert huge_pages.is_wanted(tmp_path / "enabled", environment) is wanted


def test_a_kernel_without_them_and_another_libc(glibc, tmp_path, monkeypatch):
    assert not huge_pages.is_wanted(tmp_path / "absent", {})
    (tmp_path / "enabled").write_text("always [madvise] never\n")
    monkeypatch.setattr(os, "confstr", lambda name: None)
    assert not huge_pages.is_wanted(tmp_path / "enabled", {})


@pytest.mark.skipif(not huge_pages.is_wanted(huge_pages.KERNELS, {}), reason="this kernel gives them to all or to none")
def test_the_program_begins_again_with_its_arguments_and_its_process_number():
    program = f"{SHOWS}; import sys; print(os.getpid(), sys.argv[1:])"
    bare = {name: value for name, value in os.environ.items() if name != huge_pages.VARIABLE}
    child = subprocess.Popen([sys.executable, "-c", program, "a b"], stdout=subprocess.PIPE, text=True, env=bare)
    said, _ = child.communicate(timeout=60)
    assert said.split("\n")[:2] == [huge_pages.ASKED, f"{child.pid} ['a b']"]


def test_the_users_own_tunables_are_left():
    kept = os.environ | {huge_pages.VARIABLE: "glibc.malloc.check=0"}
    said = subprocess.run([sys.executable, "-c", SHOWS], capture_output=True, text=True, env=kept, timeout=60).stdout
    assert said.strip() == "glibc.malloc.check=0"
