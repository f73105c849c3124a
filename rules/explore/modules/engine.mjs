// Rules engine: the decisions of rules.decision.engine, on a book whose proof Python has made.

import { exactText } from "./numbers.mjs";
import { pieces } from "./space.mjs";

export const UNKNOWN = "unknown";
export const NOT_APPLICABLE = "n/a";
const COMPARISONS = { lt: (a, b) => a < b, le: (a, b) => a <= b, gt: (a, b) => a > b, ge: (a, b) => a >= b };
const SIGNS = { lt: "<", le: "≤", gt: ">", ge: "≥" };

/** No rule of a slot fires. A proved book has a rule for all facts that a dataset can have. */
export class NoRule extends Error {}

/** Data of the page with look-ups: facts and slots by name, and books with the rules of each slot. */
export function readModel(data) {
  const facts = new Map(data.facts.map((fact) => [fact.name, fact]));
  const model = { ...data, fact: (name) => facts.get(name) };
  model.absent = Object.fromEntries(data.facts.map(({ name }) => [name, { value: NOT_APPLICABLE }]));
  model.reporting = new Map(data.slots.map(({ name }) => [name, data.facts.filter(({ slot }) => slot === name).map((fact) => fact.name)]));
  model.books = data.books.map((book) => readBook(book, data));
  return model;
}

function readBook(book, data) {
  const rules = book.rules.map((index) => data.rules[index]).map(readRule);
  const bySlot = new Map(data.slots.map(({ name }) => [name, rules.filter((rule) => rule.slot === name)]));
  const beatenBy = new Map(rules.map((rule) => [rule.id, new Set(book.beatenBy[rule.id] ?? [])]));
  const tested = new Map([...bySlot].map(([slot, own]) => [slot, new Set(own.flatMap(({ when }) => when.map(({ fact }) => fact)))]));
  const thresholds = new Map();
  for (const { fact, op, constant } of rules.flatMap(({ when }) => when)) {
    if (op !== "in") thresholds.set(fact, [...(thresholds.get(fact) ?? []), constant]);
  }
  const constraints = book.constraints.map((index) => data.constraints[index]);
  return { ...book, rules, byId: new Map(rules.map((rule) => [rule.id, rule])), of: (slot) => bySlot.get(slot),
    tested, thresholds, upstream: new Map(), beatenBy, constraints: constraints.map((one) => ({ ...one, when: one.when.map(readTest) })), regions: new Map() };
}

const readRule = (rule) => ({ ...rule, when: rule.when.map(readTest) });
const readTest = ([fact, op, constant]) => ({ fact, op, constant });

export function holds(test, value) {
  if (value === UNKNOWN || value === NOT_APPLICABLE) return false;
  return test.op === "in" ? test.constant.includes(value) : COMPARISONS[test.op](value, test.constant);
}

/** Distance from the threshold in the fact's unit, positive if the test passes; null for names. */
export function margin(test, value) {
  if (typeof value !== "number" || test.op === "in") return null;
  const distance = value - test.constant;
  return test.op === "gt" || test.op === "ge" ? distance : -distance;
}

export const testText = (test) => test.op === "in"
  ? `${test.fact} is ${test.constant.join(" or ")}`
  : `${test.fact} ${SIGNS[test.op]} ${exactText(test.constant)}`;
export const signOf = (test) => SIGNS[test.op];

export const appliesTo = (fact, task) => fact.tasks === undefined || fact.tasks.includes(task);

/** All facts of the vocabulary; missing ones are not applicable. facts: name → {value, low, high}. */
export function completeFacts(model, facts) {
  return { ...model.absent, ...facts };
}

function report(model, slot, choice, known) {
  for (const name of model.reporting.get(slot)) known[name] = { value: model.choices[choice].reports };
}

/** Choice of every slot with its trace. pins: slot → index of a choice. */
export function decide(model, book, facts, pins = {}) {
  const known = completeFacts(model, facts);
  const decisions = {};
  for (const { name: slot } of model.slots) {
    decisions[slot] = decideSlot(model, book, slot, known, pins[slot]);
    report(model, slot, decisions[slot].choice, known);
  }
  return { decisions, facts: known, broken: brokenConstraints(model, book, decisions, known) };
}

function decideSlot(model, book, slot, facts, pin) {
  const rules = book.of(slot);
  const { winners, provisional } = decidingRules(model, book, slot, facts);
  const firing = firingRules(rules, facts);
  const ruled = winners[0].choice;
  const ids = new Set(firing.map((rule) => rule.id));
  return {
    slot,
    choice: pin ?? ruled,
    pinned: pin !== undefined,
    ruled,
    rules: winners.map((rule) => rule.id),
    provisional,
    fragile: fragilities(model, book, slot, facts, ruled),
    trace: rules.map((rule) => {
      const outcome = winners.includes(rule) ? "decides" : ids.has(rule.id) ? "beaten" : "silent";
      const by = outcome === "beaten" ? [...book.beatenBy.get(rule.id)].filter((id) => ids.has(id)).sort() : [];
      return {
        rule: rule.id,
        outcome,
        beatenBy: by.map((id) => ({ rule: id, declared: book.byId.get(id).overrides.includes(rule.id) })),
        tests: rule.when.map((test) => {
          const { value } = facts[test.fact];
          return { fact: test.fact, passes: holds(test, value), measured: value, margin: margin(test, value) };
        }),
      };
    }),
  };
}

