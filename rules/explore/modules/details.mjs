// Details of the selected slot: its rules and their tests, the nearest other choices, and what was measured.

import { NOT_APPLICABLE, signOf, testText } from "./engine.mjs";
import { element } from "./elements.mjs";
import { grouped, numberText } from "./numbers.mjs";
import { forestPlot, intervalText, percentText, ratioText } from "./plots.mjs";
import { pinnableChoices } from "./state.mjs";

const MOST_ALTERNATIVES = 8;
const MIN_DATASETS = 10; // with fewer, a bootstrap interval excludes the true value too often
const OUTCOMES = { decides: ["decides", "decide"], beaten: ["loses", "lose"], silent: ["is silent", "are silent"] };

/** Write the details. shown: {model, state, result, flips, notes}; act: {apply, pin}. */
export function showDetails(place, shown, act) {
  const { model, state, result } = shown;
  const decision = result.decisions[state.slot];
  const slot = model.slots.find(({ name }) => name === state.slot);
  place.replaceChildren(
    headline(shown, slot, decision),
    reasons(shown, decision, act),
    section("Nearest other choices", nearest(shown, decision, act)),
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
    element("p", { class: "slot-label" }, element("span", { class: "letter" }, slot.letter), slot.label),
    element("h2", {}, choice.text),
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
    decision.provisional.map((fact) => element("p", { class: "alert" }, `Provisional: the choice depends on ${fact}, which is unknown.`)),
    decision.pinned ? null : decision.fragile.map((one) => element("p", { class: "alert" },
      `Fragile: ${one.fact} is between ${numberText(one.low)} and ${numberText(one.high)} (95 % interval); at one end `
      + `the choice would be ${model.choices[one.other].text}.`)),
    comparison(model, notes.get(state.slot)),
    element("p", { class: "pin" }, element("label", { for: "pin" }, "Your choice"), pin));
}

/** A rule with its reason and sources. */
function ruleText(rule) {
  const source = Object.entries(rule.source).map(([kind, citation]) => `${kind}: ${citation}`).join("; ");
  const author = rule.author ? ` · ${rule.author}` : "";
  return element("div", { class: "rule" },
    element("p", {}, element("b", {}, rule.id), ` ${rule.name.replaceAll("-", " ")} `,
      element("span", { class: "mute" }, `${rule.place}${author}`),
      rule.stance === "contested" ? element("span", { class: "badge" }, "contested") : null),
    element("p", {}, rule.because),
    Object.entries(rule.rejects).map(([name, why]) => element("p", { class: "mute" }, `Not ${name}: ${why}.`)),
    element("p", { class: "mute" }, `Source: ${source}`));
}

/** What the other book chooses, and what was measured of it. */
function comparison(model, note) {
  if (note === undefined) return null;
  const other = model.choices[note.choice].text;
  const who = note.isHandbook ? `The notes choose ${other} (${note.rules.join(", ")}).` : `${note.title} chooses ${other} (${note.rules.join(", ")}).`;
  const { effect } = note;
  return element("p", { class: "note" }, who, effect === null ? " This difference was not measured." : ` Error with ${effect.choice}: `,
    effect === null ? null : element("b", {}, percentText(effect.ratio)),
    effect === null ? null : ` (95 % interval ${percentText(effect.low)} to ${percentText(effect.high)}) on ${effect.datasets} datasets.`);
}

// Nearest changes ────────────────────────────────────────────────────────────────────────────────────────────────────

