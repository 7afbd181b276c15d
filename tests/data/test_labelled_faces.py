"""Pictures with attributes, from a folder with CelebA's lists and from a prepared data set."""

import numpy as np
import pytest

from dfrec_jax.config import attributes
from dfrec_jax.config.errors import ConfigError
from dfrec_jax.data import labelled_faces
from dfrec_jax.data.labelled_faces import EvaluationRows, TrainRows, open_split
from dfrec_jax.preparation.layouts import face_folders
from dfrec_jax.preparation.prepare import Request, prepare
from tests import labels as made_up
from tests.preparation import trees


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("celeba")
    return root, made_up.make_folder(root)


@pytest.fixture
def config(folder):
    return made_up.configure(attributes.attributes(), folder[0])


def test_a_folder_is_read_by_celebas_lists(config, folder):
    for split, numbers in made_up.NUMBERS.items():
        faces = open_split(config, split)
        assert len(faces) == len(numbers)
        got = [faces.example(i) for i in range(len(faces))]
        np.testing.assert_array_equal([example["attributes"] for example in got], folder[1][numbers])
        np.testing.assert_array_equal([faces.attributes(i) for i in range(len(faces))], folder[1][numbers])
        is_bright = [example["image"].mean() > 128 for example in got]
        np.testing.assert_array_equal(is_bright, folder[1][numbers, 0] > 0)  # each picture with its own labels
        assert {example["image"].shape for example in got} == {(labelled_faces.SIDE, labelled_faces.SIDE, 3)}
        assert len(set(faces.identities.tolist())) == len(faces)  # a flat folder says nothing of who is who


def test_the_partition_may_be_a_table(config, folder):
    table = folder[0] / "partition.csv"
    table.write_text("file,split\n000003.jpg,train\n000004.jpg,val\n")
    config.data.partition = str(table)
    faces = open_split(config, "validation")
    assert len(faces) == 1
    np.testing.assert_array_equal(faces.attributes(0), folder[1][4])


def test_what_is_left_out_is_counted(config, folder, tmp_path, capsys):
    open_split(config, "train")
    assert capsys.readouterr().err == ""
    table = tmp_path / "partition.csv"
    table.write_text("file,split\n000003.jpg,train\n000004.jpg,val\n")
    config.data.partition = str(table)
    odd = folder[0] / config.data.dir / "odd.psd"
    odd.write_bytes(b"")
    try:
        open_split(config, "train")
    finally:
        odd.unlink()
    count = sum(len(numbers) for numbers in made_up.NUMBERS.values()) - 2
    said = f"note: data.dir={config.data.dir}: "
    assert (
        capsys.readouterr().err
        == f"{said}{count} of its files are not in {table}\n{said}1 of its files cannot be used\n"
    )


def test_the_crop_is_the_central_square():
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[10:30, 20:40] = 255
    assert (labelled_faces._central_square(picture, 0.5) == 255).all()
    assert labelled_faces._central_square(picture, 1.0).mean() == pytest.approx(255 / 4, rel=0.05)


@pytest.mark.parametrize(
    ("field", "content", "words"),
    [
        ("partition", None, "there is no such file"),
        ("partition", "000001.jpg 3\n", "line 1 is '000001.jpg 3', expected a file and 0, 1 or 2"),
        ("partition", "000001.jpg 1\n", "none of its 48 pictures, such as 000000.jpg, is a train picture"),
        ("attributes", "1\nBald Young\n000001.jpg 1\n", "expected the 40 attributes"),
    ],
)
def test_a_broken_list_is_refused(config, tmp_path, field, content, words):
    path = tmp_path / "list.txt"
    if content is not None:
        path.write_text(content)
    config.data[field] = str(path)
    with pytest.raises(ConfigError, match=words):
        open_split(config, "train")


@pytest.mark.parametrize("field", ["dir", "attributes", "partition"])
def test_what_is_not_there_is_named_by_its_field_and_by_no_option_of_prepare(config, tmp_path, field):
    config.data[field] = str(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=f"^data.{field}={tmp_path / 'nowhere'}: there is no such") as refusal:
        open_split(config, "train")
    assert "--" not in str(refusal.value)


def test_a_torn_picture_ends_the_run_by_its_name(tmp_path):
    made_up.make_folder(tmp_path)
    (tmp_path / "img_align_celeba" / "000000.jpg").write_bytes(b"\xff\xd8")
    faces = open_split(made_up.configure(attributes.attributes(), tmp_path), "train")
    with pytest.raises(ConfigError, match="000000.jpg.*take it out of the partition"):
        EvaluationRows(faces)(0)


def test_training_rows_are_all_pictures_and_then_all_again_in_another_order(config):
    faces = open_split(config, "train")
    rows = TrainRows(faces, 8, seed=0)
    visits = [[rows(24 * visit + i)["attributes"].tolist() for i in range(24)] for visit in range(2)]
    want = sorted(faces.attributes(i).tolist() for i in range(24))
    assert sorted(visits[0]) == sorted(visits[1]) == want and visits[0] != visits[1]
    again = TrainRows(faces, 8, seed=0)
    assert again(30)["attributes"].tolist() == visits[1][6]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Six faces of three people whose attributes are known, but for one."""
    root = tmp_path_factory.mktemp("prepared")
    trees.people(root / "people", {f"person {i}": 2 for i in range(3)})
    header = "file,split," + ",".join(face_folders.CELEBA_ATTRIBUTES)
    lines = [f"person {i}/{k:02d}.jpg,train," + ",".join(["1", "-1"] * 20) for i in range(3) for k in range(2)]
    (root / "split.csv").write_text("\n".join([header, *lines]))
    for name, options in (
        ("out", {"split_file": str(root / "split.csv")}),
        ("unlabelled", {"shares": (1.0, 0.0, 0.0)}),
    ):
        plan = face_folders.plan(str(root / "people"), **options)
        prepare(plan, trees.make_tools, Request("faces", str(root / name), trees.OPTIONS, 1, 0, 0, {}, None))
    return root


def test_a_prepared_data_set_holds_its_attributes(prepared):
    config = attributes.attributes()
    config.data.dataset, config.data.dir = "faces", str(prepared / "out")
    faces = open_split(config, "train")
    assert len(faces) == 6 and len(np.unique(faces.identities)) == 3
    example = EvaluationRows(faces)(5)
    assert example["attributes"].tolist() == [1, -1] * 20 and example["attributes"].dtype == np.int8
    assert example["image"].shape == (224, 224, 3) and example["identity"] == faces.identities[5]


def test_one_that_was_prepared_without_them_is_refused(prepared):
    config = attributes.attributes()
    config.data.dataset, config.data.dir = "faces", str(prepared / "unlabelled")
    with pytest.raises(ConfigError, match="whose attributes are known; run `dfrec prepare faces` with --attributes"):
        open_split(config, "train")


def test_where_no_attribute_has_both_values_nothing_can_be_balanced(prepared, config):
    labelled = open_split(config, "validation")
    labelled_faces.check_measurable(labelled, "validation", len(labelled), config)
    with pytest.raises(ConfigError, match="among the 1 validation pictures .* no attribute is there in some"):
        labelled_faces.check_measurable(labelled, "validation", 1, config)
    config.data.dataset, config.data.dir = "faces", str(prepared / "out")
    with pytest.raises(ConfigError, match="data.dataset='faces': among the 6 train pictures"):
        labelled_faces.check_measurable(open_split(config, "train"), "train", 6, config)
