// Scopes: boxes that fold into one card. Nothing else moves, so the reader's map of the drawing holds.
const folds = make(layers.edges, "g", { class: "folds" });

const LARGEST = 1.6; // a folded card stands for more than its neighbours, but its text is no headline

const outermostFolded = (card) => {
  let found = null;
  for (let scope = card.home; scope; scope = scope.parent) if (scope.folded) found = scope;
  return found;
};
const shownFor = (card) => outermostFolded(card) ?? card;
const isHidden = (scope) => {
  for (let outer = scope.parent; outer; outer = outer.parent) if (outer.folded) return true;
  return false;
};

// Chromium tells screen readers of SVG elements that are not displayed, so they are hidden from these too.
const display = (group, isShown) => {
  if (group.isShown === isShown) return;
  group.isShown = isShown;
  group.style.display = isShown ? "" : "none";
  if (isShown) group.removeAttribute("aria-hidden");
  else group.setAttribute("aria-hidden", "true");
};
const drawScopes = () => {
  for (const scope of scopes) {
    const [x, y, width, height] = scope.box;
    scope.frame = make(layers.scopes, "g", { class: "scope" });
    make(scope.frame, "rect", { x, y, width, height });
    const toggle = make(scope.frame, "g", { class: "toggle", role: "button", tabindex: 0, "aria-expanded": "true" });
    toggle.setAttribute("aria-label", `Fold scope ${scope.path}`);
    make(toggle, "rect", { x: x + 4, y: y + 3, width: 20, height: 19 });
    make(toggle, "path", { d: `M${x + 9.5} ${y + 10.5}l4.5 4.5 4.5-4.5` });
    make(scope.frame, "text", { class: "name", x: x + 27, y: y + 17 }, scope.name);
    const [, ems] = scope.short;
    const size = Math.min(width / ems, height * 0.5, 900) * 0.8;
    const isOuter = !scope.parent || (!scope.parent.parent && scopes.filter((other) => !other.parent).length === 1);
    if (isOuter) {
      const middle = { class: "big", x: x + width / 2, y: y + height / 2 + size * 0.36, "font-size": size.toFixed(1), "text-anchor": "middle" };
      scope.big = make(layers.names, "text", middle, scope.name);
    }
    toggle.thing = scope;
    toggle.addEventListener("click", () => fold([scope], true, true));
    scope.toggle = toggle;
    const [w, h] = scope.size;
    const scale = Math.max(1, Math.min(LARGEST, (0.8 * width) / w, (0.8 * height) / h));
    const corner = [x + (width - w * scale) / 2, y + (height - h * scale) / 2];
    frameOf(scope, "folded", [0, 0, w, h]);
    scope.group.setAttribute("transform", `translate(${corner}) scale(${scale})`);
    scope.place = [...corner, w * scale, h * scale];
    // In the order of Tab a folded scope stands where its first card stood.
    layers.cards.insertBefore(scope.group, scope.members[0].group);
    scope.group.setAttribute("role", "button");
    scope.group.setAttribute("aria-expanded", "false");
    display(scope.group, false);
    scope.group.classList.toggle("highlighted", scope.members.some((card) => card.isHighlighted));
  }
};
const dressScope = (scope) => {
  const step = currentStep();
  const isNow = scope.folded && scope.members.some((card) => card.id === step?.node);
  scope.group.classList.toggle("now", isNow);
  if (isNow) ring(scope);
  scope.group.classList.toggle("backward", step?.pass === "backward");
  scope.group.setAttribute("aria-label", `Unfold scope ${scope.path}: ${spoken(scopeRows(scope))}`);
  heat(scope);
  write(scope);
};

