// The page: facts on the left, the bundle next to them, details of the selected slot.

import { bundleText } from "./bundle.mjs";
import { buildControls, problemOf, showControls } from "./controls.mjs";
import { showConfigurations, showDetails } from "./details.mjs";
import { byId, element } from "./elements.mjs";
import { NoRule, decide, readModel, slotChoices } from "./engine.mjs";
import { flips, substitute } from "./flips.mjs";
import { setFacts } from "./linked.mjs";
import { shortText } from "./numbers.mjs";
import { percentText } from "./plots.mjs";
import { fromHash, isPossible, setPin, startAt, toHash, typicalValues } from "./state.mjs";

const SAVED = "bundle.yaml";
const SEARCHED = " at a searched rate";

function start() {
  const model = readModel(JSON.parse(byId("data").textContent));
  const typical = typicalValues(model);
  const rows = buildBundle(model, (slot) => { state.slot = slot; draw(); });
  let state = null;
  let controls = null;
  let before = null; // the choices that were shown last, as text

  globalThis.explore = { model, decide, flips, setFacts, bundleText }; // for the console, and for tests

  function open(next) {
    state = { opened: new Set(), showsAll: false, redraw: draw, ...next };
    controls = buildControls(model, state, onSet);
    byId("preset").value = state.preset.name;
    byId("book").value = state.book.name;
    draw();
  }

  function onSet(name, value) {
    const fact = model.fact(name);
    if (!isPossible(fact, value)) {
      say(problemOf(fact, value), true);
      draw();
      return;
    }
    set({ [name]: value });
  }

  function say(sentence, isProblem = false) {
    byId("problem").textContent = sentence;
    byId("problem").classList.toggle("alert", isProblem);
  }

  function set(values) {
    const isDataset = state.preset.group === "dataset";
    const { facts, moved, problem } = setFacts(model, state.facts, values, isDataset ? {} : typical);
    state.facts = facts;
    const followed = moved.map((name) => `${name.replaceAll("_", " ")} = ${shortText(facts[name].value, model.fact(name).whole)}`);
    say(problem || (moved.length > 0 ? `Follows: ${followed.join(", ")}.` : ""), problem !== "");
    draw();
  }

  const act = {
    apply(flip) {
      const values = Object.fromEntries(flip.changes.map((change) => [change.fact, change.new]));
      if (values.task !== undefined) state.facts = substitute(model, state.facts, values);
      for (const [name, value] of Object.entries(values)) state.facts = { ...state.facts, [name]: { value } };
      say("");
      draw();
      byId("details").querySelector("[data-flip]")?.focus({ preventScroll: true });
    },
    pin(text) {
      setPin(model, state, state.slot, text);
      draw();
      byId("pin").focus({ preventScroll: true });
    },
  };

  function draw() {
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
    announce(model, state, result);
    byId("save").onclick = () => save(bundleText(model, result.decisions, savedHeading(model, state)));
    if (kept !== undefined) document.querySelector(`[data-key="${CSS.escape(kept)}"]`)?.focus({ preventScroll: true });
    history.replaceState(null, "", toHash(model, state));
  }

  function announce(shown, { slot, book }, { decisions }) {
    const now = new Map(Object.values(decisions).map((one) => [one.slot, shown.choices[one.choice].text]));
    const changes = [...now].filter(([name, text]) => before?.has(name) && before.get(name) !== text);
    for (const [name, row] of rows) row.label.classList.toggle("changed", changes.some(([changed]) => changed === name));
    if (before !== null) {
      byId("changed").replaceChildren(...(changes.length === 0 ? ["No choice changed."] : changes.map(([name, text]) =>
        element("div", {}, `${labelOf(shown, name)}: ${before.get(name)} → `, element("b", {}, text)))));
    }
    byId("bar-choice").textContent = `${labelOf(shown, slot)}: ${now.get(slot)}`;
    byId("bar-rules").textContent = changes.length > 0 ? `changed: ${changes.map(([name]) => letterOf(shown, name)).join(", ")}`
      : decisions[slot].pinned ? "pinned" : decisions[slot].rules.join(", ");
    byId("proved").textContent = `${book.rules.length} rules of ${book.layers.join(" + ")}, proved: one choice per slot for every dataset.`;
    before = now;
  }

  fillList(byId("preset"), groupsOf(model.presets));
  fillList(byId("book"), [["", model.books]]);
  byId("preset").onchange = ({ target }) => open({ ...startAt(model, model.presets.find(({ name }) => name === target.value), state.book),
    slot: state.slot, opened: state.opened });
  byId("reset").onclick = () => open({ ...startAt(model, state.preset, state.book), slot: state.slot, opened: state.opened });
  byId("book").onchange = ({ target }) => open({ ...state, book: model.books.find(({ name }) => name === target.value) });
  byId("show-all").onclick = () => { state.showsAll = !state.showsAll; draw(); };
  byId("copy").onclick = async () => {
    await navigator.clipboard.writeText(location.href);
    say("Link copied.");
  };
  for (const link of document.querySelectorAll("[data-to]")) { // buttons, since the address after # is the state
    link.onclick = () => { byId(link.dataset.to).scrollIntoView(); byId(link.dataset.to).focus({ preventScroll: true }); };
  }
  byId("copy").hidden = navigator.clipboard === undefined;
  globalThis.addEventListener("hashchange", () => {
    if (location.hash !== toHash(model, state)) open(fromHash(model, location.hash));
  });
  showConfigurations(byId("configurations"), model);
  open(fromHash(model, location.hash));
}

