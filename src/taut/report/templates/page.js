"use strict";
// What the page's other scripts draw with, and what they want drawn now and again in other colours.
const taut = { put: null, redraw: [] };
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const touch = matchMedia("(pointer: coarse)").matches;

  // Colours are names such as "@ink"; the style sheet says what they are in light, in dark and in print.
  const painted = (value, style) => {
    if (typeof value === "string" && /^@[a-z]+$/.test(value)) {
      return style.getPropertyValue("--" + value.slice(1)).trim();
    }
    if (Array.isArray(value)) return value.map((one) => painted(one, style));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, painted(one, style)]));
    }
    return value;
  };

  taut.put = (id, traces, frame) => {
    const style = getComputedStyle(document.documentElement);
    const data = painted(traces, style);
    const layout = painted(frame, style);
    const back = style.getPropertyValue("--panel").trim();
    const ink = style.getPropertyValue("--ink").trim();
    layout.hoverlabel = { ...layout.hoverlabel, bgcolor: back, bordercolor: ink, font: { color: ink } };
    // Plotly forgets the height when the window changes, and would take that of an empty box.
    taut.room(id, layout.height);
    layout.dragmode = touch ? false : "zoom"; // a finger scrolls the page
    // On paper it is told: it would look for a new width only later, when the page is already laid out.
    if (document.documentElement.dataset.theme) layout.width = document.getElementById(id).clientWidth;
    Plotly.react(id, data, layout, {
      responsive: true,
      displayModeBar: false, // it hides what stands beneath; a double click zooms out again
    });
  };

  taut.redraw = Object.entries(figures).map(([id, { data, layout }]) => () => taut.put(id, data, layout));
  const draw = () => taut.redraw.forEach((one) => one());

  // Their room at once, so that nothing moves later.
  taut.room = (id, height) => { document.getElementById(id).style.height = height + "px"; };
  for (const [id, { layout }] of Object.entries(figures)) taut.room(id, layout.height);

  // One after another, with room for the reader's clicks in between: most figures are far below.
  let next = 0;
  const further = () => {
    if (next < taut.redraw.length) {
      taut.redraw[next++]();
      setTimeout(further);
    } else {
      performance.mark("drawn");
      document.documentElement.dataset.drawn = "";
    }
  };
  // When the whole page is there, and the explorer with it: it may arrive slowly.
  addEventListener("DOMContentLoaded", () => setTimeout(further));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

  // On paper: light, everything unfolded, figures as wide as the paper.
  let closed = [];
  addEventListener("beforeprint", () => {
    document.documentElement.dataset.theme = "light";
    closed = [...document.querySelectorAll("details.code:not([open])")];
    closed.forEach((one) => { one.open = true; });
    draw();
  });
  addEventListener("afterprint", () => {
    delete document.documentElement.dataset.theme;
    closed.forEach((one) => { one.open = false; });
    draw();
    dispatchEvent(new Event("resize")); // as wide as the window again
  });

  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.addEventListener("click", () => {
      const selection = getSelection();
      selection.selectAllChildren(document.getElementById(button.dataset.copy));
      const done = document.execCommand("copy");
      document.getElementById("copied").textContent = done ? "Copied." : "Selected: press Ctrl+C to copy.";
    });
  }
})();
