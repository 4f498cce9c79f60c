// The controls: made from what the session tells of problems and techniques, so that a new technique appears by itself.

const STEPS = 1000; // of a slider

/** From a slider's place to a value, and back. */
export const scaleOf = ({ scale, low, high }) => {
  if (scale === "log") {
    const span = Math.log(high / low);
    return {
      value: (place) => low * Math.exp((span * place) / STEPS),
      place: (value) => (STEPS * Math.log(Math.max(value, low) / low)) / span,
    };
  }
  return {
    value: (place) => low + ((high - low) * place) / STEPS,
    place: (value) => (STEPS * (value - low)) / (high - low),
  };
};

const digits = (value, whole) => (whole ? Math.max(1, Math.round(value)) : Number(value.toPrecision(2)));

/** An element with properties, attributes (data-, aria-) and children. */
export const element = (name, properties = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (/^(data|aria)-/.test(key)) made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
};

const FIELDS = {
  training: [
    { name: "hidden", title: "Hidden layers (widths)", kind: "widths", full: true },
    { name: "activation", title: "Activation", kind: "activations" },
    { name: "learning_rate", title: "Learning rate", kind: "number", step: "any" },
    { name: "batch_size", title: "Batch size", kind: "number", step: 1 },
    { name: "max_epochs", title: "Epochs", kind: "number", step: 1 },
    { name: "n_bins", title: "Pieces of each number", kind: "number", step: 1 },
  ],
  rows: [
    { name: "problem", title: "Problem", kind: "problems", full: true },
    { name: "n_rows", title: "Rows", kind: "number", step: 1, toy: true },
    { name: "noise", title: "Noise", kind: "number", step: 0.05, toy: true },
    { name: "held_out", title: "Share held out", kind: "number", step: 0.05 },
    { name: "random_state", title: "Seed", kind: "number", step: 1 },
  ],
};

/**
 * Draw all controls. `told` is what the session told; `changed(patch, done)` is called with what was changed,
 * `done` once a slider is let go.
 */