const letterOf = (model, slot) => model.slots.find(({ name }) => name === slot).letter;
const labelOf = (model, slot) => model.slots.find(({ name }) => name === slot).label;

const GROUPS = { dataset: "Dataset", notes: "Configurations of the notes", examples: "Shipped examples" };

function groupsOf(presets) {
  return Object.entries(GROUPS).map(([group, title]) => [title, presets.filter((one) => one.group === group)])
    .filter(([, own]) => own.length > 0);
}

function fillList(list, groups) {
  const options = (own) => own.map(({ name, title }) => element("option", { value: name }, title));
  list.replaceChildren(...groups.flatMap(([title, own]) => (title ? [element("optgroup", { label: title }, options(own))] : options(own))));
}

function buildBundle(model, onSelect) {
  const rows = new Map();
  byId("slots").append(...model.order.map((name) => {
    const { letter, label } = model.slots.find((slot) => slot.name === name);
    const radio = element("input", { type: "radio", name: "slot", value: name, onchange: () => onSelect(name) });
    const [choice, rules, flags, note] = ["choice", "by", "flags", "note"].map((kind) => element("span", { class: kind }));
    const row = element("label", { class: "slot" }, radio, element("span", { class: "letter" }, letter),
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
    row.flags.replaceChildren(...flags.map((flag) => element("span", { class: "badge" }, flag)));
    const note = notes.get(name);
    row.note.replaceChildren(...(note === undefined ? [] : [
      `${note.isHandbook ? "notes" : note.title.toLowerCase().split(":")[0]}: `, element("s", {}, model.choices[note.choice].text),
      note.effect === null ? "" : ` error ${percentText(note.effect.ratio)} (${percentText(note.effect.low)} to ${percentText(note.effect.high)})`]));
  }
  const { slots } = model;
  const handbook = [...notes.values()].find((note) => note.isHandbook);
  byId("overruled").textContent = notes.size === 0 ? "Both books make the same choices here."
    : handbook ? `The evidence overrules the notes in ${notes.size} of ${slots.length} slots. Measured: error of their choice, with its 95 % interval.`
      : `The other book chooses otherwise in ${notes.size} of ${slots.length} slots.`;
}

/** Where the other book chooses otherwise: the handbook, or the first book if the handbook is shown. */
function compareBooks(model, state, { decisions }) {
  const isHandbook = state.book.name !== "handbook";
  const other = model.books.find(({ name }) => (name === "handbook") === isHandbook);
  const found = new Map();
  for (const [slot, ruling] of slotChoices(model, other, state.facts, state.pins)) {
    const one = decisions[slot];
    if (one.pinned || ruling.choice === one.choice) continue;
    found.set(slot, { ...ruling, isHandbook, title: other.title, effect: isHandbook ? effectOf(model, state.book, one, ruling.choice) : null });
  }
  return found;
}

/** Measured error of a choice relative to that of the deciding rule; null if it was not measured. */
function effectOf(model, book, decision, choice) {
  const { text } = model.choices[choice];
  const measured = decision.rules.flatMap((id) => book.byId.get(id).measured?.alternatives ?? []);
  return measured.find((one) => one.choice === text) ?? measured.find((one) => one.choice === text + SEARCHED) ?? null;
}

function savedHeading(model, state) {
  const changed = Object.entries(state.facts).filter(([name, { value }]) => model.fact(name).slot === undefined
    && value !== startAt(model, state.preset, state.book).facts[name].value);
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
