// The legend, and the start.
const showLegend = () => {
  const legend = element("legend");
  legend.replaceChildren();
  legend.classList.toggle("hot", isHot);
  const kinds = record.kinds.includes("group") || !scopes.some((scope) => scope.folded) ? record.kinds : [...record.kinds, "group"];
  for (const kind of kinds) {
    const item = make(legend, "span");
    make(item, "i", { class: `swatch-${kind}` });
    item.append(kind === "group" ? "folded" : kind);
  }
  for (const [text, role] of isHot ? record.hotLegend : record.legend) make(legend, "span", { class: role }, text);
  if (isHot) {
    const { labels, levels } = record.heat;
    const item = make(legend, "span", { class: "heat" }, `‖gradient‖ ${labels[0]}`);
    const ramp = make(item, "span", { class: "ramp", role: "img", "aria-label": `Heat: ${labels.join(", ")}` });
    for (let level = 0; level < levels; level++) make(ramp, "b").style.background = `var(--heat-${level})`;
    item.append(labels.at(-1));
    if (cards.some((card) => card.states.at(-1)?.[2] === -1)) {
      const zero = make(legend, "span", { class: "heat" });
      make(zero, "i", { class: "swatch-zero" });
      zero.append("gradient 0");
    }
  }
  measureRoom();
};
foldWatchers.push(showLegend);

// On paper everything is drawn, at the size that the paper has.
addEventListener("beforeprint", () => {
  isOnPaper = true;
  const [width, height] = record.size;
  drawing.setAttribute("viewBox", `-8 -8 ${width + 16} ${height + 16}`);
  world.removeAttribute("transform");
  lookEverywhere();
});
addEventListener("afterprint", () => {
  isOnPaper = false;
  drawing.removeAttribute("viewBox");
  applyCamera();
});

// What is left out, and, until the reader moves, where the view begins.
let hinted = null; // the camera as it was when a hint was shown
watchers.push(() => {
  if (!hinted || (hinted.x === camera.x && hinted.y === camera.y && hinted.k === camera.k)) return;
  hinted = null;
  showNote();
});
const showNote = (hint = "") => {
  element("note").textContent = [record.note, hint].filter(Boolean).join("; ");
  element("note").hidden = !element("note").textContent;
  measureRoom();
};

const start = () => {
  const asked = readAddress();
  drawAll();
  drawScopes();
  listParts();
  position = asked.step === null ? last : Math.min(last, asked.step);
  for (const card of cards) dress(card);
  scrubber.max = last;
  const split = `${(100 * record.forward) / Math.max(1, last)}%`;
  for (const thing of [scrubber, element("pass-forward")]) thing.style.setProperty("--split", split);
  element("pass-backward").hidden = !record.hasGradients;
  element("heat").hidden = !record.heat;
  element("fold").hidden = !scopes.length;
  element("heat").setAttribute("aria-pressed", isHot);
  view = { width: stage.clientWidth || 1, height: stage.clientHeight || 1 };
  showNote();
  refold();
  nameTheme();
  showPosition();
  showRule();
  if (asked.card) choose("pinned", asked.card);
  showCard();
  // A link leads to its card; a drawing too large to be seen as a whole starts at its result, a small window near.
  const whole = fitted();
  const from = asked.card ?? (asked.step === null ? null : cardById.get(currentStep()?.node));
  const result = cards.find((card) => card.isOutput);
  const least = innerWidth < 600 ? FAR : FARTHER;
  let begin = whole;
  if (from && whole.k < FAR) begin = centred(from.place, 0.9);
  else if (result && whole.k < least) {
    showNote("this is the result; press 0 to see everything");
    begin = centred(result.place, 0.8);
    if (record.direction === "LR") begin.x += view.width * 0.3;
    else begin.y = view.height - room.bottom - (result.place[1] + result.place[3]) * begin.k;
  }
  isWhole = begin === whole;
  Object.assign(camera, begin);
  if (begin !== whole && !from) hinted = { ...camera };
  applyCamera();
};
start();
