// Keys. Letters can be switched off in the help, for people who dictate or whose tools use them.
const help = element("help");
const focusedThing = () => document.activeElement?.thing ?? null;

const nextTheme = () => {
  const order = ["auto", "light", "dark"];
  const next = order[(order.indexOf(document.documentElement.dataset.theme) + 1) % order.length];
  document.documentElement.dataset.theme = next;
  nameTheme();
  recolour();
};
const nameTheme = () => {
  const names = { auto: "system", light: "light", dark: "dark" };
  const name = names[document.documentElement.dataset.theme];
  element("theme").textContent = `Theme: ${name}`;
};
const toggleHeat = () => {
  if (!record.heat) return;
  isHot = !isHot;
  element("heat").setAttribute("aria-pressed", isHot);
  for (const thing of [...cards, ...scopes]) heat(thing);
  showLegend();
  redrawMap();
  redraw();
};
const foldHere = () => {
  const thing = focusedThing();
  const scope = thing?.what === "scope" ? thing : thing?.home;
  if (scope) fold([scope], !scope.folded, true);
  else if (!thing) foldAll();
};
const toggleHelp = () => (help.open ? help.close() : help.showModal());

// On a card: to an operand, to a user, to the nearest card above or below.
const neighbour = (thing, key) => {
  const members = thing.what === "scope" ? thing.members : [thing];
  if (key === "ArrowLeft" || key === "ArrowRight") {
    for (const card of members) {
      for (const edge of key === "ArrowLeft" ? card.ins : card.outs) {
        const other = shownFor(key === "ArrowLeft" ? edge.from : edge.to);
        if (other !== thing) return other;
      }
    }
    return null;
  }
  const sign = key === "ArrowUp" ? -1 : 1;
  const middle = ([x, y, width, height]) => [x + width / 2, y + height / 2];
  const [x, y] = middle(thing.place);
  let best = null;
  for (const card of cards) {
    const other = shownFor(card);
    const [left, top] = middle(other.place);
    const down = (top - y) * sign;
    if (other === thing || down <= 1) continue;
    const distance = down + 2 * Math.abs(left - x);
    if (!best || distance < best.distance) best = { other, distance };
  }
  return best?.other ?? null;
};
const walkTo = (key) => {
  const thing = focusedThing();
  const other = thing?.group === document.activeElement ? neighbour(thing, key) : null;
  if (other) {
    reveal(other.place, { near: true });
    other.group.focus({ preventScroll: true });
  }
  return thing?.group === document.activeElement || other !== null;
};
const enter = () => {
  const thing = focusedThing();
  if (!thing) return false;
  if (thing.what === "card") pin(thing);
  else fold([thing], !thing.folded, true);
  return true;
};
const leave = () => {
  if (chosen.pinned) pin(chosen.pinned);
  else document.activeElement?.blur();
};

const LETTERS = {
  "/": () => searchBox.focus(),
  f: foldHere,
  F: foldAll,
  h: toggleHeat,
  t: nextTheme,
  "?": toggleHelp,
  ",": () => step(-1),
  ".": () => step(1),
  "+": () => zoomAt(1.25),
  "=": () => zoomAt(1.25),
  "-": () => zoomAt(0.8),
  "−": () => zoomAt(0.8),
  0: () => fit(),
};
const KEYS = {
  ArrowLeft: () => walkTo("ArrowLeft") || step(-1),
  ArrowRight: () => walkTo("ArrowRight") || step(1),
  ArrowUp: () => walkTo("ArrowUp"),
  ArrowDown: () => walkTo("ArrowDown"),
  Home: () => jump(0),
  End: () => jump(last),
  Escape: leave,
};
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  const target = event.target;
  if (target.matches?.("select")) return;
  const isButton = target.matches?.("button, [role=button]");
  const action =
    (element("letters").checked && Object.hasOwn(LETTERS, event.key) && LETTERS[event.key]) ||
    (Object.hasOwn(KEYS, event.key) && KEYS[event.key]) ||
    (event.key === " " && (!isButton || target.thing) && play) ||
    (event.key === "Enter" && target.thing && enter);
  if (!action) return;
  event.preventDefault();
  action();
});
element("theme").addEventListener("click", nextTheme);
element("heat").addEventListener("click", toggleHeat);
element("fold").addEventListener("click", foldAll);
element("open-help").addEventListener("click", toggleHelp);
element("zoom-in").addEventListener("click", () => zoomAt(1.25));
element("zoom-out").addEventListener("click", () => zoomAt(0.8));
element("zoom-fit").addEventListener("click", () => fit());
