// Facts that follow from others: class sizes, as in recommender.audit.dependent_facts, and the facts of another task.

import { NOT_APPLICABLE, UNKNOWN, appliesTo } from "./engine.mjs";
import { round } from "./numbers.mjs";

const CLASS_SIZES = ["rows", "imbalance_ratio", "minority_class_rows"];

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
