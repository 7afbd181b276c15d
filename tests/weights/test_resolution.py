import hashlib

import pytest

from dfrec_jax.files import cache, staging
from dfrec_jax.files.cache import CacheError
from dfrec_jax.weights import registry, resolution, stored
from dfrec_jax.weights.registry import RELEASES, Release
from dfrec_jax.weights.resolution import WeightsMissing, locate
from dfrec_jax.weights.rules import WeightsError
from tests.local_s3 import BUCKET

RELEASE = Release("some-net", "weights.pth", "a test", "MIT", "PyTorch", page="https://authors.example")


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """The four places, in the order in which they are searched, each as an empty folder."""
    places = {name: tmp_path / name for name in ("config", "environment", "cache")}
    for place in places.values():
        place.mkdir()
    monkeypatch.setenv("DFREC_WEIGHTS", str(places["environment"]))
    monkeypatch.setenv("DFREC_CACHE", str(places["cache"]))
    return places


def put(path, content=b"weights"):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_searches_config_then_environment_then_cache(folders):
    config = str(folders["config"])
    cached = put(folders["cache"] / "weights" / "some-net" / "weights.pth")
    assert locate(RELEASE, config) == cached
    environment = put(folders["environment"] / "deep" / "inside" / "weights.pth")
    assert locate(RELEASE, config) == environment
    configured = put(folders["config"] / "weights.pth")
    assert locate(RELEASE, config) == configured
    assert locate(RELEASE) == environment


def test_without_a_cache_variable_the_users_cache_is_used(monkeypatch, tmp_path):
    monkeypatch.delenv("DFREC_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert resolution.store() == tmp_path / "dfrec-jax" / "weights"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolution.store() == tmp_path / ".cache" / "dfrec-jax" / "weights"


def test_without_a_home_folder_the_variable_to_set_is_named(monkeypatch):
    for name in ("DFREC_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)

    def unknown():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(cache.Path, "home", unknown)  # as for a user whom a container does not know
    with pytest.raises(CacheError, match="HOME is not set.*DFREC_CACHE=DIR"):
        cache.folder()


def test_a_download_comes_last_and_goes_to_the_cache(folders, monkeypatch):
    release, fetched = RELEASE._replace(url="https://authors.example/weights.pth"), []
    monkeypatch.delenv("DFREC_OFFLINE", raising=False)
    monkeypatch.setattr(resolution, "download", lambda release, target: fetched.append(put(target)))
    path = locate(release)
    assert path == folders["cache"] / "weights" / "some-net" / "weights.pth" and fetched == [path]
    assert locate(release) == path and fetched == [path]


def test_offline_nothing_is_downloaded(folders, monkeypatch):
    release = RELEASE._replace(url="https://authors.example/weights.pth")
    monkeypatch.setattr(resolution, "download", lambda release, target: pytest.fail("downloaded"))
    monkeypatch.setenv("DFREC_OFFLINE", "1")
    with pytest.raises(WeightsMissing, match="run `dfrec weights fetch some-net`"):
        locate(release)
    monkeypatch.delenv("DFREC_OFFLINE")
    with pytest.raises(WeightsMissing):
        locate(release, may_download=False)


def test_missing_weights_say_where_they_were_sought_and_what_to_run(folders):
    with pytest.raises(WeightsMissing) as caught:
        locate(RELEASE)
    for part in (str(folders["environment"]), str(folders["cache"]), "https://authors.example", "--as some-net"):
        assert part in str(caught.value)


def test_a_configured_folder_must_exist(folders, tmp_path):
    with pytest.raises(WeightsError, match="nowhere' .frozen.weights_dir .* --weights-dir.: no such folder"):
        locate(RELEASE, str(tmp_path / "nowhere"))


def test_two_different_files_of_one_name_are_not_guessed_between(folders):
    first = put(folders["environment"] / "a" / "weights.pth", b"one")
    second = put(folders["environment"] / "b" / "weights.pth", b"two")
    with pytest.raises(WeightsError, match="different files called 'weights.pth'"):
        locate(RELEASE)
    assert locate(RELEASE._replace(sha256=hashlib.sha256(b"two").hexdigest())) == second
    put(second, b"one")
    assert locate(RELEASE) == first  # twice the same file
    own = put(folders["environment"] / "some-net" / "weights.pth", b"three")
    assert locate(RELEASE) == own


def test_the_registry_is_consistent():
    for name, release in RELEASES.items():
        assert release.name == name and release.role and release.licence and release.format
        assert release.page and (not release.url or release.url.startswith("https://"))
        assert not release.sha256 or (len(release.sha256) == 64 and release.num_bytes)
        assert not release.url or release.url.endswith(release.file)


def test_an_unknown_name_says_the_nearest():
    with pytest.raises(WeightsError, match="'vgg19-imagnet'; there are vgg19-imagenet"):
        registry.find("vgg19-imagnet")


def test_finds_the_real_files_and_they_are_those_of_the_registry(shared_weights):
    names = [name for name, release in RELEASES.items() if list(shared_weights.rglob(release.file))]
    assert len(names) >= 10
    for name in names:
        path = locate(RELEASES[name], str(shared_weights), may_download=False)
        if RELEASES[name].url:
            assert hashlib.sha256(path.read_bytes()).hexdigest() == RELEASES[name].sha256, name


def test_weights_of_an_object_store_are_staged(folders, s3, monkeypatch):
    address = f"s3://{BUCKET}/weights"
    stored._listing.cache_clear()
    s3.put("weights/deep/inside/weights.pth", b"deep")
    assert resolution.whereabouts(RELEASE, address) == f"{address}/deep/inside/weights.pth"
    assert not staging.root().exists()  # to look is not to fetch
    path = locate(RELEASE, address)
    assert path.read_bytes() == b"deep" and path.is_relative_to(staging.root())
    monkeypatch.setenv("DFREC_WEIGHTS", address + "/")
    assert locate(RELEASE) == path
    s3.put("weights/other/weights.pth", b"other")
    stored._listing.cache_clear()
    with pytest.raises(WeightsError, match=f"{address}/: holds different files called 'weights.pth'.*weights/some-net"):
        locate(RELEASE)
    s3.put("weights/some-net/weights.pth", b"named")
    stored._listing.cache_clear()
    assert locate(RELEASE).read_bytes() == b"named"
    monkeypatch.setenv("DFREC_OFFLINE", "1")
    assert locate(RELEASE).read_bytes() == b"named"
    with pytest.raises(WeightsMissing):
        locate(RELEASE._replace(name="another-net"))


def test_a_store_that_cannot_be_read_is_no_missing_file(folders, s3):
    with pytest.raises(WeightsError, match="s3://no-bucket/weights: there is no such bucket") as refused:
        locate(RELEASE, "s3://no-bucket/weights")
    assert not isinstance(refused.value, WeightsMissing)
