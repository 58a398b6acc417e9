// The scrubber: plays the forward pass and then the backward pass, forwards and back.
const scrubber = element("scrubber");
const playButton = element("play");
let timer = 0;

const go = (to) => {
  to = Math.min(last, Math.max(0, Math.round(to)));
  const touched = touchedBetween(position, to);
  isOneStep = Math.abs(to - position) === 1;
  position = to;
  showPosition();
  showRule();
  showCard();
  for (const card of touched.cards) dress(card);
  for (const edge of touched.edges) dressEdge(edge);
  for (const scope of scopes) if (scope.folded) dressScope(scope);
  const card = cardById.get(currentStep()?.node);
  if (card) reveal(shownFor(card).place, { milliseconds: timer && speed() > 2 ? 0 : 280 });
  repaint(touched);
  keepAddress();
};
const showPosition = () => {
  const step = currentStep();
  scrubber.value = position;
  scrubber.style.setProperty("--done", `${(100 * position) / Math.max(1, last)}%`);
  scrubber.setAttribute("aria-valuetext", step ? `${step.name}, ${cardById.get(step.node)?.title ?? "not shown"}` : "Start");
  element("position").textContent = step ? step.name : "Start";
};
const speed = () => Number(element("speed").value);
const pause = () => {
  clearTimeout(timer);
  timer = 0;
  playButton.classList.remove("playing");
  playButton.setAttribute("aria-label", "Play");
  ruleBox.setAttribute("aria-live", "polite");
};
const tick = () => {
  go(position + 1);
  if (position === last) pause();
  else timer = setTimeout(tick, 900 / speed());
};
const play = () => {
  if (timer) return pause();
  if (position === last) go(0);
  playButton.classList.add("playing");
  playButton.setAttribute("aria-label", "Pause");
  ruleBox.setAttribute("aria-live", "off"); // nobody can listen that fast
  timer = setTimeout(tick, 450 / speed());
};
const step = (by) => {
  pause();
  go(position + by);
};
const jump = (to) => {
  pause();
  go(to);
};

// The address names the step and the pinned card, so that a link leads to them.
let address = 0;
let written = "";
const keepAddress = () => {
  clearTimeout(address);
  address = setTimeout(() => {
    written = `#step=${position}${chosen.pinned ? `&node=${chosen.pinned.id}` : ""}`;
    history.replaceState(null, "", written);
  }, 200);
};
const readAddress = () => {
  const asked = new URLSearchParams(location.hash.slice(1));
  const number = (key) => (/^\d{1,9}$/.test(asked.get(key) ?? "") ? Number(asked.get(key)) : null);
  return { step: number("step"), card: cardById.get(number("node")) ?? null };
};
addEventListener("hashchange", () => {
  if (location.hash === written) return;
  const asked = readAddress();
  if (asked.step !== null) jump(asked.step);
  if (asked.card) {
    choose("pinned", asked.card);
    goToCard(asked.card);
  }
});

scrubber.addEventListener("input", () => jump(scrubber.valueAsNumber));
playButton.addEventListener("click", play);
element("first").addEventListener("click", () => jump(0));
element("back").addEventListener("click", () => step(-1));
element("next").addEventListener("click", () => step(1));
element("last").addEventListener("click", () => jump(last));
