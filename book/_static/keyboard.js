// The theme takes the focus off the buttons of its top bar when they are pressed. After a key that
// leaves a reader at the start of the page, so it may do so after a mouse click only.
document.addEventListener(
  "click",
  (event) => {
    const button = event.target.closest?.("button");
    if (!button) return;
    if (event.detail === 0) button.blur = () => {}; // 0 clicks: it was a key
    else delete button.blur;
  },
  true,
);

// The theme lets the keyboard into a wide box when it is too wide for the window. What is folded has
// no width, so the question must be asked again when it opens.
const measureAgain = () => setTimeout(() => dispatchEvent(new Event("resize")));
document.addEventListener("toggle", measureAgain, true);
document.addEventListener("click", (event) => {
  if (event.target.closest?.(".toggle-button")) measureAgain();
});
