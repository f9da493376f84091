"""Steps, links, picks: what a session leaves behind."""

from __future__ import annotations

import csv
import json

from tests.serve.page.steps import METHOD, current_step, find, settled, steer, titles, trail


def test_every_step_has_a_name_and_can_be_returned_to(page):
    find(page)
    plain = titles(page)
    steer(page, METHOD)
    steered = titles(page)
    assert steered != plain
    assert trail(page) == ["From Wells that resemble each other: mapping nitrate between boreholes", f"“{METHOD}”"]
    page.click(".step >> nth=0")
    page.wait_for_function("() => document.querySelector('#instruction').value === ''")
    assert titles(page) == plain
    assert page.locator(".step").count() == 2, "later steps stay"
    page.click(".step >> nth=1")
    page.wait_for_function("() => document.querySelector('#instruction').value !== ''")
    assert titles(page) == steered


def test_a_shared_address_opened_anew_holds_the_whole_session(page, visit):
    find(page)
    steer(page, METHOD)
    page.press("#aspect-result", "End")
    page.wait_for_selector(".by-hand:visible")
    page.click("#filters summary")
    page.fill("[aria-label='year from']", "2015")
    page.wait_for_function("() => document.querySelector('.step[aria-current]').title === 'Only year from 2015'")
    page.locator(".hit [data-act=pick]").nth(2).click()
    kept = titles(page)[2]

    anew = visit(page.url)
    assert titles(anew) == titles(page)
    assert trail(anew) == trail(page)
    assert current_step(anew) == "Only year from 2015"
    assert anew.locator("#aspect-result").input_value() == "1"
    assert anew.input_value("[aria-label='year from']") == "2015"
    assert anew.locator(".by-hand").is_visible()
    assert anew.locator(".hit .places").all_text_contents() == page.locator(".hit .places").all_text_contents()
    anew.click("#open-picks")
    assert anew.locator(".picked span").first.inner_text() == kept


def test_the_browsers_back_button_goes_back_a_step_and_keeps_what_was_kept(page):
    find(page)
    plain = titles(page)
    steer(page, METHOD)
    page.locator(".hit [data-act=pick]").first.click()
    page.go_back()
    page.wait_for_function("() => document.querySelector('#instruction').value === ''")
    settled(page)
    assert titles(page) == plain
    assert page.locator("#picks-count").inner_text() == "1"
    assert len(trail(page)) == 2


def test_going_back_past_the_start_shows_the_beginning_again(page):
    find(page)
    page.go_back()
    page.wait_for_selector(".hero:visible")


def test_a_link_that_was_cut_off_is_said_and_one_can_start_anew(site, visit):
    page = visit(f"{site}#s=WzAsW10sW3sibmFt")
    page.wait_for_selector("text=cut off")
    find(page)


def test_a_link_to_a_document_that_is_gone_is_said(page, visit):
    find(page)
    gone = page.evaluate(
        """async () => {
            const { fromLink, toLink } = await import("/static/js/state.js");
            const session = fromLink(location.hash);
            session.steps[0].need.start.ids = ["no-such-paper"];
            return `${location.origin}/#s=${toLink(session)}`;
        }"""
    )
    page = visit(gone, expect_faults=True)
    page.wait_for_selector("text=no document has the id 'no-such-paper'")


def test_a_link_brings_nothing_but_what_a_session_holds(page):
    find(page)
    read = page.evaluate(
        """async () => {
            const { fromLink } = await import("/static/js/state.js");
            const encode = (value) => "#s=" + btoa(JSON.stringify(value));
            const starts = [{ kind: "seeds", ids: ["a"], evil: 1 }];
            const need = { start: 0, unlike: [], instruction: "x", plan: null,
                           filters: { year: { from: "1; DROP", evil: 1 } }, rerank: "", k: -5, evil: 1 };
            const attempt = (value) => {
                try { return fromLink(encode(value)); } catch (error) { return error.message; }
            };
            const step = { name: "n".repeat(999), need, after: 7 };
            return [[0, [], starts, [step]], [5, [], starts, [step]], {}, [0, [], [], []], null].map(attempt);
        }"""
    )
    good, *bad = read
    step = good["steps"][0]
    assert len(step["name"]) == 200 and step["after"] is None
    assert step["need"] == {
        "start": {"kind": "seeds", "ids": ["a"]}, "unlike": [], "instruction": "x", "plan": None,
        "filters": {"year": {}}, "rerank": "", "k": 10,
    }  # fmt: skip
    assert all("start anew" in message for message in bad) and len(bad) == 4


def test_filters_become_a_condition_whose_texts_stay_texts(page):
    said = page.evaluate(
        """async () => {
            const { condition } = await import("/static/js/state.js");
            const columns = ["year", "venue", "open"].map((name) => ({ name }));
            return condition({ year: { from: 2019, to: 2020 }, venue: { has: "O'Brien' OR 1=1 --" },
                               open: { any: [true, "it's"] }, other: { has: "x" } }, columns);
        }"""
    )
    assert said == (
        "`year` >= 2019 AND `year` <= 2020 AND contains(lower(`venue`), 'o''brien'' or 1=1 --') "
        "AND `open` IN (true, 'it''s')"
    )


def test_what_was_kept_is_exported_in_four_formats(page, tmp_path):
    import bibtexparser
    import rispy

    find(page)
    kept = titles(page)[:2]
    for place in (0, 1):
        page.locator(".hit [data-act=pick]").nth(place).click()
    page.click("#open-picks")
    files = {}
    for form in ("bibtex", "ris", "csv", "json"):
        with page.expect_download() as caught:
            page.click(f"[data-format={form}]")
        files[form] = tmp_path / caught.value.suggested_filename
        caught.value.save_as(files[form])
    assert [file.name for file in files.values()] == ["heedful.bib", "heedful.ris", "heedful.csv", "heedful.json"]
    library = bibtexparser.parse_file(str(files["bibtex"]))
    assert [entry["title"] for entry in library.entries] == kept and not library.failed_blocks
    with files["ris"].open() as lines:
        assert [record["title"] for record in rispy.load(lines)] == kept
    with files["csv"].open(newline="") as lines:
        assert [row["title"] for row in csv.DictReader(lines)] == kept
    assert [document["title"] for document in json.loads(files["json"].read_text())["documents"]] == kept


def test_a_pick_is_taken_back_from_the_drawer(page):
    find(page)
    page.locator(".hit [data-act=pick]").first.click()
    assert page.locator(".hit [data-act=pick]").first.get_attribute("aria-pressed") == "true"
    page.click("#open-picks")
    page.click(".picked .remove")
    assert page.locator("#picks-count").inner_text() == "0"
    assert page.locator(".hit [data-act=pick]").first.get_attribute("aria-pressed") == "false"
