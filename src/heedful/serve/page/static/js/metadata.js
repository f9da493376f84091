/** What is said of a document besides its text. */

import { clip, h, webAddress } from "./dom.js";

const AUTHORS = ["authors", "author"];
const YEARS = ["year", "date", "published"];
const VENUES = ["venue", "journal", "booktitle", "categories"];

const first = (metadata, names) => names.map((name) => metadata?.[name]).find((value) => value != null && value !== "");

/** Authors, year and venue in one line; whatever of them there is. */
export function about(metadata) {
  return [authors(metadata), first(metadata, YEARS), first(metadata, VENUES)].filter((part) => part != null && part !== "").map(String).join(" · ");
}

function authors(metadata) {
  const all = String(first(metadata, AUTHORS) ?? "").split(/;| and /).map((name) => name.trim()).filter(Boolean);
  return all.length > 3 ? `${all[0]} and ${all.length - 1} others` : clip(all.join(", "), 120);
}

/** A link to the document where its metadata names one that may be followed. */
export function outside(metadata) {
  const doi = first(metadata, ["doi"]);
  const address = doi ? webAddress(`https://doi.org/${encodeURI(String(doi).replace(/^https?:\/\/(dx\.)?doi\.org\//, ""))}`)
    : webAddress(String(first(metadata, ["url"]) ?? ""));
  return address && h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, doi ? "DOI" : "Link");
}
