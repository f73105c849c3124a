"""Folders, archives and tables of image files as rows."""

from __future__ import annotations

import io
import tarfile
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from recommender.dataset.dataset import Dataset
from recommender.dataset.readers import bounds
from recommender.profile.measure import measure
from recommender.recommendation.recommend import recommend
from recommender.roles.infer import infer_roles
from rules.decision.request import ImageReading, Request
from rules.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Callable


def png(values: object, size: tuple[int, int] | None = None) -> bytes:
    """A PNG of an array, as bytes; size: width and height of a plain one."""
    image = Image.fromarray(np.asarray(values, np.uint8)) if size is None else Image.new("L", size, 7)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


RED = png([[[255, 0, 0]] * 4] * 4)
GREY = png([[10, 20, 30, 40]] * 4)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[dict[str, bytes]], Path]:
    """Writes files by their names below a folder."""

    def write(files: dict[str, bytes]) -> Path:
        root = tmp_path / "pictures"
        for name, data in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return root

    return write


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def tarred(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def cells(dataset: Dataset) -> np.ndarray:
    assert dataset.images is not None
    found = dataset.connection.execute(f'SELECT "{dataset.images.name}" FROM dataset').fetchall()
    return np.stack([np.frombuffer(cell, np.uint8).reshape(dataset.images.shape) for (cell,) in found])


def column(dataset: Dataset, name: str) -> list[object]:
    return [value for (value,) in dataset.connection.execute(f'SELECT "{name}" FROM dataset').fetchall()]


CLASSES = {"cat/1.png": GREY, "cat/2.png": GREY, "dog/1.png": GREY, ".hidden/3.png": b"", "notes.md": b"no image"}


def test_folders_are_classes_wherever_they_lie(folder: Callable[[dict[str, bytes]], Path], tmp_path: Path) -> None:
    within = {f"animals/{name}": data for name, data in CLASSES.items()}
    for path in (folder(CLASSES), zipped(tmp_path / "a.zip", within), tarred(tmp_path / "a.tar.gz", within)):
        with Dataset.open(path) as dataset:
            assert dataset.columns == ("image", "class")
            assert column(dataset, "class") == ["cat", "cat", "dog"]
            np.testing.assert_array_equal(cells(dataset)[0, 0, :, 0], [10, 20, 30, 40])
            assert dataset.images is not None
            assert dataset.images.shape == (4, 4, 1)


def test_images_of_a_folder_are_in_no_order_to_speak_of(folder: Callable[[dict[str, bytes]], Path]) -> None:
    files = {f"{kind}/{number}.png": png([[number] * 4] * 4) for kind in "ab" for number in range(60)}
    with Dataset.open(folder(files)) as dataset:
        profile = measure(dataset, infer_roles(dataset, Request(target="class")))
    assert profile.get("autocorrelation") is None


def test_folders_around_the_classes_name_the_parts_of_a_split(folder: Callable[[dict[str, bytes]], Path]) -> None:
    path = folder({"train/cat/1.png": GREY, "train/dog/1.png": GREY, "test/cat/2.png": GREY, "test/dog/2.png": GREY})
    with Dataset.open(path) as dataset:
        assert column(dataset, "split") == ["test", "test", "train", "train"]
        assert column(dataset, "class") == ["cat", "dog"] * 2


def test_one_image_in_colour_makes_all_of_them_so(folder: Callable[[dict[str, bytes]], Path]) -> None:
    with Dataset.open(folder({"a/1.png": GREY, "b/1.png": RED})) as dataset:
        found = cells(dataset)
    np.testing.assert_array_equal(found[0, 0], [[10] * 3, [20] * 3, [30] * 3, [40] * 3])
    np.testing.assert_array_equal(found[1, 0, 0], [255, 0, 0])


def test_a_table_of_paths_holds_their_images_in_its_own_order(
    folder: Callable[[dict[str, bytes]], Path], tmp_path: Path
) -> None:
    root = folder({"1.png": GREY, "2.png": png([[5] * 4] * 4)})
    table = b"file,y\npictures/2.png,b\npictures/1.png,a\n"
    (tmp_path / "table.csv").write_bytes(table)
    files = {f"pictures/{path.name}": path.read_bytes() for path in root.iterdir()} | {"table.csv": table}
    (tmp_path / "whole").mkdir()
    for path in (tmp_path / "table.csv", zipped(tmp_path / "a.zip", files), tarred(tmp_path / "a.tgz", files)):
        with Dataset.open(path) as dataset:
            assert dataset.columns == ("file", "y")
            assert column(dataset, "y") == ["b", "a"]
            assert cells(dataset)[:, 0, 0, 0].tolist() == [5, 10]
            assert dataset.images is not None
            assert dataset.images.source is not None
            assert dataset.images.source.files == ("pictures/2.png", "pictures/1.png")


def test_words_that_end_like_files_which_are_not_there_stay_words(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("name,y\nlogo.png,1\nicon.png,2\n")
    with Dataset.open(tmp_path / "table.csv") as dataset:
        assert dataset.images is None
        assert column(dataset, "name") == ["logo.png", "icon.png"]


BROKEN = {"cat/1.png": GREY, "dog/1.png": GREY, "cat/cut.png": GREY[:50], "cat/empty.png": b"", "dog/no.png": b"a text"}


def test_files_that_cannot_be_read_are_named_with_the_reason(folder: Callable[[dict[str, bytes]], Path]) -> None:
    with pytest.raises(DatasetError) as caught:
        Dataset.open(folder(BROKEN))
    message = str(caught.value)
    assert "3 files of" in message
    assert "'cat/empty.png' (the file is empty), 'dog/no.png' (not a supported image format)" in message
    assert "--unreadable-images leave-out" in message


def test_unreadable_files_are_skipped_on_request(
    folder: Callable[[dict[str, bytes]], Path],
) -> None:
    with Dataset.open(folder(BROKEN), reading=ImageReading(unreadable="leave_out")) as dataset:
        assert dataset.row_count == 2
        assert dataset.images is not None
        assert dataset.images.source is not None
        assert set(dataset.images.source.left_out) == {"cat/cut.png", "cat/empty.png", "dog/no.png"}


def test_a_path_that_leads_nowhere_is_named(folder: Callable[[dict[str, bytes]], Path], tmp_path: Path) -> None:
    folder({"1.png": GREY})
    (tmp_path / "table.csv").write_text("file,y\npictures/1.png,1\npictures/9.png,2\n")
    with pytest.raises(DatasetError, match=r"'pictures/9\.png' \(there is no such file\)"):
        Dataset.open(tmp_path / "table.csv")


@pytest.mark.parametrize("name", ["../outside.png", "/etc/outside.png", "..\\outside.png"])
def test_nothing_of_an_archive_is_written_where_its_names_say(tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    path = zipped(tmp_path / "in" / "a.zip", {name: GREY})
    before = {*tmp_path.rglob("*")}
    with suppress(DatasetError), Dataset.open(path) as dataset:
        assert dataset.row_count == 1
    assert {*tmp_path.rglob("*")} == before
    assert not Path("/etc/outside.png").exists()


def test_a_member_without_a_name_is_no_file(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        for name in ("a/1.png", "b/2.png", "none"):
            archive.writestr(name, GREY)
        archive.filelist[-1].filename = ""  # as the directory at the archive's end has it
    with Dataset.open(tmp_path / "x.zip") as dataset:
        assert column(dataset, "class") == ["a", "b"]


def test_links_in_an_archive_are_no_images(tmp_path: Path) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        link = tarfile.TarInfo("cat/secret.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(DatasetError, match="contains none"):
        Dataset.open(path)


def test_a_truncated_archive_is_reported(tmp_path: Path) -> None:
    path = zipped(tmp_path / "a.zip", CLASSES)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DatasetError, match="is damaged or not an archive"):
        Dataset.open(path)


@pytest.mark.parametrize(
    ("reading", "first_row"),
    [
        (None, [7] * 4),  # the median of 4 x 8 and twice 4 x 4 is 4 x 4
        (ImageReading(size=(4, 8), fit="stretch"), [7] * 8),
        (ImageReading(size=(4, 8), fit="pad"), [0, 0, 7, 7, 7, 7, 0, 0]),
        (ImageReading(size=(2, 8), fit="crop"), [7] * 8),
    ],
)
def test_images_are_resized_as_requested(
    folder: Callable[[dict[str, bytes]], Path], reading: ImageReading | None, first_row: list[int]
) -> None:
    files = {"a/1.png": png(None, (4, 4)), "a/2.png": png(None, (4, 4)), "b/1.png": png(None, (8, 4))}
    with Dataset.open(folder(files), reading=reading) as dataset:
        assert cells(dataset)[0, 0, :, 0].tolist() == first_row


def test_large_images_are_made_smaller_unless_a_size_is_given(folder: Callable[[dict[str, bytes]], Path]) -> None:
    root = folder({"a/1.png": png(None, (200, 100))})
    for reading, shape in ((None, (32, 64, 1)), (ImageReading(size=(100, 200)), (100, 200, 1))):
        with Dataset.open(root, reading=reading) as dataset:
            assert dataset.images is not None
            assert dataset.images.shape == shape


def test_images_of_sixteen_bits_share_one_scale_also_when_one_is_predicted_alone(
    folder: Callable[[dict[str, bytes]], Path],
) -> None:
    def deep(value: int) -> bytes:
        file = io.BytesIO()
        Image.fromarray(np.full((2, 2), value, np.uint16)).save(file, "PNG")
        return file.getvalue()

    root = folder({"dim/a.png": deep(255), "bright/b.png": deep(256), "bright/c.png": deep(510)})
    with Dataset.open(root) as dataset:
        assert dataset.images is not None
        assert dataset.images.value_range == (0, 510)
        assert cells(dataset)[:, 0, 0, 0].tolist() == [128, 255, 128]  # b, c, a: 256 and 255 of 510 are next to equal
    (root / "bright" / "c.png").unlink()
    with Dataset.open(root, reading=ImageReading(value_range=(0, 510))) as dataset:
        assert cells(dataset)[:, 0, 0, 0].tolist() == [128, 128]


def test_the_digest_changes_with_any_image_and_with_none_else(folder: Callable[[dict[str, bytes]], Path]) -> None:
    root = folder(CLASSES)

    def digest() -> str:
        with Dataset.open(root) as dataset:
            return dataset.digest

    before = digest()
    (root / "notes.md").write_text("changed")
    assert digest() == before
    (root / "cat" / "1.png").write_bytes(png([[1] * 4] * 4))
    assert digest() != before


def test_image_options_without_image_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("a,y\n" + "1,x\n2,z\n" * 20)
    with pytest.raises(DatasetError, match=r"table\.csv has none\. Remove --image-size"):
        recommend(tmp_path / "table.csv", images=ImageReading(size=(8, 8)))


def test_an_archive_may_promise_as_many_pixels_as_its_own_bytes_allow_and_a_folder_as_its_files(
    folder: Callable[[dict[str, bytes]], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "MIN_PIXELS", 100)
    blank = io.BytesIO()
    Image.new("L", (400, 500)).save(blank, "PNG", compress_level=0)  # 1 byte a pixel; zipped some 500 pixels a byte
    files = {f"{'ab'[number % 2]}/{number}.png": blank.getvalue() for number in range(4)}
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    size = (tmp_path / "x.zip").stat().st_size
    with Dataset.open(folder(files)) as dataset:
        assert dataset.images is not None
    monkeypatch.setattr(bounds, "MAX_PIXEL_RATIO", 100)
    with pytest.raises(DatasetError, match=f"Images in {size:,} bytes may have at most {100 * size:,} pixels together"):
        Dataset.open(tmp_path / "x.zip")


@pytest.mark.parametrize("is_archive", [True, False])
def test_broken_deep_images_are_named_and_do_not_count_for_the_size(
    folder: Callable[[dict[str, bytes]], Path], tmp_path: Path, *, is_archive: bool
) -> None:
    whole, large = io.BytesIO(), io.BytesIO()
    Image.fromarray(np.full((4, 4), 500, np.uint16)).save(whole, "PNG")
    Image.fromarray(np.full((40, 40), 900, np.uint16)).save(large, "PNG")
    files = {"a/1.png": whole.getvalue(), "b/1.png": whole.getvalue(), "b/2.png": large.getvalue()[:60]}
    place = zipped(tmp_path / "x.zip", files) if is_archive else folder(files)
    with pytest.raises(DatasetError, match=r"1 file of .* is not: 'b/2.png'"):
        Dataset.open(place)
    with Dataset.open(place, reading=ImageReading(unreadable="leave_out")) as dataset:
        assert dataset.images is not None
        assert (dataset.images.shape, dataset.images.value_range) == ((4, 4, 1), (0.0, 500.0))
        assert set(np.unique(cells(dataset))) == {255}


def test_the_mirror_agreement_tells_images_that_a_mirror_leaves_in_their_class(
    folder: Callable[[dict[str, bytes]], Path],
) -> None:
    """Bars that stand high or low, whatever the side; and bars whose side is their class."""
    random = np.random.default_rng(0)
    for name, by_side in (("up", False), ("side", True)):
        files = {}
        for number in range(120):
            image = random.integers(0, 40, (8, 8))
            kind, other = number % 2, int(random.integers(2))
            row, place = (other, kind) if by_side else (kind, other)
            image[row * 4 : row * 4 + 4, place * 4 : place * 4 + 4] = 255
            files[f"{name}/{'ab'[kind]}/{number}.png"] = png(image)
        agreement = recommend(folder(files) / name, target="class").record.facts["mirror_agreement"].value
        assert (agreement < 0.5) == by_side
        assert (agreement > 0.9) != by_side


def test_equal_images_with_different_classes_alert(folder: Callable[[dict[str, bytes]], Path]) -> None:
    files = {
        f"{kind}/{number}.png": png([[number] * 4] * 4) for kind in "ab" for number in range(20 if kind == "a" else 3)
    }
    with Dataset.open(folder(files)) as dataset:
        profile = measure(dataset, infer_roles(dataset, Request(target="class")))
    found = {one.name: one for one in profile.guardrails}
    assert found["contradicting_images"].status == "alerted"
    assert found["contradicting_images"].message.startswith("6 images are equal to images with another target")
    assert found["image_sizes"].status == found["unreadable_images"].status == "passed"


def _guardrails(root: Path) -> dict[str, tuple[str, str]]:
    with Dataset.open(root) as dataset:
        profile = measure(dataset, infer_roles(dataset, Request(target="class")))
    return {one.name: (one.status, one.message) for one in profile.guardrails}


MANY = {f"{kind}/{number}.png": png([[number, ord(kind)] * 2] * 4) for kind in "ab" for number in range(10)}


def test_images_in_formats_that_are_not_read_are_counted_and_named(folder: Callable[[dict[str, bytes]], Path]) -> None:
    odd = {"a/IMG_1.HEIC": b"x", "b/deep/2.avif": b"x", "a/notes.txt": b"x"}
    status, message = _guardrails(folder(MANY | odd))["other_files"]
    assert status == "alerted"
    assert message.startswith("2 image files of an unsupported format were skipped: 'a/IMG_1.HEIC', ")
    assert "'b/deep/2.avif'. Convert them to one of .bmp," in message


def test_files_that_are_no_images_are_named_without_an_alert(folder: Callable[[dict[str, bytes]], Path]) -> None:
    assert _guardrails(folder(MANY | {"a/notes.txt": b"x"}))["other_files"] == (
        "done",
        "1 file other than images was skipped: 'a/notes.txt'.",
    )


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_or_archive_of_images_in_formats_that_are_not_read_names_them_and_the_remedy(
    folder: Callable[[dict[str, bytes]], Path], tmp_path: Path, packed: bool
) -> None:
    path = folder({"a/IMG_1.HEIC": b"x", "b/IMG_2.heic": b"x", "notes.txt": b"x"})
    if packed:
        path = tmp_path / "photos.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a/IMG_1.HEIC", b"x")
            archive.writestr("b/IMG_2.heic", b"x")
    with pytest.raises(
        DatasetError,
        match=r"only 2 image files in others: 'a/IMG_1\.HEIC', 'b/IMG_2\.heic'\. Convert them to \.jpg or \.png\.",
    ):
        Dataset.open(path)


def test_the_digest_of_a_folder_covers_the_table_of_its_images(folder: Callable[[dict[str, bytes]], Path]) -> None:
    root = folder({"1.png": GREY, "2.png": GREY})
    digests = []
    for label in ("b", "b", "c"):
        (root / "labels.csv").write_text(f"picture,y\n1.png,a\n2.png,{label}\n")
        with Dataset.open(root) as dataset:
            digests.append(dataset.digest)
    assert digests[0] == digests[1] != digests[2]


def test_a_column_of_paths_with_one_in_a_format_that_is_not_read_still_holds_paths(
    folder: Callable[[dict[str, bytes]], Path],
) -> None:
    root = folder({"1.png": GREY, "2.heic": b"x"})
    (root / "t.csv").write_text("picture,y\n1.png,a\n2.heic,b\n")
    with pytest.raises(DatasetError, match=r"'2\.heic'"):
        Dataset.open(root / "t.csv")


def test_a_table_of_paths_that_leads_outside_its_folder_alerts(folder: Callable[[dict[str, bytes]], Path]) -> None:
    root = folder(MANY | {"inner/keep.txt": b"x"})
    table = root / "inner" / "t.csv"
    table.write_text("picture,class\n" + "".join(f"../{name},{name[0]}\n" for name in MANY))
    status, message = _guardrails(table)["images_outside"]
    assert status == "alerted"
    assert message.startswith("20 image files are outside the folder of the table: ")
    inside = root / "t.csv"
    inside.write_text("picture,class\n" + "".join(f"{name},{name[0]}\n" for name in MANY))
    assert _guardrails(inside)["images_outside"][0] == "passed"
