import json
import os
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from local_aws import serving

DOCS = Path(__file__).parents[2] / "docs"
ANSWER = "document.querySelector('#nodes .answer').textContent"
SAID = "document.getElementById('said').textContent"
HOLDER = "document.querySelector('dd .id[class*=c]').title"


def took_screenshot(page, name):
    if "DURIN_UPDATE" in os.environ:
        page.picture(DOCS / f"{name}.png")


# Slow enough to see each step on a machine that has more to do: the outage takes five seconds.
slowly = pytest.mark.parametrize("world", [5], indirect=True)


@slowly
def test_a_node_that_is_interrupted_by_a_click_comes_back(page):
    old = page.evaluate(HOLDER)
    page.click("Interrupt")
    page.until(f"{SAID}.startsWith('EC2 has warned i-')")
    page.until("document.querySelectorAll('.instance').length === 2")
    page.until("document.querySelector('.instance .warned')?.textContent.startsWith('EC2 takes it back in ')")
    page.until(f"{ANSWER}.includes('has not answered')")
    page.until(f"/ answers at 10.0.0.5; it was away for about [0-9]+\\ss/.test({ANSWER})")
    assert page.evaluate(HOLDER) != old
    page.until("document.querySelector('#rows').innerText.includes('workload is up')")
    rows = page.evaluate("[...document.querySelectorAll('#rows p:not(.noise)')].map((it) => it.innerText).join('\\n')")
    for told in ["spot interruption warning: terminate", "durin-spot-interruption", "ssm:SendCommand durin-release", "workload is up"]:
        assert told in rows


def test_the_keyboard_reaches_every_button_in_order_and_presses_it(page):
    reached = []
    for _ in range(16):
        page.press("Tab")
        page.until("document.activeElement !== document.body")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid", f"{reached[-1]} does not show that it has the focus"
        if reached[-1] == "Recommend to rebalance":
            page.press("Enter", text="\r")
            page.until(f"{SAID}.startsWith('EC2 has sent a rebalance recommendation')")
            # The page has shown the world anew meanwhile.
            page.until("document.activeElement.textContent === 'Recommend to rebalance'")
        if reached[-1] == "rows":
            break
    # fmt: off
    assert reached == [
        "pause", "speed", "Interrupt", "Recommend to rebalance", "Reclaim without a warning", "Retire its host",
        "Stick its volume", "No capacity", "Bad image", "Lose the next event", "Bake an image", "save", "all", "rows",
    ]
    # fmt: on


@pytest.mark.parametrize(
    ("words", "says", "shows"),
    [
        ("Reclaim without a warning", "without a warning.", f"{ANSWER}.includes('has not answered')"),
        ("Retire its host", "retires; EC2 stops it on 2026-01-", "document.body.innerText.includes('Its host retires on 2026-01-')"),
        ("Stick its volume", "stays in detaching until its instance ends.", "document.body.innerText.includes('next detachment sticks')"),
        ("No capacity", "until no-capacity is off.", "document.querySelectorAll('#world [aria-pressed=true]').length === 1"),
        ("Bad image", "until bad-image is off.", "document.querySelectorAll('#world [aria-pressed=true]').length === 1"),
        ("Lose the next event", "is lost.", "document.body.innerText.includes('Lose the next event (1 to come)')"),
        ("Bake an image", "Packer makes ami-", "document.querySelector('#rows').innerText.includes('pending: k3s-2026-01-05')"),
    ],
)
def test_each_button_does_what_it_says(page, words, says, shows):
    page.click(words)
    page.until(f"{SAID}.includes({says!r})")
    page.until(shows)
    if words in ("No capacity", "Bad image"):
        page.click(words)
        page.until("document.querySelectorAll('#world [aria-pressed=true]').length === 0")


def test_time_stands_still_and_goes_on_at_another_speed(page):
    clock = "document.getElementById('clock').textContent"
    page.click("Pause")
    page.until("document.getElementById('pause').textContent === 'Go on'")
    stopped = page.evaluate(clock)
    page.evaluate("new Promise((resume) => setTimeout(resume, 1500))")
    assert page.evaluate(clock) == stopped
    page.click("Go on")
    page.until(f"{clock} !== '{stopped}'")
    page.evaluate("{ const speed = document.getElementById('speed'); speed.value = '100'; speed.dispatchEvent(new Event('change')) }")
    page.until(f"{SAID} === 'Time runs at 100 x.'")


def test_a_story_that_is_saved_is_a_world_file(page, tmp_path):
    page.click("Lose the next event")
    page.until(f"{SAID}.includes('is lost.')")
    page.click("Interrupt")
    page.until(f"{SAID}.startsWith('EC2 has warned i-')")
    saved = page.evaluate("fetch(document.getElementById('save').href).then((it) => it.text())")
    file = tmp_path / "story.json"
    file.write_text(saved)
    assert [deed["does"] for deed in json.loads(saved)["story"]] == ["lose-event", "interrupt?node=k3s"]
    with serving(speed=100, world=file) as again:
        page.open(again.endpoint)
        page.until("document.getElementById('rows')?.innerText.includes('operator calls durin:interrupt k3s')")


def test_nothing_is_wider_than_a_phone(page):
    for width in (320, 390, 768, 1180):
        page.show(width, 844, phone=width < 500)
        page.until(f"innerWidth === {width}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.show(1180, 960)


def test_another_page_cannot_press_the_buttons(page, world):
    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<!doctype html><link rel=icon href=data:,>")

        def log_message(self, *_):
            pass

    elsewhere = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    Thread(target=elsewhere.serve_forever, daemon=True).start()
    page.open(f"http://127.0.0.1:{elsewhere.server_port}")
    page.until(f"location.port === '{elsewhere.server_port}'")
    page.evaluate(f"fetch('{world}/durin/interrupt?node=k3s', {{ method: 'POST', mode: 'no-cors' }}).then(() => true)")
    read = page.evaluate(f"fetch('{world}/durin/state').then((it) => it.text(), () => 'refused')")
    elsewhere.shutdown()
    assert read == "refused"
    with urllib.request.urlopen(f"{world}/durin/state") as answer:
        assert b"interrupt" not in answer.read()
    # The browser has said that it was refused.
    page.complaints.clear()


@slowly
def test_the_documents_show_what_it_looks_like(page):
    page.click("Interrupt")
    page.until(f"{ANSWER}.includes('has not answered')")
    page.click("Pause")
    page.until("document.getElementById('pause').textContent === 'Go on'")
    took_screenshot(page, "page")
    page.show(390, 844, phone=True)
    page.until("innerWidth === 390")
    page.evaluate("scrollTo(0, 0)")
    took_screenshot(page, "page-phone")
    page.show(1180, 960)
    for name in ["page", "page-phone"]:
        assert (DOCS / f"{name}.png").stat().st_size > 10_000
