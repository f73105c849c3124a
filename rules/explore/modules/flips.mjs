// Nearest changes that lead to another choice, as rules.decision.counterfactual and data_changes find them.

import { NOT_APPLICABLE, UNKNOWN, appliesTo, completeFacts, slotChoices } from "./engine.mjs";
import { counted, exactText, round, shortText } from "./numbers.mjs";
import { decisionRegions, isInside, piecesOf } from "./space.mjs";

const STEP = 0.01; // distance of a real number past an excluded bound, as a share of the bound
const MIN_END = 0.01;
const DIGITS = 9;
const CHANGE_DIGITS = 6;
const NEIGHBOURS = [-1, 0, 1, 2];
const FREQUENT_CLASS_PENALTY = 0.02;
const LINKED = ["imbalance_ratio", "minority_class_rows"];

const isNumber = (value) => typeof value === "number";
const valueOf = (facts, name) => (isNumber(facts[name].value) ? facts[name].value : null);

/** For each slot that is not pinned, the nearest change to every other choice, the nearest first. */
export function flips(model, book, facts, pins = {}, rareClass = "", slots = model.slots.map(({ name }) => name)) {
  const known = completeFacts(model, facts);
  const now = slotChoices(model, book, known, pins);
  const found = new Map(slots.filter((slot) => pins[slot] === undefined).map((slot) => [slot, new Map()]));
  const offer = (slot, choice, distance, flip) => {
    const becomes = model.choices[choice].text;
    const nearest = found.get(slot)?.get(becomes);
    if (!found.has(slot) || (nearest && compared(nearest.distance, distance) <= 0)) return;
    const made = flip();
    if (made === null) return;
    const was = model.choices[now.get(slot).choice].text;
    found.get(slot).set(becomes, { slot, was, becomes, distance, order: offer.count++, ...made });
  };
  offer.count = 0;
  byDataChanges(model, book, known, now, pins, rareClass, offer);
  for (const slot of found.keys()) byFacts(model, book, known, slot, now.get(slot).choice, pins, offer);
  return Object.fromEntries([...found].map(([slot, best]) =>
    [slot, [...best.values()].sort((a, b) => compared(a.distance, b.distance) || a.order - b.order)]));
}

function compared(first, second) {
  const at = first.findIndex((part, index) => part !== second[index]);
  return at < 0 ? 0 : first[at] - second[at];
}

function byDataChanges(model, book, known, now, pins, rareClass, offer) {
  const choices = new Map(); // by the pieces in which the changed facts lie
  for (const change of dataChanges(model, known, (name) => book.thresholds.get(name) ?? [], rareClass)) {
    const changed = Object.entries(change.values);
    const key = changed.map(([name, value]) => `${name} ${placeOf(book.thresholds.get(name) ?? [], value)}`).join();
    const then = { ...known, ...Object.fromEntries(changed.map(([name, value]) => [name, { value }])) };
    if (!choices.has(key)) choices.set(key, slotChoices(model, book, then, pins));
    const distance = [0, 1, round(change.distance, DIGITS)];
    for (const [slot, ruling] of choices.get(key)) {
      if (ruling.choice === now.get(slot).choice) continue;
      offer(slot, ruling.choice, distance, () => ({
        rules: ruling.rules,
        how: change.words(),
        changes: changed.filter(([name, value]) => value !== known[name].value)
          .map(([name, value]) => changeOf(model, name, known[name].value, value)),
      }));
    }
  }
}

/** Place of a number among thresholds: all tests have the same result for numbers at the same place. */
function placeOf(thresholds, value) {
  return thresholds.reduce((place, cut) => place + (value > cut ? 2 : value === cut ? 1 : 0), 0);
}

function byFacts(model, book, known, slot, now, pins, offer) {
  for (const region of decisionRegions(model, book, slot, pins)) {
    if (region.choice === now) continue;
    for (const box of region.boxes) {
      const { changed, distance } = into(model, region.space, box, known);
      offer(slot, region.choice, distance, () => {
        const then = substitute(model, known, Object.fromEntries([...changed].map(([name, { value }]) => [name, value])));
        if (slotChoices(model, book, then, pins, [slot]).get(slot).choice !== region.choice) return null;
        const changes = [...changed].map(([name, one]) => changeOf(model, name, known[name].value, one.value, one.piece));
        const how = changes.filter((change) => change.new !== NOT_APPLICABLE).map((change) => change.words);
        return { rules: [region.rule], how: how.join(" and "), changes };
      });
    }
  }
}

