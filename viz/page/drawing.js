// The drawing: every card has its frame, its name and its place at once; what is written on it is made when it comes
// into view and is large enough to be read, so that thousands of cards cost little.
const layers = Object.fromEntries(["scopes", "edges", "ledgers", "cards", "names"].map((id) => [id, element(id)]));
const FAR = 0.42; // below this scale rows cannot be read
const FARTHER = 0.16; // and below this one titles cannot
const ROW_TOP = geometry.head + 12;
let isHot = record.isHot;

const drawRows = (parent, rows, width, before = [], above = 0) => {
  rows.forEach(([label, text, role], i) => {
    const y = ROW_TOP + above + i * geometry.row;
    const isNew = before.length && before[i]?.[1] !== text;
    if (label) make(parent, "text", { class: "row label", x: geometry.pad, y }, label);
    make(parent, "text", { class: `row number ${role}${isNew ? " changed" : ""}`, x: width - geometry.pad, y }, text);
  });
};
const drawTitle = (parent, thing, sign, title) => {
  const text = make(parent, "text", { class: "title", x: geometry.pad, y: 19 });
  if (sign) make(text, "tspan", { class: "sign" }, `${sign}   `);
  make(text, "tspan", {}, title);
  if (thing.lines) make(parent, "path", { class: "bar", d: `M0 ${geometry.head - 2}H${thing.size[0]}` });
};
// A card's frame, at its place: a browser keeps account of every group that is moved, so only a card's content is.
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
  const [pictureWidth, pictureHeight] = thing.picture ?? [0, 0];
  if (pictureHeight) {
    const place = { x: (thing.size[0] - pictureWidth) / 2, y: geometry.head + geometry.foot / 2 };
    const size = { width: pictureWidth, height: pictureHeight - geometry.foot };
    make(thing.content, "image", { class: "thumbnail", href: thing.image, ...place, ...size, preserveAspectRatio: "none" });
  }
  drawRows(thing.content, thing.written, thing.size[0], before, pictureHeight);
  const [text, ems] = thing.short;
  const [width, height] = thing.size;
  const size = Math.min(28, height * 0.7, (width - 10) / ems);
  make(thing.content, "text", { class: "short", x: width / 2, y: height / 2 + size * 0.36, "font-size": size.toFixed(1) }, text);
};
const show = (thing) => {
  if (thing.content) return;
  thing.content = make(thing.group, "g", { class: "content", transform: `translate(${thing.corner})` });
  thing.written = null;
  write(thing);
};
const hide = (thing) => {
  thing.content?.remove();
  thing.content = null;
};
const showLedger = (edge) => {
  if (edge.text || !edge.ledger) return;
  const [x, y, width, height] = edge.ledger;
  // The line goes on behind the ledger, which covers it.
  const kind = edge.ledgerScope >= 0 ? "ledger inside" : "ledger";
  const id = `e${edge.target}_${edge.position}`;
  edge.text = make(layers.ledgers, "g", { id, class: kind, transform: `translate(${x} ${y})` });
  make(edge.text, "rect", { width, height });
  edge.lines.forEach(([text, role], i) => {
    make(edge.text, "text", { class: role, x: width / 2, y: 13 + i * 15 }, text);
  });
  dressEdge(edge);
};

const heat = (thing) => {
  const level = isHot ? heatOf(thing) : null;
  thing.group.classList.toggle("heated", level !== null && level >= 0);
  thing.group.classList.toggle("zero", level === -1);
  if (level !== null && level >= 0) thing.group.style.setProperty("--heat", `var(--heat-${level})`);
};
const dress = (card) => {
  const { classList } = card.group;
  const step = currentStep();
  classList.toggle("later", !isComputed(card));
  classList.toggle("alarm", isAlarm(card));
  classList.toggle("now", step?.node === card.id);
  classList.toggle("backward", step?.pass === "backward");
  if (step?.node === card.id) ring(card);
  heat(card);
  card.group.setAttribute("aria-label", cardName(card));
  write(card);
};
const dressEdge = (edge) => {
  const step = currentStep();
  const isNow = isNowEdge(edge, step);
  edge.line.classList.toggle("now", isNow);
  edge.line.classList.toggle("backward", step?.pass === "backward");
  edge.line.classList.toggle("later", !isComputed(edge.to));
  edge.line.classList.toggle("alarm", edge.isAlarm && isSent(edge));
  if (edge.text) {
    edge.text.style.display = isSent(edge) && !edge.isFolded ? "" : "none";
    edge.text.classList.toggle("now", isNow && step.pass === "backward");
  }
};

const CELL = 800;
const cells = new Map(); // the cards and ledgers by the square of the drawing they lie in
const spread = (thing, [x, y, width, height]) => {
  for (let i = Math.floor(x / CELL); i <= (x + width) / CELL; i++) {
    for (let j = Math.floor(y / CELL); j <= (y + height) / CELL; j++) {
      const key = `${i} ${j}`;
      if (!cells.has(key)) cells.set(key, new Set());
      cells.get(key).add(thing);
    }
  }
};
const MOST_AT_ONCE = 150; // cards written in one frame; the rest come with the next ones
let waiting = 0;
const inView = new Set();
const look = () => {
  drawing.classList.toggle("far", camera.k < FAR);
  drawing.classList.toggle("farther", camera.k < FARTHER);
  if (camera.k < FARTHER) return;
  const margin = 200;
  const edge = (at, offset) => Math.floor((at - offset) / camera.k / CELL);
  const [left, right] = [edge(-margin, camera.x), edge(view.width + margin, camera.x)];
  const [top, bottom] = [edge(-margin, camera.y), edge(view.height + margin, camera.y)];
  let made = 0;
  const wanted = new Set();
  for (let i = left; i <= right; i++) {
    for (let j = top; j <= bottom; j++) {
      for (const thing of cells.get(`${i} ${j}`) ?? []) wanted.add(thing);
    }
  }
  for (const thing of wanted) {
    if (inView.has(thing)) continue;
    if (++made > MOST_AT_ONCE) break;
    inView.add(thing);
    if (thing.what) show(thing);
    else showLedger(thing);
  }
  if (inView.size > wanted.size + 100) {
    for (const thing of inView) {
      if (wanted.has(thing)) continue;
      inView.delete(thing);
      if (thing.what) hide(thing);
      else {
        thing.text?.remove();
        thing.text = null;
      }
    }
  }
  if (made > MOST_AT_ONCE) waiting ||= requestAnimationFrame(() => ((waiting = 0), look()));
};
watchers.push(look);

const drawAll = () => {
  drawing.classList.toggle("calm", isCalm);
  for (const edge of edges) {
    const kind = edge.isHighlighted ? "edge highlighted" : "edge";
    if (edge.paths.length === 1) edge.line = make(layers.edges, "path", { class: kind, d: `M${edge.paths[0]}` });
    else {
      edge.line = make(layers.edges, "g", { class: kind });
      for (const path of edge.paths) make(edge.line, "path", { d: `M${path}` });
    }
    if (edge.ledger) spread(edge, edge.ledger);
  }
  for (const card of cards) {
    frameOf(card, card.kind, card.box);
    card.group.id = `n${card.id}`; // the same id as in the other forms
    card.group.classList.toggle("output", card.isOutput);
    card.group.classList.toggle("highlighted", card.isHighlighted);
    card.group.classList.toggle("plain", !record.hasGradients);
    card.group.setAttribute("aria-roledescription", "card");
    spread(card, card.box);
  }
  drawing.setAttribute("aria-label", `${record.title}. ${record.description} ${record.note}`);
};
