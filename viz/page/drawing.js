// The drawing, in SVG. Every card has its frame, its place, its name for screen readers and its stop of the Tab key at
// once and for good; what is written on it, its edges and their ledgers are there while they are in view (viewport.js).
const layers = Object.fromEntries(["scopes", "edges", "ledgers", "cards", "names"].map((id) => [id, element(id)]));
const FAR = 0.42; // below this scale rows cannot be read
const FARTHER = 0.16; // and below this one titles cannot
const ROW_TOP = geometry.head + 12;
let isHot = record.isHot;
let isOneStep = false; // new numbers then fade in; after a jump there would be too many

// No group is moved to its place: a browser keeps account of each one that is, and takes long over hundreds.
const drawRows = (parent, thing, before, above) => {
  const [left, top] = thing.corner;
  const right = left + thing.size[0];
  thing.written.forEach(([label, text, role], i) => {
    const y = top + ROW_TOP + above + i * geometry.row;
    const isNew = isOneStep && before.length && before[i]?.[1] !== text;
    if (label) make(parent, "text", { class: "row label", x: left + geometry.pad, y }, label);
    make(parent, "text", { class: `row number ${role}${isNew ? " changed" : ""}`, x: right - geometry.pad, y }, text);
  });
};
const drawTitle = (parent, thing, sign, title) => {
  const [left, top] = thing.corner;
  const text = make(parent, "text", { class: "title", x: left + geometry.pad, y: top + 19 });
  if (sign) make(text, "tspan", { class: "sign" }, `${sign}   `);
  make(text, "tspan", {}, title);
  if (thing.lines) make(parent, "path", { class: "bar", d: `M${left} ${top + geometry.head - 2}h${thing.size[0]}` });
};
// A card's frame, at its place.
const frameOf = (thing, kind, [x, y, width, height]) => {
  thing.place = [x, y, width, height];
  thing.corner = [x, y];
  thing.size = [width, height];
  const group = make(layers.cards, "g", { class: `card ${kind}`, tabindex: 0, role: "img" });
  if (kind === "folded") make(group, "rect", { class: "under", x: x + 5, y: y + 5, width, height });
  make(group, "rect", { class: "body", x, y, width, height });
  if (kind === "parameter") make(group, "rect", { class: "inner", x: x + 3, y: y + 3, width: width - 6, height: height - 6 });
  group.thing = thing;
  thing.group = group;
  thing.content = null;
  return group;
};

// The ring around a card, made when it is first needed: by the current step, the focus, a search or a pin.
const ring = (thing) => {
  if (thing.ring) return;
  const [x, y] = thing.corner;
  const [width, height] = thing.size;
  thing.ring = make(thing.group, "rect", { class: "ring", x: x - 4, y: y - 4, width: width + 8, height: height + 8 });
  thing.group.prepend(thing.ring);
};

// The size of the one word that a card shows from far.
const shortSize = ({ short: [, ems], size: [width, height] }) => Math.min(28, height * 0.7, (width - 10) / ems);