/** Smallest changes of facts that lead from a dataset into a box, and their distance. */
function into(model, space, box, known) {
  const changed = new Map();
  const world = space.worlds.find((one) => isInside(box, one));
  let names = 0;
  let count = 0;
  let sum = 0;
  for (const [axis, name] of space.names.entries()) {
    const here = known[name].value;
    if (box[axis] === world[axis] && (here === UNKNOWN || here === NOT_APPLICABLE)) continue; // every value does
    const fact = model.fact(name);
    let best = null;
    for (const piece of piecesOf(space, box, axis)) {
      const value = nearest(fact, piece, here);
      const far = relative(here, value);
      if (best === null || far < best.far) best = { value, piece, far };
    }
    if (best.value === here) continue;
    changed.set(name, best);
    if (best.value === NOT_APPLICABLE) continue; // it follows from the task
    count += 1;
    names += fact.values ? 1 : 0;
    sum += best.far;
  }
  if (changed.has("task")) followTask(model, changed.get("task").value, changed, known);
  else if (LINKED.some((name) => changed.has(name))) count += 1; // dependent facts change, too
  return { changed, distance: [names, count, round(sum, DIGITS)] };
}

function followTask(model, task, changed, known) {
  for (const fact of model.facts) {
    if (fact.slot !== undefined || changed.has(fact.name)) continue;
    if (known[fact.name].value !== NOT_APPLICABLE && !appliesTo(fact, task)) {
      changed.set(fact.name, { value: NOT_APPLICABLE, piece: { value: NOT_APPLICABLE } });
    }
  }
}

function nearest(fact, piece, value) {
  if (piece.low === undefined || !isNumber(value) || piece.low === piece.high) return piece.value;
  if (piece.low < value && value < piece.high) return value;
  const [end, sign] = value <= piece.low ? [piece.low, 1] : [piece.high, -1];
  if (fact.whole) return Math.trunc(end) + sign;
  return end + sign * Math.min(STEP * Math.max(Math.abs(end), MIN_END), (piece.high - piece.low) / 2);
}

function relative(old, now) {
  if (old === now) return 0;
  if (isNumber(old) && isNumber(now)) return Math.abs(now - old) / Math.max(Math.abs(now), Math.abs(old));
  return 1;
}

function changeOf(model, fact, old, value, piece) {
  return { fact, old, new: value, words: wordsOf(model.fact(fact), old, value, piece) };
}

function wordsOf(fact, old, value, piece) {
  const now = old === NOT_APPLICABLE ? "" : ` (now ${shortText(old, fact.whole)})`;
  if (piece?.low !== undefined && piece.low !== piece.high && isNumber(old)) {
    const bound = old <= piece.low ? `above ${exactText(piece.low)}` : `below ${exactText(piece.high)}`;
    return `${fact.name} ${bound}${now}`;
  }
  return `${fact.name} = ${shortText(value, fact.whole)}${now}`;
}

/** Facts with some values replaced; if the task changes, facts that apply only to the new task become unknown. */
export function substitute(model, facts, values) {
  const then = completeFacts(model, facts);
  const task = values.task ?? then.task.value;
  for (const fact of model.facts) {
    if (fact.slot !== undefined || fact.name in values) continue;
    if (!appliesTo(fact, task)) then[fact.name] = { value: NOT_APPLICABLE };
    else if (then[fact.name].value === NOT_APPLICABLE) then[fact.name] = { value: UNKNOWN };
  }
  for (const [name, value] of Object.entries(values)) then[name] = { value };
  return then;
}

// Changes that a user could make to the data or the budget.

function dataChanges(model, facts, thresholds, rareClass) {
  const found = [...rareRows(model, facts, thresholds, rareClass), ...frequentRows(facts, thresholds),
    ...sameKindRows(facts, thresholds), ...trials(facts, thresholds)];
  const keyed = found.map((change) => ({ change, key: round(change.distance, CHANGE_DIGITS) }));
  return keyed.toSorted((a, b) => a.key - b.key).map(({ change }) => change);
}

