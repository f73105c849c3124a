// Partition of fact space into pieces, boxes and decision regions, as rules.proof.fact_space and decision_regions.
// A box is a bit mask per axis (BigInt): bit i stands for piece i.

import { NOT_APPLICABLE, appliesTo, holds, upstream } from "./engine.mjs";

/** Pieces of a fact's domain on which every test has a constant result: {value, low, high}. */
export function pieces(fact, thresholds) {
  const found = fact.values ? fact.values.map((value) => ({ value })) : [...stretches(fact, thresholds)];
  if (fact.tasks !== undefined) found.push({ value: NOT_APPLICABLE });
  return found;
}

function* stretches(fact, thresholds) {
  const first = fact.low ?? -Infinity;
  const last = fact.high ?? Infinity;
  const ends = [...new Set([first, ...thresholds, last])].sort((a, b) => a - b);
  for (const [index, low] of ends.entries()) {
    const high = ends[index + 1] ?? last;
    if (Number.isFinite(low)) yield { value: fact.whole ? Math.trunc(low) : low, low, high: low };
    const inside = between(low, high, fact.whole);
    if (inside !== null) yield { value: inside, low, high };
  }
}

function between(low, high, whole) {
  if (low === high) return null;
  if (!Number.isFinite(low) && !Number.isFinite(high)) return 0;
  if (whole) {
    const inside = Number.isFinite(low) ? Math.trunc(low) + 1 : Math.trunc(high) - 1;
    return inside < high ? inside : null;
  }
  if (!Number.isFinite(high)) return low + 1;
  return Number.isFinite(low) ? (low + high) / 2 : high - 1;
}

/** Smallest space in which each test has a constant result on each piece. */
function spaceOver(model, tests) {
  const thresholds = new Map();
  const cuts = (name) => thresholds.get(name) ?? thresholds.set(name, []).get(name);
  for (const test of tests) {
    const own = cuts(test.fact);
    if (test.op !== "in") own.push(test.constant);
  }
  if ([...thresholds.keys()].some((name) => model.fact(name).tasks !== undefined)) cuts("task");
  for (const combination of model.impossible) {
    const names = Object.keys(combination);
    if (names.some((name) => thresholds.has(name))) names.forEach(cuts);
  }
  const names = model.facts.map(({ name }) => name).filter((name) => thresholds.has(name));
  const axes = names.map((name) => pieces(model.fact(name), thresholds.get(name)));
  const space = { names, axes, everything: axes.map((axis) => (1n << BigInt(axis.length)) - 1n) };
  space.worlds = thresholds.has("task")
    ? model.fact("task").values.map((task) => worldOf(model, space, task))
    : [space.everything];
  return space;
}

/** The possible cells of a task: a fact applies exactly to its tasks. */
function worldOf(model, space, task) {
  const excluded = (name) => model.impossible
    .filter((combination) => combination.task.includes(task) && name !== "task")
    .flatMap((combination) => combination[name] ?? []);
  return space.names.map((name, index) => {
    const applies = appliesTo(model.fact(name), task);
    const never = excluded(name);
    return maskOf(space.axes[index], (value) => name === "task"
      ? value === task
      : (value === NOT_APPLICABLE) !== applies && !never.includes(value));
  });
}

function maskOf(axis, accepts) {
  return axis.reduce((mask, piece, index) => (accepts(piece.value) ? mask | (1n << BigInt(index)) : mask), 0n);
}

function boxWhere(space, tests) {
  const masks = [...space.everything];
  for (const test of tests) {
    const axis = space.names.indexOf(test.fact);
    masks[axis] &= maskOf(space.axes[axis], (value) => holds(test, value));
  }
  return masks.every(Boolean) ? masks : null;
}

function meet(first, second) {
  const shared = first.map((mask, axis) => mask & second[axis]);
  return shared.every(Boolean) ? shared : null;
}

export const isInside = (inner, outer) => inner.every((mask, axis) => (mask & ~outer[axis]) === 0n);

/** Difference of two boxes, as disjoint boxes. */
function minus(box, cut) {
  if (meet(box, cut) === null) return [box];
  const outside = [];
  let left = box;
  for (const [axis, mine] of box.entries()) {
    if ((mine & ~cut[axis]) === 0n) continue;
    outside.push(left.with(axis, mine & ~cut[axis]));
    left = left.with(axis, mine & cut[axis]);
  }
  return outside;
}

export const piecesOf = (space, box, axis) =>
  space.axes[axis].filter((_, index) => (box[axis] >> BigInt(index)) & 1n);

/** Parts of fact space in which the same rules decide a slot: {space, rule, choice, boxes}. They are kept by pins. */
export function decisionRegions(model, book, slot, pins) {
  const needed = upstream(model, book, [slot]);
  const key = JSON.stringify([slot, needed.map((one) => pins[one])]);
  if (!book.regions.has(key)) book.regions.set(key, findRegions(model, book, needed, pins));
  return book.regions.get(key).map(({ space, rules, choices, boxes }) =>
    ({ space, rule: rules[slot], choice: choices[slot], boxes }));
}

function findRegions(model, book, needed, pins) {
  const tests = needed.flatMap((slot) => book.of(slot).flatMap((rule) => rule.when));
  const space = spaceOver(model, tests.filter((test) => model.fact(test.fact).slot === undefined));
  let found = [{ space, rules: {}, choices: {}, boxes: space.worlds.filter((world) => world.every(Boolean)) }];
  for (const slot of needed) {
    found = pins[slot] === undefined
      ? found.flatMap((before) => split(model, book, before, slot))
      : found.map((before) => ({ ...before, choices: { ...before.choices, [slot]: pins[slot] } }));
  }
  return found;
}

/** Split a region by the rule that decides the next slot. */
function split(model, book, before, slot) {
  const firing = new Map();
  for (const rule of book.of(slot)) {
    const box = boxOf(model, rule, before);
    if (box !== null) firing.set(rule.id, box);
  }
  const parts = [];
  for (const rule of book.of(slot)) {
    if (!firing.has(rule.id)) continue;
    let boxes = before.boxes.map((box) => meet(box, firing.get(rule.id))).filter((box) => box !== null);
    for (const winner of [...book.beatenBy.get(rule.id)].filter((id) => firing.has(id)).sort()) {
      boxes = boxes.flatMap((box) => minus(box, firing.get(winner)));
    }
    if (boxes.length > 0) {
      parts.push({ ...before, boxes, rules: { ...before.rules, [slot]: rule.id },
        choices: { ...before.choices, [slot]: rule.choice } });
    }
  }
  return parts;
}

/** Box in which a rule fires, given the earlier choices; null if they prevent it. */
function boxOf(model, rule, region) {
  const base = [];
  for (const test of rule.when) {
    const reports = model.fact(test.fact).slot;
    if (reports === undefined) base.push(test);
    else if (!holds(test, model.choices[region.choices[reports]].reports)) return null;
  }
  return boxWhere(region.space, base);
}