function nearest({ model, state, flips }, decision, act) {
  if (decision.pinned) return element("p", { class: "mute" }, "The choice is pinned.");
  const found = flips[state.slot];
  const [near, far] = [found.filter(({ distance }) => distance[0] === 0), found.filter(({ distance }) => distance[0] > 0)];
  if (found.length === 0) return element("p", { class: "mute" }, "The rules make the same choice for every dataset.");
  const item = (flip, index) => element("li", {},
    element("span", { class: "how" }, readable(model, flip)),
    element("span", { class: "becomes" }, `→ ${flip.becomes}`, element("small", {}, ` ${flip.rules.join(", ")}`)),
    element("button", { type: "button", "data-flip": `${state.slot} ${flip.becomes}`, onclick: () => act.apply(flip),
      "aria-label": `Apply: ${flip.how}` }, "Apply"));
  return [
    near.length > 0 ? element("ul", { class: "flips" }, near.map(item))
      : element("p", { class: "mute" }, "No change within this task and modality leads to another choice."),
    far.length > 0 ? element("details", { ".open": state.opened.has("far"), ontoggle: remember(state, "far") },
      element("summary", {}, `${far.length} for another task or modality`),
      element("ul", { class: "flips" }, far.map(item))) : null,
  ];
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
    element("p", { class: "mute" }, `The first row whose tests all pass decides: ${counts.join(", ")}. `
      + "Next to a test: the distance of the fact from its threshold."),
    element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Decision table" }, element("table", { class: "decisions" },
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
    title: rule.name.replaceAll("-", " "),
    onclick: () => { state.opened[isOpen ? "delete" : "add"](key); state.redraw(); } }, rule.id);
  const by = trace.beatenBy.map(({ rule: id, declared }) => `${id} ${declared ? "overrides it" : "is more specific"}`).join(", ");
  const row = element("tr", { class: trace.outcome },
    element("td", {}, toggle),
    element("td", { class: "outcome" }, OUTCOMES[trace.outcome][0], by ? element("small", {}, by) : null),
    element("td", { class: "choice" }, model.choices[rule.choice].text),
    asked.map((fact) => testCell(model, rule, trace, fact)));
  if (!isOpen) return [row];
  return [row, element("tr", { class: "reason" }, element("td", { colspan: asked.length + 3 }, ruleText(rule)))];
}

function testCell(model, rule, trace, fact) {
  const own = rule.when.map((test, index) => [test, trace.tests[index]]).filter(([test]) => test.fact === fact.name);
  if (own.length === 0) return element("td", { class: "any" }, "any");
  return element("td", {}, own.map(([test, result]) => element("div", { class: result.passes ? "passes" : "fails", title: testText(test) },
    element("span", { "aria-hidden": "true" }, result.passes ? "✓\u00a0" : "✗\u00a0"),
    element("span", { class: "hidden-text" }, result.passes ? "passes: " : "fails: "),
    test.op === "in" ? namesText(model, test) : `${signOf(test)}\u00a0${numberText(test.constant)}`,
    marginText(result))));
}

/** The names of a test; tasks of one kind in one word. */
function namesText(model, { fact, constant }) {
  const given = constant.join();
  const numeric = model.fact("task").values.filter((task) => !model.classification.includes(task));
  if (fact === "task" && given === model.classification.join()) return "classification";
  if (fact === "task" && given === numeric.join()) return "numeric target";
  return constant.join(" or ").replaceAll("_", " ");
}

function marginText({ margin, measured }) {
  if (margin === null) return typeof measured === "number" || measured === NOT_APPLICABLE ? null
    : measured === "unknown" ? element("small", {}, "unknown") : null;
  return element("small", {}, `${margin < 0 ? "−" : "+"}${numberText(Math.abs(margin))}`);
}

// Evidence ───────────────────────────────────────────────────────────────────────────────────────────────────────────

const COUNTS = ["Ratio (95 % interval)", "Datasets", "Better, tie, worse"];
const POLICY_COUNTS = ["Ratio (95 % interval)", "Datasets", "Worse, tie, better"];

function evidence({ model, state }, decision) {
  const card = model.scorecard;
  const measured = decision.rules.map((id) => state.book.byId.get(id)).filter((rule) => rule.measured && rule.measured.alternatives.length > 0);
  const slot = card.slots[state.slot];
  const parts = measured.map((rule) => forestPlot(
    rule.measured.alternatives.slice(0, MOST_ALTERNATIVES).map((one) => effectRow(one, one.choice)),
    ["Alternative", "", ...COUNTS],
    `Error with an alternative relative to ${rule.id} (${model.choices[rule.choice].text}), on the ${rule.measured.datasets} `
    + "measured datasets that the rule decides on. Above 1, the rule is better; the last column counts on how many datasets it is."));
  if (slot !== undefined) {
    parts.push(forestPlot(
      slot.regrets.map((one) => effectRow(one, policyName(one.choice), ["rules", "handbook"].includes(one.choice))),
      ["Policy: always choose", "", ...POLICY_COUNTS],
      `Error relative to the best choice in hindsight, on ${slot.datasets} datasets. Less is better.`));
  }
  if (state.slot === "metric") parts.push(stability(card));
  if (parts.length === 0) return element("p", { class: "mute" }, "The scorecard has no measurements of this slot.");
  const { seeds, rows, share } = card.settings;
  parts.push(element("p", { class: "mute" }, `Measured on ${card.datasets} datasets with ${grouped(String(card.trainings))} trainings: `
    + `${Math.round(100 * share)} % of the epochs, at most ${grouped(String(rows))} rows, ${seeds} seeds. `
    + "A dataset is a tie if the two errors differ by at most 1 %."));
  return parts;
}