export const makeControls = (told, changed) => {
  const shown = {}; // by control: how it shows a setting
  const techniques = document.getElementById("techniques");
  techniques.replaceChildren(...told.techniques.map((one) => technique(one, shown, changed)));
  for (const [id, fields] of Object.entries(FIELDS)) {
    document.getElementById(id).replaceChildren(...fields.map((one) => field(one, told, shown, changed)));
  }
  return {
    show(settings) {
      for (const [name, show] of Object.entries(shown)) show(settings, name);
      const problem = told.problems.find((one) => one.name === settings.problem);
      for (const one of FIELDS.rows) {
        if (one.toy) document.getElementById(`set-${one.name}`).closest(".field").hidden = !problem?.toy;
      }
      document.getElementById("set-noise").title = problem?.noise ?? "";
    },
    wrong(sentences) {
      for (const place of document.querySelectorAll(".wrong")) place.hidden = true;
      for (const input of document.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
      const left = [];
      for (const [name, sentence] of Object.entries(sentences)) {
        const place = document.getElementById(`wrong-${name}`);
        if (!place) left.push(sentence);
        else {
          place.textContent = sentence;
          place.hidden = false;
          place.parentElement.querySelector(`[aria-describedby="${place.id}"]`)?.setAttribute("aria-invalid", "true");
        }
      }
      return left.join(" ");
    },
    did(name, sentence, sure) {
      const place = document.getElementById(`did-${name}`);
      place.textContent = sentence;
      place.className = sure ? "did" : "did chance";
    },
    nothingDid() {
      for (const place of document.querySelectorAll(".did")) place.textContent = "";
    },
  };
};

const technique = (one, shown, changed) => {
  const on = element("input", { type: "checkbox", id: `on-${one.name}` });
  on.setAttribute("role", "switch");
  const box = element("fieldset", { className: "technique", id: `technique-${one.name}` });
  const legend = element("legend", { className: "unseen", textContent: one.title });
  const head = element("div", { className: "head" }, element("label", {}, on, one.title));
  on.addEventListener("change", () => changed({ techniques: { [one.name]: { on: on.checked } } }, true));
  shown[`on-${one.name}`] = (settings) => {
    on.checked = settings.techniques[one.name].on;
    box.classList.toggle("on", on.checked);
  };
  const parameters = one.parameters.map((parameter, i) => strength(one, parameter, i === 0, shown, changed));
  box.append(
    legend,
    head,
    ...parameters,
    element("p", { className: "wrong", id: `wrong-techniques.${one.name}`, hidden: true }),
    element("p", { className: "did", id: `did-${one.name}` }),
    element(
      "details",
      {},
      element("summary", { textContent: `What ${lower(one.title)} does` }),
      element("p", { textContent: one.what }),
      element("p", { textContent: `Raising it: ${lower(one.raising)}` }),
    ),
  );
  return box;
};

const lower = (text) => (/^[A-Z][a-z ]/.test(text) ? text[0].toLowerCase() + text.slice(1) : text);

/** One parameter: a slider where it is the strength, and a number box. */
const strength = (one, parameter, first, shown, changed) => {
  const id = `${one.name}-${parameter.name}`;
  const number = element("input", { type: "number", id: `number-${id}`, step: "any", autocomplete: "off" });
  const wrong = element("p", {
    className: "wrong", id: `wrong-techniques.${one.name}.${parameter.name}`, hidden: true,
  });
  number.setAttribute("aria-describedby", wrong.id);
  const set = (value, done) => {
    // A strength that is moved is wanted.
    const patch = { values: { [parameter.name]: value } };
    if (first) patch.on = true;
    changed({ techniques: { [one.name]: patch } }, done);
  };
  number.addEventListener("change", () => number.value !== "" && set(Number(number.value), true));
  const label = element("label", { textContent: parameter.title });
  if (!first) {
    label.htmlFor = number.id;
    shown[id] = (settings) => put(number, settings.techniques[one.name].values[parameter.name]);
    return element("div", { className: "parameter alone" }, label, number, wrong);
  }
  const scale = scaleOf(one);
  const slider = element("input", {
    type: "range", id: `slider-${id}`, min: 0, max: STEPS, step: 1, autocomplete: "off",
  });
  label.htmlFor = slider.id;
  number.setAttribute("aria-label", `${one.title}: ${parameter.title}`);
  slider.addEventListener("input", () => {
    const value = digits(scale.value(Number(slider.value)), parameter.whole);
    put(number, value);
    set(value, false);
  });
  slider.addEventListener("change", () => changed({}, true));
  shown[id] = (settings) => {
    const value = settings.techniques[one.name].values[parameter.name];
    if (document.activeElement !== slider) slider.value = scale.place(value);
    slider.setAttribute("aria-valuetext", String(value));
    put(number, value);
  };
  return element("div", { className: "parameter" }, label, slider, number, wrong);
};

const put = (input, value) => {
  if (document.activeElement !== input || Number(input.value) !== value) input.value = value;
};

const field = (one, told, shown, changed) => {
  const id = `set-${one.name}`;
  let input;
  let read = (text) => Number(text);
  let write = (value) => value;
  if (one.kind === "problems" || one.kind === "activations") {
    const choices = told[one.kind].map((choice) =>
      typeof choice === "string" ? { name: choice, title: choice } : choice,
    );
    input = element(
      "select", { id }, ...choices.map(({ name, title }) => element("option", { value: name, textContent: title })),
    );
    read = (text) => text;
  } else if (one.kind === "widths") {
    input = element("input", { id, type: "text", inputMode: "numeric", spellcheck: false, autocomplete: "off" });
    read = (text) => text.split(/[\s,×x-]+/).filter(Boolean).map(Number);
    write = (widths) => (Array.isArray(widths) ? widths.join(", ") : widths);
  } else {
    input = element("input", { id, type: "number", step: one.step, autocomplete: "off" });
  }
  const wrong = element("p", { className: "wrong", id: `wrong-${one.name}`, hidden: true });
  input.setAttribute("aria-describedby", wrong.id);
  input.addEventListener("change", () => {
    const patch = { [one.name]: read(input.value) };
    const problem = one.name === "problem" && told.problems.find((other) => other.name === input.value);
    if (problem?.toy) patch.noise = problem.usual;
    changed(patch, true);
  });
  shown[id] = (settings) => {
    const value = String(write(settings[one.name]));
    if (document.activeElement !== input || input.tagName === "SELECT") input.value = value;
  };
  return element(
    "div", { className: one.full ? "field full" : "field" },
    element("label", { htmlFor: id, textContent: one.title }), input, wrong,
  );
};
