// The theme's colours for what is painted on a canvas, by their names in the style sheet.
const known = new Map();
const colour = (name) => {
  if (!known.size) known.style = getComputedStyle(document.documentElement);
  if (!known.has(name)) known.set(name, known.style.getPropertyValue(`--${name}`).trim());
  return known.get(name);
};
const recolour = () => {
  known.clear();
  redrawMap();
  redraw();
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
