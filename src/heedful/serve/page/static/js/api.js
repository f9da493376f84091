/** The only file that talks to the server. */

let key = "";
try { key = sessionStorage.getItem("heedful-key") ?? ""; } catch { /* storage is switched off */ }

/** The key that the server asks for, kept for this tab only. */
export function useKey(value) {
  key = value;
  try { sessionStorage.setItem("heedful-key", value); } catch { /* it lives as long as the page */ }
}

/** What went wrong, in words for the page. field: the part of the request that it is about, where known. */
export class Failure extends Error {
  constructor(message, { code = "", field = "", status = 0 }) {
    super(message);
    Object.assign(this, { code, field, status });
  }
}

export const info = (signal) => call("api/info", { signal });
export const find = (q, limit, signal) => call(`api/documents?${new URLSearchParams({ q, limit })}`, { signal });
export const plan = (body, signal) => call("api/plan", { body, signal });

/** An exploration; told({ what, done, total }) hears of the progress of slow ones. */
export const explore = (body, signal, told) => call("api/explore", { body, signal, as: "lines", told });

export const exported = (body, signal) => call("api/export", { body, signal, as: "blob" });

const AT_ONCE = 50;

/** Titles and metadata of these documents; those that are not there are left out. */
export async function listed(ids, signal) {
  const found = [];
  for (let begin = 0; begin < ids.length; begin += AT_ONCE) {
    const query = new URLSearchParams(ids.slice(begin, begin + AT_ONCE).map((id) => ["id", id]));
    found.push(...(await call(`api/documents?${query}`, { signal })).documents);
  }
  return found;
}

const kept = new Map();

/** One document; the last few hundred are kept. */
export async function oneDocument(id, signal) {
  if (!kept.has(id)) {
    if (kept.size > 300) kept.clear();
    kept.set(id, await call(`api/documents/${encodeURIComponent(id)}`, { signal }));
  }
  return kept.get(id);
}

async function call(path, { body, signal, as = "json", told } = {}) {
  const headers = { Accept: as === "lines" ? "application/x-ndjson, application/json" : "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (key) headers.Authorization = `Bearer ${key}`;
  let answer;
  try {
    answer = await fetch(path, {
      method: body === undefined ? "GET" : "POST",
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("The server did not answer: it may have stopped, or the connection was lost. What you typed is still here.", {});
  }
  if (!answer.ok) throw await refused(answer);
  try {
    if (as === "lines" && answer.headers.get("Content-Type")?.startsWith("application/x-ndjson")) return await lines(answer, told);
    return as === "blob" ? await answer.blob() : await answer.json();
  } catch (error) {
    if (error.name === "AbortError" || error instanceof Failure) throw error;
    throw new Failure("The server's answer could not be read: it broke off, or something between changed it.", {});
  }
}

/** Reads lines of JSON: progress, then the result or an error. */
async function lines(answer, told) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    rest += value ?? "";
    const whole = rest.split("\n");
    rest = whole.pop();
    for (const line of whole) {
      const event = JSON.parse(line);
      if (event.event === "result") return event.result;
      if (event.event === "error") throw new Failure(event.error.message, event.error);
      told?.(event);
    }
    if (done) throw new Error("the lines ended before the result");
  }
}

async function refused(answer) {
  let error = {};
  try { error = (await answer.json()).error ?? {}; } catch { /* not ours: a proxy's page, or nothing */ }
  const wait = Number(answer.headers.get("Retry-After"));
  const known = {
    401: "This server asks for a key.",
    413: "That is more text than this server takes.",
    429: "Too many requests at once.",
    503: "The server is busy at the moment.",
    504: "This took longer than the server allows.",
  };
  let message = error.message || known[answer.status] || `The server answered with an error (${answer.status}).`;
  if (wait > 0 && !/\d+ s/.test(message)) message += ` Try again in ${wait} s.`;
  return new Failure(message, { code: error.code, field: error.field, status: answer.status });
}

/** One task at a time: a newer one aborts the older, whose answer is dropped even where it still arrives. */
export function latest() {
  let current = null;
  return {
    /** The task's value, or undefined where it was cancelled or overtaken. */
    async run(task) {
      current?.abort();
      const mine = new AbortController();
      current = mine;
      try {
        const value = await task(mine.signal);
        return current === mine ? value : undefined;
      } catch (error) {
        if (current !== mine || mine.signal.aborted) return undefined;
        throw error;
      } finally {
        if (current === mine) current = null;
      }
    },
    cancel() {
      current?.abort();
      current = null;
    },
    get busy() { return current !== null; },
  };
}
