// Numbers as text, and rounding, exactly as Python does it: halves go to the even neighbour.

const MOST = 100; // digits that toFixed and toExponential write, more than a tie between two roundings has
const SOME = 12; // digits after a rounding that show most numbers to be no tie, in a tenth of the time

const isTie = (tail) => /^50*$/.test(tail);
const isEven = (text) => Number(text.at(-1)) % 2 === 0;

/** round(x, digits) of Python. */
export const round = (x, digits = 0) => Number(fixed(x, digits));

/** f"{x:.{digits}f}" of Python. */
export function fixed(x, digits) {
  const rounded = x.toFixed(digits);
  if (!isTie(x.toFixed(digits + SOME).slice(-SOME))) return rounded;
  const [whole, decimals] = x.toFixed(MOST).split(".");
  const below = digits > 0 ? `${whole}.${decimals.slice(0, digits)}` : whole;
  return isTie(decimals.slice(digits)) && isEven(below) ? below : rounded;
}

const figuresOf = (mantissa) => mantissa.replace("-", "").replace(".", "");

/** f"{x:.{digits}g}" of Python. */
export function general(x, digits) {
  if (x === 0) return "0";
  const [rounded, power] = x.toExponential(digits - 1).split("e");
  let [below, tail] = x.toExponential(digits + SOME).split("e");
  if (isTie(figuresOf(below).slice(digits))) [below, tail] = x.toExponential(MOST).split("e");
  below = figuresOf(below);
  const isBelow = isTie(below.slice(digits)) && isEven(below.slice(0, digits));
  const figures = isBelow ? below.slice(0, digits) : figuresOf(rounded);
  const exponent = Number(isBelow ? tail : power);
  const sign = x < 0 ? "-" : "";
  if (exponent < -4 || exponent >= digits) {
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${trimmed(`${figures[0]}.${figures.slice(1)}`)}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  if (exponent < 0) return `${sign}${trimmed(`0.${"0".repeat(-exponent - 1)}${figures}`)}`;
  return `${sign}${trimmed(`${figures.slice(0, exponent + 1)}.${figures.slice(exponent + 1)}`)}`;
}

const trimmed = (text) => (text.includes(".") ? text.replace(/\.?0*$/, "") : text);

/** Thousands separators. */
export function grouped(text) {
  const [whole, ...rest] = text.split(".");
  return [whole.replace(/\B(?=(\d{3})+$)/g, ","), ...rest].join(".");
}

/** f"{x:,.0f}" of Python. */
export const counted = (x) => grouped(fixed(x, 0));

/** Shortest text that reads back as the same number: `exact_text` of rules.vocabulary.facts. */
export function exactText(x) {
  const short = general(x, 6);
  if (Number(short) === x) return short;
  const size = Math.abs(x);
  return size < 1e-4 || size >= 1e16 ? x.toExponential().replace(/e([+-])(\d)$/, "e$10$2") : String(x);
}

/** A value within a sentence: `_short` of rules.decision.counterfactual. */
export function shortText(value, whole) {
  if (typeof value !== "number") return value;
  return whole ? grouped(String(value)) : grouped(general(value, 4));
}

/** A number with at most four significant digits: `number` of rules.text.numbers. */
export function numberText(x) {
  return x === Math.trunc(x) || Math.abs(x) >= 10_000 ? counted(x) : grouped(general(x, 4));
}
