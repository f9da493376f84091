"""Find, steer, edit, look: the way through the page."""

from __future__ import annotations

import json
import re

from tests.serve.page.steps import METHOD, SEED, current_step, find, settled, steer, titles


def test_a_seed_is_found_by_words_of_its_title_and_begins_the_exploration(page):
    find(page, "resemble each other")
    assert page.locator(".seed-title").inner_text().startswith(SEED)
    assert len(titles(page)) == 10
    assert SEED not in " ".join(titles(page)), "a seed never finds itself"


def test_the_seeds_sentences_are_coloured_marked_and_explained_by_a_legend(page):
    find(page)
    sentences = page.locator(".seed .sentence")
    assert sentences.count() == 7
    assert {sentences.nth(i).get_attribute("class") for i in range(7)} == {f"sentence aspect-{n}" for n in range(3)}
    assert page.locator(".seed .mark").all_inner_texts() == ["B", "M", "R"], "colour is not the only sign"
    assert page.locator(".legend li").all_inner_texts() == ["B\nbackground\n 3", "M\nmethod\n 2", "R\nresult\n 2"] or [
        re.sub(r"\s+", " ", text) for text in page.locator(".legend li").all_inner_texts()
    ] == ["B background 3", "M method 2", "R result 2"]


def test_a_pasted_abstract_is_read_sentence_by_sentence(page):
    page.click("#way-text")
    page.fill("#paste", "Wells are many. We compare wells by what flows into them. The error fell by half.")
    page.click("text=Start from this abstract")
    page.wait_for_selector(".hit")
    assert page.locator(".seed .sentence").count() == 3
    assert len(titles(page)) == 10


def test_a_question_is_a_start_too(page):
    page.click("#way-query")
    page.fill("#question", "nitrate in wells")
    page.press("#question", "Enter")
    page.wait_for_selector(".hit")
    assert "nitrate" in " ".join(titles(page)).lower()
    assert page.locator(".seed .abstract").inner_text() == "nitrate in wells"


def test_an_instruction_shows_its_plan_its_verdict_and_both_moves(page):
    find(page)
    steer(page, "papers with similar results, on any topic")
    assert page.locator(".hits").get_attribute("data-moves") == "1", "there is no last instruction yet"
    steer(page, METHOD)
    assert "method alike" in page.locator(".plan-words").first.inner_text()
    assert page.locator("#aspect-method").input_value() == "1"
    assert page.locator("#aspect-background").input_value() == "-0.5"
    assert re.search("Followed|Moved|Ignored", page.locator(".heed .verdict").inner_text())
    assert page.locator(".hits").get_attribute("data-moves") == "2"
    said = page.locator(".hit .places").first.inner_text()
    assert re.search(r"(▲\d|▼\d|=|new).*\s.*(▲\d|▼\d|=|new)", said, re.S)
    heard = page.locator(".hit .places").first.text_content()
    assert "against no instruction" in heard and "against “papers with similar results" in heard


def test_the_plan_is_edited_in_place(page):
    find(page)
    steer(page, METHOD)
    with page.expect_request("**/api/explore") as caught:
        for _ in range(2):
            page.press("#aspect-result", "ArrowRight")
    plan = json.loads(caught.value.post_data)["plan"]
    assert plan["aspects"]["result"] == 0.1
    page.wait_for_selector(".by-hand:visible")
    with page.expect_request("**/api/explore") as caught:
        page.fill("#add-avoided", "boreholes")
        page.press("#add-avoided", "Enter")
    assert json.loads(caught.value.post_data)["plan"]["avoided"] == [{"text": "boreholes", "weight": 1}]
    page.wait_for_function("() => document.querySelector('.step[aria-current]').title.includes('boreholes')")
    page.click("[aria-label='Remove avoided boreholes']")
    page.wait_for_function("() => !document.querySelector('.step[aria-current]').title.includes('boreholes')")
    settled(page)
    page.click("#plan-reset")
    page.wait_for_selector(".by-hand", state="hidden")
    assert page.locator("#aspect-result").input_value() == "0"


def test_words_that_were_not_understood_are_named(page):
    find(page)
    steer(page, "similar method, by the same authors")
    assert "Not understood: by the same authors" in page.locator(".unclear").inner_text()
    assert page.locator(".unclear").is_visible()


def test_the_plan_is_shown_while_the_words_are_typed(page):
    find(page)
    page.locator("#instruction").press_sequentially("a different method")
    page.wait_for_function("() => document.querySelector('#aspect-method').value === '-1'")
    assert current_step(page).startswith("From "), "nothing was searched yet"


def test_aspect_chips_write_into_the_instruction(page):
    find(page)
    chip = page.locator(".aspect-chip", has_text="Method")
    said = []
    for _ in range(3):
        chip.click()
        said.append(page.input_value("#instruction"))
    assert said == ["similar method", "different method", ""]


def test_an_example_is_one_press_away(page):
    find(page)
    page.click(".samples button >> nth=0")
    page.wait_for_selector(".heed .verdict")
    assert current_step(page) == "“similar method, not the same topic”"


