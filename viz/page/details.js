// The panel: what the current step says, and one card in full: its numbers, and how its gradient came about.
const ruleBox = element("rule");
const cardBox = element("card");
const chosen = { pinned: null, hovered: null, focused: null };

const say = (parent, parts, kind) => {
  const line = make(parent, "div", { class: `said ${kind}` });
  for (const [text, role] of parts) make(line, "span", { class: role }, text);
  return line;
};
const KINDS = { 1: "head", 4: "to", 7: "more" }; // by the spaces that a line of the terminal begins with
const showRule = () => {
  const step = currentStep();
  ruleBox.replaceChildren();
  if (!step) {
    make(ruleBox, "h2", {}, "Start");
    make(ruleBox, "p", { class: "quiet" }, "The inputs are given. Each step on computes a value; then each step sends gradients back.");
    return;
  }
  make(ruleBox, "h2", { class: step.pass }, step.name);
  for (const parts of step.lines) {
    const [first, ...rest] = parts;
    const spaces = first[0].length - first[0].trimStart().length;
    let kind = KINDS[spaces] ?? "more";
    if (kind === "to" && step.pass === "forward") kind = "from";
    const text = first[0].trimStart().replace(/^──\s*/, "");
    if (kind === "head") {
      // The node's number and operation stand small above what it computes.
      const line = say(ruleBox, rest.slice(1), kind);
      line.prepend(make(line, "small", { class: "quiet" }, rest[0][0].trim()));
    } else say(ruleBox, text ? [[text, first[1]], ...rest] : rest, kind);
  }
  if (step.lines.length && !step.lines.some((line) => line[0][0].startsWith("    to")) && step.pass === "backward") {
    make(ruleBox, "p", { class: "quiet" }, "Nothing to send on: this gradient is complete.");
  }
};

const link = (parent, card, text = card.title) => {
  const button = make(parent, "button", { class: "link", type: "button" }, text);
  button.addEventListener("click", () => goToCard(card));
};
const list = (rows) => {
  const names = make(cardBox, "dl");
  for (const [label, text, role] of rows) {
    make(names, "dt", {}, label);
    make(names, "dd", { class: role }, text);
  }
};
const DIVERGING = [[11, 79, 138], [255, 255, 255], [179, 68, 11]];
const shade = (digit) => {
  if (digit === "x") return [176, 0, 32];
  const t = (parseInt(digit, 16) / 15) * 2;
  const [a, b] = t < 1 ? [DIVERGING[0], DIVERGING[1]] : [DIVERGING[1], DIVERGING[2]];
  const s = t < 1 ? t : t - 1;
  return a.map((value, i) => Math.round(value + (b[i] - value) * s));
};
const LARGE = 224; // pixels of the larger side of a picture
const array = (title, data, image = null) => {
  if (!data) return;
  make(cardBox, "h4", {}, title);
  if (image) {
    make(cardBox, "img", { class: "picture", src: image, width: LARGE, alt: `${title} as a picture` });
  } else if (data.table) {
    const table = make(make(cardBox, "div", { class: "table", tabindex: 0, role: "region", "aria-label": title }), "table");
    for (const row of data.table) {
      const line = make(table, "tr");
      for (const text of row) make(line, "td", {}, text);
    }
  } else {
    const [rows, columns] = [data.shades.length, data.shades[0].length];
    const words = `Picture of ${title.toLowerCase()}: blue is ${data.ends[0]}, white is 0, orange is ${data.ends[1]}`;
    const canvas = make(cardBox, "canvas", { class: "picture", width: columns, height: rows, role: "img", "aria-label": words });
    const pixels = new ImageData(columns, rows);
    data.shades.join("").split("").forEach((digit, i) => pixels.data.set([...shade(digit), 255], i * 4));
    const side = LARGE / Math.max(rows, columns);
    Object.assign(canvas.style, { width: `${columns * side}px`, height: `${rows * side}px` });
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    make(cardBox, "p", { class: "caption" }, `blue ${data.ends[0]} · white 0 · orange ${data.ends[1]}`);
  }
  make(cardBox, "p", { class: "caption" }, data.caption);
};

