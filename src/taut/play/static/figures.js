// The figures: losses, what the network says, its weights. Plotly draws them; nothing else here knows it.

const MOST_POINTS = 400; // of one curve on the screen
const TOUCH = matchMedia("(pointer: coarse)").matches;
const CONFIG = { responsive: true, displayModeBar: false };
const SYMBOLS = ["circle", "triangle-up", "square", "diamond", "cross", "star", "triangle-down", "x"];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Colours of now: light and dark differ. */
const palette = () =>
  Object.fromEntries(
    ["ink", "grid", "muted", "training", "validation", "accent", "back", "panel", "low", "middle", "high",
      ...[..."abcdefgh"].flatMap((letter) => [`dot${letter}`, `area${letter}`])].map((name) => [name, colour(name)]),
  );
let paint = palette();
export const repaint = () => {
  paint = palette();
};

const axis = (title, more = {}) => ({
  title: { text: title, standoff: 6 }, gridcolor: paint.grid, linecolor: paint.ink, tickcolor: paint.ink,
  ticks: "outside", zeroline: false, automargin: true, ...more,
});

const layout = (x, y, more = {}) => ({
  height: innerWidth < 640 ? 260 : 300,
  margin: { l: 52, r: 10, t: 10, b: 44 },
  font: { color: paint.ink, size: 12 },
  paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
  hovermode: "closest", hoverlabel: { bgcolor: paint.panel, bordercolor: paint.ink, font: { color: paint.ink } },
  dragmode: TOUCH ? false : "zoom",
  legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
  xaxis: x, yaxis: y, ...more,
});

export const plain = (text) =>
  String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

const thinned = (values) => {
  const step = Math.max(1, Math.ceil(values.length / MOST_POINTS));
  const x = [];
  const y = [];
  for (let i = 0; i < values.length; i += step) {
    x.push(i + 1);
    y.push(values[i]);
  }
  if (values.length && x.at(-1) !== values.length) {
    x.push(values.length);
    y.push(values.at(-1));
  }
  return { x, y };
};

const line = (values, name, look, more = {}) => ({
  type: "scatter", mode: "lines", name, ...thinned(values), line: look,
  hovertemplate: `epoch %{x}<br>${name} loss %{y:.4g}<extra></extra>`, ...more,
});

/** Ticks of a logarithmic axis as numbers: plotly's are a 5 and a 2 without their size. */
const logTicks = (low, high) => {
  const steps = high - low < 1.5 ? [1, 2, 5] : high - low < 2.5 ? [1, 3] : [1];
  const values = [];
  for (let decade = Math.floor(low); decade <= high; decade += 1) {
    for (const step of steps) {
      const value = step * 10 ** decade;
      if (Math.log10(value) >= low && Math.log10(value) <= high) values.push(value);
    }
  }
  return { tickmode: "array", tickvals: values, ticktext: values.map((one) => String(Number(one.toPrecision(3)))) };
};

