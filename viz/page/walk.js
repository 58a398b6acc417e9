// What is known at a position of the scrubber. Everything here follows from the position alone.
let position = last;

const stateOf = (states) => {
  let found = null;
  for (const state of states) if (state[0] <= position) found = state;
  return found;
};
const isComputed = (card) => card.at <= position;
// Whether the current step reads along this edge. A step of a folded node tells which of its card's edges those are.
const isNowEdge = (edge, step) =>
  step?.node === edge.target &&
  (step.from ? step.from.includes(edge.source) : step.pass === "forward" || isSent(edge));
const isSent = (edge) => edge.lines.length > 0 && edge.at <= position;
const currentStep = () => (position ? record.steps[position - 1] : null);
const gradientRows = (card) => stateOf(card.states)?.[1] ?? [];
// A value that is not computed yet leaves its rows' labels.
const valueRows = (card) =>
  card.values.map(([label, text, role]) => [label, isComputed(card) || role === "quiet" ? text : "", role]);
// A folded scope has the colour of what leaves it, the last of its numbers, once that is whole.
const heatOf = (thing) => {
  if (thing.what === "card") return stateOf(thing.states)?.[2] ?? null;
  return thing.states.every(([at]) => at <= position) ? (thing.states.at(-1)?.[2] ?? null) : null;
};
const isAlarm = (card) => [...valueRows(card), ...gradientRows(card)].some((row) => row[1] && row[2] === "alarm");

const spoken = (rows) =>
  rows
    .filter((row) => row[1])
    .map(([label, text]) => `${label} ${text}`.trim().replace(/\s+/g, " "))
    .join(", ");
const cardName = (card) => {
  const words = [card.kind === "operation" ? "" : card.kind, card.title, card.isOutput ? "(the result)" : ""];
  const rows = spoken([...valueRows(card), ...gradientRows(card)]);
  return `${words.filter(Boolean).join(" ")}: ${isComputed(card) ? rows : "not computed yet"}`;
};
const scopeRows = (scope) => [...scope.rows, ...scope.states.flatMap(([at, rows]) => (at <= position ? rows : []))];

// The cards and edges whose looks may differ between two positions.
const touchedBetween = (one, other) => {
  const [low, high] = one < other ? [one, other] : [other, one];
  const touched = { cards: new Set(), edges: new Set() };
  for (let at = Math.max(1, low); at <= high; at++) {
    const card = cardById.get(record.steps[at - 1].node);
    if (!card) continue;
    touched.cards.add(card);
    for (const edge of card.ins) {
      touched.edges.add(edge);
      touched.cards.add(edge.from);
    }
  }
  return touched;
};
