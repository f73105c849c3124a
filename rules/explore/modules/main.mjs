// The page: facts on the left, the bundle next to them, details of the selected slot.

import { buildControls, problemOf, showControls } from "./controls.mjs";
import { showDetails, valuesText } from "./details.mjs";
import { byId, element } from "./elements.mjs";
import { countText, effectOf, effectText, isSame, showReplaced } from "./evidence.mjs";
import { NoRule, decide, readModel, slotChoices } from "./engine.mjs";
import { flips, substitute } from "./flips.mjs";
import { setFacts } from "./linked.mjs";
import { shortText } from "./numbers.mjs";
import { bundleText, fromHash, isPossible, setPin, startAt, toHash, typicalValues } from "./state.mjs";

const SAVED = "bundle.yaml";
const FLAGS = {
  fragile: "The 95 % interval of a fact contains a threshold at which the choice changes",
  provisional: "The choice depends on a fact that is unknown",
  forbidden: "A constraint forbids this combination of choices",
};
const NARROW = "(max-width: 48rem)"; // of the style sheet: details are below the bundle

function start() {
  const model = readModel(JSON.parse(byId("data").textContent));
  const typical = typicalValues(model);
  const rows = buildBundle(model, select);
  let state = null;
  let controls = null;
  let before = null; // the choices that were shown last, as text
  let changes = []; // of the last change of facts, pins or book: slots and their choices

  globalThis.explore = { model, decide, flips, setFacts, bundleText }; // for the console, and for tests

  function open(next) {
    state = { opened: new Set(), showsAll: false, redraw: draw, ...next };
    controls = buildControls(model, state, onSet);
    byId("preset").value = state.preset.name;
    byId("book").value = state.book.name;
    draw(true);
  }

  function select(slot) {
    state.slot = slot;
    draw();
  }

  function onSet(name, value) {
    const fact = model.fact(name);
    if (isPossible(fact, value)) {
      set({ [name]: value });
      return;
    }
    const { value: kept } = state.facts[name];
    say(name, `${problemOf(fact, value)} The value is ${shortText(kept, fact.whole)} again.`, true);
    draw();
  }

  /** Show a sentence at a fact, in place of its meaning, so that nothing moves; none: show the meanings. */
  function say(name, sentence, isProblem = false) {
    byId("problem").textContent = sentence;
    for (const control of controls) control.say(control.fact.name === name ? sentence : "", isProblem);
  }

  function done(sentence) {
    byId("done").textContent = sentence;
  }

  function set(values) {
    const isDataset = state.preset.group === "dataset";
    const { facts, moved, problem } = setFacts(model, state.facts, values, isDataset ? {} : typical);
    state.facts = facts;
    const followed = valuesText(model, moved.map((name) => [name, facts[name].value]));
    say(Object.keys(values)[0], problem || (moved.length > 0 ? `Then ${followed}.` : ""), problem !== "");
    draw(true);
  }

  const act = {
    apply(flip) {
      const values = Object.fromEntries(flip.changes.map((change) => [change.fact, change.new]));
      if (values.task !== undefined) state.facts = substitute(model, state.facts, values);
      for (const [name, value] of Object.entries(values)) state.facts = { ...state.facts, [name]: { value } };
      say("", "");
      draw(true);
      byId("nearest").focus({ preventScroll: true }); // not on a button, which another Enter would press
    },
    set(name, value) {
      set({ [name]: value });
      byId("nearest").focus({ preventScroll: true });
    },
    pin(text) {
      setPin(model, state, state.slot, text);
      draw(true);
      byId("pin").focus({ preventScroll: true });
    },
  };

  /** Show the state. isChange: whether facts, pins or the book changed, so that changed choices are announced. */
  function draw(isChange = false) {
    const kept = document.activeElement?.dataset?.key;
    let result = null;
    try {
      result = decide(model, state.book, state.facts, state.pins);
    } catch (error) {
      if (!(error instanceof NoRule)) throw error;
      byId("changed").textContent = "No rule fires: a fact that applies to this task is set to n/a.";
      return;
    }
    const notes = compareBooks(model, state, result);
    const found = flips(model, state.book, state.facts, state.pins, state.preset.rareClass, [state.slot]);
    showControls(model, state, controls, result.decisions[state.slot].choice);
    showBundle(model, state, result, notes, rows);
    showDetails(byId("details"), { model, state, result, flips: found, notes }, act);
    announce(model, state, result, isChange);
    byId("save").onclick = () => {
      save(bundleText(model, result.decisions, savedHeading(model, state)));
      done(`Saved ${SAVED}.`);
    };
    nameStart(model, state);
    if (kept !== undefined) document.querySelector(`[data-key="${CSS.escape(kept)}"]`)?.focus({ preventScroll: true });
    history.replaceState(null, "", toHash(model, state));
  }

  function announce(shown, { slot, book }, { decisions }, isChange) {
    const now = new Map(Object.values(decisions).map((one) => [one.slot, shown.choices[one.choice].text]));
    if (isChange && before !== null) {
      changes = [...now].filter(([name, text]) => before.get(name) !== text);
      for (const [name, row] of rows) row.label.classList.toggle("changed", changes.some(([changed]) => changed === name));
      byId("changed").replaceChildren(...(changes.length === 0 ? ["No choice changed."] : changes.map(([name, text]) =>
        element("div", {}, `${labelOf(shown, name)}: ${before.get(name)} → `, element("b", {}, text)))));
    }
    byId("bar-choice").textContent = `${labelOf(shown, slot)}: ${now.get(slot)}`;
    byId("bar-rules").textContent = changes.length > 0 ? `changed: ${changes.map(([name]) => letterOf(shown, name)).join(", ")}`
      : decisions[slot].pinned ? "pinned" : decisions[slot].rules.join(", ");
    byId("proved").textContent = `${book.rules.length} rules. A proof shows that they make exactly one choice per slot for every dataset.`;
    before = now;
  }

  fillList(byId("preset"), groupsOf(model.presets));
  fillList(byId("book"), [["", model.books]]);
  byId("preset").onchange = ({ target }) => open({ ...startAt(model, model.presets.find(({ name }) => name === target.value), state.book),
    slot: state.slot, opened: state.opened });
  byId("reset").onclick = () => open({ ...startAt(model, state.preset, state.book), slot: state.slot, opened: state.opened });
  byId("book").onchange = ({ target }) => open({ ...state, book: model.books.find(({ name }) => name === target.value) });
  byId("show-all").onclick = () => {
    state.showsAll = !state.showsAll;
    draw();
    byId("show-all").scrollIntoView({ block: "nearest" });
  };
  byId("copy").onclick = async () => {
    await navigator.clipboard.writeText(location.href);
    done("Link copied.");
  };
  for (const link of document.querySelectorAll("[data-to]")) {
    link.onclick = (event) => {
      event.preventDefault(); // the address after # is the state
      byId(link.dataset.to).scrollIntoView();
      byId(link.dataset.to).focus({ preventScroll: true });
    };
  }
  byId("copy").hidden = navigator.clipboard === undefined;
  globalThis.addEventListener("hashchange", () => {
    if (location.hash !== toHash(model, state)) open(fromHash(model, location.hash));
  });
  showReplaced(byId("replaced"), model);
  open(fromHash(model, location.hash));
}