// An edge to a folded scope goes the way that was laid out for it, around all cards, up to the scope's box. In there
// nothing is left but the folded card, and it goes straight.
const isInside = ([x, y], [left, top, width, height]) => x > left && x < left + width && y > top && y < top + height;
const CORNER = 14; // pixels around the corners of a card at which no edge ends
// The place on the border of a card that faces a point.
const facing = ([left, top, width, height], [x, y]) => {
  const within = (at, start, length) => Math.min(start + length - CORNER, Math.max(start + CORNER, at));
  const across = Math.max(left - x, x - left - width);
  const down = Math.max(top - y, y - top - height);
  if (across > down) return [x < left ? left : left + width, within(y, top, height)];
  return [within(x, left, width), y < top ? top : top + height];
};
const foldedPath = (edge, from, to) => {
  let way = pointsOf(edge);
  if (from.what === "scope") {
    const first = Math.min(way.findLastIndex((point) => isInside(point, from.box)) + 1, way.length - 1);
    way = [facing(from.place, way[first]), ...way.slice(first)];
  }
  if (to.what === "scope") {
    const enters = way.findIndex((point, i) => i > 0 && isInside(point, to.box));
    const end = Math.max(1, enters < 0 ? way.length : enters);
    way = [...way.slice(0, end), facing(to.place, way[end - 1])];
  }
  return `M${way.map((point) => point.map((at) => at.toFixed(1))).join("L")}`;
};
let joined = new Map(); // the edges of folded scopes, of which there is one between two cards
const refold = () => {
  for (const scope of scopes) {
    const isGone = isHidden(scope);
    display(scope.frame, !isGone);
    display(scope.toggle, !isGone && !scope.folded);
    scope.frame.classList.toggle("folded-away", scope.folded);
    if (scope.big) scope.big.style.display = isGone ? "none" : "";
    scope.big?.classList.toggle("on-card", scope.folded);
    display(scope.group, !isGone && scope.folded);
  }
  for (const card of cards) display(card.group, !outermostFolded(card));
  folds.replaceChildren();
  joined = new Map();
  for (const edge of edges) {
    const [from, to] = [shownFor(edge.from), shownFor(edge.to)];
    edge.isFolded = from.what === "scope" || to.what === "scope";
    dressEdge(edge);
    if (!edge.isFolded || from === to) continue;
    const key = `${from.what}${from.id ?? from.index} ${to.what}${to.id ?? to.index}`;
    if (!joined.has(key)) {
      const d = foldedPath(edge, from, to);
      joined.set(key, { line: make(folds, "path", { class: "edge", d }), way: new Path2D(d), isAlarm: false, isHighlighted: false });
    }
    const join = joined.get(key);
    join.isAlarm ||= edge.isAlarm;
    join.isHighlighted ||= edge.isHighlighted;
    join.line.classList.toggle("alarm", join.isAlarm);
    join.line.classList.toggle("highlighted", join.isHighlighted);
  }
  for (const scope of scopes) dressScope(scope);
  const areFolded = scopes.some((scope) => scope.folded);
  element("fold").setAttribute("aria-pressed", areFolded);
  element("fold").textContent = areFolded ? "Unfold all" : "Fold all";
  for (const notify of foldWatchers) notify();
};
const foldWatchers = [];
let isFolding = false; // the focus moves to what was folded, but the reader's view stays where it is
const fold = (which, isFolded, takeFocus = false) => {
  for (const scope of which) scope.folded = isFolded;
  refold();
  if (takeFocus && which.length === 1) {
    const scope = which[0];
    focusOn(isFolded ? scope.group : scope.toggle);
    if (isFolded) reveal(scope.place);
  }
};
const focusOn = (group) => {
  isFolding = true;
  group.focus({ preventScroll: true });
  isFolding = false;
};
const foldAll = () => {
  const held = document.activeElement?.thing; // what is folded away cannot keep the focus
  fold(scopes, !scopes.some((scope) => scope.folded));
  if (held) {
    const folded = outermostFolded(held.what === "scope" ? { home: held } : held);
    focusOn(folded ? folded.group : held.what === "scope" ? held.toggle : held.group);
  }
  // Where the reader looked there may be nothing left: the whole drawing is better than an empty window.
  const shown = [...scopes.filter((scope) => scope.folded && !isHidden(scope)), ...cards.filter((card) => !outermostFolded(card))];
  if (!shown.some((thing) => isInView(thing.place))) fit();
};
// Open every scope around a card.
const uncover = (card) => {
  const around = [];
  for (let scope = card.home; scope; scope = scope.parent) if (scope.folded) around.push(scope);
  if (around.length) fold(around, false);
};
