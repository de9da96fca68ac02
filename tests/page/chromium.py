"""A headless Chromium, driven by its own DevTools protocol over a pipe: no driver, and no package."""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import time

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]


def find():
    """The program, if there is one."""
    return next((found for found in map(shutil.which, NAMES) if found), None)


@contextlib.contextmanager
def running(program, profile):
    """Starts it with a profile of its own in that folder, and stops it at the end."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    options = ["--headless", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-background-networking"]
    options.append("--remote-debugging-pipe")
    if os.geteuid() == 0:
        options.append("--no-sandbox")
    command = [program, *options, f"--user-data-dir={profile}", "about:blank"]

    # It reads from 3 and writes to 4, whatever these are here.
    to_3_and_4 = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
    process = subprocess.Popen(
        ["bash", "-c", to_3_and_4, "bash", *command],
        pass_fds=[theirs_in, theirs_out],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        yield Chromium(ours_in, ours_out)
    finally:
        # It ends with its pipe, and all its processes with it.
        os.close(ours_in)
        os.close(ours_out)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


class Chromium:
    """One page of it."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer
        self._received, self._number, self._session = b"", 0, None
        # What the page has complained about: exceptions, console errors, blocked or failed requests.
        self.complaints = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._writer, json.dumps(message).encode() + b"\0")
        while (heard := self._hear()).get("id") != self._number:
            self._note(heard)
        assert "error" not in heard, f"{method}: {heard['error']}"
        return heard["result"]

    def show(self, width, height, dark=False, phone=False):
        """The size of the window, and the colours that the person prefers."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if phone else 1, mobile=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, address):
        self.call("Page.navigate", url=address)

    def evaluate(self, script):
        """The value of an expression of JavaScript in the page."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, script, within_s=60):
        """Waits until it is true in the page."""
        end = time.monotonic() + within_s
        while not (value := self.evaluate(script)):
            assert time.monotonic() < end, f"never: {script}\n{self.evaluate('document.body.innerText')}"
            time.sleep(0.1)
        return value

    def press(self, key, code=None, text=None):
        """A key of the keyboard, down and up."""
        key = {"key": key, "code": code or key, "windowsVirtualKeyCode": {"Tab": 9, "Enter": 13, " ": 32}.get(key, 0)}
        self.call("Input.dispatchKeyEvent", type="keyDown", **key, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **key)

    def click(self, words):
        """The middle of the visible button with these words, as a mouse does."""
        spot = self.evaluate(
            f"""(() => {{
                const button = [...document.querySelectorAll("button")].find((it) => it.textContent === {json.dumps(words)});
                if (!button) return null;
                button.scrollIntoView({{ block: "center" }});
                const {{ x, y, width, height }} = button.getBoundingClientRect();
                return {{ x: x + width / 2, y: y + height / 2 }};
            }})()"""
        )
        assert spot, f"there is no button {words!r}"
        for kind in ["mousePressed", "mouseReleased"]:
            self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **spot)

    def picture(self, file):
        """What the window shows, as PNG."""
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def _hear(self, within_s=30):
        end = time.monotonic() + within_s
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._reader], [], [], max(0, end - time.monotonic()))
            assert ready, "Chromium says nothing"
            some = os.read(self._reader, 1 << 16)
            assert some, "Chromium has ended"
            self._received += some
        message, _, self._received = self._received.partition(b"\0")
        return json.loads(message)

    def _note(self, heard):
        details = heard.get("params", {})
        method = heard.get("method")
        if method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(details["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and details["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps(details["args"]))
        elif method == "Log.entryAdded" and details["entry"]["level"] in ("error", "warning"):
            self.complaints.append(json.dumps(details["entry"]))