const letterOf = (model, slot) => model.slots.find(({ name }) => name === slot).letter;
const labelOf = (model, slot) => model.slots.find(({ name }) => name === slot).label;

const GROUPS = { dataset: "Dataset", notes: "Configurations of the handbook", examples: "Shipped examples" };

function groupsOf(presets) {
  return Object.entries(GROUPS).map(([group, title]) => [title, presets.filter((one) => one.group === group)])
    .filter(([, own]) => own.length > 0);
}

function fillList(list, groups) {
  const options = (own) => own.map(({ name, title }) => element("option", { value: name }, title));
  list.replaceChildren(...groups.flatMap(([title, own]) => (title ? [element("optgroup", { label: title }, options(own))] : options(own))));
}

/** Scroll to the details after a tap, where they are below the bundle; a click by the keyboard has no detail. */
function scrollToDetails({ detail }) {
  if (detail > 0 && globalThis.matchMedia(NARROW).matches) requestAnimationFrame(() => byId("details").scrollIntoView());
}

function buildBundle(model, onSelect) {
  const rows = new Map();
  byId("slots").append(...model.order.map((name) => {
    const { letter, label } = model.slots.find((slot) => slot.name === name);
    const radio = element("input", { type: "radio", name: "slot", value: name, onchange: () => onSelect(name) });
    const [choice, rules, flags, note] = ["choice", "by", "flags", "note"].map((kind) => element("span", { class: kind }));
    const row = element("label", { class: "slot", onclick: scrollToDetails }, radio, element("span", { class: "letter" }, letter),
      element("span", { class: "slot-name" }, label), rules, choice, flags, note);
    rows.set(name, { radio, label: row, choice, rules, flags, note });
    return row;
  }));
  return rows;
}

