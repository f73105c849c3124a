// Details of the selected slot: its rules and their tests, the nearest other choices, and what was measured.

import { NOT_APPLICABLE, signOf, testText } from "./engine.mjs";
import { element } from "./elements.mjs";
import { effectText, evidence } from "./evidence.mjs";
import { oneFactChanges } from "./linked.mjs";
import { numberText, shortText } from "./numbers.mjs";
import { pinnableChoices } from "./state.mjs";

const OUTCOMES = { decides: ["decides", "decide"], beaten: ["is overruled", "are overruled"], silent: ["does not apply", "do not apply"] };

/** Write the details. shown: {model, state, result, flips, notes}; act: {apply, pin}. */
export function showDetails(place, shown, act) {
  const { model, state, result } = shown;
  const decision = result.decisions[state.slot];
  const slot = model.slots.find(({ name }) => name === state.slot);
  place.replaceChildren(
    headline(shown, slot, decision),
    reasons(shown, decision, act),
    element("section", {}, element("h3", { id: "nearest", tabindex: -1 }, "Nearest other choices"), nearest(shown, decision, act), oneFact(shown, decision, act)),
    section("Decision table", decisionTable(shown, decision)),
    section("Evidence", evidence(shown, decision)),
  );
}

function section(title, ...children) {
  return element("section", {}, element("h3", {}, title), ...children);
}

function headline({ model, result }, slot, decision) {
  const choice = model.choices[decision.choice];
  return element("header", {},
    element("h2", {}, element("span", { class: "slot-label" }, element("span", { class: "letter", "aria-hidden": "true" }, slot.letter), slot.label,
      element("span", { class: "hidden-text" }, ": ")), element("span", { class: "choice-name" }, choice.text)),
    element("p", { class: "mute" }, choice.meaning),
    result.broken.filter((one) => Object.hasOwn(one.choices, slot.name)).map((one) =>
      element("p", { class: "alert" }, `Forbidden by constraint ${one.id}: ${one.because}.`)));
}

function reasons({ model, state, notes }, decision, act) {
  const ruled = model.choices[decision.ruled].text;
  const rules = decision.rules.map((id) => state.book.byId.get(id));
  const pin = element("select", { id: "pin", onchange: () => act.pin(pin.value) },
    element("option", { value: "" }, `by the rules: ${ruled}`),
    pinnableChoices(model, state, state.slot).map(([text]) => element("option", { value: text }, text)));
  pin.value = decision.pinned ? model.choices[decision.choice].text : "";
  const given = decision.pinned ? state.preset.pins[state.slot] : undefined;
  const reason = given?.choice === decision.choice && given?.reason ? ` ${given.author || "The user"}: ${given.reason.replace(/\.$/, "")}.` : "";
  return element("div", { class: "reasons" },
    decision.pinned ? element("p", {}, element("b", {}, "Pinned."), `${reason} The rules choose ${ruled}.`) : null,
    rules.map((rule) => ruleText(rule)),
    decision.provisional.map((fact) => element("p", { class: "alert" }, `Provisional: the choice depends on the fact ${labelOf(fact)}, which is unknown.`)),
    decision.pinned ? null : decision.fragile.map((one) => element("p", { class: "alert" },
      `Fragile: the fact ${labelOf(one.fact)} is between ${numberText(one.low)} and ${numberText(one.high)} (95 % interval); at one end `
      + `the choice would be ${model.choices[one.other].text}.`)),
    comparison(model, notes.get(state.slot)),
    element("p", { class: "pin" }, element("label", { for: "pin" }, "Your choice"), pin));
}

/** A rule with its reason and sources. */
function ruleText(rule) {
  const source = Object.entries(rule.source).map(([kind, citation]) => `${kind === "notes" ? "strategy notes" : kind}: ${citation}`).join("; ");
  const author = rule.author ? ` · ${rule.author}` : "";
  return element("div", { class: "rule" },
    element("p", {}, element("b", {}, rule.id), ` ${rule.name.replaceAll("-", " ")} `,
      element("span", { class: "mute" }, `${rule.place}${author}`),
      rule.stance === "contested" ? element("span", { class: "badge" }, "contested: sources disagree") : null),
    element("p", {}, rule.because),
    Object.entries(rule.rejects).map(([name, why]) => element("p", { class: "mute" }, `Not ${name}: ${why}.`)),
    element("p", { class: "mute" }, `Source: ${source}`));
}

/** What the other book chooses, and what was measured of the difference. */
function comparison(model, note) {
  if (note === undefined) return null;
  const other = model.choices[note.choice].text;
  const whose = note.isHandbook ? "The handbook chooses" : `The ${note.title} choose`;
  const measured = note.effect === null ? "The difference was not measured." : `With the handbook's choice${
    note.effect.choice.endsWith("rate") ? " at a searched learning rate" : ""}: ${effectText(note.effect)}.`;
  return element("p", { class: "note" }, `${whose} ${other} (${note.rules.join(", ")}). ${measured}`);
}

