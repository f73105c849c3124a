// State of the page: book, starting point, facts, pins and the selected slot; its texts, a link and bundle.yaml.

import { NOT_APPLICABLE, UNKNOWN, completeFacts } from "./engine.mjs";
import { setFacts } from "./linked.mjs";

const PIN = "pin.";
const MOST = 1e12; // of a fact without a largest value

/** State at a starting point. */
export function startAt(model, preset, book) {
  const facts = Object.fromEntries(Object.entries(preset.facts).map(([name, given]) => {
    const [value, low, high] = Array.isArray(given) ? given : [given];
    return [name, low === undefined ? { value } : { value, low, high }];
  }));
  const pins = Object.fromEntries(Object.entries(preset.pins).map(([slot, { choice }]) => [slot, choice]));
  return { book, preset, facts: completeFacts(model, facts), pins, slot: model.order[0] };
}

/** Values of facts that apply only to other tasks, from the configurations of the notes. */
export function typicalValues(model) {
  const found = {};
  for (const { group, facts } of model.presets) {
    if (group !== "notes") continue;
    for (const [name, value] of Object.entries(facts)) if (value !== NOT_APPLICABLE) found[name] ??= value;
  }
  return found;
}

/** Whether a fact can have a value. */
export function isPossible(fact, value) {
  if (value === UNKNOWN) return fact.name !== "task";
  if (value === NOT_APPLICABLE) return fact.tasks !== undefined;
  if (fact.values) return fact.values.includes(value);
  return typeof value === "number" && value >= (fact.low ?? -MOST) && value <= (fact.high ?? MOST)
    && (!fact.whole || Number.isInteger(value));
}

export function toHash(model, state) {
  const start = startAt(model, state.preset, state.book);
  const found = new URLSearchParams({ book: state.book.name, preset: state.preset.name, slot: state.slot });
  for (const [name, { value }] of Object.entries(state.facts)) {
    if (model.fact(name).slot === undefined && value !== start.facts[name].value) found.set(name, String(value));
  }
  for (const { name } of model.slots) {
    if (state.pins[name] === start.pins[name]) continue;
    found.set(PIN + name, state.pins[name] === undefined ? "" : model.choices[state.pins[name]].text);
  }
  return `#${found}`;
}

/** State of a link; what the page does not have is left out. */
export function fromHash(model, hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const named = (list, name) => list.find((one) => one.name === name) ?? list[0];
  const state = startAt(model, named(model.presets, given.get("preset")), named(model.books, given.get("book")));
  if (model.order.includes(given.get("slot"))) state.slot = given.get("slot");
  const task = given.get("task");
  if (task !== null && isPossible(model.fact("task"), task)) state.facts = setFacts(model, state.facts, { task }).facts;
  for (const [key, text] of given) {
    const fact = model.fact(key);
    if (fact !== undefined && fact.slot === undefined) {
      const value = fact.values || text === UNKNOWN || text === NOT_APPLICABLE || text === "" ? text : Number(text);
      if (isPossible(fact, value)) state.facts[key] = value === state.facts[key].value ? state.facts[key] : { value };
    } else if (key.startsWith(PIN) && model.pinnable[key.slice(PIN.length)]) {
      setPin(model, state, key.slice(PIN.length), text);
    }
  }
  return state;
}

/** Choices that can be pinned in a slot: the shipped ones, those of all books, and the pin of the starting point. */
export function pinnableChoices(model, state, slot) {
  const ofRules = model.books.flatMap((book) => book.of(slot).map((rule) => rule.choice));
  const ofStart = Object.hasOwn(state.preset.pins, slot) ? [state.preset.pins[slot].choice] : [];
  const found = new Map([...ofStart, ...ofRules, ...model.pinnable[slot]].map((index) => [model.choices[index].text, index]));
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Pin the choice with a text; remove the pin if there is none. */
export function setPin(model, state, slot, text) {
  const index = new Map(pinnableChoices(model, state, slot)).get(text);
  const { [slot]: _, ...others } = state.pins;
  state.pins = index === undefined ? others : { ...others, [slot]: index };
}

/** Text of bundle.yaml. Names and texts are written as JSON strings, which are YAML. */
export function bundleText(model, decisions, heading) {
  const lines = heading.map((line) => `# ${line.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff]+/g, " ")}`);
  lines.push(`format: ${model.format}`);
  for (const { name } of model.slots) {
    const { fields } = model.choices[decisions[name].choice];
    if (Object.keys(fields).length === 1) {
      lines.push(`${name}: ${JSON.stringify(fields.name)}`);
      continue;
    }
    lines.push(`${name}:`);
    for (const [key, value] of Object.entries(fields)) lines.push(`  ${key}: ${scalar(value)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** JSON of a value; YAML reads 1e-7 as a number only with a decimal point. */
function scalar(value) {
  if (typeof value !== "number") return JSON.stringify(value);
  return String(value).replace(/^(-?\d+)e/, "$1.0e");
}
