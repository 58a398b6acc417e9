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
