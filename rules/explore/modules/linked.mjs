// Facts that follow from others: class sizes, as in recommender.audit.dependent_facts, and the facts of another task.
// Choices along one fact, while those that follow from it change with it.

import { NOT_APPLICABLE, UNKNOWN, appliesTo, slotChoices } from "./engine.mjs";
import { exactText, round, shortText } from "./numbers.mjs";

const CLASS_SIZES = ["rows", "imbalance_ratio", "minority_class_rows"];
const STEP = 0.01; // distance of a real number past a bound that it must pass, as a share of the bound
const MIN_END = 0.01;
const ELSEWHERE = ["task", "modality"]; // facts that change the kind of the dataset

/** Facts with some values set, and those that follow: {facts, moved, problem}. remembered: values of other tasks. */
export function setFacts(model, facts, values, remembered = {}) {
  const moved = values.task === undefined ? classSizes(model, facts, values) : {};
  const task = values.task ?? facts.task.value;
  const then = { ...facts };
  for (const fact of values.task === undefined ? [] : model.facts) {
    if (fact.slot !== undefined) continue;
    if (!appliesTo(fact, task)) then[fact.name] = { value: NOT_APPLICABLE };
    else if (then[fact.name].value === NOT_APPLICABLE) then[fact.name] = { value: remembered[fact.name] ?? UNKNOWN };
  }
  for (const [name, value] of Object.entries({ ...values, ...moved.values })) then[name] = { value };
  return { facts: then, moved: Object.keys(moved.values ?? {}), problem: moved.problem ?? "" };
}

/** Dependent values of rows, imbalance ratio and rows of the rarest class: {values} or {problem}. */
export function classSizes(model, facts, values) {
  const isNumber = (value) => typeof value === "number";
  const task = facts.task.value;
  const [rows, ratio, rare] = CLASS_SIZES.map((name) => facts[name].value);
  const wanted = Object.fromEntries(CLASS_SIZES.filter((name) => isNumber(values[name])).map((name) => [name, values[name]]));
  const set = Object.keys(wanted);
  if (!model.classification.includes(task) || set.length === 0 || ![rows, ratio, rare].every(isNumber)) return { values: {} };
  const follow = (name, value) => ({ values: { [name]: value } });
  if (set.length === 1 && set[0] === "rows") {
    return follow("minority_class_rows", Math.max(1, round((rare * wanted.rows) / rows)));
  }
  if (set.includes("imbalance_ratio") && set.includes("minority_class_rows")) {
    if (task === "multiclass" || set.length === CLASS_SIZES.length) return { values: {} };
    return follow("rows", round(wanted.minority_class_rows * (1 + wanted.imbalance_ratio)));
  }
  const frequent = ratio * rare;
  const total = wanted.rows ?? rows;
  if (wanted.imbalance_ratio !== undefined) {
    const count = task === "multiclass" ? frequent / wanted.imbalance_ratio : total / (1 + wanted.imbalance_ratio);
    return follow("minority_class_rows", Math.max(1, round(count)));
  }
  const count = wanted.minority_class_rows;
  if (task === "multiclass") {
    if (count > frequent) return { problem: `The rarest class cannot have more than the ${round(frequent)} rows of the most frequent one.` };
    return follow("imbalance_ratio", frequent / count);
  }
  if (2 * count > total) return { problem: `The rarest of two classes has at most half of the ${round(total)} rows. Set more rows.` };
  return follow("imbalance_ratio", (total - count) / count);
}

/** For each fact, the nearest values in both directions that give a slot another choice: {fact, value, words, choice, moved}. */
export function oneFactChanges(model, book, facts, pins, slot) {
  const choiceOf = (then) => slotChoices(model, book, then, pins, [slot]).get(slot).choice;
  const now = choiceOf(facts);
  const read = [...slotChoices(model, book, facts, pins, [slot]).keys()].filter((name) => pins[name] === undefined);
  const isRead = (fact) => fact.slot === undefined && appliesTo(fact, facts.task.value)
    && (CLASS_SIZES.includes(fact.name) || read.some((one) => book.tested.get(one).has(fact.name)));
  const found = [];
  for (const fact of model.facts.filter(isRead)) {
    const { value: old } = facts[fact.name];
    const seen = new Set([now]);
    const offer = (value, words) => {
      const { facts: then, moved, problem } = setFacts(model, facts, { [fact.name]: value });
      const choice = problem === "" ? choiceOf(then) : now;
      if (seen.has(choice)) return;
      seen.add(choice);
      found.push({ fact: fact.name, value, words, choice, moved: moved.map((name) => [name, then[name].value]) });
    };
    if (fact.values && !ELSEWHERE.includes(fact.name)) {
      for (const value of fact.values) if (value !== old) offer(value, `= ${value.replaceAll("_", " ")}`);
    } else if (typeof old === "number") {
      const cuts = turns(model, book, facts, fact);
      for (const values of [cuts.filter(({ value }) => value < old).toReversed(), cuts.filter(({ value }) => value > old)]) {
        seen.clear();
        seen.add(now);
        for (const { value, words } of values) offer(value, words(value < old));
      }
    }
  }
  return found;
}

/** Values of a fact at and next to which a test may change, in ascending order, each with its words. */
function turns(model, book, facts, fact) {
  const thresholds = (name) => (book.thresholds.get(name) ?? []).filter((one) => one > 0);
  const [rows, ratio, rare] = CLASS_SIZES.map((name) => facts[name].value);
  const isMulticlass = facts.task.value === "multiclass";
  const rareCuts = thresholds("minority_class_rows").flatMap((one) => [one - 0.5, one, one + 0.5]); // which follow as whole numbers
  const linked = ![rows, ratio, rare].every((one) => typeof one === "number") ? []
    : fact.name === "rows" ? rareCuts.map((one) => (one * rows) / rare)
      : fact.name === "imbalance_ratio" ? rareCuts.map((one) => (isMulticlass ? (ratio * rare) / one : rows / one - 1))
        : fact.name === "minority_class_rows" ? thresholds("imbalance_ratio").map((one) => (isMulticlass ? (ratio * rare) / one : rows / (one + 1))) : [];
  const cuts = [...(book.thresholds.get(fact.name) ?? []), ...linked];
  const isAllowed = ({ value }) => value >= (fact.low ?? -Infinity) && value <= (fact.high ?? Infinity);
  const bound = (value) => (isLess) => `${isLess ? "≤" : "≥"} ${fact.whole ? shortText(value, true) : exactText(value)}`;
  const found = fact.whole
    ? [...new Set(cuts.flatMap((cut) => [-1, 0, 1, 2].map((delta) => Math.floor(cut) + delta)))].map((value) => ({ value, words: bound(value) }))
    : cuts.flatMap((cut) => {
      const step = STEP * Math.max(Math.abs(cut), MIN_END);
      return [{ value: cut, words: bound(cut) }, { value: cut - step, words: () => `< ${shortText(cut)}` }, { value: cut + step, words: () => `> ${shortText(cut)}` }];
    });
  return found.filter(isAllowed).sort((a, b) => a.value - b.value);
}