/** Choices of some slots and their upstream slots, without trace. */
export function slotChoices(model, book, facts, pins = {}, slots = model.slots.map(({ name }) => name)) {
  const known = completeFacts(model, facts);
  const made = new Map();
  for (const slot of upstream(model, book, slots)) {
    if (pins[slot] === undefined) {
      const { winners } = decidingRules(model, book, slot, known);
      made.set(slot, { choice: winners[0].choice, rules: winners.map((rule) => rule.id) });
    } else {
      made.set(slot, { choice: pins[slot], rules: [] });
    }
    report(model, slot, made.get(slot).choice, known);
  }
  return made;
}

/** The slots and those whose choices their rules test, in the order of decision. */
export function upstream(model, book, slots) {
  const key = slots.join();
  if (!book.upstream.has(key)) {
    const order = model.slots.map(({ name }) => name);
    const wanted = new Set(slots);
    for (const slot of order.toReversed()) {
      if (wanted.has(slot)) for (const name of book.tested.get(slot)) wanted.add(model.fact(name).slot ?? slot);
    }
    book.upstream.set(key, order.filter((slot) => wanted.has(slot)));
  }
  return book.upstream.get(key);
}

const firingRules = (rules, facts) => rules.filter((rule) => rule.when.every((test) => holds(test, facts[test.fact].value)));

function unbeatenRules(firing, book) {
  const ids = firing.map((rule) => rule.id);
  return firing.filter((rule) => !ids.some((id) => book.beatenBy.get(rule.id).has(id)));
}

/** Deciding rules, and the unknown facts on which the choice depends: every value of the unknown facts is tried. */
function decidingRules(model, book, slot, facts) {
  const rules = book.of(slot);
  const unknown = Object.keys(facts).filter((name) => facts[name].value === UNKNOWN && book.tested.get(slot).has(name));
  const cautious = unbeatenRules(firingRules(rules, facts), book);
  if (unknown.length === 0) return { winners: some(cautious), provisional: [] };
  const outcomes = [...worlds(model, rules, unknown, facts)].map((world) => unbeatenRules(firingRules(rules, world), book));
  if (outcomes.every((winners) => some(winners)[0].choice === some(outcomes[0])[0].choice)) {
    return { winners: some(outcomes[0] ?? []), provisional: [] };
  }
  return { winners: cautious.length > 0 ? cautious : outcomes[0], provisional: unknown.sort() };
}

function some(winners) {
  if (winners.length === 0) throw new NoRule("no rule fires");
  return winners;
}

/** The facts with each possible combination of values of the unknown facts. */
function* worlds(model, rules, unknown, facts) {
  if (unknown.length === 0) {
    yield facts;
    return;
  }
  const [name, ...rest] = unknown;
  const fact = model.fact(name);
  const cuts = rules.flatMap((rule) => rule.when).filter((test) => test.fact === name && test.op !== "in");
  const applies = appliesTo(fact, facts.task.value);
  for (const { value } of pieces(fact, cuts.map((test) => test.constant))) {
    if ((value === NOT_APPLICABLE) === applies) continue;
    yield* worlds(model, rules, rest, { ...facts, [name]: { value } });
  }
}

/** Facts whose interval includes a threshold beyond which the choice is another. */
function fragilities(model, book, slot, facts, choice) {
  const found = [];
  for (const name of [...book.tested.get(slot)].sort()) {
    const { low, high } = facts[name];
    if (low === undefined || low === null || high === undefined || high === null) continue;
    for (const value of [low, high]) {
      const other = decidingRules(model, book, slot, { ...facts, [name]: { ...facts[name], value } }).winners[0].choice;
      if (other !== choice) {
        found.push({ fact: name, low, high, other });
        break;
      }
    }
  }
  return found;
}

/** Constraints that the choices violate; only pins can violate those of a proved book. */
function brokenConstraints(model, book, decisions, facts) {
  const forbids = (constraint, slot) => {
    const { fields } = model.choices[decisions[slot].choice];
    return Object.entries(constraint.choices[slot]).every(([key, values]) => values.includes(fields[key]));
  };
  return book.constraints.filter((constraint) =>
    Object.keys(constraint.choices).every((slot) => forbids(constraint, slot))
    && constraint.when.every((test) => holds(test, facts[test.fact].value)));
}
