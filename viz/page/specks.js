// A large drawing from far, where no row can be read: painted on one canvas below the SVG, in the colours of the style
// sheet, since a browser takes long over thousands of elements. The rings of the step, the focus and the pin, the edges
// they are about, names of scopes and all that answers to a pointer or to a screen reader stay in the SVG.
const specks = element("specks");
const brush = specks.getContext("2d");
const RADIUS = { input: 3, parameter: 3, constant: 0 };
const ROUND = { card: 8, scope: 12 };
const LEAST_TEXT = 3; // pixels
const LEAST_RADIUS = 1; // pixels; a smaller one cannot be seen and takes five times as long
const MATCH = "#c99700";

const paint = () => {
  specks.hidden = !areSpecks();
  if (specks.hidden) return;
  const ratio = devicePixelRatio || 1;
  const [width, height] = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
  if (specks.width !== width || specks.height !== height) Object.assign(specks, { width, height });
  paintWithin([seenPart()], ratio);
};
watchers.push(paint);

const MOST_PATCHES = 400;
const BORDER = 6; // pixels that a border or a ring may be wider than its card
// After a step: what lies where something changed.
const repaint = (touched) => {
  if (specks.hidden || frame) return;
  const changed = [...touched.cards].map((card) => shownFor(card).place);
  const isFarther = camera.k < FARTHER;
  for (const edge of touched.edges) if (edge.isAlarm || !isFarther) changed.push(...edge.boxes);
  const border = BORDER / camera.k;
  const patches = changed.map(([x, y, width, height]) => [x - border, y - border, x + width + border, y + height + border]);
  const seen = patches.filter(([x, y, right, bottom]) => meets([x, y, right - x, bottom - y], seenPart()));
  if (seen.length > MOST_PATCHES) paint();
  else if (seen.length) paintWithin(seen, devicePixelRatio || 1);
};
const paintWithin = (patches, ratio) => {
  brush.save();
  brush.setTransform(1, 0, 0, 1, 0, 0);
  brush.beginPath();
  const wide = [];
  for (const [left, top, right, bottom] of patches) {
    // Whole pixels, so that no seam is left.
    const at = (place, offset, round) => round((place * camera.k + offset) * ratio);
    const [x, y] = [at(left, camera.x, Math.floor), at(top, camera.y, Math.floor)];
    brush.rect(x, y, at(right, camera.x, Math.ceil) - x, at(bottom, camera.y, Math.ceil) - y);
    const border = BORDER / camera.k;
    wide.push([left - border, top - border, right + border, bottom + border]);
  }
  brush.clip();
  brush.clearRect(0, 0, specks.width, specks.height);
  brush.setTransform(ratio * camera.k, 0, 0, ratio * camera.k, ratio * camera.x, ratio * camera.y);
  const isFarther = camera.k < FARTHER;
  const isWanted = (place) => {
    for (const patch of wide) if (meets(place, patch)) return true;
    return false;
  };
  paintScopes(isWanted, isFarther);
  paintEdges(isWanted, isFarther);
  paintFolds();
  brush.textAlign = "center";
  for (const card of cards) if (card.group.isShown !== false && isWanted(card.place)) paintCard(card, isFarther);
  for (const scope of scopes) if (scope.group.isShown && isWanted(scope.place)) paintCard(scope, isFarther);
  brush.restore();
};

const box = ([x, y, width, height], radius) => {
  brush.beginPath();
  if (radius * camera.k < LEAST_RADIUS) brush.rect(x, y, width, height);
  else brush.roundRect(x, y, width, height, radius);
};
const paintScopes = (isWanted, isFarther) => {
  for (const scope of scopes) {
    if (scope.frame.isShown === false || !isWanted(scope.box)) continue;
    box(scope.box, 12);
    brush.fillStyle = colour("scope-fill");
    brush.setLineDash(scope.folded ? [8, 8] : []);
    brush.globalAlpha = 1;
    if (!scope.folded) brush.fill();
    brush.strokeStyle = colour("line");
    brush.globalAlpha = 0.35;
    brush.lineWidth = isFarther ? 1.2 / camera.k : 1.2;
    brush.stroke();
  }
  brush.setLineDash([]);
};

// What must be seen comes last.
const rank = (edge) => (edge.isAlarm && isSent(edge) ? 2 : edge.isHighlighted ? 1 : 0);
const paintEdges = (isWanted, isFarther) => {
  const dim = searchBox.value ? 0.2 : 1;
  const shown = edges.filter((edge) => !edge.isFolded && edge.boxes.some(isWanted));
  for (const level of [0, 1, 2]) {
    brush.strokeStyle = colour(["line", "highlight", "alarm"][level]);
    brush.lineWidth = isFarther ? (level ? 2 : 1) / camera.k : 2.2;
    for (const edge of shown) {
      if (rank(edge) !== level) continue;
      brush.globalAlpha = dim * (isFarther ? (level ? 1 : 0.3) : isComputed(edge.to) ? 1 : 0.4);
      edge.way ??= new Path2D(edge.paths.map((path) => `M${path}`).join(""));
      brush.stroke(edge.way);
    }
  }
  if (isFarther) return;
  brush.globalAlpha = dim;
  brush.fillStyle = colour("line");
  brush.beginPath();
  for (const edge of shown) arrow(edge);
  brush.fill();
};
const arrow = (edge) => {
  if (!edge.tip) {
    const numbers = numbersOf(edge.paths.at(-1)).slice(-4);
    const [x1, y1, x2, y2] = numbers;
    const length = Math.hypot(x2 - x1, y2 - y1) || 1;
    edge.tip = [x2, y2, (7 * (x2 - x1)) / length, (7 * (y2 - y1)) / length];
  }
  const [x, y, dx, dy] = edge.tip;
  brush.moveTo(x, y);
  brush.lineTo(x - dx - dy * 0.4, y - dy + dx * 0.4);
  brush.lineTo(x - dx + dy * 0.4, y - dy - dx * 0.4);
  brush.closePath();
};
const paintFolds = () => {
  brush.globalAlpha = searchBox.value ? 0.2 : 1;
  brush.lineWidth = 2 / camera.k;
  for (const { way, isAlarm, isHighlighted } of joined.values()) {
    brush.strokeStyle = colour(isAlarm ? "alarm" : isHighlighted ? "highlight" : "line");
    brush.stroke(way);
  }
};

