"""What every page must pass in a browser; each check returns problems in words."""

import shutil
from contextlib import contextmanager
from importlib import resources

from gate import skip_or_fail

MODES = ("light", "dark")
WIDTHS = (360, 1400)
HEIGHT = 900
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome")
KILOBYTE = 1000
LIGHTEST, HEAVIEST = 500 * KILOBYTE, 5000 * KILOBYTE
ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
CONTROLS = (
    "a[href], button, summary, input:not([type=hidden]), select, textarea, iframe, [tabindex='0']"
)

# What slides or fades would be measured half-way.
AT_REST = """addEventListener("DOMContentLoaded", () => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("* { transition: none !important; animation: none !important; }");
  document.adoptedStyleSheets.push(sheet);
});"""

# Everything that a reader may open is open: closed parts would go unchecked.
OPEN_ALL = """() => {
  const closed = document.querySelectorAll("details:not([open])");
  const hidden = document.querySelectorAll(".toggle-hidden button.toggle-button");
  closed.forEach((part) => { part.open = true; });
  hidden.forEach((button) => button.click());
  return closed.length + hidden.length;
}"""
SETTLED = 450  # ms; the theme makes wide boxes reachable 300 ms after a change

# Marks the controls that are on the page, and remembers how each looks without focus.
MARK = """(selector) => {
  window.lookOf = (node) => {
    const style = getComputedStyle(node);
    return [style.outline, style.boxShadow, style.borderColor, style.backgroundColor, style.color,
            style.textDecoration, style.opacity].join(";");
  };
  window.nameOf = (node) => node.cloneNode(false).outerHTML.slice(0, 120)
    + (node.innerText || "").trim().slice(0, 40);
  const shown = (node) => node.checkVisibility({visibilityProperty: true})
    && node.getClientRects().length > 0 && !node.closest("[inert]") && !node.disabled;
  const controls = [...document.querySelectorAll(selector)].filter(shown);
  window.controls = controls;
  window.looks = controls.map(lookOf);
  const isControl = (node) => node.matches(selector) || node.matches("label");
  const mouseOnly = [...document.querySelectorAll("body *")].filter((node) =>
    shown(node) && (node.onclick || getComputedStyle(node).cursor === "pointer")
    && !node.closest(selector + ", label") && !node.querySelector(selector));
  return {names: controls.map(nameOf), mouseOnly: mouseOnly.map(nameOf)};
}"""

FOCUSED = """() => {
  const node = document.activeElement;
  const place = window.controls.indexOf(node);
  const box = node.getBoundingClientRect();
  return {place, name: nameOf(node), body: node === document.body,
          seen: place < 0 || lookOf(node) !== looks[place],
          inside: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight};
}"""

# Counts the clicks that keys cause, and keeps them from doing anything.
CATCH_CLICKS = """() => {
  window.clicked = 0;
  window.addEventListener("click", (event) => {
    window.clicked += 1;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
}"""


def launch_browser(playwright):
    """Start the Chromium of this machine, or skip through the gate."""
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if path is None:
        skip_or_fail("browser", f"no Chromium: none of {', '.join(CHROMIUM)} is on the PATH")
    return playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))


@contextmanager
def visit(browser, base, path, *, mode="light", width=1400, script=True):
    """Open a page in a fresh profile.

    Yields the page, the problems met on opening it, and the list of requests to other hosts, which
    grows while the page is used; such requests are refused.
    """
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT},
        color_scheme=mode,
        reduced_motion="reduce",
        java_script_enabled=script,
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(15_000)
    outside = []
    own = (f"{base}/", "data:", "blob:", "about:")
    context.on("request", lambda sent: sent.url.startswith(own) or outside.append(sent.url))
    context.route(lambda url: not url.startswith(own), lambda route: route.abort())
    try:
        page = context.new_page()
        if script:
            page.add_init_script(AT_REST)
        yield page, _open(page, f"{base}/{path}"), outside
    finally:
        context.close()


def _open(page, address):
    problems = []
    response = page.goto(address, wait_until="load")
    if response is None or response.status != 200:
        problems.append(f"status {response and response.status}, 200 expected")
    headings = page.locator("h1").count()
    if headings != 1:
        problems.append(f"{headings} h1, one expected")
    return problems


def _open_all(page):
    if page.evaluate(OPEN_ALL):
        page.wait_for_timeout(SETTLED)


def check_sideways(page):
    """Nothing is wider than the window."""
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [f"scrolls sideways by {wide} px"] if wide > 0 else []


def check_axe(page):
    """No violation of WCAG 2.2 A and AA that axe-core can see, in the page and its frames."""
    _open_all(page)
    script = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    for frame in page.frames:
        frame.evaluate(script)
    options = {
        "runOnly": {"type": "tag", "values": WCAG},
        # Experimental, so off by default; speech input needs it.
        "rules": {"label-content-name-mismatch": {"enabled": True}},
        "resultTypes": ["violations"],
    }
    found = page.evaluate("(options) => axe.run(document, options)", options)
    return [
        f"{rule['id']}: {rule['help']}: {node['html'][:160]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def check_reach(page):
    """Tab reaches every control once around, and each shows that it has the focus."""
    _open_all(page)
    page.evaluate("scrollTo(0, 0); document.activeElement.blur()")
    marked = page.evaluate(MARK, CONTROLS)
    problems = [f"works by mouse only: {name}" for name in marked["mouseOnly"]]
    reached = set()
    for _ in range(2 * len(marked["names"]) + 5):
        page.keyboard.press("Tab")
        now = page.evaluate(FOCUSED)
        if now["body"] or now["place"] in reached:
            break
        if now["place"] >= 0:
            reached.add(now["place"])
        if not now["seen"]:
            problems.append(f"focus does not show: {now['name']}")
        if not now["inside"]:
            problems.append(f"focus is off the screen: {now['name']}")
    missed = set(range(len(marked["names"]))) - reached
    return problems + [f"Tab does not reach: {marked['names'][place]}" for place in sorted(missed)]


def check_keys(page):
    """Enter or Space acts on every button, summary and whatever says that it is one."""
    _open_all(page)
    page.evaluate(MARK, "button, summary, [role=button], [role=switch], [role=tab], a[href]")
    page.evaluate(CATCH_CLICKS)
    problems = []
    for place in range(page.evaluate("controls.length")):
        page.evaluate("(place) => { controls[place].focus(); clicked = 0; }", place)
        page.keyboard.press("Enter")
        page.keyboard.press("Space")
        if not page.evaluate("clicked"):
            name = page.evaluate("(place) => nameOf(controls[place])", place)
            problems.append(f"keys do nothing: {name}")
    return problems


def load_all(page):
    """Have the browser load what it would when a reader opens every part and reads to the end."""
    _open_all(page)
    page.evaluate("[...document.images].forEach((image) => { image.loading = 'eager'; })")
    page.wait_for_function("[...document.images].every((image) => image.complete)")


def check_weight(before, after, theme, has_viewer):
    """Problems with the bytes of a page beyond the theme's, before and after all clicks."""
    problems = []
    if before - theme > LIGHTEST:
        problems.append(f"{(before - theme) / KILOBYTE:.0f} kB before a click, 500 allowed")
    if after - theme > HEAVIEST:
        problems.append(f"{(after - theme) / KILOBYTE:.0f} kB after all clicks, 5000 allowed")
    if (after > before) != has_viewer:
        problems.append("a viewer loads on the click, and not before")
    return problems
