// The map in the corner: where everything is, and which part is in view. It shows while something is out of view.
const minimap = element("minimap");
const pen = minimap.getContext("2d");
const [mapWidth, mapHeight] = [minimap.width, minimap.height];
const mapScale = Math.min((mapWidth - 16) / record.size[0], (mapHeight - 16) / record.size[1]);
const mapLeft = (mapWidth - record.size[0] * mapScale) / 2;
const mapTop = (mapHeight - record.size[1] * mapScale) / 2;
let backdrop = null;

const redrawMap = () => {
  backdrop = new OffscreenCanvas(mapWidth, mapHeight);
  const base = backdrop.getContext("2d");
  for (const thing of [...cards, ...scopes]) {
    if (thing.what === "card" ? outermostFolded(thing) : !thing.folded || isHidden(thing)) continue;
    const [x, y, width, height] = thing.place;
    const level = isHot && thing.what === "card" ? heatOf(thing) : null;
    base.fillStyle = colour(level !== null && level >= 0 ? `heat-${level}` : `border-${thing.kind ?? "operation"}`);
    base.fillRect(mapLeft + x * mapScale, mapTop + y * mapScale, Math.max(1.5, width * mapScale), Math.max(1.5, height * mapScale));
  }
  drawMap();
};
const drawMap = () => {
  const [width, height] = record.size;
  const [left, top] = [-camera.x / camera.k, -camera.y / camera.k];
  const [seenWidth, seenHeight] = [view.width / camera.k, view.height / camera.k];
  const isAllSeen = left <= 0 && top <= 0 && left + seenWidth >= width && top + seenHeight >= height;
  minimap.hidden = isAllSeen;
  if (isAllSeen || !backdrop) return;
  pen.clearRect(0, 0, mapWidth, mapHeight);
  pen.drawImage(backdrop, 0, 0);
  pen.lineWidth = 3;
  pen.strokeStyle = colour("text");
  pen.strokeRect(mapLeft + left * mapScale, mapTop + top * mapScale, seenWidth * mapScale, seenHeight * mapScale);
};
watchers.push(drawMap);
foldWatchers.push(() => redrawMap());
const lookThere = (event) => {
  if (!event.buttons) return;
  const box = minimap.getBoundingClientRect();
  const x = (((event.clientX - box.left) / box.width) * mapWidth - mapLeft) / mapScale;
  const y = (((event.clientY - box.top) / box.height) * mapHeight - mapTop) / mapScale;
  stopFlight();
  moveCamera(view.width / 2 - x * camera.k, view.height / 2 - y * camera.k, camera.k);
};
minimap.addEventListener("pointerdown", lookThere);
minimap.addEventListener("pointermove", lookThere);