def test_filters_come_from_the_metadata_and_hold(page):
    find(page)
    page.click("#filters summary")
    page.fill("[aria-label='year from']", "2024")
    page.wait_for_function("() => document.querySelector('.step[aria-current]').title === 'Only year from 2024'")
    years = [int(re.search(r"20\d\d", text)[0]) for text in page.locator(".hit-about").all_inner_texts()]
    assert len(years) == 10 and min(years) >= 2024
    page.fill("[aria-label='venue has']", "hydro")
    page.wait_for_function("() => document.querySelector('.step[aria-current]').title.includes('hydro')")
    assert all("hydro" in text.lower() for text in page.locator(".hit-about").all_inner_texts())
    page.click("text=No filters")
    page.wait_for_function("() => document.querySelector('.step[aria-current]').title === 'No filters'")
    assert page.input_value("[aria-label='year from']") == ""


def test_a_filter_that_leaves_nothing_says_so(page):
    find(page)
    page.click("#filters summary")
    page.fill("[aria-label='venue has']", "no such venue")
    page.wait_for_selector("text=No paper is left under these filters")


def test_pointing_at_a_hit_lights_the_same_pairs_on_both_sides(page):
    find(page)
    steer(page, METHOD)
    assert page.locator(".seed .sentence.matched").count() == 0
    hit = page.locator(".hit").nth(1)
    hit.hover()
    page.wait_for_selector(".seed .sentence.matched")
    numbers = page.locator(".seed .pair").evaluate_all("all => all.map(one => one.lastChild.textContent)")
    assert sorted(numbers) == hit.locator(".pair-number").all_inner_texts()
    hit.locator("[data-act=read]").click()
    assert sorted(
        hit.locator(".reading .pair").evaluate_all("all => all.map(one => one.lastChild.textContent)")
    ) == sorted(numbers)


def test_score_parts_are_shown_on_demand(page):
    find(page)
    steer(page, METHOD)
    hit = page.locator(".hit").first
    assert hit.locator(".parts").count() == 0
    hit.locator("[data-act=why]").click()
    assert hit.locator(".parts th").all_inner_texts() == ["Whole", "Background", "Method"]


def test_more_less_and_use_as_seed_change_the_start(page):
    find(page)
    first, second = titles(page)[:2]
    page.locator(".hit").nth(0).locator("[data-act=more]").click()
    page.wait_for_function("() => document.querySelectorAll('.seed').length === 2")
    assert first in page.locator(".seed-title").all_inner_texts()
    page.locator(".hit", has_text=second).locator("[data-act=less]").click()
    page.wait_for_selector(".far")
    assert page.locator(".far span").first.inner_text() == second
    third = titles(page)[0]
    page.locator(".hit").first.locator("[data-act=seed]").click()
    page.wait_for_function("() => document.querySelectorAll('.seed').length === 1")
    assert page.locator(".seed-title").inner_text() == third
    assert page.locator(".far").count() == 0


def test_a_seed_is_added_by_search_and_taken_away(page):
    find(page)
    page.click("#add-seed")
    find(page, "Label-sparse nitrate")
    page.wait_for_function("() => document.querySelectorAll('.seed').length === 2")
    page.click("[aria-label^='Remove the seed Wells']")
    page.wait_for_function("() => document.querySelectorAll('.seed').length === 1")
    assert page.locator(".seed-title").inner_text().startswith("Label-sparse")


def test_more_hits_are_shown_when_asked_for(page):
    find(page)
    page.click(".deeper")
    page.wait_for_function("() => document.querySelectorAll('.hit').length === 20")


def test_another_order_can_be_chosen(page):
    find(page)
    page.select_option("#rerank", "align(by=maxsim)")
    page.wait_for_function("() => document.querySelector('#results-heading').textContent.includes('align')")
    assert current_step(page) == "Reranked by align(by=maxsim)"


def test_the_rank_flow_shows_how_each_paper_moves_between_two_instructions(page):
    find(page)
    before = titles(page)
    steer(page, METHOD)
    after = titles(page)
    page.click("#tab-flow")
    page.wait_for_selector(".flow-lines path", state="attached")
    assert page.locator(".flow-side.before .flow-title").all_inner_texts() == before
    assert page.locator(".flow-side.after .flow-title").all_inner_texts() == after
    assert page.locator(".flow-lines path").count() == len(set(before) | set(after))
    moves = page.locator(".flow-side.after .move span[aria-hidden]").all_inner_texts()
    places = [before.index(title) - i if title in before else None for i, title in enumerate(after)]
    assert moves == ["new" if p is None else "=" if p == 0 else f"{'▲' if p > 0 else '▼'}{abs(p)}" for p in places]
    page.select_option("#flow-left", label="Another instruction …")
    page.fill("[aria-label='From: another instruction']", "papers with similar results")
    page.press("[aria-label='From: another instruction']", "Enter")
    page.wait_for_function(
        "() => document.querySelector('.flow-side.before h4').textContent.includes('similar results')"
    )