// Nearest changes ────────────────────────────────────────────────────────────────────────────────────────────────────

function nearest({ model, state, flips }, decision, act) {
  if (decision.pinned) return element("p", { class: "mute" }, "The choice is pinned.");
  const found = flips[state.slot];
  const [near, far] = [found.filter(({ distance }) => distance[0] === 0), found.filter(({ distance }) => distance[0] > 0)];
  if (found.length === 0) return element("p", { class: "mute" }, "The rules make the same choice for every dataset.");
  const item = (flip, index) => element("li", {},
    element("span", { class: "how" }, readable(model, flip), element("small", {}, alsoText(model, flip))),
    element("span", { class: "becomes" }, `→ ${flip.becomes}`, element("small", {}, ` ${flip.rules.join(", ")}`)),
    element("button", { type: "button", "data-flip": `${state.slot} ${flip.becomes}`, onclick: () => act.apply(flip),
      "aria-label": `Apply: ${readable(model, flip)}` }, "Apply"));
  return [
    element("p", { class: "mute" }, "For each other choice, the change of the data that is smallest relative to the present values."),
    near.length > 0 ? element("ul", { class: "flips" }, near.map(item))
      : element("p", { class: "mute" }, "No change of numbers leads to another choice."),
    far.length > 0 ? element("details", { ".open": state.opened.has("far"), ontoggle: remember(state, "far") },
      element("summary", {}, `${far.length} for another task, modality or other category`),
      element("ul", { class: "flips" }, far.map(item))) : null,
  ];
}

/** What a change of rows means for other facts: those whose new values its text does not contain. */
function alsoText(model, { how, changes }) {
  if (changes.some(({ words }) => how.includes(words))) return "";
  const isStated = ({ fact, new: value }) => how.replaceAll(/[()]/g, " ").split(" ").includes(shortText(value, model.fact(fact).whole));
  const others = changes.filter((change) => !isStated(change)).map(({ fact, new: value }) => [fact, value]);
  return others.length > 0 ? ` then ${valuesText(model, others)}` : "";
}

export const labelOf = (fact) => fact.replaceAll("_", " ");
export const valuesText = (model, values) =>
  values.map(([fact, value]) => `${labelOf(fact)} = ${shortText(value, model.fact(fact).whole)}`).join(", ");

/** Thresholds of each fact at which the choice changes, while the rest of the dataset stays as it is. */
function oneFact({ model, state }, decision, act) {
  const found = decision.pinned ? [] : oneFactChanges(model, state.book, state.facts, state.pins, state.slot);
  if (found.length === 0) return null;
  const item = ({ fact, value, words, choice, moved }) => element("li", {},
    element("span", { class: "how" }, `${labelOf(fact)} ${words}`, element("small", {}, moved.length > 0 ? ` then ${valuesText(model, moved)}` : "")),
    element("span", { class: "becomes" }, `→ ${model.choices[choice].text}`),
    element("button", { type: "button", onclick: () => act.set(fact, value), "aria-label": `Apply: ${labelOf(fact)} ${words}` }, "Apply"));
  return [element("h4", {}, "Changes of one fact"),
    element("p", { class: "mute" }, "For each fact, the nearest values below and above the present one that lead to another choice. Class sizes follow, as with the sliders."),
    element("ul", { class: "flips" }, found.map(item))];
}

/** The text of a change, with names of facts as on the controls. */
const readable = (model, flip) =>
  model.facts.reduce((text, { name }) => (name.includes("_") ? text.replaceAll(name, name.replaceAll("_", " ")) : text), flip.how);

const remember = (state, name) => (event) => state.opened[event.target.open ? "add" : "delete"](name);

// Decision table ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Rules of a slot, each below all that beat it, so that the first one that fires decides. */
export function tableRows(book, slot) {
  const left = new Map(book.of(slot).map((rule) => [rule.id, rule]));
  const rows = [];
  while (left.size > 0) {
    const next = [...left.values()].find((rule) => ![...book.beatenBy.get(rule.id)].some((id) => left.has(id)));
    rows.push(next);
    left.delete(next.id);
  }
  return rows;
}

