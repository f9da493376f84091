/**
 * The session as a value: steps that each hold a whole need, where we are among them, and what was kept.
 *
 * need: { start, unlike, instruction, plan, filters, rerank, k }
 *   start: { kind: "seeds", ids } | { kind: "text", text } | { kind: "query", text }
 *   plan: null as long as the words speak for themselves, else the plan as edited
 *   filters: column -> { from, to } | { any: [...] } | { has: text }
 * step: { name, need, after }   after: the index of the step it was made from, or null
 * session: { steps, at, picks }  picks: document ids
 */

export const MOST_STEPS = 60;
const MOST_PICKS = 500;
const LONGEST_LINK = 400_000;

export const emptySession = () => ({ steps: [], at: -1, picks: [] });

export const needOf = (start) => ({ start, unlike: [], instruction: "", plan: null, filters: {}, rerank: "", k: 10 });

export const current = (session) => session.steps[session.at] ?? null;

export const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** The session with one more step; steps beyond the limit are forgotten from the front, but for the first. */
export function withStep(session, name, need) {
  let { steps, at } = session;
  if (steps.length >= MOST_STEPS) {
    const moved = (after) => (after === null || after === 1 ? null : after > 1 ? after - 1 : after);
    steps = [steps[0], ...steps.slice(2)].map((step) => ({ ...step, after: moved(step.after) }));
    at = Math.max(0, at - 1);
  }
  const step = { name, need, after: at >= 0 ? at : null };
  return { ...session, steps: [...steps, step], at: steps.length };
}

/** The session with the current step's need exchanged: a finer setting of the same thing, not another step. */
export function withCurrent(session, name, need) {
  const steps = session.steps.map((step, i) => (i === session.at ? { ...step, name, need } : step));
  return { ...session, steps };
}

/** The need that this step is measured against: the last one from the same start that asked for something else. */
export function lastAsked(session, index = session.at) {
  const now = session.steps[index]?.need;
  for (let i = session.steps[index]?.after ?? null; i !== null; i = session.steps[i].after) {
    const then = session.steps[i].need;
    if (!same(then.start, now.start)) return null;
    if (then.instruction !== now.instruction || !same(then.plan, now.plan)) return asks(then) ? then : null;
  }
  return null;
}

/** Whether a need asks for anything beyond likeness. */
export const asks = (need) => Boolean(need.instruction.trim() || need.plan);

/** The request that the server is sent. */
export function request(need, previous, columns) {
  const body = { instruction: need.instruction, k: need.k, documents: true };
  if (need.start.kind === "seeds") body.seeds = need.start.ids;
  else body[need.start.kind === "text" ? "seed_text" : "query"] = need.start.text;
  if (need.unlike.length) body.unlike = need.unlike;
  if (need.plan) body.plan = need.plan;
  if (need.rerank) body.rerank = need.rerank;
  const where = condition(need.filters, columns);
  if (where) body.where = where;
  if (previous) body.previous = previous.plan ?? previous.instruction;
  return body;
}

/** The filters as one condition over the collection's columns, or "". */
export function condition(filters, columns) {
  const parts = [];
  for (const column of columns) {
    const filter = filters[column.name];
    if (!filter) continue;
    const name = `\`${column.name}\``;
    if (Number.isFinite(filter.from)) parts.push(`${name} >= ${filter.from}`);
    if (Number.isFinite(filter.to)) parts.push(`${name} <= ${filter.to}`);
    if (filter.any?.length) parts.push(`${name} IN (${filter.any.map(literal).join(", ")})`);
    if (filter.has) parts.push(`contains(lower(${name}), ${literal(filter.has.toLowerCase())})`);
  }
  return parts.join(" AND ");
}

const literal = (value) => (typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value));

/** The session as part of an address. */
export function toLink(session) {
  const starts = []; // each once: a pasted abstract is long, and stays for many steps
  const steps = session.steps.map((step) => {
    let start = starts.findIndex((other) => same(other, step.need.start));
    if (start < 0) start = starts.push(step.need.start) - 1;
    return { ...step, need: { ...step.need, start } };
  });
  const bytes = new TextEncoder().encode(JSON.stringify([session.at, session.picks, starts, steps]));
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** The session that an address holds; null where it holds none. Throws an error in words where it cannot be read. */
export function fromLink(hash) {
  const match = /^#s=(.*)$/s.exec(hash);
  if (!match) return null;
  const bad = () => new Error("This link does not hold a session that can be read; it may have been cut off. You can start anew below.");
  if (match[1].length > LONGEST_LINK) throw bad();
  try {
    const bytes = Uint8Array.from(atob(match[1].replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    const [at, picks, starts, steps] = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    const session = { at, picks: picks.map(String).slice(0, MOST_PICKS), steps: steps.slice(0, MOST_STEPS).map((step, i) => readStep(step, i, starts)) };
    if (!session.steps.length || !Number.isInteger(at) || !session.steps[at]) throw bad();
    return session;
  } catch {
    throw bad();
  }
}

function readStep(step, index, starts) {
  const start = starts[step.need.start];
  const { unlike, instruction, plan, filters, rerank, k } = step.need;
  const texts = (values) => values.map(String).slice(0, 100);
  const begun = start.kind === "seeds"
    ? { kind: "seeds", ids: texts(start.ids) }
    : { kind: start.kind === "text" ? "text" : "query", text: String(start.text) };
  const need = {
    start: begun, unlike: texts(unlike), instruction: String(instruction), plan: plan === null ? null : readPlan(plan),
    filters: Object.fromEntries(Object.entries(filters).map(([name, filter]) => [name, readFilter(filter)])),
    rerank: String(rerank), k: Number.isInteger(k) && k > 0 ? k : 10,
  };
  const after = Number.isInteger(step.after) && step.after >= 0 && step.after < index ? step.after : null;
  return { name: String(step.name).slice(0, 200), need, after };
}

function readPlan(plan) {
  const clauses = (given) => (given ?? []).map(({ text, weight }) => ({ text: String(text), weight: Number(weight) }));
  return {
    aspects: Object.fromEntries(Object.entries(plan.aspects ?? {}).map(([name, weight]) => [name, Number(weight)])),
    wanted: clauses(plan.wanted), avoided: clauses(plan.avoided),
    where: plan.where == null ? null : String(plan.where), task: plan.task == null ? null : String(plan.task),
    steer: Number(plan.steer ?? 0.5), not_understood: (plan.not_understood ?? []).map(String),
  };
}

function readFilter(filter) {
  const read = {};
  for (const end of ["from", "to"]) if (Number.isFinite(filter[end])) read[end] = filter[end];
  if (Array.isArray(filter.any)) read.any = filter.any.filter((v) => ["string", "number", "boolean"].includes(typeof v));
  if (typeof filter.has === "string") read.has = filter.has;
  return read;
}
