"""The pictures of the page in the documentation, taken anew from the sample collection.

python scripts/page_pictures.py [--out docs/images] [--chromium /usr/bin/chromium]
"""

from __future__ import annotations

import argparse
import io
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]
SCALE, COLOURS = 1.5, 128


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server over the sample collection."""
    import uvicorn

    from heedful import sample
    from heedful.corpus import read_documents
    from heedful.encode import load_encoder
    from heedful.index import build_index
    from heedful.serve.app import create_app

    encoder = load_encoder()
    build_index(read_documents([sample.folder()]), folder, encoder)
    door = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(folder, encoder=encoder), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{door.getsockname()[1]}/"
    server.should_exit = True
    thread.join(10)


def opened(browser: Any, address: str, width: int = 1280, height: int = 980, scheme: str = "light") -> Any:
    """The page, as it greets."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=SCALE
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(address)
    page.wait_for_selector(".found-paper")
    return page


def asked(page: Any, *instructions: str, title: str = "Sparse well graphs") -> Any:
    """The page after these instructions."""
    page.fill("#find", title)
    page.wait_for_function("title => document.querySelector('.found-title')?.textContent.startsWith(title)", arg=title)
    page.click(".found-paper")
    page.wait_for_selector(".hit")
    for instruction in instructions:
        page.fill("#instruction", instruction)
        page.press("#instruction", "Enter")
        page.wait_for_function(
            "name => document.querySelector('.step[aria-current]').title === name", arg=f"“{instruction}”"
        )
    page.evaluate("document.activeElement.blur()")
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(300)
    return page


def taken(page: Any, target: Path, **options: Any) -> None:
    """A picture with a small palette: flat colours need no more."""
    from PIL import Image

    picture = Image.open(io.BytesIO(page.screenshot(**options))).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(target, optimize=True)
    print(f"{target}: {target.stat().st_size // 1024} kB")


def take_all(browser: Any, address: str, out: Path) -> None:
    from heedful.sample import INSTRUCTIONS

    problem, method, results = INSTRUCTIONS
    taken(opened(browser, address, height=720), out / "page-begin.png")

    page = asked(opened(browser, address), results, method)
    page.dispatch_event(".hit:nth-child(1)", "mouseenter")
    page.wait_for_timeout(200)
    taken(page, out / "page-steered.png")

    page.emulate_media(color_scheme="dark")
    page.locator(".hit [data-act=pick]").first.click()
    page.locator(".hit [data-act=read]").first.click()
    page.locator(".hit [data-act=why]").first.click()
    page.evaluate("scrollTo(0, document.querySelector('#results').offsetTop - 70)")
    page.wait_for_timeout(300)
    taken(page, out / "page-why-dark.png")

    page = asked(opened(browser, address, height=1500), method, title="Wells that resemble each other")
    page.click("#tab-flow")
    page.wait_for_selector(".flow-lines path", state="attached")
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(0, 0)
    page.wait_for_timeout(300)
    box = page.locator("#results").bounding_box()
    clip = {"x": box["x"] - 24, "y": box["y"] - 12, "width": box["width"] + 48, "height": box["height"] + 36}
    taken(page, out / "page-flow.png", clip=clip)

    page = asked(opened(browser, address, height=860), problem)
    page.route("**/api/explore", lambda route: route.abort())
    page.fill("#instruction", "similar results, no surveys")
    page.press("#instruction", "Enter")
    page.wait_for_selector(".results .fault")
    taken(page, out / "page-fault.png")

    page = asked(opened(browser, address, width=360, height=760), method)
    taken(page, out / "page-phone.png")
    page.evaluate("document.querySelector('#results').scrollIntoView()")
    page.dispatch_event(".hit:nth-child(1)", "mouseenter")
    page.wait_for_timeout(200)
    taken(page, out / "page-phone-hits.png")


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder) / "sample.heed") as address,
        sync_playwright() as running,
    ):
        browser = running.chromium.launch(executable_path=given.chromium, args=FLAGS)
        take_all(browser, address, given.out)
        browser.close()


if __name__ == "__main__":
    main()
