// Controls of the facts: a slider with the thresholds of the book, a number field, or a list of names.

import { NOT_APPLICABLE, UNKNOWN, appliesTo, slotChoices } from "./engine.mjs";
import { byId, element, placed } from "./elements.mjs";
import { grouped, numberText } from "./numbers.mjs";
import { positionOf, scaleOf, shareOf, valueAt } from "./scale.mjs";
import { pieces } from "./space.mjs";

const THOUSAND = 1_000;
const FIGURES = 4; // of a number that is shown; its title has all
const KNOWN = "value";
const STATES = { [KNOWN]: "value", [UNKNOWN]: "unknown", [NOT_APPLICABLE]: "n/a" };

/** Build the controls once per book. onSet: is called with a fact and its new value. */
export function buildControls(model, state, onSet) {
  const tested = new Set([...state.book.tested.values()].flatMap((names) => [...names]));
  const base = model.facts.filter(({ slot }) => slot === undefined);
  const groups = { "facts-tested": [], "facts-others": [] };
  const controls = base.map((fact) => {
    const isTested = tested.has(fact.name);
    const control = fact.values ? listControl(fact, onSet) : numberControl(model, state, fact, isTested, onSet);
    groups[isTested ? "facts-tested" : "facts-others"].push(control.row);
    return control;
  });
  for (const [id, rows] of Object.entries(groups)) byId(id).replaceChildren(...rows);
  byId("others-count").textContent = groups["facts-others"].length;
  return controls;
}

function listControl(fact, onSet) {
  const id = `fact-${fact.name}`;
  const options = [...fact.values, ...(fact.name === "task" ? [] : [UNKNOWN]), ...(fact.tasks ? [NOT_APPLICABLE] : [])];
  const list = element("select", { id, "aria-describedby": `${id}-meaning ${id}-choices`, onchange: () => onSet(fact.name, list.value) },
    options.map((value) => element("option", { value }, value.replaceAll("_", " "))));
  const bands = element("div", { class: "bands", "aria-hidden": "true" });
  const row = element("div", { class: "fact list" }, heading(fact, id), list, bands, spoken(id));
  return { fact, row, say: sayAt(row, fact), show: ({ value }) => { list.value = value; }, bands: () => bands, share: null };
}

function numberControl(model, state, fact, isTested, onSet) {
  const id = `fact-${fact.name}`;
  const step = fact.whole ? 1 : "any";
  const number = element("input", { id, type: "number", step, min: fact.low ?? undefined, max: fact.high ?? undefined,
    inputmode: "decimal", "aria-describedby": `${id}-meaning`,
    onchange: () => onSet(fact.name, number.value === "" ? NaN : Number(number.value)) });
  const states = [KNOWN, UNKNOWN, ...(fact.tasks ? [NOT_APPLICABLE] : [])];
  const kind = element("select", { "aria-label": `${labelOf(fact)}: known or not`,
    onchange: () => onSet(fact.name, kind.value === KNOWN ? last : kind.value) },
  states.map((value) => element("option", { value }, STATES[value])));
  const row = element("div", { class: "fact" }, heading(fact, id), number, kind);
  let last = fact.low ?? 0;
  let scale = null;
  let slider = null;
  const bands = element("div", { class: "bands", "aria-hidden": "true" });
  const interval = element("div", { class: "interval", "aria-hidden": "true" });
  const ticks = element("div", { class: "ticks", "aria-hidden": "true" });
  if (isTested) {
    slider = element("input", { type: "range", min: 0, step: 1, "aria-label": `${labelOf(fact)}, slider`, "aria-describedby": `${id}-choices`,
      oninput: () => onSet(fact.name, valueAt(scale, Number(slider.value))) });
    row.append(element("div", { class: "track" }, slider, element("div", { class: "rail" }, bands, interval, ticks)), spoken(id));
  }
  const show = ({ value, low, high }) => {
    const isKnown = typeof value === "number";
    kind.value = isKnown ? KNOWN : value;
    number.disabled = !isKnown;
    if (isKnown) last = value;
    if (document.activeElement !== number || Number(number.value) !== value) number.value = isKnown ? rounded(value) : "";
    number.title = isKnown ? String(value) : "";
    row.classList.toggle("unknown", value === UNKNOWN);
    if (slider === null) return;
    if (document.activeElement !== slider || scale === null) {
      scale = scaleOf(fact, state.book.thresholds.get(fact.name) ?? [], isKnown ? value : undefined);
      drawTicks(ticks, scale, (cut) => onSet(fact.name, cut));
    }
    slider.max = scale.max;
    slider.disabled = !isKnown;
    slider.value = positionOf(scale, isKnown ? value : last);
    slider.setAttribute("aria-valuetext", isKnown ? numberText(value) : value);
    interval.hidden = low === undefined || low === null;
    if (!interval.hidden) {
      const [from, to] = [shareOf(scale, low), shareOf(scale, high)];
      placed(interval, from, to - from);
      interval.title = `95 % interval: ${numberText(low)} to ${numberText(high)}`;
    }
  };
  return { fact, row, say: sayAt(row, fact), show, bands: () => bands, share: (value) => shareOf(scale, value), stops: () => scale.stops };
}

/** Where the bands of a fact are described for screen readers. */
const spoken = (id) => element("span", { id: `${id}-choices`, class: "hidden-text" });

