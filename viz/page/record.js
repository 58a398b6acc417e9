// The record that Python wrote into the page, and the ways through it.
const record = JSON.parse(document.getElementById("record").textContent);
const { geometry, cards, edges, scopes } = record;
const cardById = new Map(cards.map((card) => [card.id, card]));
const last = record.steps.length; // the positions of the scrubber are 0 to last

for (const card of cards) Object.assign(card, { ins: [], outs: [], what: "card" });
for (const edge of edges) {
  edge.from = cardById.get(edge.source);
  edge.to = cardById.get(edge.target);
  edge.from.outs.push(edge);
  edge.to.ins.push(edge);
  Object.assign(edge, { line: null, text: null, isInView: false, isNear: false, isFolded: false });
}
for (const [index, scope] of scopes.entries()) {
  Object.assign(scope, { index, what: "scope", members: [], folded: false, parent: scopes[scope.outer] ?? null });
}
for (const card of cards) {
  card.home = scopes[card.scope] ?? null;
  for (let scope = card.home; scope; scope = scope.parent) scope.members.push(card);
}

const element = (id) => document.getElementById(id);

// An SVG or HTML element. Texts go in as text nodes alone, so no name is ever markup.
const make = (parent, name, attributes = {}, text) => {
  const inSvg = parent instanceof SVGElement;
  const made = inSvg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
};
