// The acquisition console: signal equations of mriworkbook.practice.contrast, followed pulse by pulse.
if (!window.acquisitionConsole) {
  const radians = (degrees) => (degrees * Math.PI) / 180;

  // One repetition as pulses (factors of Mz), waits (ms) and the mark where Mz is tipped over.
  function steps(set, train) {
    const { repetition_time: tr, echo_time: te, inversion_time: ti } = set;
    if (set.sequence === "spin echo")
      return [["pulse", 0], ["wait", te / 2], ["pulse", -1], ["wait", tr - te / 2], ["mark"]];
    if (set.sequence === "gradient echo")
      return [["pulse", Math.cos(radians(set.flip_angle))], ["wait", tr], ["mark"]];
    if (set.sequence === "inversion recovery")
      return [["pulse", -1], ["wait", ti], ["mark"], ["pulse", 0], ["wait", te / 2], ["pulse", -1],
        ["wait", tr - ti - te / 2]];
    const before = Math.floor(train.length / 2);
    const excite = [["pulse", Math.cos(radians(set.flip_angle))], ["wait", train.spacing]];
    const times = (n) => Array.from({ length: n }, () => excite).flat();
    return [["pulse", -1], ["wait", ti - before * train.spacing], ...times(before), ["mark"],
      ...times(train.length - before),
      ["wait", tr - ti - (train.length - before) * train.spacing]];
  }

  // Why settings are impossible, in words, or "".
  function misfit(set, train) {
    const { repetition_time: tr, echo_time: te, inversion_time: ti } = set;
    if (set.sequence === "MPRAGE") {
      const before = Math.floor(train.length / 2) * train.spacing;
      const after = train.length * train.spacing - before;
      if (te >= train.spacing) return `TE must be shorter than ${train.spacing} ms, the time from pulse to pulse in the train.`;
      if (ti < before) return `TI must be at least ${before} ms: half of the train of pulses comes before it.`;
      if (tr < ti + after) return `TR must be at least ${ti + after} ms: TI and half of the train of pulses must fit in.`;
      return "";
    }
    const need = te + (set.sequence === "inversion recovery" ? ti : 0);
    return need < tr ? "" : `TR must be longer than ${need} ms, which the other times fill.`;
  }

  const relax = (mz, ms, t1) => 1 + (mz - 1) * Math.exp(-ms / t1);

  function follow(list, t1, start, dt) {
    let mz = start, now = 0, marked;
    const path = [[0, mz]];
    for (const [kind, amount] of list) {
      if (kind === "mark") { marked = mz; continue; }
      if (kind === "pulse") mz *= amount;
      else {
        for (let t = dt; t < amount; t += dt) path.push([now + t, relax(mz, t, t1)]);
        mz = relax(mz, amount, t1);
        now += amount;
      }
      path.push([now, mz]);
    }
    return { path, marked, end: mz };
  }

  // Steady state: a repetition maps Mz to a * Mz + b, whose fixed point is b / (1 - a).
  function longitudinal(tissue, set, train) {
    const list = steps(set, train);
    const none = follow(list, tissue.t1, 0, Infinity).end;
    const one = follow(list, tissue.t1, 1, Infinity).end;
    return follow(list, tissue.t1, none / (1 - (one - none)), set.repetition_time / 300);
  }

  const isGradientEcho = (set) => set.sequence === "gradient echo" || set.sequence === "MPRAGE";
  const isInverted = (set) => set.sequence === "inversion recovery" || set.sequence === "MPRAGE";
  const decayTime = (tissue, set) => (isGradientEcho(set) ? tissue.t2_star : tissue.t2);
  const tip = (set) => (isGradientEcho(set) ? Math.sin(radians(set.flip_angle)) : 1);

  // Signed signal in units of proton density; NaN where the times do not fit.
  function signal(tissue, set, train) {
    if (misfit(set, train)) return NaN;
    const { marked } = longitudinal(tissue, set, train);
    return tissue.pd * tip(set) * marked * Math.exp(-set.echo_time / decayTime(tissue, set));
  }

  // Normal deviates, the same at every visit (Park and Miller's generator; Box and Muller).
  function normals(n) {
    let state = 20260131;
    const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647;
    return Float32Array.from({ length: n },
      () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
  }

  // Magnitude of a slice: signals add up with their sign, noise in two channels.
  function picture(slice, signals, noise, deviates) {
    const n = slice.rows * slice.columns;
    const image = new Float32Array(n);
    signals.forEach((s, tissue) => {
      for (let i = 0; i < n; i++) image[i] += (s * slice.shares[tissue * n + i]) / 255;
    });
    for (let i = 0; i < n; i++)
      image[i] = Math.hypot(image[i] + noise * deviates[2 * i], noise * deviates[2 * i + 1]);
    return image;
  }

  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

  function paintSlice(canvas, slice, image) {
    canvas.width = slice.columns;
    canvas.height = slice.rows;
    const top = Float32Array.from(image).sort()[Math.floor(0.995 * (image.length - 1))];
    const context = canvas.getContext("2d");
    const pixels = context.createImageData(slice.columns, slice.rows);
    for (let row = 0; row < slice.rows; row++)
      for (let column = 0; column < slice.columns; column++) {
        const grey = (255 * image[row * slice.columns + column]) / top;
        const at = 4 * ((slice.rows - 1 - row) * slice.columns + column); // row 0 is at the bottom
        pixels.data.set([grey, grey, grey, 255], at); // clamps to 0 and 255
      }
    context.putImageData(pixels, 0, 0);
  }

  // Axes, curves and a dashed line where the sample is taken, on white in any theme.
  function paintCurves(canvas, { title, xMax, yMin, curves, mark, markName }) {
    const [w, h, left, bottom, top, right] = [canvas.width, canvas.height, 58, 46, 34, 16];
    const c = canvas.getContext("2d");
    const x = (t) => left + ((w - left - right) * t) / xMax;
    const y = (v) => h - bottom - ((h - bottom - top) * (v - yMin)) / (1 - yMin);
    c.fillStyle = "#fff";
    c.fillRect(0, 0, w, h);
    c.fillStyle = c.strokeStyle = "#222";
    c.font = "16px sans-serif";
    c.textAlign = "left";
    c.fillText(title, left, 20);
    c.font = "14px sans-serif";
    c.textAlign = "right";
    for (let v = yMin; v <= 1.001; v += 0.5) c.fillText(v.toFixed(1), left - 8, y(v) + 5);
    c.textAlign = "center";
    for (const part of [0, 0.5, 1]) c.fillText(Math.round(part * xMax), x(part * xMax) - 10 * part, h - bottom + 18);
    c.fillText("time (ms)", (left + w - right) / 2, h - 8);
    c.lineWidth = 1;
    c.strokeRect(left, top, w - left - right, h - top - bottom);
    c.save();
    c.beginPath();
    c.rect(left, top, w - left - right, h - top - bottom);
    c.clip(); // pulses take Mz out of the picture for a moment
    for (const { path, colour, dash } of curves) {
      c.strokeStyle = colour;
      c.lineWidth = 3;
      c.setLineDash(dash);
      c.beginPath();
      path.forEach(([t, v], i) => (i ? c.lineTo(x(t), y(v)) : c.moveTo(x(t), y(v))));
      c.stroke();
    }
    c.restore();
    c.strokeStyle = "#222";
    c.lineWidth = 2;
    c.setLineDash([6, 5]);
    c.beginPath();
    c.moveTo(x(mark), top);
    c.lineTo(x(mark), h - bottom);
    c.stroke();
    c.setLineDash([]);
    c.textAlign = mark > 0.8 * xMax ? "right" : "left";
    c.fillText(markName, x(mark) + (mark > 0.8 * xMax ? -6 : 6), h - bottom - 8);
  }

  const UNITS = { field_strength: "T", flip_angle: "degrees" };

  function read(root, data) {
    const set = { sequence: root.querySelector("select[name=sequence]").value };
    for (const input of root.querySelectorAll("input[type=range]")) {
      const value = Number(input.value);
      set[input.name] = input.name === "field_strength" ? data.field_strengths[value] : value;
      const text = `${set[input.name]} ${UNITS[input.name] ?? "ms"}`;
      input.setAttribute("aria-valuetext", text);
      input.nextElementSibling.textContent = text;
    }
    return set;
  }

  function write(root, data, set) {
    root.querySelector("select[name=sequence]").value = set.sequence;
    for (const input of root.querySelectorAll("input[type=range]"))
      input.value = input.name === "field_strength"
        ? data.field_strengths.indexOf(set.field_strength) : set[input.name];
  }

  function curves(root, data, set, tissues, followed) {
    const shown = Object.entries(data.lines);
    // A spin echo's 180 degrees take Mz below zero only if TE is long.
    const dips = set.sequence === "spin echo" && set.echo_time >= 0.1 * set.repetition_time;
    paintCurves(root.querySelector("canvas[data-curve=longitudinal]"), {
      title: "Mz / M0: regrows with T1", xMax: set.repetition_time, yMin: isInverted(set) || dips ? -1 : 0,
      mark: isInverted(set) ? set.inversion_time : set.repetition_time, markName: isInverted(set) ? "TI" : "TR",
      curves: shown.map(([name, line]) => ({ ...line, path: followed[name].path })),
    });
    const [xMax, scale] = [Math.max(200, 1.5 * set.echo_time), tip(set)];
    const start = (name) => Math.abs(followed[name].marked) * tissues[name].pd * scale;
    const largest = Math.max(...shown.map(([name]) => start(name)));
    const decay = (name, t) => (start(name) / largest) * Math.exp(-t / decayTime(tissues[name], set));
    paintCurves(root.querySelector("canvas[data-curve=transverse]"), {
      title: `|Mxy| / largest: decays with ${isGradientEcho(set) ? "T2*" : "T2"}`,
      xMax, yMin: 0, mark: set.echo_time, markName: "TE",
      curves: shown.map(([name, line]) => ({ ...line,
        path: Array.from({ length: 101 }, (_, i) => [(i * xMax) / 100, decay(name, (i * xMax) / 100)]) })),
    });
  }

  function say(root, data, set, signals) {
    const order = Object.keys(data.lines).sort((a, b) => Math.abs(signals[b]) - Math.abs(signals[a]));
    const brightest = Math.abs(signals[order[0]]);
    const words = order.map((name) =>
      `${data.lines[name].label} ${Math.round((100 * Math.abs(signals[name])) / brightest)} %`);
    const text = `Brightest first: ${words.join(", ")}.`;
    root.querySelector("[role=status]").textContent = text;
    for (const name of Object.keys(data.lines))
      root.querySelector(`td[data-tissue=${name}]`).textContent = signals[name].toFixed(3);
    return text;
  }

  function update(root, data) {
    const set = read(root, data);
    const used = { inversion_time: isInverted(set), flip_angle: isGradientEcho(set) };
    for (const [name, on] of Object.entries(used)) root.querySelector(`input[name=${name}]`).disabled = !on;
    const canvas = root.querySelector("canvas[data-slice]");
    const problem = misfit(set, data.train);
    root.classList.toggle("impossible", Boolean(problem));
    if (problem) {
      root.querySelector("[role=status]").textContent = `These times do not fit. ${problem}`;
      canvas.setAttribute("aria-label", "No picture: these times do not fit.");
      return;
    }
    const tissues = data.tissues[data.field_strengths.indexOf(set.field_strength)];
    const signals = {}, followed = {};
    for (const name of Object.keys(tissues)) signals[name] = signal(tissues[name], set, data.train);
    for (const name of Object.keys(data.lines)) followed[name] = longitudinal(tissues[name], set, data.train);
    const slice = data.slices[root.querySelector("select[name=slice]").value];
    slice.shares ??= bytes(slice.data);
    data.deviates ??= normals(2 * Math.max(...data.slices.map((s) => s.rows * s.columns)));
    const noise = (data.noise[set.sequence] * 3) / set.field_strength;
    paintSlice(canvas, slice,
      picture(slice, data.order.map((name) => signals[name]), noise, data.deviates));
    curves(root, data, set, tissues, followed);
    const text = say(root, data, set, signals);
    canvas.setAttribute("aria-label", `Slice of a simulated head ${slice.name}, ${set.sequence}. ${text}`);
  }

  function start(root) {
    const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
    root.querySelector(".controls").hidden = false;
    const redraw = () => update(root, data);
    root.addEventListener("input", redraw);
    root.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-preset]");
      if (!button) return;
      write(root, data, data.presets[button.dataset.preset]);
      redraw();
    });
    root.addEventListener("keydown", (event) => {
      // A slider moves by one unit a key, which is slow: arrows take its own larger step.
      const jump = Number(event.target.dataset?.jump);
      const way = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!jump || !way || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      event.target.value = Number(event.target.value) + way * jump;
      redraw();
    });
    write(root, data, data.presets.T1w);
    redraw();
    root.dataset.ready = "true";
  }

  window.acquisitionConsole = { signal, longitudinal, picture, misfit, start };
}
for (const root of document.querySelectorAll("section.acquisition-console:not([data-ready])"))
  window.acquisitionConsole.start(root);