const labelOf = ({ name }) => name.replaceAll("_", " ");

/** Show a sentence in the place of the fact's meaning, which keeps its height. */
const sayAt = (row, fact) => (sentence, isProblem) => {
  const place = row.querySelector("small");
  if (place.textContent === (sentence || fact.meaning)) return;
  place.style.minHeight = sentence ? `${Math.max(place.offsetHeight, Number.parseFloat(place.style.minHeight) || 0)}px` : "";
  place.textContent = sentence || fact.meaning;
  row.classList.toggle("says", sentence !== "");
  row.classList.toggle("problem", isProblem && sentence !== "");
};

function heading(fact, id) {
  return element("div", { class: "fact-name" }, element("label", { for: id }, labelOf(fact)),
    element("small", { id: `${id}-meaning` }, fact.meaning));
}

const rounded = (value) => (Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(FIGURES))));

const MOST_TICKS = 6;

function drawTicks(place, scale, onSet) {
  const labelled = (index) => scale.cuts.length <= MOST_TICKS || index % 2 === 0;
  place.replaceChildren(...scale.cuts.flatMap((cut, index) => [
    placed(element("i", {}), shareOf(scale, cut)),
    labelled(index)
      ? placed(element("span", { title: `Set to ${numberText(cut)}`, onclick: () => onSet(cut) }, shortNumber(cut)), shareOf(scale, cut))
      : null,
  ].filter(Boolean)));
}

function shortNumber(value) {
  return value >= 10 * THOUSAND && value % THOUSAND === 0 ? `${grouped(String(value / THOUSAND))}k` : grouped(String(value));
}

/** Show the values, and which choice the selected slot would have along each fact. */
export function showControls(model, state, controls, choice) {
  const task = state.facts.task.value;
  for (const control of controls) {
    const { fact, row } = control;
    const measured = state.facts[fact.name];
    row.hidden = measured.value === NOT_APPLICABLE && !appliesTo(fact, task) && !state.showsAll;
    control.show(measured);
    drawBands(model, state, control, choice);
  }
  const others = controls.filter(({ fact }) => state.facts[fact.name].value === NOT_APPLICABLE && !appliesTo(fact, task)).length;
  byId("show-all").textContent = `${state.showsAll ? "Hide" : "Show"} ${others} facts that do not apply to this task`;
  byId("show-all").setAttribute("aria-expanded", String(state.showsAll));
  byId("show-all").hidden = others === 0;
}

/** Bands below a slider: where the selected slot keeps its choice, and where it has others. */
function drawBands(model, state, control, choice) {
  const { fact, row } = control;
  const place = control.bands();
  const read = slotChoices(model, state.book, state.facts, state.pins, [state.slot]);
  const isRead = [...read.keys()].some((slot) => state.book.tested.get(slot).has(fact.name)) && state.pins[state.slot] === undefined;
  const text = row.querySelector(".hidden-text");
  if (text !== null) text.textContent = "";
  place.hidden = !isRead || (control.share !== null && typeof state.facts[fact.name].value !== "number");
  if (place.hidden) return;
  const cuts = state.book.thresholds.get(fact.name) ?? [];
  const parts = pieces(fact, cuts).filter(({ value }) => value !== NOT_APPLICABLE);
  const found = parts.map((piece) => {
    const then = { ...state.facts, [fact.name]: { value: piece.value } };
    return { piece, choice: slotChoices(model, state.book, then, state.pins, [state.slot]).get(state.slot).choice };
  });
  if (control.share === null) {
    place.replaceChildren(...found.map((one) => band(model, one, choice, fact)));
    text.textContent = found.map((one) => `${one.piece.value.replaceAll("_", " ")}: ${model.choices[one.choice].text}`).join("; ");
    return;
  }
  const stops = control.stops();
  const ends = (piece) => [Math.max(piece.low, stops[0]), Math.min(piece.high, stops.at(-1))].map(control.share);
  const runs = [];
  for (const one of found) {
    const [from, to] = ends(one.piece);
    const before = runs.at(-1);
    if (before !== undefined && before.choice === one.choice) Object.assign(before, { to, end: one.piece.high });
    else runs.push({ ...one, from, to, end: one.piece.high });
  }
  place.replaceChildren(...runs.map((run) => placed(band(model, run, choice, fact), run.from, Math.max(run.to - run.from, 0.012))));
  text.textContent = `Thresholds: ${cuts.length > 0 ? [...new Set(cuts)].sort((a, b) => a - b).map(numberText).join(", ") : "none"}. Choice in ascending order: ${
    runs.map((run, index) => model.choices[run.choice].text + (index < runs.length - 1 ? ` up to ${numberText(run.end)}` : "")).join(", ")}.`;
}

function band(model, { choice, piece }, now, fact) {
  const { text } = model.choices[choice];
  const name = fact.values ? `${piece.value}: ` : "";
  return element("i", { class: choice === now ? "same" : "other", title: `${name}${text}` });
}

/** Whether a fact's value may be set; the sentence if not. */
export function problemOf(fact, value) {
  if (!Number.isNaN(value) && typeof value === "number") {
    const bounds = fact.high === null ? `at least ${fact.low ?? "any number"}` : `from ${fact.low} to ${fact.high}`;
    return `${labelOf(fact)} must be ${fact.whole ? "a whole number, " : ""}${bounds}.`;
  }
  return `${labelOf(fact)} must be a number.`;
}

