// Scale of a slider: equal room between neighbouring thresholds, so that each can be set exactly.

const SEGMENT = 100; // positions between two stops
const WIDE = 4; // ratio of two stops from which the room between them is logarithmic
const NO_THRESHOLD = 1_000; // end of a scale without thresholds and without a largest value
const FIGURES = 3; // of a number that the slider sets

/** Scale of a numeric fact that includes a value. thresholds: constants of the rules. */
export function scaleOf(fact, thresholds, value) {
  const cuts = [...new Set(thresholds)].sort((a, b) => a - b);
  const far = cuts.length > 0 ? 10 ** Math.ceil(Math.log10(10 * Math.max(Math.abs(cuts.at(-1)), 1))) : NO_THRESHOLD;
  const [least, most] = typeof value === "number" ? [Math.min(value, -far), Math.max(value, far)] : [-far, far];
  const stops = [...new Set([fact.low ?? least, ...cuts, fact.high ?? most])].sort((a, b) => a - b);
  return { fact, cuts, stops, max: SEGMENT * (stops.length - 1) };
}

/** The value at a position of the slider. */
export function valueAt({ fact, stops, max }, position) {
  const index = Math.min(Math.floor(position / SEGMENT), stops.length - 2);
  const [low, high] = [stops[index], stops[index + 1]];
  const share = position === max ? 1 : position / SEGMENT - index;
  if (share === 0) return low;
  if (share === 1) return high;
  const value = isLogarithmic(low, high) ? low * (high / low) ** share : low + (high - low) * share;
  if (fact.whole) return Math.round(value);
  return Math.min(Math.max(Number(value.toPrecision(FIGURES)), low), high);
}

/** The position of a value, between those of two stops if the value is. */
export function positionOf({ stops, max }, value) {
  if (value <= stops[0]) return 0;
  if (value >= stops.at(-1)) return max;
  const index = stops.findLastIndex((stop) => stop <= value);
  const [low, high] = [stops[index], stops[index + 1]];
  if (value === low) return SEGMENT * index;
  const share = isLogarithmic(low, high) ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  return SEGMENT * index + Math.min(Math.max(Math.round(SEGMENT * share), 1), SEGMENT - 1);
}

const isLogarithmic = (low, high) => low > 0 && high / low >= WIDE;

/** Share of the slider's length at a value. */
export const shareOf = (scale, value) => positionOf(scale, value) / scale.max;
