// Forest plots: ratios of errors with their intervals, as rows of a table.

import { element, placed } from "./elements.mjs";

const TICKS = [0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.2, 1.4, 1.7, 2, 4];
const MOST_TICKS = 5;
const ROOM = 1.02; // ratio between the outermost interval and the end of the axis
const BOUNDS = [0.5, 2]; // ends of an axis; intervals beyond are cut, their numbers are not

/** A table with a plot. rows: {label, effects: [{ratio, low, high}], cells, isMain}; header: of label, plot, cells. */
export function forestPlot(rows, header, caption, tickText = String) {
  const axis = axisOf(rows.flatMap(({ effects }) => effects));
  const head = header.map((name, index) =>
    element("th", { scope: "col", class: index > 1 ? "number" : index === 1 ? "axis-cell" : "" }, index === 1 ? [element("span", { class: "hidden-text" }, "Plot of the interval"), axisLabels(axis, tickText)] : name));
  return element("div", { class: "scroll" }, element("table", { class: "forest" },
    caption ? element("caption", {}, caption) : null,
    element("thead", {}, element("tr", {}, head)),
    element("tbody", {}, rows.map(({ label, effects, cells, isMain }) =>
      element("tr", { class: isMain ? "main" : "" },
        element("th", { scope: "row" }, label),
        element("td", { class: "strip-cell" }, strip(axis, effects)),
        cells.map((cell, index) => element("td", { class: "number", "data-label": header[index + 2] }, cell)))))));
}

function axisOf(effects) {
  const low = Math.max(Math.min(...effects.map((one) => one.low), 1 / 1.05) / ROOM, BOUNDS[0]);
  const high = Math.min(Math.max(...effects.map((one) => one.high), 1.05) * ROOM, BOUNDS[1]);
  const share = (ratio) => Math.min(Math.max(Math.log(ratio / low) / Math.log(high / low), 0), 1);
  let ticks = TICKS.filter((tick) => tick >= low && tick <= high);
  while (ticks.length > MOST_TICKS) {
    const middle = ticks.indexOf(1);
    ticks = ticks.filter((_, index) => (index - middle) % 2 === 0);
  }
  return { share, ticks };
}

function axisLabels({ share, ticks }, tickText) {
  return element("div", { class: "axis", "aria-hidden": "true" },
    ticks.map((tick) => placed(element("span", {}, tickText(tick)), share(tick))));
}

function strip({ share, ticks }, effects) {
  return element("div", { class: "strip", "aria-hidden": "true" },
    ticks.map((tick) => placed(element("i", { class: tick === 1 ? "even" : "tick" }), share(tick))),
    effects.map(({ ratio, low, high }, index) => element("div", { class: `effect effect-${index}` },
      placed(element("i", { class: "whisker" }), share(low), share(high) - share(low)),
      placed(element("i", { class: "dot" }), share(ratio)))));
}

export const ratioText = (ratio) => ratio.toFixed(3);
export const intervalText = ({ low, high }) => `${low.toFixed(3)} to ${high.toFixed(3)}`;
/** A relative error, "+5.0 %" for 1.05. */
export function percentText(ratio) {
  const size = Math.abs(100 * (ratio - 1)).toFixed(1);
  return `${Number(size) === 0 ? "" : ratio > 1 ? "+" : "−"}${size} %`;
}
export const percentInterval = ({ low, high }) => `${percentText(low)} to ${percentText(high)}`;
