"""The messages between a window and the explorer: lists, own pictures, answers, and errors as one sentence."""

import io

import numpy as np
import pytest
from PIL import Image
from tiny_data import TinyModel
from tiny_explorer import TinyRuns, talk

from fashion_lib.explorer import conversation as module
from fashion_lib.explorer import opened_runs
from fashion_lib.explorer.conversation import Conversation
from fashion_lib.explorer.notebook_widget import ExplorerWidget


@pytest.fixture
def told():
    return Conversation(TinyRuns())


def picture(kind: str = "PNG", mode: str = "RGB", **options) -> bytes:
    buffer = io.BytesIO()
    pixels = np.full((40, 20, 3), 90, np.uint8)
    pixels[:20] = 200  # the upper half is light
    Image.fromarray(pixels).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def test_the_lists_say_what_can_be_asked(told):
    runs = talk(told, kind="runs")["runs"]
    assert [run["title"] for run in runs] == ["asen (v2), seed 0", "csn (v2), seed 0", "asen (v2), seed 0"]
    listed = talk(told, kind="pictures", run=runs[0]["key"], seed=3)
    assert [one["name"] for one in listed["attributes"]] == ["collar", "hem", "colour"]
    assert listed["last"] == 59 and len(listed["pictures"]) == 10
    labels = told.opened.pictures.labels
    for one in listed["pictures"]:
        name = told.opened.pictures.image_names[one["row"]]
        assert set(one["shows"]) == set(labels[labels["image"] == name]["attribute"])
    other = talk(told, kind="pictures", run=runs[0]["key"], seed=4)
    assert other["pictures"] != listed["pictures"]


def test_an_answer_holds_board_maps_and_histogram(told):
    key = told.opened.runs[0].key
    replies = list(told.replies({"kind": "ask", "runs": [key], "row": 2, "attribute": "colour"}))
    assert [one["kind"] for one in replies[:-1]] == ["progress"] and replies[-1]["of"] == "ask"
    html = replies[-1]["html"]
    found = len(told.opened.pictures.encoded("test", "candidate").of(2).image)
    assert html.count("<figcaption>") == 1 + min(12, found) + 3 and html.count("data:image/svg+xml") == 1
    assert "asen (v2), seed 0: your run; trained at commit abc1234" in html
    assert all('alt=""' not in part for part in html.split("<img")[1:])


def test_the_run_that_waited_longest_is_closed_for_the_next(monkeypatch):
    opened, loaded = TinyRuns(), []
    first, second, third = opened.runs
    opened._opened.clear()
    monkeypatch.setattr(opened_runs, "MOST", 2)
    monkeypatch.setattr(opened_runs, "pictures_of", lambda record: opened.pictures)
    monkeypatch.setattr(
        opened_runs, "explored_model", lambda run, data: loaded.append(run) or TinyModel().eval()
    )
    for run in (first, second, first, third, first, second):
        opened._open(run)
    assert loaded == [first, second, third, second], (
        "the first was asked again before the third came, so it stays"
    )


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.png", picture()),
        ("b.jpg", picture("JPEG", "CMYK")),
        ("c.tif", picture("TIFF", "L")),
        ("no suffix", picture("WEBP")),
        ("März/../x.p\0ng", picture()),
    ],
)
def test_an_own_picture_of_any_kind_is_taken_in_pieces_and_asked(told, name, content):
    key, half = told.opened.runs[0].key, len(content) // 2
    assert list(told.replies({"kind": "own", "id": "1", "name": name, "run": key}, content[:half])) == []
    own = talk(told, content[half:], kind="own", id="1", name=name, run=key, last=True)
    assert own["kind"] == "own" and own["src"].startswith("data:image/webp")
    answer = talk(told, kind="ask", runs=[key], own="1", attribute="colour")
    assert "The colour of your picture is not known" in answer["html"] and "✓" not in answer["html"]


def test_a_camera_s_turn_is_undone(told):
    exif = Image.Exif()
    exif[0x0112] = 6
    key = told.opened.runs[0].key
    sources = []
    for number, options in enumerate(({}, {"exif": exif})):
        content = picture("PNG", **options)
        sources.append(
            talk(told, content, kind="own", id=str(number), name="a.png", run=key, last=True)["src"]
        )
    assert sources[0] != sources[1]


def test_what_is_no_picture_or_too_large_is_one_sentence_and_is_forgotten(told, monkeypatch):
    key = told.opened.runs[0].key
    broken = talk(told, b"no picture", kind="own", id="1", name="notes.txt", run=key, last=True)
    assert broken == {
        "kind": "error",
        "text": "'notes.txt' cannot be read as a picture: choose another file.",
        "of": "own",
    }
    monkeypatch.setattr(module, "LARGEST", 10)
    large = talk(told, picture(), kind="own", id="2", name="a.png", run=key, last=True)
    assert large["kind"] == "error" and "choose a smaller picture" in large["text"]
    assert "choose it again" in talk(told, kind="ask", runs=[key], own="1", attribute="colour")["text"]


@pytest.mark.parametrize(
    "request_",
    [
        {}, {"kind": "nonsense"}, {"kind": "ask"}, {"kind": "ask", "runs": 3}, {"kind": "ask", "runs": ["x"], "row": 1},
        {"kind": "ask", "runs": [None]}, {"kind": "ask", "runs": [], "change": {"a": 1}}, {"kind": "pictures"},
        {"kind": "pictures", "run": "x"}, {"kind": "own", "id": 3},
        {"kind": "own", "id": "1", "name": "n", "last": True},
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_request_is_one_sentence(told, request_):
    error = talk(told, **request_)
    assert error["kind"] == "error" and error["text"].endswith(".") and "\n" not in error["text"]
    assert "failed" not in error["text"]


def test_a_fault_of_the_program_is_one_sentence_too(told, monkeypatch, capsys):
    monkeypatch.setattr(told.opened, "answers", lambda question: 1 / 0)
    error = talk(told, kind="ask", runs=["x"], row=1, attribute="colour")
    assert (
        error["text"].startswith("the explorer failed (ZeroDivisionError")
        and "Traceback" not in error["text"]
    )
    assert "Traceback" in capsys.readouterr().err


def test_the_notebook_s_widget_sends_every_reply(told, monkeypatch):
    widget, sent = ExplorerWidget(told), []
    monkeypatch.setattr(widget, "send", lambda reply: sent.append(reply))
    widget._asked(widget, {"kind": "runs"}, [])
    widget._asked(
        widget,
        {"kind": "own", "id": "1", "name": "a.png", "run": told.opened.runs[0].key, "last": True},
        [memoryview(picture())],
    )
    assert [reply["kind"] for reply in sent] == ["runs", "own"]
