"""What goes wrong is said on the page, in words, and costs nobody what they typed."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from tests.serve.page.steps import HOSTILE, METHOD, SEED, current_step, find, settled, steer, titles


def test_a_hostile_document_is_shown_as_text(page):
    page.fill("#find", "zebrafish")
    page.wait_for_function("() => document.querySelector('.found-title')?.textContent.includes('Zebrafish')")
    assert page.locator(".found-title").first.inner_text() == HOSTILE.title
    page.click(".found-paper")
    page.wait_for_selector(".hit")
    assert page.locator(".seed-title").inner_text() == HOSTILE.title
    assert "<b onmouseover=window.broken=1>zebrafish</b>" in page.locator(".seed .abstract").inner_text()
    assert page.locator(".seed a").count() == 0, "nothing but http and https is linked"
    assert page.locator("main script, main iframe, main img, main b[onmouseover]").count() == 0
    steer(page, "<img src=x onerror=window.broken=1> similar method")
    page.locator(".hit [data-act=pick]").first.click()
    page.click("#tab-flow")
    page.wait_for_selector(".flow-title")
    assert page.locator("main img").count() == 0


def test_a_hostile_hit_is_shown_as_text_everywhere(page):
    page.click("#way-query")
    page.fill("#question", "zebrafish tanks")
    page.press("#question", "Enter")
    page.wait_for_selector(".hit")
    hit = page.locator(".hit", has_text="Zebrafish").first
    assert hit.locator("h3").inner_text() == HOSTILE.title
    hit.locator("[data-act=read]").click()
    assert "[tanks](javascript:window.broken=1)" in hit.locator(".reading").inner_text()
    assert hit.locator("a").count() == 0
    hit.locator("[data-act=seed]").click()
    page.wait_for_function("title => document.querySelector('.seed-title').textContent === title", arg=HOSTILE.title)


def test_a_filter_that_cannot_be_read_is_answered_beside_the_plan(visit):
    page = visit(expect_faults=True)
    find(page)
    steer(page, METHOD)
    before = titles(page)
    page.fill("#plan-where", "yeer >= 'x'; DROP TABLE documents")
    page.press("#plan-where", "Enter")
    page.wait_for_selector(".plan .fault")
    assert "where" in page.locator(".plan .fault").inner_text()
    assert page.input_value("#plan-where") == "yeer >= 'x'; DROP TABLE documents", "nothing typed is lost"
    assert titles(page) == before
    assert current_step(page) == f"“{METHOD}”"


def test_an_empty_start_is_answered_in_words(page):
    page.click("#way-text")
    page.click("text=Start from this abstract")
    page.wait_for_selector("text=There is no text yet")


def test_a_start_that_the_server_refuses_stays_as_typed(visit):
    page = visit(expect_faults=True)
    page.route("**/api/explore", lambda route: _answer(route, 413, "too_large", "the text has 60000 characters"))
    page.click("#way-text")
    page.fill("#paste", "One. Two. Three.")
    page.click("text=Start from this abstract")
    page.wait_for_selector("text=60000 characters")
    assert page.input_value("#paste") == "One. Two. Three."


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (422, "no such thing here"),
        (500, "no such thing here"),
        (503, "no such thing here Try again in 7 s."),
        (0, "The server did not answer"),
        (502, "The server answered with an error (502)"),
        (-1, "could not be read"),
    ],
)
def test_a_failure_is_shown_nothing_is_lost_and_trying_again_works(visit, status, said):
    page = visit(expect_faults=True)
    find(page)
    before = titles(page)

    def fail(route):
        if status == 0:
            route.abort()
        elif status == -1:
            route.fulfill(status=200, content_type="application/json", body="{")
        elif status == 502:
            route.fulfill(status=502, content_type="text/html", body="<h1>Bad gateway</h1>")
        else:
            _answer(route, status, "x", "no such thing here", {"Retry-After": "7"} if status == 503 else {})

    page.route("**/api/explore", fail)
    page.fill("#instruction", METHOD)
    page.press("#instruction", "Enter")
    page.wait_for_selector(".results .fault")
    assert said in page.locator(".results .fault").inner_text()
    assert page.input_value("#instruction") == METHOD
    assert titles(page) == before
    page.unroute("**/api/explore")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_function("() => document.querySelectorAll('.step').length === 2")
    assert page.locator(".results .fault").count() == 0


def test_a_failed_page_load_can_be_tried_again(visit, site, chromium):
    page = visit(expect_faults=True)
    page.route("**/api/info", lambda route: route.abort())
    page.reload()
    page.wait_for_selector("text=The server did not answer")
    page.unroute("**/api/info")
    page.click("text=Try again")
    page.wait_for_selector(".found-paper")


def test_an_older_answer_never_overwrites_a_newer_one(page):
    from playwright.sync_api import Error

    find(page)
    held = []

    def hold(route):
        if json.loads(route.request.post_data)["instruction"] == "a different method":
            held.append(route)  # answered after the newer one
        else:
            route.continue_()

    page.route("**/api/explore", hold)
    page.fill("#instruction", "a different method")
    page.press("#instruction", "Enter")
    page.wait_for_timeout(100)
    steer(page, METHOD)
    shown = titles(page)
    assert len(held) == 1
    with suppress(Error):  # the page has cancelled it already, as it should
        held[0].continue_()
    page.wait_for_timeout(400)
    assert titles(page) == shown
    assert current_step(page) == f"“{METHOD}”"
    assert page.locator(".step").count() == 2


def test_a_slow_answer_shows_progress_and_can_be_cancelled(page):
    find(page)
    before = titles(page)
    page.route("**/api/explore", lambda route: None)  # never answered
    page.fill("#instruction", METHOD)
    page.press("#instruction", "Enter")
    page.wait_for_selector("#progress:visible")
    assert "Searching" in page.locator("#progress").inner_text()
    page.click("#cancel")
    page.wait_for_selector("#progress", state="hidden")
    assert titles(page) == before
    assert page.input_value("#instruction") == METHOD, "what was typed is still there"
    assert page.locator(".step").count() == 1


def test_the_progress_of_a_slow_answer_is_told(page):
    find(page)
    page.evaluate(
        """() => {
            const real = window.fetch;
            window.fetch = async (path, options) => {
                if (path !== "api/explore") return real(path, options);
                const line = '{"event":"progress","what":"documents","done":3,"total":9}\\n';
                const lines = new ReadableStream({ start: (to) => to.enqueue(new TextEncoder().encode(line)) });
                return new Response(lines, { headers: { "Content-Type": "application/x-ndjson" } });
            };
        }"""
    )
    page.fill("#instruction", METHOD)
    page.press("#instruction", "Enter")
    page.wait_for_selector("text=Searching: documents 3 of 9")
    page.keyboard.press("Escape")
    page.wait_for_selector("#progress", state="hidden")


def test_a_server_that_wants_a_key_is_given_one(visit):
    page = visit(expect_faults=True)
    seen = []

    def guard(route):
        given = route.request.headers.get("authorization")
        seen.append(given)
        if given == "Bearer sesame":
            route.continue_()
        else:
            _answer(route, 401, "unauthorized", "the key is missing")

    page.route("**/api/explore", guard)
    page.fill("#find", SEED)
    page.wait_for_function("w => document.querySelector('.found-title')?.textContent.includes(w)", arg=SEED)
    page.click(".found-paper")
    page.fill("#key-field", "sesame")
    page.press("#key-field", "Enter")
    page.wait_for_selector(".hit")
    settled(page)
    assert seen == [None, "Bearer sesame"]
    assert "sesame" not in page.url


def _answer(route, status, code, message, headers=None):
    route.fulfill(
        status=status,
        content_type="application/json",
        headers=headers or {},
        body=json.dumps({"error": {"code": code, "message": message, "field": None}}),
    )
