// Elements of the page. Text from books and datasets becomes text nodes only.

/** An element. given: attributes, properties that start with a dot, and listeners of "on" + event. */
export function element(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key.startsWith(".")) made[key.slice(1)] = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

/** An element placed at shares of its parent's width. */
export function placed(made, left, width) {
  made.style.left = `${100 * left}%`;
  if (width !== undefined) made.style.width = `${100 * width}%`;
  return made;
}

export const byId = (id) => document.getElementById(id);