/** Whether losses span so much that a logarithmic axis shows them better. */
const spans = (curves) => {
  let low = Infinity;
  let high = 0;
  for (const curve of curves) {
    for (const value of curve) {
      if (value === null || value <= 0) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  return { log: high > 8 * low, low, high };
};

/** Losses of the run, and pale those of earlier ones: `pale` are `{ label, train, validation }`. */
export const drawCurves = (run, pale) => {
  const traces = [];
  for (const one of pale) {
    const look = { color: paint.muted, width: 1 };
    const more = { opacity: 0.55, showlegend: false };
    traces.push(line(one.train, `${plain(one.label)}: training`, { ...look, dash: "dash" }, more));
    traces.push(line(one.validation, `${plain(one.label)}: validation`, look, more));
  }
  traces.push(line(run.train, "training", { color: paint.training, width: 2.4, dash: "dash" }));
  traces.push(line(run.validation, "validation", { color: paint.validation, width: 2.4 }));
  const all = [...pale.flatMap((one) => [one.train, one.validation]), run.train, run.validation];
  const { log, low, high } = spans(all);
  const [bottom, top] = [Math.log10(Math.max(low, high / 1e4)) - 0.05, Math.log10(high) + 0.05];
  const y = axis(plain(run.loss), log
    ? { type: "log", range: [bottom, top], ...logTicks(bottom, top) }
    : { rangemode: "tozero" });
  const longest = Math.max(10, run.lastEpoch ?? 0, ...all.map((curve) => curve.length));
  const more = { shapes: [], annotations: [] };
  if (run.kept && run.kept < run.train.length) {
    more.shapes.push({
      type: "line", x0: run.kept, x1: run.kept, y0: 0, y1: 1, yref: "paper",
      line: { color: paint.accent, width: 1.6, dash: "dot" },
    });
    more.annotations.push({
      text: `epoch ${run.kept} kept`, x: run.kept, y: 1, yref: "paper", yanchor: "top", showarrow: false,
      xanchor: run.kept > longest / 2 ? "right" : "left", font: { color: paint.accent, size: 12 },
    });
  }
  return Plotly.react("curves", traces, layout(axis("epoch", { range: [0, longest * 1.01] }), y, more), CONFIG);
};

/** Weights by size. */
export const drawWeights = ({ low, width, counts, n_zero: zeros }) => {
  const total = counts.reduce((sum, one) => sum + one, zeros) || 1;
  const bars = (name, x, y, wide, tint) => ({
    type: "bar", name, x, y, width: wide, marker: { color: tint }, hovertemplate: "%{y:.2%}<extra></extra>",
  });
  const traces = [
    bars("weights", counts.map((_, i) => low + width * (i + 0.5)), counts.map((one) => one / total), width, paint.validation),
    bars("exactly zero", [0], [zeros / total], width * 0.6, paint.accent),
  ];
  const top = Math.min(1.05, Math.max(Math.max(...counts) / total, 0.01) * 1.2);
  const x = axis("weight", { range: [low, -low] });
  const y = axis("share of weights", { range: [0, top], tickformat: ".0%" });
  return Plotly.react("weights", traces, layout(x, y, { barmode: "overlay", bargap: 0, showlegend: false }), CONFIG);
};

const shade = (i, n) => paint[`area${"abcdefgh"[Math.min(i, n - 1, 7)]}`];

/** Rows of the table as marks, by class or by value; those held out are filled, those that train are open. */
const rowsOf = (rows, run, held) => {
  const [x, y] = run.view.kind === "surface" ? rows.at : [rows.at[0], rows.target];
  const name = held ? "held out" : "training";
  const hover = { hoverinfo: "skip" };
  if (!run.classes || run.view.kind === "curve") {
    const marker = { size: 6, color: held ? paint.accent : paint.training, symbol: held ? "circle" : "circle-open" };
    if (run.view.kind === "surface") {
      Object.assign(marker, { color: rows.target, colorscale: scale(), line: { color: paint.ink, width: held ? 1.4 : 0.5 } });
      marker.symbol = "circle";
    }
    return [{ type: "scatter", mode: "markers", name, x, y, marker, ...hover }];
  }
  const found = [];
  for (let code = 0; code < Math.min(run.classes.length, 8); code += 1) {
    const own = rows.target.flatMap((value, i) => (value === code ? [i] : []));
    if (!own.length) continue;
    found.push({
      type: "scatter", mode: "markers", name: plain(run.classes[code]), legendgroup: code, showlegend: false,
      x: own.map((i) => x[i]), y: own.map((i) => y[i]),
      marker: {
        size: held ? 7 : 6, color: paint[`dot${"abcdefgh"[code]}`],
        symbol: SYMBOLS[code] + (held ? "" : "-open"), line: { color: held ? paint.ink : undefined, width: held ? 0.8 : 1.2 },
      },
      ...hover,
    });
  }
  return found;
};

const scale = () => [[0, paint.low], [0.5, paint.middle], [1, paint.high]];

/** The axes and the rows; `drawSaid` fills in what the network says. */
export const drawView = (run) => {
  const { view } = run;
  if (view.kind === "none") {
    Plotly.purge("view");
    return null;
  }
  const marks = [...rowsOf(view.training, run, false), ...rowsOf(view.held_out, run, true)];
  // A class once, by its filled mark where it has one: the legend of a phone has no room for both.
  const last = new Map(marks.filter((one) => "legendgroup" in one).map((one) => [one.legendgroup, one]));
  for (const one of last.values()) one.showlegend = true;
  const [across, up] = view.axes;
  const x = axis(plain(view.names[0]), { range: [across[0], across.at(-1)], showgrid: false });
  if (view.kind === "curve") {
    const said = { type: "scatter", mode: "lines", name: "the network", x: across, y: [], line: { color: paint.validation, width: 2.6 }, hoverinfo: "skip" };
    return Plotly.react("view", [said, ...marks], layout(x, axis(plain(run.target))), CONFIG);
  }
  const n = run.classes?.length ?? 0;
  const steps = n > 2
    ? Array.from({ length: n }, (_, i) => [[i / n, shade(i, n)], [(i + 1) / n, shade(i, n)]]).flat()
    : n === 2 ? [[0, paint.areaa], [0.5, paint.middle], [1, paint.areab]] : scale();
  const said = {
    type: "heatmap", x: across, y: up, z: [], zmin: 0, zmax: 255, zsmooth: n > 2 ? false : "fast",
    colorscale: steps, showscale: false, hoverinfo: "skip",
  };
  const y = axis(plain(view.names[1]), { range: [up[0], up.at(-1)], showgrid: false });
  return Plotly.react("view", [said, ...marks], layout(x, y), CONFIG);
};

export const drawSaid = (run) => {
  const { view, said } = run;
  if (!said || !view || view.kind === "none") return null;
  if (view.kind === "curve") return Plotly.restyle("view", { y: [said.values] }, [0]);
  const side = view.axes[0].length;
  const rows = view.axes[1].map((_, i) => said.shades.slice(i * side, (i + 1) * side));
  return Plotly.restyle("view", { z: [rows] }, [0]);
};