// Writes what is known now on a card that is in view; `before` are the rows that were there.
const write = (thing) => {
  if (!thing.content) return;
  const before = thing.written ?? [];
  thing.content.replaceChildren();
  if (thing.what === "scope") {
    thing.lines = true;
    thing.written = scopeRows(thing);
    drawTitle(thing.content, thing, "▸", thing.name);
  } else {
    thing.written = [...valueRows(thing), ...gradientRows(thing)];
    thing.lines = thing.written.length > 0;
    drawTitle(thing.content, thing, thing.sign, thing.title);
  }
  const [left, top] = thing.corner;
  const [pictureWidth, pictureHeight] = thing.picture ?? [0, 0];
  if (pictureHeight) {
    const place = { x: left + (thing.size[0] - pictureWidth) / 2, y: top + geometry.head + geometry.foot / 2 };
    const size = { width: pictureWidth, height: pictureHeight - geometry.foot };
    make(thing.content, "image", { class: "thumbnail", href: thing.image, ...place, ...size, preserveAspectRatio: "none" });
  }
  drawRows(thing.content, thing, before, pictureHeight);
  const [text] = thing.short;
  const [width, height] = thing.size;
  const size = shortSize(thing);
  make(thing.content, "text", { class: "short", x: left + width / 2, y: top + height / 2 + size * 0.36, "font-size": size.toFixed(1) }, text);
};
const show = (thing) => {
  if (thing.content) return;
  thing.content = make(thing.group, "g", { class: "content" });
  thing.group.classList.add("written");
  thing.written = null;
  if (thing.what === "scope") dressScope(thing);
  else dress(thing);
};
const hide = (thing) => {
  thing.content?.remove();
  thing.content = null;
  thing.group.classList.remove("written");
};
const showLedger = (edge) => {
  if (edge.text || !edge.ledger) return;
  const [x, y, width, height] = edge.ledger;
  // The line goes on behind the ledger, which covers it.
  const kind = edge.ledgerScope >= 0 ? "ledger inside" : "ledger";
  const id = `e${edge.target}_${edge.position}`;
  edge.text = make(layers.ledgers, "g", { id, class: kind });
  make(edge.text, "rect", { x, y, width, height });
  edge.lines.forEach(([text, role], i) => {
    make(edge.text, "text", { class: role, x: x + width / 2, y: y + 13 + i * 15 }, text);
  });
  dressLedger(edge);
};
const hideLedger = (edge) => {
  edge.text?.remove();
  edge.text = null;
};
const drawLine = (edge) => {
  const kind = edge.isHighlighted ? "edge highlighted" : "edge";
  if (edge.paths.length === 1) return make(layers.edges, "path", { class: kind, d: `M${edge.paths[0]}` });
  const line = make(layers.edges, "g", { class: kind });
  for (const path of edge.paths) make(line, "path", { d: `M${path}` });
  return line;
};

// The SVG shows a card that is written, and from far the one of the step.
const looksMatter = (thing) => thing.content || thing.group.classList.contains("now");
// How the gradient of a card or folded scope colours it, now: a level of heat, -1 for zero, null for none.
const heat = (thing) => {
  thing.level = isHot ? heatOf(thing) : null;
  if (!looksMatter(thing)) return;
  thing.group.classList.toggle("heated", thing.level !== null && thing.level >= 0);
  thing.group.classList.toggle("zero", thing.level === -1);
  if (thing.level !== null && thing.level >= 0) thing.group.style.setProperty("--heat", `var(--heat-${thing.level})`);
};
// What a card's name says follows the scrubber wherever the card is; how it looks, while it is in view.
const dress = (card) => {
  const { classList } = card.group;
  const step = currentStep();
  const isNow = step?.node === card.id;
  card.isLater = !isComputed(card);
  card.isAlarm = isAlarm(card);
  card.group.setAttribute("aria-label", cardName(card));
  classList.toggle("now", isNow);
  classList.toggle("backward", isNow && step.pass === "backward");
  heat(card);
  if (isNow || (card.isMatch && card.content)) ring(card);
  if (!looksMatter(card)) return;
  classList.toggle("later", card.isLater);
  classList.toggle("alarm", card.isAlarm);
  write(card);
};
// A line is there while it is in view, and, drawn above the specks, while the step or the reader's hand is on it.
const dressEdge = (edge) => {
  const step = currentStep();
  const isNow = isNowEdge(edge, step);
  const isWanted = !edge.isFolded && (edge.isInView || isNow || edge.isNear);
  if (isWanted) edge.line ??= drawLine(edge);
  else {
    edge.line?.remove();
    edge.line = null;
  }
  if (edge.line) {
    const { classList } = edge.line;
    classList.toggle("now", isNow);
    classList.toggle("near", edge.isNear);
    classList.toggle("backward", step?.pass === "backward");
    classList.toggle("later", !isComputed(edge.to));
    classList.toggle("alarm", edge.isAlarm && isSent(edge));
  }
  dressLedger(edge);
};
const dressLedger = (edge) => {
  if (!edge.text) return;
  const step = currentStep();
  edge.text.style.display = isSent(edge) && !edge.isFolded ? "" : "none";
  edge.text.classList.toggle("now", isNowEdge(edge, step) && step.pass === "backward");
};

const drawAll = () => {
  drawing.classList.toggle("calm", isCalm);
  for (const card of cards) {
    frameOf(card, card.kind, card.box);
    card.group.id = `n${card.id}`; // the same id as in the other forms
    card.group.classList.toggle("output", card.isOutput);
    card.group.classList.toggle("highlighted", card.isHighlighted);
    card.group.classList.toggle("plain", !record.hasGradients);
    card.group.setAttribute("aria-roledescription", "card");
  }
  drawing.setAttribute("aria-label", `${record.title}. ${record.description} ${record.note}`);
};