const POLICIES = { rules: "by the shipped rules", handbook: "by the notes (handbook)" };
const policyName = (name) => POLICIES[name] ?? name;

function effectRow(effect, label, isMain = false) {
  const { ratio, datasets, wins, ties, losses } = effect;
  return { label, effects: [effect], isMain,
    cells: [`${ratioText(ratio)} (${intervalText(effect)})`, String(datasets), `${wins}, ${ties}, ${losses}`] };
}

function stability(card) {
  const header = ["Metric", "Stability", "95 % interval", "Top share", "Datasets"];
  const cells = (one) => [one.stability.toFixed(2), `${one.low.toFixed(2)} to ${one.high.toFixed(2)}`,
    one.topShare === null ? "" : `${Math.round(100 * one.topShare)} %`, String(one.datasets)];
  return element("div", { class: "scroll" }, element("table", { class: "forest" },
    element("caption", {}, "Metrics are compared by their stability: the rank correlation (Kendall's tau) of trainings between two "
      + "halves of the test rows. Top share: share of the sum of errors in the 1 % of rows with the largest errors."),
    element("thead", {}, element("tr", {}, header.map((name, index) => element("th", { scope: "col", class: index > 0 ? "number" : "" }, name)))),
    element("tbody", {}, card.metrics.map((one) => element("tr", {}, element("th", { scope: "row" }, one.metric),
      cells(one).map((cell, index) => element("td", { class: "number", "data-label": cell === "" ? undefined : header[index + 1] }, cell)))))));
}

/** The configurations of the notes: error of their choices and of the shipped rules, relative to hindsight. */
export function showConfigurations(place, model) {
  const all = model.scorecard.configurations.map((one) => ({ ...one, ratio: one.handbook.ratio / one.rules.ratio }));
  const differing = all.filter(({ ratio }) => ratio !== 1).sort((a, b) => b.ratio - a.ratio);
  const isCertain = ({ handbook }) => handbook.datasets >= MIN_DATASETS;
  const label = (slot) => model.slots.find(({ name }) => name === slot).label;
  const plot = (rows, caption) => forestPlot(
    rows.map((one) => ({
      label: element("span", {}, `${label(one.slot)}: `, element("b", {}, one.choice), element("small", {}, one.configuration)),
      effects: [one.handbook, one.rules],
      cells: [element("b", {}, percentText(one.ratio)), `${ratioText(one.handbook.ratio)} (${intervalText(one.handbook)})`,
        `${ratioText(one.rules.ratio)} (${intervalText(one.rules)})`, String(one.handbook.datasets)],
    })),
    ["Choice of the notes", "", "Error of the notes", "Notes", "Shipped rules", "Datasets"], caption);
  const better = differing.filter(({ ratio }) => ratio > 1).length;
  place.replaceChildren(
    element("p", {}, `In ${differing.length} of ${all.length} measured places, the shipped rules choose otherwise than the notes; `
      + `in ${better} of them, the notes have more error.`),
    plot(differing.filter(isCertain), "Error of the notes relative to the shipped rules, the largest first. The plot shows both relative to the best choice of "
      + "each dataset in hindsight, with 95 % intervals. Hollow: the notes. Filled: the shipped rules."),
    element("details", {}, element("summary", {}, `${differing.filter((one) => !isCertain(one)).length} more on fewer than ${MIN_DATASETS} datasets, which are uncertain`),
      plot(differing.filter((one) => !isCertain(one)), "")));
}
