// Around the viewer: one set of listeners for all viewers of a page.
if (!window.brainViewers) {
  window.brainViewers = true;
  const toggle = (button) => {
    const open = button.parentNode.querySelector("iframe");
    if (open) {
      open.remove();
      button.focus();
    } else {
      const frame = document.createElement("iframe");
      frame.title = button.dataset.title;
      frame.style.cssText =
        "display: block; width: 100%; border: 0; aspect-ratio: 2.1; min-height: 260px; background: #000";
      if (button.dataset.src) frame.src = button.dataset.src;
      else frame.srcdoc = button.dataset.srcdoc;
      button.after(frame);
    }
    button.setAttribute("aria-expanded", String(!open));
    button.textContent = `${open ? "Open" : "Close"} the viewer: ${button.dataset.title}`;
  };
  const buttonOf = (node) => node?.closest?.("figure.brain-viewer")?.querySelector("button");
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("figure.brain-viewer > button");
    if (button) toggle(button);
  });
  document.addEventListener("keydown", (event) => {
    const button = event.key === "Escape" && buttonOf(event.target);
    if (button?.ariaExpanded === "true") toggle(button);
  });
  addEventListener("message", (event) => {
    if (event.data !== "close brain viewer") return;
    for (const frame of document.querySelectorAll("figure.brain-viewer > iframe"))
      if (frame.contentWindow === event.source) toggle(buttonOf(frame));
  });
}
