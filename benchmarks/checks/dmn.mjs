// Evaluates a DMN file with dmn-moddle, which reads it, and feelin, the FEEL interpreter of bpmn.io.
// Arguments: the DMN file, and a file with [facts, expected choices] as JSON in each line.
import fs from "fs";
import { DmnModdle } from "dmn-moddle";
import { evaluate, unaryTest } from "feelin";

const [file, cases] = process.argv.slice(2);
const { rootElement, warnings } = await new DmnModdle().fromXML(fs.readFileSync(file, "utf8"));
const decisions = rootElement.drgElement.filter((element) => element.$type === "dmn:Decision");
const valueOf = (result) => (result !== null && typeof result === "object" && "value" in result ? result.value : result);
const cache = new Map();

function memoized(kind, text, context, compute) {
  const key = `${kind} ${text} ${JSON.stringify(context)}`;
  if (!cache.has(key)) cache.set(key, valueOf(compute(text, context)));
  return cache.get(key);
}

function decide(logic, known) {
  if (logic.$type === "dmn:LiteralExpression") return valueOf(evaluate(logic.text, known));
  const inputs = logic.input.map((column) => known[column.inputExpression.text]);
  const passes = (entry, index) => entry.text === "-" || memoized("test", entry.text, { "?": inputs[index] }, unaryTest) === true;
  const row = logic.rule.find((rule) => rule.inputEntry.every(passes));
  return row === undefined ? null : memoized("output", row.outputEntry[0].text, {}, evaluate);
}

let checked = 0;
let differ = 0;
for (const line of fs.readFileSync(cases, "utf8").trim().split("\n")) {
  const [facts, expected] = JSON.parse(line);
  const known = { ...facts };
  checked += 1;
  for (const { name, decisionLogic } of decisions) {
    known[name] = decide(decisionLogic, known);
    if (known[name] === expected[name]) continue;
    differ += 1;
    console.log(`${name}: ${known[name]} instead of ${expected[name]} for ${JSON.stringify(facts)}`);
  }
}
console.log(`${checked} fact sets, ${decisions.length} decisions: ${differ} choices differ; ${warnings.length} warnings of the reader`);
process.exit(differ + warnings.length === 0 ? 0 : 1);
