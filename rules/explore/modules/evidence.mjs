// What was measured: errors of alternatives and policies, and where evidence rules replace choices of the handbook.

import { testText } from "./engine.mjs";
import { element } from "./elements.mjs";
import { grouped } from "./numbers.mjs";
import { forestPlot, intervalText, percentInterval, percentText, ratioText } from "./plots.mjs";

const MOST_ALTERNATIVES = 8;
const MIN_DATASETS = 10; // with fewer, a bootstrap interval excludes the true value too often
const SEARCHED = " at a searched rate";
const EXTRAS = "(no extras): without the additions of this project, such as periodic features of numbers, or the mean of several trials.";

const COUNTS = ["Ratio (95 % interval)", "Datasets", "More error, tie, less error"];

/** What the scorecard measured of the rules that decide, and of policies for the slot. */
export function evidence({ model, state }, decision) {
  const card = model.scorecard;
  const measured = decision.rules.map((id) => state.book.byId.get(id)).filter((rule) => rule.measured && rule.measured.alternatives.length > 0);
  const slot = card.slots[state.slot];
  const parts = measured.map((rule) => forestPlot(
    rule.measured.alternatives.slice(0, MOST_ALTERNATIVES).map((one) => effectRow(one, one.choice)),
    ["Alternative", "", ...COUNTS],
    `Error with an alternative divided by the error with ${model.choices[rule.choice].text} (${rule.id}), on the ${rule.measured.datasets} `
    + "measured datasets on which the rule decides. Above 1, the alternative has more error; the last column counts datasets."));
  if (slot !== undefined) {
    parts.push(forestPlot(
      slot.regrets.map((one) => effectRow(one, policyName(one.choice), ["rules", "handbook"].includes(one.choice))),
      ["Policy: always choose", "", ...COUNTS],
      `Error divided by the error of a reference, on ${slot.datasets} datasets. Less is better. The reference chooses for each dataset `
      + "and seed what was best with the other seeds, so a policy can be below 1."));
  }
  if (state.slot === "metric") parts.push(stability(card));
  if (parts.length === 0) return element("p", { class: "mute" }, "The scorecard has no measurements of this slot.");
  parts.push(element("p", { class: "mute" }, `Measured on ${card.datasets} datasets with ${grouped(String(card.trainings))} trainings: `
    + `${trainingsText(card)}. Ratios are geometric means. A dataset is a tie if the two errors differ by at most 1 %. ${EXTRAS}`));
  return parts;
}

const POLICIES = { rules: "by the evidence rules", handbook: "by the handbook" };
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

/** The trainings of the scorecard. */
function trainingsText({ settings: { seeds, rows, share } }) {
  return `at most ${grouped(String(rows))} rows, ${Math.round(100 * share)} % of the epochs, ${seeds} seeds`;
}

/** Measured error of a choice relative to that of the deciding rules, on the same datasets; null if not measured. */
export function effectOf(model, book, rules, choice) {
  const { text } = model.choices[choice];
  const measured = rules.flatMap((id) => book.byId.get(id).measured?.alternatives ?? []);
  return measured.find((one) => one.choice === text) ?? measured.find((one) => one.choice === text + SEARCHED) ?? null;
}

/** Whether two choices led to the same trainings: they differ only in what the measurement did not use. */
export const isSame = (effect) => effect !== null && effect.low === 1 && effect.high === 1;

const VERDICTS = { more: "more error", less: "less error", unclear: "no clear difference", none: "replaced, not measured" };

/** What the interval of an error shows: "more", "less" or "unclear"; "none" without a measurement. */
export const verdictOf = (effect) => (effect === null ? "none" : effect.low > 1 ? "more" : effect.high < 1 ? "less" : "unclear");

/** An error with its 95 % interval and number of datasets, and what it shows. */
export function effectText(effect) {
  if (effect === null) return VERDICTS.none;
  return `error ${percentText(effect.ratio)} (${percentInterval(effect)}; ${datasetsText(effect)}): ${VERDICTS[verdictOf(effect)]}`;
}

const datasetsText = ({ datasets }) => `${datasets} ${datasets === 1 ? "dataset" : "datasets"}${datasets < MIN_DATASETS ? " only" : ""}`;

/** How many of some effects have more error, less error, no clear difference, or were not measured. */
export function countText(effects, all) {
  const count = (kind) => effects.filter((effect) => verdictOf(effect) === kind).length;
  const parts = [`measurably more error in ${count("more")}`, `measurably less in ${count("less")}`,
    `no clear difference in ${count("unclear")}`, `not measured in ${count("none")}`];
  return `${all} ${parts.filter((part, index) => index !== 1 || count("less") > 0).join(", ")}.`;
}

/** Where the evidence rules replace choices of the handbook: the error of the replaced choice relative to the rule's. */
export function showReplaced(place, model) {
  const book = model.books.find(({ name }) => name === "shipped");
  const places = model.replacements.map(({ rule: id, choice }) => {
    const rule = book.byId.get(id);
    return { rule, choice: model.choices[choice].text, effect: effectOf(model, book, [id], choice) };
  }).filter(({ effect }) => !isSame(effect));
  const of = (...kinds) => places.filter(({ effect }) => kinds.includes(verdictOf(effect)));
  const proved = [...of("more").sort((a, b) => b.effect.low - a.effect.low), ...of("less")];
  const unclear = of("unclear").sort((a, b) => b.effect.datasets - a.effect.datasets);
  const label = (slot) => model.slots.find(({ name }) => name === slot).label;
  const name = ({ rule, choice }) => element("span", {}, element("b", {}, choice), ` → ${model.choices[rule.choice].text}`,
    element("small", {}, `${label(rule.slot)}, ${rule.id}: ${rule.when.map(testText).join(", ").replaceAll("_", " ") || "datasets that no more specific rule decides"}`));
  const table = (rows, caption) => forestPlot(rows.map((one) => {
    const kind = verdictOf(one.effect);
    return { label: name(one), effects: [one.effect], isMain: kind !== "unclear", cells: [
      element(kind === "unclear" ? "span" : "b", {}, `${percentText(one.effect.ratio)} (${percentInterval(one.effect)})`),
      datasetsText(one.effect), VERDICTS[kind]] };
  }), ["Choice of the handbook → of the evidence rule", "", "Error of the handbook's choice (95 % interval)", "Datasets", "Result"], caption, (tick) => percentText(tick).replace(".0", ""));
  place.replaceChildren(
    element("p", {}, `${countText(places.map(({ effect }) => effect),
      `Evidence rules replace a choice of the handbook in ${places.length} places. The handbook's choice has`)} `
      + "A place is a rule and the choice that it replaces; a difference is clear if its 95 % interval excludes 0."),
    element("p", { class: "mute" }, "Error: the error with the handbook's choice relative to the error with the rule's choice, as the geometric mean "
      + `over the measured datasets on which the rule decides; both choices were trained on each of them. Trainings: ${trainingsText(model.scorecard)}. `
      + `"Only" marks fewer than ${MIN_DATASETS} datasets, for which an interval is too narrow. ${EXTRAS}`),
    element("h3", {}, "Interval excludes 0"),
    table(proved),
    element("h3", {}, "Interval includes 0: no clear difference"),
    table(unclear),
    element("details", {}, element("summary", {}, `${of("none").length} places that are replaced, not measured`),
      element("ul", {}, of("none").map((one) => element("li", {}, name(one))))));
}
