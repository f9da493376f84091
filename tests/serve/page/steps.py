"""What a visitor does, in the words of the tests."""

from __future__ import annotations

from heedful import sample
from heedful.records import Document

SEED = "Wells that resemble each other"
METHOD = sample.INSTRUCTIONS[1]  # similar method, not the same topic
HOSTILE = Document(
    id="../<img src=x onerror=alert(1)>",
    title="<script>window.broken = 1</script> Zebrafish ](javascript:alert(1))",
    text=(
        "We study <b onmouseover=window.broken=1>zebrafish</b> in [tanks](javascript:window.broken=1). "
        "A '; DROP TABLE documents; -- survey was made. "
        "It found <iframe srcdoc='<script>parent.broken=1</script>'> fish."
    ),
    metadata={"year": 2020, "venue": '"><svg onload=window.broken=1>', "url": "javascript:window.broken=1"},
)


def settled(page):
    """Waits until no answer is under way, and the one there is shown."""
    page.wait_for_function("() => document.body.dataset.busy !== 'true'")


def find(page, words=SEED):
    """Starts from the first paper that these words find."""
    page.fill("#find", words)
    page.wait_for_function("w => document.querySelector('.found-title')?.textContent.includes(w)", arg=words)
    page.click(".found-paper")
    page.wait_for_selector(".hit")
    settled(page)


def steer(page, instruction):
    page.fill("#instruction", instruction)
    page.press("#instruction", "Enter")
    page.wait_for_function(
        "name => document.querySelector('.step[aria-current]')?.title === name",
        arg=f"“{instruction}”" if instruction else "No instruction",
    )
    settled(page)


def titles(page):
    return page.locator(".hit h3").all_inner_texts()


def trail(page):
    return [step.get_attribute("title") for step in page.locator(".step").all()]


def current_step(page):
    return page.locator(".step[aria-current]").get_attribute("title")
