// Pan and zoom: one transform on one group, however many cards there are.
const stage = element("stage");
const drawing = element("drawing");
const world = element("world");
const camera = { x: 0, y: 0, k: 1 };
const watchers = []; // called, at most once per frame, after the camera moved
let frame = 0;
let flight = 0;
let view = { width: 1, height: 1 };
let room = { top: 48, bottom: 48 }; // what the legend and the buttons leave to the drawing
let isOnPaper = false; // while the page is printed, everything is drawn, wherever the camera is
let isWhole = false; // the drawing was fitted to the window, and the reader has not moved since

const MOST_MOVING = 500; // cards; with more, a browser without a graphics card paints too few frames a second
const isCalm = cards.length > MOST_MOVING;
const smooth = () => !isCalm && !matchMedia("(prefers-reduced-motion: reduce)").matches;
const limits = () => ({ least: Math.min(0.08, fitted().k * 0.6), most: 4 });

const applyCamera = () => {
  frame = 0;
  if (isOnPaper) return;
  world.setAttribute("transform", `translate(${camera.x.toFixed(2)} ${camera.y.toFixed(2)}) scale(${camera.k.toFixed(7)})`);
  for (const watch of watchers) watch();
};
const redraw = () => {
  frame ||= requestAnimationFrame(applyCamera);
};
const moveCamera = (x, y, k, whole = false) => {
  isWhole = whole;
  Object.assign(camera, { x, y, k });
  redraw();
};
const stopFlight = () => {
  cancelAnimationFrame(flight);
  flight = 0;
};
const flyTo = (to, milliseconds = 280, whole = false) => {
  stopFlight();
  if (!smooth() || !milliseconds) return moveCamera(to.x, to.y, to.k, whole);
  const from = { ...camera };
  const start = performance.now();
  const tick = (now) => {
    const t = Math.min(1, Math.max(0, (now - start) / milliseconds));
    const s = 1 - (1 - t) ** 3;
    moveCamera(from.x + (to.x - from.x) * s, from.y + (to.y - from.y) * s, from.k + (to.k - from.k) * s, whole);
    flight = t < 1 ? requestAnimationFrame(tick) : 0;
  };
  flight = requestAnimationFrame(tick);
};
const zoomAt = (factor, x = view.width / 2, y = view.height / 2) => {
  stopFlight();
  const { least, most } = limits();
  const k = Math.min(most, Math.max(least, camera.k * factor));
  moveCamera(x - ((x - camera.x) * k) / camera.k, y - ((y - camera.y) * k) / camera.k, k);
};
const centred = ([x, y, width, height], k) => ({
  x: view.width / 2 - (x + width / 2) * k,
  y: view.height / 2 - (y + height / 2) * k,
  k,
});
const fitted = () => {
  const [width, height] = record.size;
  const k = Math.min(1.25, (view.width - 40) / width, (view.height - room.top - room.bottom) / height);
  const place = centred([0, 0, width, height], k);
  return { ...place, y: place.y + (room.top - room.bottom) / 2 };
};
const fit = (milliseconds) => flyTo(fitted(), milliseconds, true);
// After the legend or the window changed: a drawing that was fitted stays so.
const measureRoom = () => {
  const above = element("legend").getBoundingClientRect().height;
  const below = Math.max(...["note", "zoom"].map((id) => element(id).getBoundingClientRect().height));
  room = { top: above ? above + 24 : 20, bottom: below + 24 };
  if (isWhole) fit(0);
};
// Whether any of a box can be seen, beside the legend and the buttons.
const isInView = ([x, y, width, height]) =>
  (x + width) * camera.k + camera.x > 0 &&
  x * camera.k + camera.x < view.width &&
  (y + height) * camera.k + camera.y > room.top &&
  y * camera.k + camera.y < view.height - room.bottom;
// Bring a box into view if it is not; from far out also so near that its numbers can be read.
const reveal = ([x, y, width, height], { near = false, milliseconds = 280 } = {}) => {
  const k = near && camera.k < 0.42 ? 0.9 : camera.k;
  const margin = 15; // less than around a drawing that is fitted to the window
  const left = x * camera.k + camera.x;
  const top = y * camera.k + camera.y;
  const isInside =
    left > margin &&
    left + width * camera.k < view.width - margin &&
    top > room.top - 5 &&
    top + height * camera.k < view.height - room.bottom + 5;
  if (!isInside || k !== camera.k) flyTo(centred([x, y, width, height], k), milliseconds);
};

new ResizeObserver(() => {
  const before = view;
  view = { width: stage.clientWidth || 1, height: stage.clientHeight || 1 };
  measureRoom();
  if (isWhole) return;
  // What was in the middle stays there.
  moveCamera(camera.x + (view.width - before.width) / 2, camera.y + (view.height - before.height) / 2, camera.k);
}).observe(stage);

const pointers = new Map();
let dragged = 0; // pixels since the pointer went down: a drag is no click
const spot = (event) => {
  const box = stage.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
};
drawing.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  stopFlight();
  if (!pointers.size) dragged = 0;
  pointers.set(event.pointerId, spot(event));
});
drawing.addEventListener("pointermove", (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const now = spot(event);
  if (pointers.size === 1) {
    dragged += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
    if (dragged > 4 && !drawing.hasPointerCapture(event.pointerId)) drawing.setPointerCapture(event.pointerId);
    moveCamera(camera.x + now.x - before.x, camera.y + now.y - before.y, camera.k);
  } else if (pointers.size === 2) {
    dragged = 99;
    const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
    const length = (point) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
    zoomAt(length(now) / length(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
    moveCamera(camera.x + (now.x - before.x) / 2, camera.y + (now.y - before.y) / 2, camera.k);
  }
  pointers.set(event.pointerId, now);
});
for (const end of ["pointerup", "pointercancel"]) {
  addEventListener(end, (event) => {
    pointers.delete(event.pointerId);
  });
}
drawing.addEventListener(
  "wheel",
  (event) => {
    event.preventDefault();
    const { x, y } = spot(event);
    const lines = event.deltaMode === 1 ? 20 : 1;
    zoomAt(Math.exp((-event.deltaY * lines * (event.ctrlKey ? 6 : 1)) / 600), x, y);
  },
  { passive: false },
);
drawing.addEventListener("dblclick", () => fit());
