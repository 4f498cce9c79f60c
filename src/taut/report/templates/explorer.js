"use strict";
(() => {
  const { start, plane, techniques } = JSON.parse(document.getElementById("explorer-data").textContent);
  const strength = document.getElementById("explorer-strength");
  const radios = [...document.querySelectorAll('input[name="explorer-technique"]')];
  const said = document.getElementById("explorer-said");
  const numbers = [...document.querySelectorAll("#explorer-numbers dd")];
  const at = {}; // where the slider was left, by technique
  let name = start;

  // What is not known is said in words in the figure's place.
  const show = (id, known, put) => {
    const box = document.getElementById(id);
    if (!box) return;
    box.hidden = !known;
    document.getElementById(id + "-absent").hidden = known;
    if (known) put(id);
  };

  const look = () => {
    const technique = techniques[name];
    const place = Number(strength.value);
    const point = technique.points[place];
    at[name] = place;
    strength.setAttribute("aria-valuetext", technique.labels[place]);
    document.getElementById("explorer-label").textContent = technique.labels[place];
    said.textContent = point.said;
    numbers.forEach((one, i) => { one.textContent = point.numbers[i]; });

    taut.put("explorer-curves", point.curves, { ...technique.curves, ...point.mark });
    const lines = technique.path.data;
    const here = { ...lines[lines.length - 1], x: [point.at[0]], y: [point.at[1]] };
    taut.put("explorer-path", [...lines.slice(0, -1), here], technique.path.layout);
    show("explorer-weights", point.weights !== null, (id) => {
      const { range, annotations } = point.weightsLayout;
      const yaxis = { ...technique.weights.yaxis, range };
      taut.put(id, point.weights, { ...technique.weights, yaxis, annotations });
    });
    show("explorer-surface", point.surface !== null, (id) => {
      taut.put(id, [{ ...plane.surface, z: point.surface }, ...plane.rows], plane.layout);
    });
  };

  const choose = () => {
    const technique = techniques[name];
    const chosen = at[name] ?? technique.start;
    strength.max = technique.points.length - 1;
    strength.value = chosen;
    for (const one of document.querySelectorAll("[data-technique]")) one.hidden = one.dataset.technique !== name;
    look();
  };

  for (const radio of radios) {
    radio.checked = radio.value === name;
    radio.addEventListener("change", () => { name = radio.value; choose(); });
  }
  strength.addEventListener("input", look);
  const first = techniques[start];
  for (const [id, layout] of [["curves", first.curves], ["path", first.path.layout], ["weights", first.weights]]) {
    taut.room("explorer-" + id, layout.height);
  }
  let begun = false;
  taut.redraw.push(() => {
    if (begun) return look();
    begun = true;
    choose();
    // A strength may be pointed at in the figure, too.
    document.getElementById("explorer-path").on("plotly_click", ({ points }) => {
      strength.value = Math.round(points[0].x);
      look();
    });
  });
})();
