// Inside the viewer: keys move the slices, Escape asks the page around it to close.
const STEPS = {
  ArrowLeft: ["X", -1], ArrowRight: ["X", 1],
  ArrowDown: ["Z", -1], ArrowUp: ["Z", 1],
  PageDown: ["Y", -1], PageUp: ["Y", 1],
};
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") parent.postMessage("close brain viewer", "*");
  const step = STEPS[event.key];
  if (!step || event.target.tagName !== "CANVAS" || !window.brain) return;
  event.preventDefault();
  const [axis, by] = step;
  const last = brain.nbSlice[axis] - 1;
  brain.numSlice[axis] = Math.min(Math.max(brain.numSlice[axis] + by, 0), last);
  brain.init(); // also reads the coordinates and the value anew
  brain.drawAll();
});