function decisionTable({ model, state }, decision) {
  const traces = new Map(decision.trace.map((trace) => [trace.rule, trace]));
  const rows = tableRows(state.book, state.slot);
  const isElsewhere = (rule) => traces.get(rule.id).tests.some(({ fact, passes }) => !passes && ["task", "modality"].includes(fact));
  const shown = state.opened.has("all rules") ? rows : rows.filter((rule) => !isElsewhere(rule));
  const asked = model.facts.filter(({ name }) => shown.some(({ when }) => when.some(({ fact }) => fact === name)));
  const counts = Object.entries(OUTCOMES).map(([outcome, [one, many]]) => {
    const count = decision.trace.filter((trace) => trace.outcome === outcome).length;
    return `${count} ${count === 1 ? one : many}`;
  });
  const hidden = rows.length - shown.length;
  return [
    element("p", { class: "mute" }, `The first row whose tests all pass decides. Rules: ${counts.join(", ")}. `
      + "Below a test: how far the fact is from its threshold."),
    element("div", { class: "scroll decision-table", tabindex: 0, role: "region", "aria-label": "Decision table" }, element("table", { class: "decisions" },
      element("thead", {}, element("tr", {}, ["rule", "outcome", "choice"].map((name) => element("th", { scope: "col" }, name)),
        asked.map((fact) => element("th", { scope: "col", title: fact.meaning }, fact.name.replaceAll("_", " "))))),
      element("tbody", {}, shown.flatMap((rule) => tableRow(model, state, rule, traces.get(rule.id), asked))))),
    hidden === 0 && !state.opened.has("all rules") ? null : element("p", {}, element("button", { type: "button", class: "plain", "data-key": "all rules",
      onclick: () => { state.opened[hidden > 0 ? "add" : "delete"]("all rules"); state.redraw(); } },
    hidden > 0 ? `Show ${hidden} more rules, for other tasks or modalities` : "Show only the rules for this task and modality")),
    state.book.disabled.filter(({ rule }) => rule.startsWith(letterOf(model, state.slot))).map((one) =>
      element("p", { class: "mute" }, `Disabled: ${one.rule} by ${one.author || "an unnamed author"} (${one.place}): ${one.reason}`)),
  ];
}

const letterOf = (model, slot) => model.slots.find(({ name }) => name === slot).letter;

function tableRow(model, state, rule, trace, asked) {
  const key = `rule ${rule.id}`;
  const isOpen = state.opened.has(key);
  const toggle = element("button", { type: "button", class: "plain", "aria-expanded": String(isOpen), "data-key": key,
    "aria-label": `${rule.id}, ${rule.name.replaceAll("-", " ")}: reason and source`, title: rule.name.replaceAll("-", " "),
    onclick: () => { state.opened[isOpen ? "delete" : "add"](key); state.redraw(); } }, rule.id);
  const by = trace.beatenBy.map(({ rule: id, declared }) => `${id} ${declared ? "overrides it" : "is more specific"}`).join(", ");
  const row = element("tr", { class: trace.outcome },
    element("th", { scope: "row" }, toggle),
    element("td", { class: "outcome" }, OUTCOMES[trace.outcome][0], by ? element("small", {}, by) : null),
    element("td", { class: "choice" }, model.choices[rule.choice].text),
    asked.map((fact) => testCell(model, rule, trace, fact)));
  if (!isOpen) return [row];
  return [row, element("tr", { class: "reason" }, element("td", { colspan: asked.length + 3 }, ruleText(rule)))];
}

function testCell(model, rule, trace, fact) {
  const own = rule.when.map((test, index) => [test, trace.tests[index]]).filter(([test]) => test.fact === fact.name);
  if (own.length === 0) return element("td", { class: "any" }, "any");
  return element("td", { "data-label": labelOf(fact.name) }, own.map(([test, result]) => element("div", { class: result.passes ? "passes" : "fails", title: labelOf(testText(test)) },
    element("span", { "aria-hidden": "true" }, result.passes ? "✓\u00a0" : "✗\u00a0"),
    element("span", { class: "hidden-text" }, result.passes ? "passes: " : "fails: "),
    test.op === "in" ? namesText(model, test) : `${signOf(test)}\u00a0${numberText(test.constant)}`,
    marginText(test, result))));
}

/** The names of a test; tasks of one kind in one word. */
function namesText(model, { fact, constant }) {
  const given = constant.join();
  const numeric = model.fact("task").values.filter((task) => !model.classification.includes(task));
  if (fact === "task" && given === model.classification.join()) return "classification";
  if (fact === "task" && given === numeric.join()) return "numeric target";
  return constant.join(" or ").replaceAll("_", " ");
}

/** How far a fact is from a threshold: "needs 2.8 less", or "2.8 to spare". */
function marginText({ op }, { margin, measured, passes }) {
  if (measured === "unknown") return element("small", {}, "unknown");
  if (margin === null) return null;
  const size = numberText(Math.abs(margin));
  const isBelow = op === "lt" || op === "le";
  if (!passes) return element("small", {}, margin === 0 ? `must be ${isBelow ? "less" : "more"}` : `needs ${size} ${isBelow ? "less" : "more"}`);
  return element("small", {}, margin === 0 ? "at the threshold" : `${size} to spare`);
}