function showBundle(model, state, { decisions, broken }, notes, rows) {
  for (const [name, row] of rows) {
    const one = decisions[name];
    row.radio.checked = name === state.slot;
    row.choice.textContent = model.choices[one.choice].text;
    row.rules.textContent = one.pinned ? "pinned" : one.rules.join(", ");
    const flags = [one.fragile.length > 0 && !one.pinned ? "fragile" : "", one.provisional.length > 0 && !one.pinned ? "provisional" : "",
      broken.some((constraint) => Object.hasOwn(constraint.choices, name)) ? "forbidden" : ""].filter(Boolean);
    row.flags.replaceChildren(...flags.map((flag) => element("span", { class: "badge", title: FLAGS[flag] }, flag)));
    const note = notes.get(name);
    const text = note && model.choices[note.choice].text;
    row.note.replaceChildren(...(note === undefined ? [] : note.isHandbook
      ? [`${note.title}: `, element("s", {}, text), ` ${effectText(note.effect)}`]
      : [`${note.title}: ${text}; ${note.effect === null ? "" : "with the handbook's choice: "}${effectText(note.effect)}`]));
  }
  byId("overruled").textContent = notes.size === 0 ? "The handbook makes the same choices here."
    : countText([...notes.values()].map(({ effect }) => effect),
      `The ${aboveHandbook(state.book.name === "handbook" ? model.books.find(({ name }) => name !== "handbook") : state.book)} replace the handbook's choice in ${notes.size} of ${model.slots.length} slots. The handbook's choice has`);
}

/** The rules of a book that can override the handbook. */
const aboveHandbook = ({ name }) => (name === "own" ? "evidence rules and your own" : "evidence rules");

/** Where the other book chooses otherwise: the handbook, or the first book if the handbook is shown. */
function compareBooks(model, state, { decisions }) {
  const isHandbook = state.book.name !== "handbook";
  const other = model.books.find(({ name }) => (name === "handbook") === isHandbook);
  const title = isHandbook ? "handbook" : aboveHandbook(other);
  const found = new Map();
  for (const [slot, ruling] of slotChoices(model, other, state.facts, state.pins)) {
    const one = decisions[slot];
    if (one.pinned || ruling.choice === one.choice) continue;
    const effect = isHandbook ? effectOf(model, state.book, one.rules, ruling.choice) : effectOf(model, other, ruling.rules, one.choice);
    if (!isSame(effect)) found.set(slot, { ...ruling, isHandbook, title, effect });
  }
  return found;
}

/** Names and values of the facts that differ from those of the starting point. */
function changedFacts(model, { facts, preset, book }) {
  const given = startAt(model, preset, book).facts;
  return Object.entries(facts).filter(([name, { value }]) => model.fact(name).slot === undefined && value !== given[name].value);
}

/** Name the starting point in its list, "changed" if facts differ. */
function nameStart(model, state) {
  for (const option of byId("preset").querySelectorAll("option")) {
    const isChanged = option.value === state.preset.name && changedFacts(model, state).length > 0;
    option.textContent = `${isChanged ? "Changed: " : ""}${model.presets.find(({ name }) => name === option.value).title}`;
  }
}

function savedHeading(model, state) {
  const changed = changedFacts(model, state);
  const pins = Object.keys(state.pins);
  return [
    model.bundleHeading,
    `Choices for ${state.preset.title} by the rules of ${state.book.layers.join(" + ")}, saved from the explore page.`,
    ...(changed.length > 0 ? [`Changed facts: ${changed.map(([name, { value }]) => `${name} = ${value}`).join(", ")}.`] : []),
    ...(pins.length > 0 ? [`Pinned: ${pins.join(", ")}.`] : []),
    `Train with: recommend train DATASET --bundle ${SAVED}`,
  ];
}

function save(text) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
  element("a", { href: address, download: SAVED }).click();
  URL.revokeObjectURL(address);
}

start();