// The border of a card and its width, in the drawing's pixels and, further out, in the window's.
const borderOf = (thing, kind) => {
  if (thing.isAlarm) return ["alarm", 2.6, 1.5];
  if (thing.isHighlighted) return ["highlight", 3.2, 1.5];
  if (thing.isOutput) return [record.hasGradients ? "backward" : "text", 2.6, 5];
  return [`border-${kind}`, 1.3, 1.5];
};
const fillOf = (thing, kind, isFarther) => {
  if (thing.level === -1) return hatching();
  if (thing.level !== null) return colour(`heat-${thing.level}`);
  if (thing.isAlarm) return colour(isFarther ? "alarm" : "alarm-fill");
  if (thing.isHighlighted && isFarther) return colour("highlight");
  return colour(`${isFarther && thing.what === "card" ? "border" : "fill"}-${kind}`);
};
const paintCard = (thing, isFarther) => {
  const kind = thing.kind ?? "group";
  const [x, y, width, height] = thing.place;
  const scale = width / thing.size[0]; // a folded scope is written larger
  const radius = (RADIUS[kind] ?? ROUND[thing.what]) * scale;
  const [border, thickness, pixels] = borderOf(thing, kind);
  const dim = searchBox.value && !thing.isMatch ? 0.25 : 1;
  brush.strokeStyle = colour(border);
  brush.fillStyle = fillOf(thing, kind, isFarther);
  brush.lineWidth = isFarther ? pixels / camera.k : thickness * scale;
  if (thing.what === "scope") {
    box([x + 5 * scale, y + 5 * scale, width, height], radius);
    brush.globalAlpha = dim;
    brush.fill();
    brush.stroke();
  }
  if (isFarther && brush.fillStyle === brush.strokeStyle) {
    // Most cards: the border is as dark as the rest, so that one rectangle does.
    const out = brush.lineWidth / 2;
    brush.globalAlpha = dim * (thing.isLater ? 0.45 : 1);
    brush.fillRect(x - out, y - out, width + 2 * out, height + 2 * out);
  } else {
    box(thing.place, radius);
    brush.globalAlpha = dim * (thing.isLater ? 0.4 : 1);
    brush.fill();
    brush.globalAlpha = dim * (thing.isLater ? 0.45 : 1);
    brush.stroke();
  }
  if (!isFarther) {
    if (kind === "parameter") {
      brush.lineWidth = 1;
      brush.strokeRect(x + 3, y + 3, width - 6, height - 6);
    }
    paintPicture(thing, dim * (thing.isLater ? 0.4 : 1));
    paintWord(thing, scale, dim * (thing.isLater ? 0.5 : 1));
  }
  if (thing.isMatch) {
    brush.globalAlpha = 0.9;
    brush.strokeStyle = MATCH;
    brush.lineWidth = Math.max(5, 2.5 / camera.k);
    box([x - 4, y - 4, width + 8, height + 8], 12);
    brush.stroke();
  }
};
const paintWord = (thing, scale, alpha) => {
  const [x, y, width, height] = thing.place;
  const size = shortSize(thing) * scale;
  if (size * camera.k < LEAST_TEXT) return;
  brush.globalAlpha = alpha;
  brush.fillStyle = colour("text");
  brush.font = `700 ${size.toFixed(1)}px ${colour("sans")}`;
  brush.fillText(thing.short[0], x + width / 2, y + height / 2 + size * 0.36);
};
const paintPicture = (thing, alpha) => {
  if (!thing.image) return;
  if (!thing.bitmap) {
    thing.bitmap = new Image();
    thing.bitmap.onload = redraw;
    thing.bitmap.src = thing.image;
  }
  if (!thing.bitmap.complete) return;
  const [width, height] = thing.picture;
  brush.globalAlpha = alpha;
  brush.imageSmoothingEnabled = false;
  const [x, y] = [thing.place[0] + (thing.size[0] - width) / 2, thing.place[1] + geometry.head + geometry.foot / 2];
  brush.drawImage(thing.bitmap, x, y, width, height - geometry.foot);
};

// The hatching of a gradient of zero, as in the style sheet; it is as large as the cards, like everything on them.
const hatching = () => {
  const stripe = colour("line");
  if (hatching.stripe !== stripe) {
    const tile = new OffscreenCanvas(7, 7);
    const line = tile.getContext("2d");
    line.globalAlpha = 0.35;
    line.fillStyle = stripe;
    line.fillRect(0, 0, 1, 7); // the other half of a line of 2 pixels lies outside of its tile
    Object.assign(hatching, { stripe, pattern: brush.createPattern(tile, "repeat") });
    hatching.pattern.setTransform(new DOMMatrix().rotate(45));
  }
  return hatching.pattern;
};
