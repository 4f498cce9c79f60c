// The figures: losses, what the network says, its weights. Plotly draws them whenever a run rests; while one is
// trained, what moves is painted over them.

import { Canvas, rampOf } from "./paint.js";

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
  ticks: "outside", zeroline: false, ...more,
});

const layout = (x, y, more = {}) => ({
  height: innerWidth < 640 ? 260 : 300,
  margin: { l: 52, r: 14, t: 10, b: 48 },
  font: { color: paint.ink, size: 12 },
  paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
  hovermode: "closest", hoverlabel: { bgcolor: paint.panel, bordercolor: paint.ink, font: { color: paint.ink } },
  dragmode: TOUCH ? false : "zoom",
  legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
  // Room for long numbers; on both sides Plotly may go to and fro until it gives up.
  xaxis: x, yaxis: { ...y, automargin: "left" }, ...more,
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

/** The axis of the losses: with room below while a run is trained, so that it need not change all the time. */
const lossAxis = (run, all, room) => {
  const { log, low, high } = spans(all);
  if (!log) return axis(plain(run.loss), { range: [0, 1.05 * high || 1] });
  const [bottom, top] = [Math.log10(Math.max(low * room, high / 1e4)) - 0.05, Math.log10(high) + 0.05];
  return axis(plain(run.loss), { type: "log", range: [bottom, top], ...logTicks(bottom, top) });
};

const lossesOf = (run, pale) => [...pale.flatMap((one) => [one.train, one.validation]), run.train, run.validation];

const paleLines = (pale) =>
  pale.flatMap((one) => {
    const look = { color: paint.muted, width: 1 };
    const more = { opacity: 0.55, showlegend: false };
    return [
      line(one.train, `${plain(one.label)}: training`, { ...look, dash: "dash" }, more),
      line(one.validation, `${plain(one.label)}: validation`, look, more),
    ];
  });

const curves = { canvas: null, axis: null, of: null };

const putCurves = (run, pale, room) => {
  const longest = Math.max(10, run.lastEpoch ?? 0, ...lossesOf(run, pale).map((curve) => curve.length));
  const traces = [
    ...paleLines(pale),
    line(run.train, "training", { color: paint.training, width: 2.4, dash: "dash" }),
    line(run.validation, "validation", { color: paint.validation, width: 2.4 }),
  ];
  const more = { shapes: [], annotations: [] };
  const { kept } = run;
  if (kept && kept < run.train.length) {
    more.shapes.push({
      type: "line", x0: kept, x1: kept, y0: 0, y1: 1, yref: "paper",
      line: { color: paint.accent, width: 1.6, dash: "dot" },
    });
    more.annotations.push({
      text: `epoch ${kept} kept`, x: kept, y: 1, yref: "paper", yanchor: "top", showarrow: false,
      xanchor: kept > longest / 2 ? "right" : "left", font: { color: paint.accent, size: 12 },
    });
  }
  curves.axis = lossAxis(run, lossesOf(run, pale), room);
  curves.of = `${run.loss} ${longest}`;
  curves.longest = longest;
  const x = axis("epoch", { range: [0, longest * 1.01] });
  Plotly.react("curves", traces, layout(x, curves.axis, more), CONFIG);
  curves.canvas ??= new Canvas(document.getElementById("curves"));
};

/** Losses of a run at rest, and pale those of earlier ones: `pale` are `{ label, train, validation }`. */
export const drawCurves = (run, pale) => {
  putCurves(run, pale, 1);
  curves.canvas.rest();
};

/** The same while it is trained. */
export const paintCurves = (run, pale) => {
  const inside = (value) => {
    if (value === null || value <= 0) return true;
    const at = curves.axis.type === "log" ? Math.log10(value) : value;
    const [bottom, top] = curves.axis.range;
    return at <= top && (at >= bottom || top - bottom > 3.9);
  };
  const ends = [run.train[0], run.train.at(-1), run.validation[0], run.validation.at(-1)];
  const fits = curves.axis && curves.of === `${run.loss} ${Math.max(curves.longest, run.lastEpoch ?? 0)}`;
  if (!fits || !ends.every((value) => inside(value ?? null))) putCurves(run, pale, 0.4);
  if (!curves.canvas.begin()) return;
  const put = (values, look) => {
    const { x, y } = thinned(values);
    curves.canvas.line(x, y, look);
  };
  for (const one of pale) {
    put(one.train, { colour: paint.muted, width: 1, dash: [9, 6], alpha: 0.55 });
    put(one.validation, { colour: paint.muted, width: 1, alpha: 0.55 });
  }
  put(run.train, { colour: paint.training, width: 2.4, dash: [9, 6] });
  put(run.validation, { colour: paint.validation, width: 2.4 });
};

const weights = { canvas: null, axes: null };

const putWeights = ({ low, width, counts, n_zero: zeros }, room) => {
  const total = counts.reduce((sum, one) => sum + one, zeros) || 1;
  const bars = (name, x, y, wide, tint) => ({
    type: "bar", name, x, y, width: wide, marker: { color: tint }, hovertemplate: "%{y:.2%}<extra></extra>",
  });
  const traces = [
    bars("weights", counts.map((_, i) => low + width * (i + 0.5)), counts.map((one) => one / total), width, paint.validation),
    bars("exactly zero", [0], [zeros / total], width * 0.6, paint.accent),
  ];
  const top = Math.min(1.05, Math.max(Math.max(...counts) / total, 0.01) * room);
  weights.axes = { low, top };
  const x = axis("weight", { range: [low, -low] });
  const y = axis("share of weights", { range: [0, top], tickformat: ".0%" });
  Plotly.react("weights", traces, layout(x, y, { barmode: "overlay", bargap: 0, showlegend: false }), CONFIG);
  weights.canvas ??= new Canvas(document.getElementById("weights"));
};

/** Weights by size, of a run at rest. */
export const drawWeights = (found) => {
  putWeights(found, 1.2);
  weights.canvas.rest();
};

/** The same while it is trained. */
export const paintWeights = (found) => {
  const { low, width, counts, n_zero: zeros } = found;
  const total = counts.reduce((sum, one) => sum + one, zeros) || 1;
  const heights = counts.map((one) => one / total);
  const top = Math.max(...heights);
  const fits = weights.axes && weights.axes.low <= low && weights.axes.low >= 2 * low;
  if (!fits || top > weights.axes.top || top < weights.axes.top / 3) putWeights(found, 1.5);
  if (!weights.canvas.begin()) return;
  weights.canvas.bars(low, width, heights, paint.validation);
  weights.canvas.bars(-0.3 * width, 0.6 * width, [zeros / total], paint.accent);
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

const view = { below: null, over: null, ramp: null };

/** The axes and the rows; `paintSaid` fills in what the network says. */
export const drawView = (run) => {
  const { view: seen } = run;
  if (seen.kind === "none") {
    Plotly.purge("view");
    return;
  }
  const marks = [...rowsOf(seen.training, run, false), ...rowsOf(seen.held_out, run, true)];
  // A class once, by its filled mark where it has one: the legend of a phone has no room for both.
  const last = new Map(marks.filter((one) => "legendgroup" in one).map((one) => [one.legendgroup, one]));
  for (const one of last.values()) one.showlegend = true;
  const [across, up] = seen.axes;
  const x = axis(plain(seen.names[0]), { range: [across[0], across.at(-1)], showgrid: false });
  const y = seen.kind === "curve"
    ? axis(plain(run.target))
    : axis(plain(seen.names[1]), { range: [up[0], up.at(-1)], showgrid: false });
  Plotly.react("view", marks, layout(x, y), CONFIG);
  const figure = document.getElementById("view");
  view.below ??= new Canvas(figure, { below: true });
  view.over ??= new Canvas(figure);
  const n = run.classes?.length ?? 0;
  const classes = (count) => Array.from({ length: count }, (_, i) => [[i / count, shade(i, count)], [(i + 1) / count, shade(i, count)]]).flat();
  const stops = n > 2 ? classes(n) : n === 2 ? [[0, paint.areaa], [0.5, paint.middle], [1, paint.areab]] : scale();
  view.ramp = rampOf(stops);
};

/** What the network says, behind the rows; along one column a line over them. */
export const paintSaid = (run) => {
  const { view: seen, said } = run;
  if (!seen || seen.kind === "none" || !view.below) return;
  const [below, over] = [view.below.begin(), view.over.begin()];
  if (!below || !said) return;
  if (seen.kind === "curve") over.line(seen.axes[0], said.values, { colour: paint.validation, width: 2.6 });
  else below.image(said.shades, seen.axes[0].length, view.ramp, !(run.classes?.length > 2));
};

/** After the window has changed: the canvases go with their figures. */
export const onResize = (redraw) => {
  for (const id of ["curves", "view", "weights"]) {
    new ResizeObserver(() => setTimeout(redraw, 150)).observe(document.getElementById(id));
  }
};