function* counts(now, wanted, least, most, change) {
  const tried = new Set(wanted.flatMap((one) => NEIGHBOURS.map((delta) => Math.floor(one) + delta)));
  const near = (count) => Math.abs(count - now);
  for (const count of [...tried].sort((a, b) => near(a) - near(b) || a - b)) {
    if (least <= count && count <= most && count !== now) {
      yield { ...change(count), distance: near(count) / Math.max(count, now) };
    }
  }
}

const classSizes = (facts) => ["minority_class_rows", "imbalance_ratio", "rows"].map((name) => valueOf(facts, name));

function* rareRows(model, facts, thresholds, rareClass) {
  const task = facts.task.value;
  const [rare, ratio, rows] = classSizes(facts);
  if (!model.classification.includes(task) || rare === null || ratio === null || rows === null) return;
  const frequent = round(ratio * rare, CHANGE_DIGITS);
  const wanted = [...thresholds("imbalance_ratio").filter((one) => one > 0).map((one) => frequent / one),
    ...thresholds("minority_class_rows")];
  if (task === "binary") wanted.push(...thresholds("rows").map((one) => one - rows + rare));
  const whose = rareClass || "the rarest class";
  yield* counts(rare, wanted, Math.max(1, rare - rows + 1), frequent, (count) => {
    const then = Math.trunc(rows + count - rare);
    const values = { minority_class_rows: count, imbalance_ratio: frequent / count, rows: then };
    if (task === "multilabel") {
      const many = count > rare ? "at least" : "only";
      const which = count > rare ? "with and without every label" : "with or without one of the labels";
      const now = `now ${counted(rare)} of ${counted(rows)}`;
      return { words: () => `${many} ${counted(count)} rows ${which}, out of ${counted(then)} rows (${now})`, values };
    }
    if (task === "multiclass" && count > rare) {
      return { words: () => `at least ${counted(count)} rows of every class (${whose} has ${counted(rare)})`, values };
    }
    return { words: () => more(count, rare, `rows of ${whose}`), values };
  });
}

function* frequentRows(facts, thresholds) {
  const task = facts.task.value;
  const [rare, ratio, rows] = classSizes(facts);
  if (!["binary", "multiclass"].includes(task) || rare === null || ratio === null || rows === null) return;
  const frequent = round(ratio * rare);
  const wanted = [...thresholds("imbalance_ratio").map((one) => one * rare),
    ...thresholds("rows").map((one) => one - rows + frequent)];
  const [whose, least] = task === "binary" ? ["larger", Math.max(rare, frequent - rows + 1)] : ["largest", frequent];
  const change = (count) => ({
    words: () => more(count, frequent, `rows of the ${whose} class`),
    values: { imbalance_ratio: count / rare, rows: Math.trunc(rows + count - frequent) },
  });
  for (const found of counts(frequent, wanted, least, Infinity, change)) {
    yield { ...found, distance: found.distance + FREQUENT_CLASS_PENALTY };
  }
}

function* sameKindRows(facts, thresholds) {
  const [rare, , rows] = classSizes(facts);
  if (rows === null) return;
  const wanted = [...thresholds("rows"), ...(rare ? thresholds("minority_class_rows").map((one) => (one * rows) / rare) : [])];
  yield* counts(rows, wanted, 2, Infinity, (count) => ({
    words: () => more(count, rows, "rows of the same kind"),
    values: { rows: count, ...(rare ? { minority_class_rows: Math.max(1, round((rare * count) / rows)) } : {}) },
  }));
}

function* trials(facts, thresholds) {
  const now = valueOf(facts, "trial_budget");
  if (now === null) return;
  yield* counts(now, thresholds("trial_budget"), 1, Infinity, (count) => ({
    words: () => `a budget for ${more(count, now, "trials")}`,
    values: { trial_budget: count },
  }));
}

function more(count, now, what) {
  const by = Math.abs(count - now);
  const one = by === 1 ? what.replace("rows", "row").replace("trials", "trial") : what;
  return `${counted(by)} ${count > now ? "more" : "fewer"} ${one} (${counted(count)} instead of ${counted(now)})`;
}
