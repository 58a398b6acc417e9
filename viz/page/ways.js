// The ways of the edges as numbers. The page is fed them as SVG's path data, each without the M that it begins with.
const numbersOf = (text) => text.match(/-?[\d.]+(?:e[-+]?\d+)?/g).map(Number);

// The box around a path: around its control points, which is a little more.
const boxOf = (path) => {
  const numbers = numbersOf(path);
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < numbers.length; i += 2) {
    left = Math.min(left, numbers[i]);
    right = Math.max(right, numbers[i]);
    top = Math.min(top, numbers[i + 1]);
    bottom = Math.max(bottom, numbers[i + 1]);
  }
  return [left, top, Math.max(1, right - left), Math.max(1, bottom - top)]; // a straight way has a box too
};

const MOST_ON_CURVE = 8;
// The points of an edge's way, so many on each curve that the lines between them look like it.
const pointsOf = (edge) => {
  const points = [];
  for (const path of edge.paths) {
    for (const stroke of path.split(/(?=[LCQ])/)) {
      const numbers = numbersOf(stroke);
      const hull = [];
      for (let i = 0; i < numbers.length; i += 2) hull.push([numbers[i], numbers[i + 1]]);
      if (hull.length === 1) points.push(hull[0]);
      else {
        const bend = [points.at(-1), ...hull];
        for (let i = 1; i <= MOST_ON_CURVE; i++) points.push(onCurve(bend, i / MOST_ON_CURVE));
      }
    }
  }
  return points;
};
// De Casteljau's point of a Bézier curve.
const onCurve = (hull, t) => {
  let points = hull;
  while (points.length > 1) {
    points = points.slice(1).map(([x, y], i) => [points[i][0] + (x - points[i][0]) * t, points[i][1] + (y - points[i][1]) * t]);
  }
  return points[0];
};
