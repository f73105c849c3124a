// bundle.yaml: one choice per slot, for `recommend train --bundle`.

/** Text of bundle.yaml. Names and texts are written as JSON strings, which are YAML. */
export function bundleText(model, decisions, heading) {
  const lines = heading.map((line) => `# ${line.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufeff]+/g, " ")}`);
  lines.push(`format: ${model.format}`);
  for (const { name } of model.slots) {
    const { fields } = model.choices[decisions[name].choice];
    if (Object.keys(fields).length === 1) {
      lines.push(`${name}: ${JSON.stringify(fields.name)}`);
      continue;
    }
    lines.push(`${name}:`);
    for (const [key, value] of Object.entries(fields)) lines.push(`  ${key}: ${scalar(value)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** JSON of a value; YAML reads 1e-7 as a number only with a decimal point. */
function scalar(value) {
  if (typeof value !== "number") return JSON.stringify(value);
  return String(value).replace(/^(-?\d+)e/, "$1.0e");
}
