"""Weight, requests, console and accessibility of the built pages: `python -m benchmarks.site [SITE] [--axe AXE_JS]`.

Each page is opened in a headless Chromium at the widths of a desktop and of a phone, from a server on this machine that
compresses as a web host does. `--axe` names axe.min.js of axe-core (`npm install axe-core`), which is no dependency;
without it, its columns are empty. `--out` names the folder for pictures of the pages, `--record` the record to write.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import functools
import gzip
import http.server
import json
import subprocess
import tempfile
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from tornado.websocket import WebSocketClientConnection, websocket_connect

from benchmarks import show, write
from mixkd.book import pdf

WIDTHS = {"1280": (1280, 800, False), "390": (390, 844, True)}  # width, height, of a phone
LIMITS = {"home": 400, "page": 800}  # kB over gzip
COMPRESSED = (".html", ".css", ".js", ".svg", ".json", ".csv")
TALKS = ("[togglebutton]: ", "[PST]: ")  # the theme's own notes, no errors
QUIET = 0.7  # seconds without a request after which a page is complete
AXE = """axe.run(document, {resultTypes: ['violations']}).then(r => JSON.stringify(r.violations.map(
  v => [v.impact, v.id, v.nodes.length, v.nodes.slice(0, 3).map(n => n.target.join(' '))])))"""


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, compressed as GitHub Pages does."""

    def log_message(self, *_: Any) -> None:
        """Nothing: requests are counted in the browser."""

    def do_GET(self) -> None:
        """The file; text over gzip."""
        path = Path(self.translate_path(self.path))
        if path.suffix not in COMPRESSED or not path.is_file():
            return super().do_GET()
        body = gzip.compress(path.read_bytes(), 6, mtime=0)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None


