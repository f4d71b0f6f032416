"""``--damaged keep``: what can't be decoded is held by its neighbor, named and counted, and every index stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from builder import BuiltProject, Video, build_project
from clips import ALL, CLIPS, Workshop, index_in, indices_by_opencv, indices_by_pyav
from command import dlc2lp
from handmade import change_packets, emptied, garbled

from dlc2lp.errors import VideoFailed
from dlc2lp.video.convert import convert_video
from dlc2lp.video.frames import read_frames
from dlc2lp.video.kept import measure_video

Spoil = Callable[..., Callable[[int, bytes], bytes]]

#: Clips of which every frame can be decoded by itself, the packets that are spoiled, and how.
SPOILED: list[tuple[str, tuple[int, ...], Spoil]] = [
    ("mjpeg", (20, 47), emptied),
    ("mjpeg", (0, 1, 20, 21, 22), garbled),
    ("mjpeg", (0, 1, 2), emptied),
    ("prores", (0, 20, 47), garbled),
    ("all key frames", (13, 14, 40), emptied),
]


def held(truth: tuple[int, ...], packets: tuple[int, ...]) -> tuple[int, ...]:
    """What is shown where frames are held: the one before, of the first ones the one behind."""
    whole = [index for index in truth if index not in packets]
    return tuple(max((each for each in whole if each <= index), default=whole[0]) for index in truth)


@pytest.mark.parametrize(("name", "packets", "spoil"), SPOILED, ids=[f"{name}-{at}" for name, at, _ in SPOILED])
def test_every_index_stays(
    name: str, packets: tuple[int, ...], spoil: Spoil, shop: Workshop, tmp_path: Path, each_ffmpeg: str
) -> None:
    source, target = tmp_path / CLIPS[name].file_name, tmp_path / "out.mp4"
    change_packets(shop.clip(name), source, spoil(*packets))
    with pytest.raises(VideoFailed):
        convert_video(source, target, threads=1, verify="full")
    assert not target.exists()
    made = convert_video(source, target, threads=1, damaged="keep", verify="full")
    assert (made.action, made.source.held) == ("encode", packets)
    assert tuple(indices_by_pyav(target)) == tuple(indices_by_opencv(target)) == held(ALL, packets)
    told = {remark.code: remark for remark in made.remarks}
    assert all(f"{index}" in told["frames-held"].message for index in (packets[0], packets[-1]))
    read = {at: index_in(picture[..., 0]) for at, picture in read_frames(source, made.source, [*packets, 30])}
    assert read == {at: held(ALL, packets)[at] for at in (*packets, 30)}


#: Clips whose frames lean on others, and a packet that others lean on.
LEANING = [("uneven no B", 14), ("h264", 24), ("h264 mkv", 13), ("mpeg4", 15), ("mpeg2 mkv", 12), ("vp9", 20)]


@pytest.mark.parametrize(("name", "packet"), LEANING)
def test_what_leans_on_a_damaged_frame_is_held_with_it(name: str, packet: int, shop: Workshop, tmp_path: Path) -> None:
    source, target = tmp_path / CLIPS[name].file_name, tmp_path / "out.mp4"
    change_packets(shop.clip(name), source, emptied(packet))
    made = convert_video(source, target, threads=1, damaged="keep")
    shown = tuple(indices_by_pyav(target))
    assert shown == held(ALL, made.source.held)
    assert len(made.source.held) > 1


@pytest.mark.parametrize("name", ["h264", "mjpeg", "vp9", "raw h264"])
def test_a_whole_video_is_as_it_would_be(name: str, shop: Workshop, tmp_path: Path) -> None:
    kept = convert_video(shop.clip(name), tmp_path / "kept.mp4", threads=1, damaged="keep")
    usual = convert_video(shop.clip(name), tmp_path / "usual.mp4", threads=1)
    assert (kept.action, kept.reasons, kept.remarks) == (usual.action, usual.reasons, usual.remarks)
    assert (tmp_path / "kept.mp4").read_bytes() == (tmp_path / "usual.mp4").read_bytes()


def test_a_video_without_one_whole_frame_is_refused(shop: Workshop, tmp_path: Path) -> None:
    source = tmp_path / "a.mp4"
    change_packets(shop.clip("one group"), source, emptied(0))
    with pytest.raises(VideoFailed, match=r"can be decoded|can.t be"):
        convert_video(source, tmp_path / "out.mp4", threads=1, damaged="keep")
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize(
    "name", ["cut mp4", "cut avi", "cut mkv", "cut flv", "live mkv cut", "live mkv clusters cut", "second part missing"]
)
def test_of_a_cut_file_is_kept_what_is_there(name: str, shop: Workshop, tmp_path: Path) -> None:
    made = convert_video(shop.clip(name), tmp_path / "out.mp4", threads=1, damaged="keep", verify="full")
    shown = indices_by_pyav(tmp_path / "out.mp4")
    assert 15 < len(shown) <= 48 and len(made.source.held) < 3
    assert tuple(shown) == held(ALL[: len(shown)], made.source.held)
    assert "video-truncated" in {remark.code for remark in made.remarks}


def test_what_leaves_the_indices_open_is_refused(shop: Workshop, tmp_path: Path) -> None:
    """Noise over the head of an AVI's chunk, or between an MPEG's packets: who knows how many frames it swallowed."""
    for name, at in (("mjpeg", 0), ("mpeg1", 40)):
        data = bytearray(shop.clip(name).read_bytes())
        start = data.index(b"00dc", len(data) // 2) - 20 if name == "mjpeg" else len(data) // 2
        data[start : start + 40 + 9 * at] = bytes(range(7, 47)) + bytes(9 * at)
        source = tmp_path / CLIPS[name].file_name
        source.write_bytes(data)
        with pytest.raises(VideoFailed, match="nothing tells how many are missing"):
            measure_video(source, "keep")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> BuiltProject:
    """A project whose video is damaged where one of its labeled frames is, and somewhere else."""
    folder = tmp_path_factory.mktemp("kept")
    frames = (3, 10, 17, 24, 31)
    built = build_project(folder / "project", sessions=("m1",), frames=frames, n_frames=48, video=Video(gop=1))
    video = built.videos["m1"]
    whole = video.with_name("whole.mp4")
    video.rename(whole)
    change_packets(whole, video, emptied(17, 28))
    whole.unlink()
    return built


def test_labels_on_held_frames_are_left_out_and_counted(project: BuiltProject, tmp_path: Path) -> None:
    refused = dlc2lp("convert", project.root, tmp_path / "refused", "--verify", "full", "--json")
    assert refused.exit_code == 1 and "video-decode-errors" in refused.codes
    target = tmp_path / "lp"
    made = dlc2lp("convert", project.root, target, "--damaged", "keep", "--json")
    assert made.exit_code == 1  # labels are lost
    assert {"frames-held", "labels-on-held-frames"} <= set(made.codes)
    (video,) = made.document["videos"]
    assert video["held"] == [17, 28]
    frames = made.document["counts"]["labeled_frames"]
    assert (frames["source"], frames["written"], frames["left_out"]) == (5, 4, 1)
    rows = (target / "CollectedData.csv").read_text(encoding="utf-8").splitlines()[3:]
    assert [row.split(",")[0][-7:-4] for row in rows] == ["003", "010", "024", "031"]
    assert not [
        name for name in (target / "labeled-data/m1").iterdir() if "017" in name.name and "img" not in name.name
    ]
    assert dlc2lp("verify", target, "--verify", "full").exit_code == 0
    again = dlc2lp("convert", project.root, target, "--damaged", "keep", "--json")
    assert again.document["steps"]["done"] == again.document["steps"]["failed"] == []
    manifest = json.loads((target / ".dlc2lp/manifest.json").read_text(encoding="utf-8"))
    assert manifest["videos"][0]["held"] == [17, 28]