// At the end, with no card chosen: what it all came to.
const MOST_GRADIENTS = 60;
const MOST_LINKS = 30;
const showGradients = () => {
  const leaves = cards.filter((card) => card.kind === "input" || card.kind === "parameter");
  const folded = cards.filter((card) => card.kind === "group");
  if (!leaves.length && !folded.length) return;
  make(cardBox, "h2", {}, "Gradients");
  if (folded.length) {
    make(cardBox, "p", { class: "quiet" }, leaves.length ? "Others are folded into" : "All are folded into");
    const links = make(cardBox, "div", { class: "links" });
    for (const card of folded.slice(0, MOST_LINKS)) link(links, card);
    if (folded.length > MOST_LINKS) make(links, "span", { class: "quiet" }, `and ${folded.length - MOST_LINKS} more`);
  }
  if (!leaves.length) return;
  const table = make(make(cardBox, "div", { class: "gradients" }), "table");
  const head = make(table, "tr");
  for (const text of ["", "value", "gradient"]) make(head, "th", { scope: "col" }, text);
  for (const card of leaves.slice(0, MOST_GRADIENTS)) {
    const row = make(table, "tr");
    const name = make(row, "th", { scope: "row" });
    link(name, card);
    if (card.home) make(name, "small", { class: "quiet" }, ` ${card.home.path.replaceAll("/", "/\u200b")}`); // breaks between scopes
    const value = card.values.find((line) => line[2] !== "quiet");
    // A sum ends with what it comes to; of an array the norm comes last.
    const [, text, role] = gradientRows(card).at(-1) ?? ["", "", ""];
    make(row, "td", { class: value?.[2] }, card.gradient ? card.value.caption.split(", ")[0] : (value?.[1] ?? "").trim());
    make(row, "td", { class: role }, card.gradient ? card.gradient.caption.split(", ")[1] : text.split("= ").at(-1));
  }
  if (leaves.length > MOST_GRADIENTS) make(cardBox, "p", { class: "quiet" }, `and ${leaves.length - MOST_GRADIENTS} more on the drawing`);
};
const showCard = () => {
  const atEnd = position === last && record.hasGradients ? null : cardById.get(currentStep()?.node);
  const thing = chosen.hovered ?? chosen.focused ?? chosen.pinned ?? atEnd;
  cardBox.replaceChildren();
  if (!thing) {
    if (position === last && record.hasGradients) showGradients();
    return;
  }
  make(cardBox, "h2", {}, thing === chosen.pinned ? "Pinned card" : thing.what === "scope" ? "Folded scope" : "Card");
  if (thing.what === "scope") {
    make(cardBox, "h3", {}, thing.path);
    list(scopeRows(thing));
    return;
  }
  make(cardBox, "h3", {}, thing.title);
  const badges = make(cardBox, "div");
  for (const text of [thing.kind === "group" ? "folded" : `#${thing.id}`, thing.kind === "group" ? "" : thing.kind, thing.kind === thing.op ? "" : thing.op, thing.home?.path, thing.isOutput ? "the result" : ""]) {
    if (text) make(badges, "span", { class: "badge" }, text);
  }
  if (thing.name && thing.name.length > 24) make(cardBox, "p", { class: "quiet" }, thing.name);
  list([...valueRows(thing), ...gradientRows(thing)]);
  if (!isComputed(thing)) make(cardBox, "p", { class: "quiet" }, "Not computed yet at this step.");

  const arrived = thing.outs.filter(isSent).sort((one, other) => one.at - other.at || one.position - other.position);
  if (record.hasGradients && isComputed(thing) && thing.kind !== "group") {
    make(cardBox, "h4", {}, "How its gradient came about");
    const messages = make(cardBox, "ul");
    for (const edge of arrived) {
      const item = make(messages, "li");
      const from = make(item, "p", { class: "quiet" }, "from ");
      link(from, edge.to);
      for (const [text, role] of edge.lines) make(item, "p", { class: role === "quiet" ? "text" : role }, text);
    }
    const sum = gradientRows(thing);
    if (arrived.length > 1) {
      const total = make(make(messages, "li"), "p", { class: "backward" }, "summed: ");
      total.append(sum.map((row) => row[1].trim()).join(" "));
    } else if (!arrived.length) {
      const words = thing.isOutput && sum[0]?.[1] !== "—" ? "The walk starts here." : "No message has arrived.";
      make(make(messages, "li"), "p", { class: "quiet" }, words);
    }
  }
  if (thing.reads.length) {
    make(cardBox, "h4", {}, "Computed from");
    const links = make(cardBox, "div", { class: "links" });
    for (const id of thing.reads.slice(0, MOST_LINKS)) link(links, cardById.get(id));
    if (thing.reads.length > MOST_LINKS) make(links, "span", { class: "quiet" }, `and ${thing.reads.length - MOST_LINKS} more`);
  }
  const users = [...new Set(thing.outs.map((edge) => edge.to))];
  if (users.length) {
    make(cardBox, "h4", {}, "Used by");
    const links = make(cardBox, "div", { class: "links" });
    for (const user of users.slice(0, MOST_LINKS)) link(links, user);
    if (users.length > MOST_LINKS) make(links, "span", { class: "quiet" }, `and ${users.length - MOST_LINKS} more`);
  }
  if (isComputed(thing)) array("Value", thing.value, thing.image);
  if (thing.states.length && thing.states.at(-1)[0] <= position) array("Gradient", thing.gradient);
  if (thing.source) {
    make(cardBox, "h4", {}, thing.source[0] ? `Source ${thing.source[0]}` : "Source");
    make(cardBox, "code", {}, thing.source[1]);
  }
};

