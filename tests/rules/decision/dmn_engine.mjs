// Evaluates a DMN file with dmn-moddle, which reads it, and feelin, the FEEL interpreter of bpmn.io.
// Arguments: the DMN file, and a file with fact sets as JSON. Writes the choices of each as JSON.
import fs from "node:fs";
import { DmnModdle } from "dmn-moddle";
import { evaluate, unaryTest } from "feelin";

const [file, cases] = process.argv.slice(2);
const { rootElement, warnings } = await new DmnModdle().fromXML(fs.readFileSync(file, "utf8"));
if (warnings.length > 0) throw new Error(warnings.map(({ message }) => message).join("\n"));
const decisions = rootElement.drgElement.filter(({ $type }) => $type === "dmn:Decision");
const results = new Map(); // by expression and input, since feelin parses an expression at each evaluation

function result(evaluated, text, input) {
  if (!results.has(text)) results.set(text, new Map());
  const known = results.get(text);
  if (!known.has(input)) {
    const { value, warnings: found } = evaluated(text, { "?": input });
    if (found.length > 0) throw new Error(`${text}: ${found[0].message}`);
    known.set(input, value);
  }
  return known.get(input);
}

function decide(logic, known) {
  if (logic.$type === "dmn:LiteralExpression") return result(evaluate, logic.text);
  const inputs = logic.input.map(({ inputExpression }) => known[inputExpression.text]);
  const row = logic.rule.find(({ inputEntry }) =>
    inputEntry.every(({ text }, index) => result(unaryTest, text, inputs[index]) === true));
  return row && result(evaluate, row.outputEntry[0].text);
}

const choices = JSON.parse(fs.readFileSync(cases, "utf8")).map((facts) => {
  const known = { ...facts };
  for (const { name, decisionLogic } of decisions) known[name] = decide(decisionLogic, known);
  return Object.fromEntries(decisions.map(({ name }) => [name, known[name]]));
});
process.stdout.write(JSON.stringify(choices));
