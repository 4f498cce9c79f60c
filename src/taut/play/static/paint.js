// What moves is painted on a canvas over (or under) a figure: Plotly takes 10 to 30 ms to draw a figure anew, which
// is one or two frames of the screen, and a canvas takes less than one. Axes, marks, legends and hovering are Plotly's.

/** A canvas in a figure's box, in the figure's own axes. */
export class Canvas {
  constructor(figure, { below = false } = {}) {
    this.figure = figure;
    this.element = document.createElement("canvas");
    this.element.className = below ? "painted below" : "painted";
    this.element.setAttribute("aria-hidden", "true");
    figure.parentElement.append(this.element);
    this.context = this.element.getContext("2d");
  }

  /** Make it as large as the figure, and empty; null while the figure has no axes. */
  begin() {
    const layout = this.figure._fullLayout;
    if (!layout?.xaxis?._length) return null;
    this.figure.classList.add("painting"); // what Plotly drew of another time is hidden meanwhile
    const scale = devicePixelRatio || 1;
    const [width, height] = [Math.round(layout.width * scale), Math.round(layout.height * scale)];
    if (this.element.width !== width || this.element.height !== height) {
      Object.assign(this.element, { width, height });
      Object.assign(this.element.style, { width: `${layout.width}px`, height: `${layout.height}px` });
    }
    const { context } = this;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, layout.width, layout.height);
    const { xaxis: x, yaxis: y } = layout;
    this.area = { left: x._offset, top: y._offset, width: x._length, height: y._length };
    this.x = (value) => x._offset + x.d2p(value);
    this.y = (value) => y._offset + y.d2p(value);
    return this;
  }

  /** Nothing moves: what Plotly has drawn is there again. */
  rest() {
    this.begin();
    this.figure.classList.remove("painting");
  }

  clipped(draw) {
    const { context, area } = this;
    context.save();
    context.beginPath();
    context.rect(area.left, area.top, area.width, area.height);
    context.clip();
    draw(context);
    context.restore();
  }

  line(xs, ys, { colour, width, dash = [], alpha = 1 }) {
    this.clipped((context) => {
      Object.assign(context, { strokeStyle: colour, lineWidth: width, lineJoin: "round", globalAlpha: alpha });
      context.setLineDash(dash);
      context.beginPath();
      let pen = false;
      for (let i = 0; i < ys.length; i += 1) {
        const known = ys[i] !== null && Number.isFinite(ys[i]);
        if (known) context[pen ? "lineTo" : "moveTo"](this.x(xs[i]), this.y(ys[i]));
        pen = known;
      }
      context.stroke();
    });
  }

  bars(low, width, heights, colour) {
    this.clipped((context) => {
      context.fillStyle = colour;
      const bottom = this.y(0);
      heights.forEach((height, i) => {
        const left = this.x(low + i * width);
        context.fillRect(left, this.y(height), this.x(low + (i + 1) * width) - left, bottom - this.y(height));
      });
    });
  }

  /** Whole numbers from 0 to 255, row by row from below, by a colour each: `ramp` has 256 of [r, g, b]. */
  image(shades, side, ramp, smooth) {
    const rows = shades.length / side;
    const small = new OffscreenCanvas(side, rows);
    const pixels = new ImageData(side, rows);
    for (let row = 0; row < rows; row += 1) {
      for (let i = 0; i < side; i += 1) {
        const at = 4 * ((rows - 1 - row) * side + i);
        const [r, g, b] = ramp[shades[row * side + i]];
        pixels.data[at] = r;
        pixels.data[at + 1] = g;
        pixels.data[at + 2] = b;
        pixels.data[at + 3] = 255;
      }
    }
    small.getContext("2d").putImageData(pixels, 0, 0);
    const { context, area } = this;
    context.imageSmoothingEnabled = smooth;
    context.drawImage(small, area.left, area.top, area.width, area.height);
  }
}

/** A colour of CSS as [r, g, b]. */
const numbers = (() => {
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  return (colour) => {
    probe.fillStyle = colour;
    probe.fillRect(0, 0, 1, 1);
    return [...probe.getImageData(0, 0, 1, 1).data.slice(0, 3)];
  };
})();

/** 256 colours along stops of `[share, colour]`. */
export const rampOf = (stops) => {
  const known = stops.map(([share, colour]) => [share, numbers(colour)]);
  return Array.from({ length: 256 }, (_, shade) => {
    const at = shade / 255;
    const next = Math.max(1, known.findIndex(([share]) => share >= at));
    const [[from, low], [to, high]] = [known[next - 1], known[next]];
    const part = to > from ? (at - from) / (to - from) : 1;
    return low.map((value, i) => Math.round(value + (high[i] - value) * part));
  });
};