@contextmanager
def served(site: Path) -> Iterator[str]:
    """The address of a folder that is served on this machine."""
    handler = functools.partial(Handler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def chromium() -> Iterator[str]:
    """The DevTools address of a headless browser with an empty profile, which reaches this machine alone."""
    program = pdf.browser()
    if program is None:
        raise SystemExit("benchmarks.site: found no Chromium; Debian: apt-get install chromium")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync"
        rules = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
        command = [program, *options.split(), rules, f"--user-data-dir={profile}", "--remote-debugging-port=0"]
        process = subprocess.Popen([*command, "about:blank"], stderr=subprocess.PIPE, text=True)
        try:
            assert process.stderr
            line = next(line for line in process.stderr if "DevTools listening on" in line)
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield line.split("ws://")[1].split("/")[0]
        finally:
            process.terminate()
            process.wait()


class Tab:
    """A tab of the browser, over its DevTools protocol."""

    def __init__(self, socket: WebSocketClientConnection):
        self.socket, self.n, self.events = socket, 0, []  # type: ignore[var-annotated]

    @classmethod
    async def new(cls, host: str) -> Tab:
        """A fresh tab that reports network, console and errors."""
        request = urllib.request.Request(f"http://{host}/json/new?about:blank", method="PUT")
        with urllib.request.urlopen(request) as reply:
            address = json.load(reply)["webSocketDebuggerUrl"]
        tab = cls(await websocket_connect(address, max_message_size=2**28))
        for domain in ("Page", "Network", "Runtime", "Log"):
            await tab.call(f"{domain}.enable")
        return tab

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a command; what happens meanwhile is added to `events`."""
        self.n += 1
        await self.socket.write_message(json.dumps({"id": self.n, "method": method, "params": params}))
        while True:
            message = json.loads(await self.socket.read_message() or "null")
            if message is None:
                raise SystemExit("benchmarks.site: the browser closed the tab")
            if message.get("id") == self.n:
                return message.get("result", {"error": message.get("error")})
            self.events.append(message)

    async def evaluate(self, expression: str) -> Any:
        """The value of JavaScript in the page."""
        reply = await self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        return reply.get("result", {}).get("value")

    async def quiet(self) -> None:
        """Until the page has loaded and no request has been made for a while."""
        for _ in range(100):
            if any(event.get("method") == "Page.loadEventFired" for event in self.events):
                break
            await asyncio.sleep(0.1)
            await self.evaluate("1")
        seen = -1
        while seen != len(self.events):
            seen = len(self.events)
            await asyncio.sleep(QUIET)
            await self.evaluate("1")

    async def open(self, url: str, width: tuple[int, int, bool], theme: str = "") -> None:
        """Loads a page as a first visitor does: nothing is cached or stored."""
        origin = "/".join(url.split("/")[:3])
        await self.call("Storage.clearDataForOrigin", origin=origin, storageTypes="all")
        screen = {"width": width[0], "height": width[1], "deviceScaleFactor": 1, "mobile": width[2]}
        await self.call("Emulation.setDeviceMetricsOverride", **screen)
        await self.call("Network.setCacheDisabled", cacheDisabled=True)
        media = [{"name": "prefers-color-scheme", "value": theme or "light"}]
        await self.call("Emulation.setEmulatedMedia", features=media)
        self.events.clear()
        await self.call("Page.navigate", url=url)
        await self.quiet()

    def requests(self) -> dict[str, str]:
        """Addresses of this page's requests by their id."""
        sent = [e["params"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        addresses = {one["requestId"]: one["request"]["url"] for one in sent}
        return {key: url for key, url in addresses.items() if not url.startswith("data:")}

    def weight(self) -> int:
        """Bytes over the line."""
        ends = [e["params"] for e in self.events if e.get("method") == "Network.loadingFinished"]
        return int(sum(one["encodedDataLength"] for one in ends))

    def errors(self) -> list[str]:
        """Errors and warnings of the console, and exceptions."""
        texts = []
        for event in self.events:
            method, params = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                texts.append(f"{details['text']} {details.get('exception', {}).get('description', '')}".strip())
            elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
                texts.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
            elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
                texts.append(" ".join(str(a.get("value", a.get("description"))) for a in params["args"]))
        return [text for text in texts if not text.startswith(TALKS)]


async def measured(tab: Tab, url: str, axe: str) -> dict[str, Any]:
    """A page at both widths: weight without cache, requests, errors, and what axe objects to."""
    row: dict[str, Any] = {}
    for name, width in WIDTHS.items():
        await tab.open(url, width)
        if name == "1280":
            host = url.split("/")[2]
            requests = list(tab.requests().values())
            row |= {"kilobytes": tab.weight() / 1000, "requests": len(requests), "errors": tab.errors()}
            row["other_hosts"] = sum(host not in address for address in requests)
        row[f"sideways_{name}"] = await tab.evaluate("document.documentElement.scrollWidth - innerWidth > 0")
        if axe:
            await tab.evaluate(axe + "; 1")
            row[f"axe_{name}"] = json.loads(await tab.evaluate(AXE))
    return row


async def picture(tab: Tab, url: str, name: str, path: Path) -> None:
    """A picture of a page at a width, in the light theme on the desktop and in the dark one on the phone."""
    await tab.open(url, WIDTHS[name], "light" if name == "1280" else "dark")
    await tab.evaluate("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
    height = int(await tab.evaluate("document.documentElement.scrollHeight"))
    screen = {"width": WIDTHS[name][0], "height": min(height, 9000), "deviceScaleFactor": 1, "mobile": WIDTHS[name][2]}
    await tab.call("Emulation.setDeviceMetricsOverride", **screen)
    await tab.quiet()
    data = (await tab.call("Page.captureScreenshot"))["data"]
    path.write_bytes(base64.b64decode(data))


def names(site: Path, chosen: list[str]) -> list[str]:
    """Pages of a site, the home page first."""
    every = sorted(str(path.relative_to(site)) for path in site.rglob("*.html") if "_static" not in path.parts)
    every = [name for name in every if name != "index.html"]
    return [name for name in every if not chosen or any(word in name for word in chosen)]


async def run(site: Path, args: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Measurements by page."""
    axe, rows = args.axe.read_text(encoding="utf-8") if args.axe else "", {}
    with served(site) as address, chromium() as host:
        tab = await Tab.new(host)
        for name in names(site, args.page):
            rows[name] = await measured(tab, f"{address}/{name}", axe)
            print(name, f"{rows[name]['kilobytes']:.0f} kB", *rows[name]["errors"], flush=True)
            if args.out:
                args.out.mkdir(parents=True, exist_ok=True)
                for width in WIDTHS:
                    target = args.out / f"{name.replace('/', '_').removesuffix('.html')}_{width}.png"
                    await picture(tab, f"{address}/{name}", width, target)
    return rows


def objections(rows: dict[str, dict[str, Any]]) -> dict[str, Counter[str]]:
    """Nodes that axe objects to, by width, and by impact and rule."""
    counts: dict[str, Counter[str]] = {}
    for name in WIDTHS:
        counts[name] = Counter()
        for row in rows.values():
            for impact, rule, n, _ in row.get(f"axe_{name}", ()):
                counts[name][f"{impact}: {rule}"] += n
    return counts


def summary(rows: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The numbers of a site."""
    pages = {name: row for name, row in rows.items() if name != "book/index.html"}
    sizes = [row["kilobytes"] for row in pages.values()]
    return {
        "pages": len(rows),
        "home_kilobytes": rows["book/index.html"]["kilobytes"] if "book/index.html" in rows else None,
        "page_kilobytes_median": median(sizes) if sizes else None,
        "page_kilobytes_most": max(sizes, default=None),
        "requests_most": max(row["requests"] for row in rows.values()),
        "requests_to_other_hosts": sum(row["other_hosts"] for row in rows.values()),
        "pages_with_console_errors": sum(bool(row["errors"]) for row in rows.values()),
        "pages_wider_than_the_screen": sum(row[f"sideways_{width}"] for row in rows.values() for width in WIDTHS),
        "axe": {width: dict(sorted(of.items())) for width, of in objections(rows).items()},
    }


def main() -> None:
    """Measures, shows, and records where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", nargs="?", type=Path, default=Path("_build/html"))
    parser.add_argument("--axe", type=Path, help="axe.min.js")
    parser.add_argument("--page", action="append", default=[], help="only pages with this in their name; repeatable")
    parser.add_argument("--out", type=Path, help="folder for pictures of the pages")
    parser.add_argument("--record", help="name of the record in benchmarks/records")
    args = parser.parse_args()
    rows = asyncio.run(run(args.site.resolve(), args))
    about = summary(rows)
    show("pages", [{"what": key, "value": str(value)} for key, value in about.items() if key != "axe"])
    for width, counts in objections(rows).items():
        for rule, n in sorted(counts.items()):
            print(f"axe at {width}: {rule} {n}")
    if args.axe:
        for name, row in rows.items():
            for width in WIDTHS:
                for impact, rule, _, where in row[f"axe_{width}"]:
                    if impact in ("serious", "critical"):
                        print(f"{name} at {width}: {rule}: {where}")
    if args.record:
        keep = ("kilobytes", "requests", "errors")
        by_page = {name: {key: row[key] for key in keep} for name, row in rows.items()}
        write(args.record, {**about, "limits_kilobytes": LIMITS, "by_page": by_page}, "no times: bytes and counts")


if __name__ == "__main__":
    main()
