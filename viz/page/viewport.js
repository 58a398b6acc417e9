// What is in view is there in full, and nothing else, so that thousands of cards cost no more than those that are seen.
const MARGIN = 200; // pixels around the window that are drawn too
const MOST_KEPT = 100; // things that went out of view and may come back
const MOST_LEFT = 300; // while others are made
const isLarge = cards.length > record.mostDrawn;
const MOST_TEXTS = isLarge ? 60 : Infinity; // made in one frame; the rest come with the next ones
const MOST_AHEAD = 30; // made in a frame for what is only near the window
const areSpecks = () => isLarge && camera.k < FAR; // then a canvas shows everything (specks.js)

// Whether a box meets a part of the drawing. This is asked for thousands of boxes in a frame.
const meets = (box, part) =>
  box[0] < part[2] && box[0] + box[2] > part[0] && box[1] < part[3] && box[1] + box[3] > part[1];
const anyMeets = (boxes, part) => {
  for (const box of boxes) if (meets(box, part)) return true;
  return false;
};
// The part of the drawing that the window shows: left, top, right, bottom.
const seenPart = (margin = 0) => {
  const at = (pixel, offset) => (pixel - offset) / camera.k;
  return [at(-margin, camera.x), at(-margin, camera.y), at(view.width + margin, camera.x), at(view.height + margin, camera.y)];
};

// All that comes and goes: the boxes it lies in, how many texts it has, whether it is folded away, and how it is made
// and removed.
const parts = [];
const listParts = () => {
  const add = (boxes, texts, isAway, make, remove) => parts.push({ boxes, texts, isAway, make, remove, isThere: false });
  for (const edge of edges) {
    edge.boxes = edge.paths.map(boxOf);
    const turn = (isInView) => {
      edge.isInView = isInView;
      dressEdge(edge);
    };
    add(edge.boxes, 0, () => edge.isFolded, () => turn(true), () => turn(false));
  }
  for (const thing of [...cards, ...scopes]) {
    add([thing.place], 6, () => thing.group.isShown === false, () => show(thing), () => hide(thing));
  }
  for (const edge of edges) {
    if (edge.ledger) add([edge.ledger], 2, () => edge.isFolded, () => showLedger(edge), () => hideLedger(edge));
  }
};

let waiting = 0;
const look = () => {
  if (isOnPaper) return;
  const isFar = areSpecks();
  drawing.classList.toggle("far", camera.k < FAR);
  drawing.classList.toggle("farther", camera.k < FARTHER);
  drawing.classList.toggle("specks", isFar);
  const [seen, around] = [seenPart(), seenPart(MARGIN)];
  const [inside, ahead, left] = [[], [], []];
  for (const part of parts) {
    const isWanted = !isFar && anyMeets(part.boxes, around) && !part.isAway();
    if (isWanted === part.isThere) continue;
    if (!isWanted) left.push(part);
    else (anyMeets(part.boxes, seen) ? inside : ahead).push(part);
  }
  // One thing in a frame: what is in the window, or what is around it, or what is no longer needed.
  if (!bring(inside, MOST_TEXTS, seen) || (isLarge && inside.length && ahead.length)) lookAgain();
  else if (!bring(ahead, MOST_AHEAD, seen)) lookAgain();
  if (isFar || left.length > ((inside.length || ahead.length) ? MOST_LEFT : MOST_KEPT)) {
    for (const part of left) {
      part.isThere = false;
      part.remove();
    }
  }
};
const lookAgain = () => {
  waiting ||= requestAnimationFrame(() => ((waiting = 0), look()));
};
// Makes what is missing, from the middle of the window outwards. Texts are what takes a browser long.
const bring = (missing, most, seen) => {
  const distance = ({ boxes: [box] }) =>
    Math.abs(box[0] + box[2] / 2 - (seen[0] + seen[2]) / 2) + Math.abs(box[1] + box[3] / 2 - (seen[1] + seen[3]) / 2);
  if (missing.length * 2 > most) {
    for (const part of missing) part.distance = part.texts ? distance(part) : 0;
    missing.sort((one, other) => one.distance - other.distance);
  }
  let texts = 0;
  for (const part of missing) {
    if (part.texts && texts >= most) return false;
    texts += part.texts;
    part.isThere = true;
    part.make();
  }
  return true;
};
watchers.push(look);
foldWatchers.push(() => redraw());

// On paper everything is drawn.
const lookEverywhere = () => {
  drawing.classList.remove("far", "farther", "specks");
  for (const part of parts) {
    if (part.isThere || part.isAway()) continue;
    part.isThere = true;
    part.make();
  }
};
