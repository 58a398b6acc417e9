// Search by name, formula, operation, scope or #id.
const searchBox = element("search");
let matches = [];
let current = -1;

const searchText = (card) =>
  [card.title, card.name, card.op, card.kind, `#${card.id}`, card.home?.path ?? ""].join("\n").toLowerCase();
const search = () => {
  const words = searchBox.value.trim().toLowerCase();
  for (const card of matches) {
    card.isMatch = false;
    card.group.classList.remove("match");
  }
  const byId = /^#\d+$/.test(words);
  matches = words ? cards.filter((card) => (byId ? `#${card.id}` === words : searchText(card).includes(words))) : [];
  for (const card of matches) {
    card.isMatch = true;
    card.group.classList.add("match");
    if (card.content) ring(card);
  }
  drawing.classList.toggle("searching", words !== "");
  redraw();
  current = -1;
  element("found").textContent = words ? (matches.length ? `${matches.length} found` : "none") : "";
};
const nextMatch = (by) => {
  if (!matches.length) return;
  current = current < 0 ? (by > 0 ? 0 : matches.length - 1) : (current + by + matches.length) % matches.length;
  const card = matches[current];
  uncover(card);
  reveal(card.place, { near: true });
  choose("hovered", card);
  element("found").textContent = `${current + 1} of ${matches.length}`;
};
searchBox.addEventListener("input", search);
searchBox.addEventListener("keydown", (event) => {
  event.stopPropagation();
  if (event.key === "Enter") {
    event.preventDefault();
    nextMatch(event.shiftKey ? -1 : 1);
  } else if (event.key === "Escape") {
    const card = matches[current];
    searchBox.value = "";
    search();
    choose("hovered", null);
    if (card) goToCard(card);
    else searchBox.blur();
  }
});
