"""Chromium driven through the DevTools protocol over two pipes: pages, mouse, keys, touch, pictures of the screen."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from mixkd.book import pdf

BROWSER = pdf.browser()
OPTIONS = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync"
OPTIONS += " --disable-component-update --hide-scrollbars --remote-debugging-pipe --disable-dev-shm-usage"
KEYS = {"Tab": 9, "Enter": 13, "Space": 32, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39}


class Browser:
    """One Chromium, without network; close it at the end."""

    def __init__(self, profile: Path):
        commands, to_browser = os.pipe()
        from_browser, answers = os.pipe()
        script = f'exec "$@" 3<&{commands} 4>&{answers}'  # the numbers that the option asks for
        words = ["bash", "-c", script, "bash", str(BROWSER), *OPTIONS.split(), f"--user-data-dir={profile}"]
        words.append("--host-resolver-rules=MAP * ~NOTFOUND")
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(words, pass_fds=(commands, answers), **quiet)
        os.close(commands)
        os.close(answers)
        self.to, self.answers = os.fdopen(to_browser, "wb"), os.fdopen(from_browser, "rb")
        self.count, self.rest, self.events = 0, b"", []

    def send(self, method: str, session: str | None = None, **parameters) -> dict[str, Any]:
        """The result of a command; events that come before it are kept."""
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        self.to.write(json.dumps(message | ({"sessionId": session} if session else {})).encode() + b"\0")
        self.to.flush()
        while (answer := self._read()).get("id") != self.count:
            self.events.append(answer)
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            chunk = os.read(self.answers.fileno(), 1 << 20)
            assert chunk, "the browser has ended"
            self.rest += chunk
        message, _, self.rest = self.rest.partition(b"\0")
        return json.loads(message)

    def open(self, path: Path, width: int = 1280, *, dark: bool = False, reduced: bool = False) -> Page:
        """A page of a file, as wide as a desk screen or a phone (with touch)."""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session, target)
        for domain in ("Page", "Runtime", "Network"):
            page.send(f"{domain}.enable")
        phone = width < 600
        size = {"width": width, "height": 844 if phone else 800, "mobile": phone}
        page.send("Emulation.setDeviceMetricsOverride", deviceScaleFactor=1, **size)
        page.send("Emulation.setTouchEmulationEnabled", enabled=phone)
        theme = "dark" if dark else "light"
        features = {"prefers-color-scheme": theme, "prefers-reduced-motion": "reduce" if reduced else "no-preference"}
        page.send("Emulation.setEmulatedMedia", features=[{"name": k, "value": v} for k, v in features.items()])
        page.send("Page.navigate", url=path.as_uri())
        page.wait(f"document.readyState === 'complete' && location.href === {json.dumps(path.as_uri())}")
        page.js(f"document.documentElement.dataset.theme = '{theme}'")
        page.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return page

    def close(self) -> None:
        """End the process that was started."""
        try:
            self.send("Browser.close")
        finally:
            self.process.terminate()
            self.process.wait(20)
            self.to.close()
            self.answers.close()


class Page:
    """A tab."""

    def __init__(self, browser: Browser, session: str, target: str):
        self.browser, self.session, self.target = browser, session, target

    def send(self, method: str, **parameters) -> dict[str, Any]:
        return self.browser.send(method, self.session, **parameters)

    def js(self, code: str) -> Any:
        """The value of an expression; a promise is awaited."""
        done = self.send("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def wait(self, condition: str) -> None:
        """Until an expression is true; an error after ten seconds."""
        late = f"Date.now() - start > 10000 ? fail({json.dumps('waited for ' + condition)})"
        look = f"const look = () => ({condition}) ? done(1) : {late} : setTimeout(look, 20)"
        code = f"new Promise((done, fail) => {{ const start = Date.now(); {look}; look(); }})"
        for _ in range(3):  # a navigation ends the context that waits
            try:
                self.js(code)
                return
            except AssertionError as error:
                if "context" not in str(error) and "navigated" not in str(error):
                    raise
        self.js(code)

    @property
    def problems(self) -> list[str]:
        """Errors and warnings of the console, exceptions, and addresses outside the page's own file."""
        own = [event for event in self.browser.events if event.get("sessionId") == self.session]
        found = []
        for event in own:
            method, about = event["method"], event["params"]
            if method == "Runtime.exceptionThrown":
                found.append(about["exceptionDetails"].get("exception", {}).get("description", "exception"))
            if method == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning"):
                found.append(str(about["args"]))
            if method == "Network.requestWillBeSent" and not about["request"]["url"].startswith(("file:", "data:")):
                found.append(about["request"]["url"])
        return found

    def at(self, selector: str, x: float = 0.5, y: float = 0.5) -> dict[str, float]:
        """A place in an element, from its upper left corner (0, 0) to (1, 1), scrolled into view."""
        node = f"const node = document.querySelector({json.dumps(selector)}); node.scrollIntoView({{block: 'center'}})"
        box = f"({{left, top, width, height}}) => ({{x: left + {x} * width, y: top + {y} * height}})"
        code = f"(() => {{ {node}; return ({box})(node.getBoundingClientRect()); }})()"
        return self.js(code)

    def click(self, selector: str) -> None:
        where = self.at(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, button="left", buttons=1, clickCount=1, **where)

    def drag(self, selector: str, start: tuple[float, float], end: tuple[float, float], *, touch: bool = False) -> None:
        """With the mouse or a finger."""
        first, last = self.at(selector, *start), self.at(selector, *end)
        if touch:
            self.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[first])
            self.send("Input.dispatchTouchEvent", type="touchMove", touchPoints=[last])
            self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
            return
        steps = (("mousePressed", first), ("mouseMoved", last), ("mouseReleased", last))
        for kind, where in steps:
            self.send("Input.dispatchMouseEvent", type=kind, button="left", buttons=1, clickCount=1, **where)

    def press(self, key: str, times: int = 1) -> None:
        """A key, on whatever has the focus."""
        about = {"key": " " if key == "Space" else key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        text = {"Enter": "\r", "Space": " "}.get(key)
        for _ in range(times):
            self.send("Input.dispatchKeyEvent", type="keyDown", **about, **({"text": text} if text else {}))
            self.send("Input.dispatchKeyEvent", type="keyUp", **about)

    def picture(self, path: Path) -> None:
        """A PNG of the whole page."""
        size = self.send("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        data = self.send("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self) -> None:
        self.browser.send("Target.closeTarget", targetId=self.target)
