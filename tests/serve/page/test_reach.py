"""Everybody reaches everything: keyboard, narrow screens, screen readers, light and dark."""

from __future__ import annotations

import pytest
from tests.serve.page.steps import METHOD, current_step, find, settled, steer


def states(page):
    """Brings the page from state to state, and names each."""
    yield "begin"
    page.click("#way-text")
    yield "paste"
    page.click("#way-seeds")
    find(page)
    yield "seed"
    steer(page, "papers with similar results, and by the same authors")
    steer(page, f"{METHOD}, no surveys, by the same authors")
    yield "steered"
    for act in ("read", "why", "pick"):
        page.locator(f".hit [data-act={act}]").first.click()
    page.locator(".heed details summary").click()
    page.locator("#plan").evaluate("plan => { plan.open = true; }")
    page.locator("#filters").evaluate("filters => { filters.open = true; }")
    page.locator(".hit").first.hover()
    page.click("#add-seed")
    page.wait_for_selector(".found-paper")
    yield "opened"
    page.click("#tab-flow")
    page.wait_for_selector(".flow-lines path", state="attached")
    yield "flow"
    page.click("#open-picks")
    yield "picks"
    page.keyboard.press("Escape")
    page.click("#open-help")
    yield "help"
    page.keyboard.press("Escape")
    page.route("**/api/explore", lambda route: route.abort())
    page.press("#aspect-result", "End")
    page.wait_for_selector(".results .fault")
    yield "fault"


def test_axe_finds_nothing_serious_in_any_state_light_or_dark(visit):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python").Axe()
    page = visit(expect_faults=True)
    worst, looked_at = [], 0
    for state in states(page):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = axe.run(page, options={"resultTypes": ["violations"]}).response
            looked_at += len(found["passes"])
            worst += [
                (state, scheme, one["id"], [node["html"][:160] for node in one["nodes"][:3]])
                for one in found["violations"]
                if one["impact"] in ("serious", "critical")
            ]
    assert worst == []
    assert looked_at > 300, "axe had something to look at"


def test_a_phone_shows_every_state_without_scrolling_sideways(visit):
    page = visit(width=360, height=740, expect_faults=True)
    cut = {
        state: page.evaluate(
            """() => [
                ...(document.documentElement.scrollWidth > 360 ? ["the page scrolls sideways"] : []),
                ...[...document.querySelectorAll("main button, main input, main h3, main p, dialog[open] *")]
                    .filter((one) => one.checkVisibility() && !one.closest(".visually-hidden, .trail"))
                    .map((one) => [one.getBoundingClientRect(), one])
                    .filter(([box]) => box.width > 1 && (box.right > 361 || box.left < -1))
                    .map(([, one]) => one.outerHTML.slice(0, 120)),
            ]"""
        )
        for state in states(page)
    }
    assert len(cut) == 9 and not any(cut.values()), cut


def test_an_exploration_needs_no_mouse(page):
    page.keyboard.press("Escape")
    page.keyboard.type("Wells that resemble")
    page.wait_for_function("() => document.querySelector('.found-title')?.textContent.startsWith('Wells that')")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector(".hit")
    settled(page)
    page.keyboard.press("i")
    page.keyboard.type("similar method")
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelector('.step[aria-current]').title === '“similar method”'")
    page.keyboard.press("Escape")
    page.locator("#results").focus()
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.querySelector('.rank').textContent").endswith("2")
    page.keyboard.press("o")
    assert page.locator(".hit").nth(1).locator(".reading").is_visible()
    page.keyboard.press("w")
    assert page.locator(".hit").nth(1).locator(".parts").is_visible()
    page.keyboard.press("x")
    assert page.locator("#picks-count").inner_text() == "1"
    page.keyboard.press("r")
    page.wait_for_selector(".flow-lines path", state="attached")
    page.keyboard.press("r")
    page.keyboard.press("[")
    page.wait_for_function("() => document.querySelector('.step[aria-current]').title.startsWith('From')")
    page.keyboard.press("e")
    assert page.locator("#picks").is_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.locator("#help kbd").count() > 15


def test_the_focus_is_always_seen(page):
    find(page)
    page.keyboard.press("Tab")
    for _ in range(25):
        style, width = page.evaluate(
            "() => ((style) => [style.outlineStyle, style.outlineWidth])(getComputedStyle(document.activeElement))"
        )
        assert style != "none" and width != "0px", page.evaluate("document.activeElement.outerHTML.slice(0, 120)")
        page.keyboard.press("Tab")


def test_single_keys_can_be_switched_off(page):
    find(page)
    page.click("#open-help")
    page.uncheck("#keys-on")
    page.keyboard.press("Escape")
    page.locator("#results").focus()
    page.keyboard.press("e")
    assert not page.locator("#picks").is_visible()


def test_keys_typed_into_a_box_are_letters(page):
    find(page)
    page.keyboard.press("i")
    page.keyboard.type("exmlsrt?")
    assert page.input_value("#instruction") == "exmlsrt?"
    assert not page.locator("dialog[open]").count()


def test_the_theme_is_chosen_and_kept(page):
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.click("#theme")
    page.click("#theme")
    assert page.get_attribute("#theme", "aria-label") == "Theme: dark"
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    page.wait_for_selector(".found-paper")
    assert page.evaluate(ground) == dark


def test_results_are_announced(page):
    find(page)
    steer(page, METHOD)
    page.wait_for_function(
        "() => document.querySelector('#announce').textContent.startsWith('10 papers. The ranking: ')"
    )
    assert page.locator("#announce").get_attribute("aria-live") == "polite"


def test_the_page_has_its_landmarks_and_one_heading_of_the_first_rank(page):
    find(page)
    for role, name in (("banner", None), ("main", None), ("navigation", "Trail of this session")):
        assert page.get_by_role(role, **({"name": name} if name else {})).count() == 1
    assert page.get_by_role("heading", level=1).count() == 1
    assert current_step(page).startswith("From ")
    assert page.title().startswith("From ")


def test_nothing_on_the_page_is_inline(page):
    find(page)
    policy = page.request.get(page.url.split("#")[0]).headers["content-security-policy"]
    assert "unsafe" not in policy and "'self'" in policy
    source = page.request.get(page.url.split("#")[0]).text()
    assert "<style" not in source and " style=" not in source and "onclick" not in source
    assert "<script>" not in source