const mark = (card, isOn) => {
  for (const edge of [...card.ins, ...card.outs]) {
    edge.isNear = isOn;
    dressEdge(edge);
  }
};
// In a low panel the step's rule would hide the card that was asked for.
const turnToCard = () => {
  const panel = cardBox.parentNode;
  const isAsked = chosen.hovered ?? chosen.focused ?? chosen.pinned;
  panel.scrollTop = isAsked && ruleBox.offsetHeight > panel.clientHeight / 2 ? cardBox.offsetTop : 0;
};
const choose = (slot, thing) => {
  const before = chosen[slot];
  if (before === thing) return;
  chosen[slot] = thing;
  showCard();
  turnToCard();
  if (thing && slot !== "hovered") ring(thing);
  if (slot === "pinned") {
    before?.group.classList.remove("pinned");
    thing?.group.classList.add("pinned");
    return;
  }
  if (before?.what === "card") mark(before, false);
  if (thing?.what === "card") mark(thing, true);
};
const pin = (card) => {
  choose("pinned", chosen.pinned === card ? null : card);
  showCard();
  keepAddress();
};
const goToCard = (card) => {
  uncover(card);
  reveal(card.place, { near: true });
  card.group.focus({ preventScroll: true });
};

const thingOf = (target) => target.closest?.(".card")?.thing ?? null;
layers.cards.addEventListener("pointerover", (event) => {
  if (event.pointerType !== "touch") choose("hovered", thingOf(event.target));
});
layers.cards.addEventListener("pointerout", (event) => {
  if (!event.relatedTarget || !thingOf(event.relatedTarget)) choose("hovered", null);
});
// Listened to on the stage: SVG elements that listen for focus themselves are stops of the Tab key in Chromium.
stage.addEventListener("focusin", (event) => {
  const thing = thingOf(event.target);
  choose("focused", thing);
  if (isFolding || !event.target.matches(":focus-visible")) return;
  const toggle = event.target.closest(".toggle");
  if (thing) reveal(thing.place, { near: true });
  else if (toggle) reveal([...toggle.thing.box.slice(0, 2), 28, 22], { near: true });
});
stage.addEventListener("focusout", () => choose("focused", null));
layers.cards.addEventListener("click", (event) => {
  const thing = thingOf(event.target);
  if (!thing || dragged > 4) return;
  if (thing.what === "scope") fold([thing], false);
  else pin(thing);
});
layers.cards.addEventListener("dblclick", (event) => event.stopPropagation());
