"""The page: only this machine, only its own window, and every part of it clicked in headless Chromium."""

import asyncio
import http.client
import json
import shutil
import threading

import numpy as np
import pytest
from PIL import Image
from tiny_explorer import TinyRuns

from fashion_lib.core.errors import FashionError
from fashion_lib.explorer import page_server
from fashion_lib.explorer.conversation import Conversation

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

SMALL = """[...document.querySelectorAll('.fx *')].filter(
    (node) => node.innerText && parseFloat(getComputedStyle(node).fontSize) < 12  // 12 pixels are 9 points
).map((node) => node.className)"""


@pytest.fixture
def page():
    """A page over the tiny runs, served by a thread that ends with the test."""
    address, loop = [], asyncio.new_event_loop()
    there = threading.Event()
    serving = page_server._served(
        Conversation(TinyRuns()), 0, lambda told: (address.append(told), there.set())
    )
    task = loop.create_task(serving)

    def run():
        with pytest.raises(asyncio.CancelledError):
            loop.run_until_complete(task)

    thread = threading.Thread(target=run)
    thread.start()
    assert there.wait(20)
    yield address[0]
    loop.call_soon_threadsafe(task.cancel)
    thread.join(20)
    loop.close()


def answer(page: str, method: str, path: str, body: bytes = b"", **headers) -> tuple[int, str]:
    connection = http.client.HTTPConnection(page.removeprefix("http://").strip("/"), timeout=20)
    connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    return response.status, response.read().decode()


def test_only_this_machine_and_only_its_own_window_are_answered(page):
    assert page.startswith("http://127.0.0.1:")
    assert answer(page, "GET", "/")[0] == answer(page, "GET", "/explorer.js")[0] == 200
    assert answer(page, "GET", "/../pyproject.toml")[0] == answer(page, "GET", "/page_server.py")[0] == 404
    assert answer(page, "GET", "/", Host="evil.example")[0] == 403
    assert answer(page, "POST", "/ask", b'{"kind": "runs"}\n')[0] == 403
    status, text = answer(page, "POST", "/ask", b'{"kind": "runs"}\n', X_Explorer="1")
    assert status == 200 and len(json.loads(text)["runs"]) == 3
    status, text = answer(page, "POST", "/ask", b"\xff no JSON", X_Explorer="1")
    assert status == 200 and json.loads(text)["kind"] == "error"


def test_a_taken_port_gives_the_next_one():
    sockets, port = page_server.listening(0)
    others, other = page_server.listening(port)
    assert other > port and others[0].getsockname()[0] == "127.0.0.1"
    for one in (*sockets, *others):
        one.close()
    with pytest.raises(FashionError, match="name another with --port"):
        page_server.listening(70_000)


@pytest.fixture(scope="module")
def chromium():
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    if executable is None:
        pytest.skip("no Chromium on this machine: on Debian, `apt-get install chromium` brings one.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.slow
def test_a_reader_clicks_through_the_page(page, chromium, tmp_path):
    window = chromium.new_context(viewport={"width": 1366, "height": 900}, bypass_csp=True).new_page()
    faults, requests = [], []
    window.on("pageerror", lambda error: faults.append(str(error)))
    window.on("console", lambda line: faults.append(line.text) if line.type == "error" else None)
    window.on("request", lambda one: requests.append(one.url))

    def settled(text: str, answers: int = 1) -> None:
        window.wait_for_function(
            "([text, answers]) => !document.querySelector('[aria-busy]') && "
            "document.querySelectorAll('.fx-answer').length === answers && "
            "document.querySelector('.fx-answer').innerText.includes(text)",
            arg=[text, answers],
            timeout=20_000,
        )

    window.goto(page)
    settled("asen (v2), seed 0")
    window.select_option("select[name=attribute]", "colour")
    settled("colour")
    window.select_option("select[name=beside]", index=1)
    settled("colour", answers=2)
    window.click(".fx-strip button:nth-child(4)")
    row = window.get_attribute(".fx-strip button:nth-child(4)", "data-row")
    assert window.input_value("input[name=row]") == row
    settled("of this query", answers=2)
    found = window.locator(".fx-board button[data-row]").first
    row = found.get_attribute("data-row")
    found.click()  # a found picture becomes the next question
    window.wait_for_function("row => document.querySelector('input[name=row]').value === row", arg=row)
    settled("colour", answers=2)
    file = tmp_path / "own.jpg"
    Image.fromarray(np.full((30, 50, 3), 120, np.uint8)).convert("CMYK").save(file)
    window.set_input_files(".fx-file", file)
    settled("your picture is not known", answers=2)
    dropped = window.evaluate_handle(
        "() => { const all = new DataTransfer(); all.items.add(new File(['no picture'], 'dropped.png')); return all; }"
    )
    window.dispatch_event(".fx-drop", "drop", {"dataTransfer": dropped})
    window.wait_for_selector("text='dropped.png' cannot be read as a picture")
    (tmp_path / "notes.txt").write_text("no picture")
    window.set_input_files(".fx-file", tmp_path / "notes.txt")
    window.wait_for_selector("text='notes.txt' cannot be read as a picture")
    window.fill("input[name=row]", "99")
    window.press("input[name=row]", "Enter")
    window.wait_for_selector("text=choose a number from 0 to 59")
    assert window.locator(".fx-answer").count() == 0
    window.click("text=Other pictures")
    window.click(".fx-strip button:nth-child(2)")
    settled("colour", answers=2)
    for width in (1366, 390):
        window.set_viewport_size({"width": width, "height": 844})
        assert window.evaluate("document.documentElement.scrollWidth") <= width
        assert window.evaluate(SMALL) == []
    assert faults == [] and all(url.startswith((page, "data:", "blob:")) for url in requests)
