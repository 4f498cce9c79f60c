// The page: talks to its session, shows what it tells, and remembers what was set.

import { element, makeControls } from "./controls.js";
import { drawCurves, drawView, drawWeights, onResize, paintCurves, paintSaid, paintWeights, repaint } from "./figures.js";
import { History, fromHash, merged, toHash } from "./history.js";

const by = (id) => document.getElementById(id);
const AGAIN_MS = 1000;
const EMPTY_MS = 150;
const REST_MS = 300;
const MOST_PINS = 12;

const page = {
  socket: null, told: null, history: null, settings: null, controls: null, run: null, last: null, pins: [],
  codeShown: false, challenge: null, state: "running",
};

const ask = (message) => {
  if (page.socket?.readyState === WebSocket.OPEN) page.socket.send(JSON.stringify(message));
};

const trouble = (sentence) => {
  by("trouble").textContent = sentence;
  by("trouble").hidden = !sentence;
};

// --- numbers in words ----------------------------------------------------------------------------------------

const number = (value) => {
  if (value === null || value === undefined) return "–";
  if (value !== 0 && (Math.abs(value) >= 1e7 || Math.abs(value) < 1e-4)) return value.toExponential(2);
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : String(Number(value.toPrecision(3)));
};
const share = (value) => (value === 0 ? "0 %" : value < 0.001 ? "< 0.1 %" : `${(100 * value).toFixed(1)} %`);
const scored = (value, run) =>
  value === null ? "–" : run.task === "classification" ? `${(100 * value).toFixed(1)} %` : value.toFixed(3);

const labelOf = (settings) => {
  const on = page.told.controls.techniques.filter((one) => settings.techniques[one.name].on);
  const names = on.map((one) => {
    const first = one.parameters[0];
    const strength = first ? ` ${settings.techniques[one.name].values[first.name]}` : "";
    return `${one.title}${strength}`;
  });
  const widths = settings.hidden.join("-") || "linear";
  return `${names.join(" + ") || "no regularization"} (${widths}, seed ${settings.random_state})`;
};

// --- what is set ---------------------------------------------------------------------------------------------

let wanted = null; // settings to be sent with the next frame of the screen
const send = (settings) => {
  if (!wanted) {
    requestAnimationFrame(() => {
      const onward = document.querySelector('input[name="mode"]:checked').value === "onward";
      ask({ do: "set", settings: wanted, onward });
      wanted = null;
    });
  }
  wanted = settings;
};

const take = (settings) => {
  page.settings = settings;
  page.controls.show(settings);
};

const changed = (patch, done) => {
  const settings = merged(page.settings, patch);
  if (Object.keys(patch).length) {
    page.controls.wrong({});
    take(settings);
    send(settings);
  }
  if (done) remember(settings);
};

const remember = (settings) => {
  page.history.put(settings);
  showHistory();
};

const showHistory = () => {
  by("undo").disabled = !page.history.canUndo;
  by("redo").disabled = !page.history.canRedo;
  history.replaceState(null, "", toHash(page.settings, page.told.usual) || location.pathname);
};

const goTo = (settings) => {
  page.controls.wrong({});
  take(settings);
  send(settings);
  showHistory();
};

// --- what is shown -------------------------------------------------------------------------------------------

const pale = () => {
  const kept = page.pins.filter((one) => one.loss === page.run.loss && one.problem === page.run.settings.problem);
  const last = page.last && page.last.loss === page.run.loss ? [page.last] : [];
  return [...kept, ...last];
};

const showNumbers = (run) => {
  const { numbers } = run;
  by("n-train").textContent = number(numbers?.train ?? null);
  by("n-validation").textContent = number(numbers?.validation ?? null);
  by("n-gap").textContent = number(numbers?.gap ?? null);
  by("n-score").textContent = scored(numbers?.score ?? null, run);
  by("n-score-name").textContent = run.task === "classification" ? "Accuracy" : "R²";
  by("n-zero").textContent = numbers ? share(numbers.zero_share) : "–";
  by("n-dead").textContent = numbers ? `${numbers.dead} of ${numbers.units}` : "–";
  by("epoch").textContent = `epoch ${run.train.length}`;
};

const showConfusion = (run) => {
  by("confusion-figure").hidden = !run.confusion;
  if (!run.confusion) return;
  const head = element("tr", {}, element("td"), ...run.classes.map((one) => element("th", { scope: "col", textContent: one })));
  const rows = run.confusion.map((counts, i) =>
    element("tr", {}, element("th", { scope: "row", textContent: run.classes[i] }),
      ...counts.map((count, j) => element("td", { textContent: count, className: i === j ? "right" : "" }))));
  by("confusion").replaceChildren(element("thead", {}, head), element("tbody", {}, ...rows));
};

const showWords = (run) => {
  showNumbers(run);
  by("seen").textContent = run.seen ?? "";
  if (run.weights) {
    const zeros = run.numbers.zero_share;
    by("weights-see").textContent = `How large the weights are; ${zeros ? share(zeros) : "none"} of them ${zeros ? "are" : "is"} exactly zero.`;
  }
  showConfusion(run);
};

/** All figures as they are at rest: to hover over, to zoom into. */
const draw = () => {
  const { run } = page;
  if (!run) return;
  clearTimeout(page.resting);
  showWords(run);
  drawCurves(run, pale());
  paintSaid(run);
  if (run.weights) drawWeights(run.weights);
  document.documentElement.dataset.rest = `${run.number}:${run.train.length}`;
};

/** What moves alone; the rest waits until nothing has come for a while. */
const paintNow = () => {
  const { run } = page;
  showWords(run);
  paintCurves(run, pale());
  paintSaid(run);
  if (run.weights) paintWeights(run.weights);
  clearTimeout(page.resting);
  page.resting = setTimeout(draw, REST_MS);
};

const showState = () => {
  const words = { running: "Pause", paused: "Run", over: "Run again", diverged: "Run again" };
  by("run").textContent = words[page.state];
  document.documentElement.dataset.state = page.state;
};

const showView = () => {
  const { view } = page.run;
  const several = view.choices.length > 2 || (view.choices.length === 2 && view.kind === "curve");
  by("view-choice").hidden = !several;
  const options = () => view.choices.map((name, i) => element("option", { value: i, textContent: name }));
  by("view-x").replaceChildren(...options());
  by("view-y").replaceChildren(...options());
  by("view-x").value = view.columns[0] ?? "";
  by("view-y").value = view.columns[1] ?? view.columns[0] ?? "";
  const others = view.others ? ` The ${view.others} other columns are at their medians, or their most frequent values.` : "";
  by("view-see").textContent = view.kind === "none"
    ? "The table has no column of numbers to look along."
    : `Filled marks are held-out rows, open ones train.${view.picked ? " Along the two columns that the first network used most." : ""}${others}`;
  drawView(page.run);
};

// --- what the session tells ----------------------------------------------------------------------------------

const hear = {
  hello(message) {
    trouble("");
    const again = page.told !== null;
    page.told = { ...message };
    page.controls = makeControls(message.controls, changed);
    const asked = again ? page.settings : fromHash(location.hash);
    const settings = asked ? merged(message.settings, asked) : message.settings;
    if (!again) {
      page.history = new History(settings);
      makeChallenges();
    }
    take(settings);
    if (page.challenge) ask({ do: "challenge", name: page.challenge.name }); // the session is a new one
    if (asked) ask({ do: "set", settings });
    askPace();
    document.documentElement.dataset.connected = "";
  },
  run(message) {
    if (page.run?.train.length > 1 && page.run.numbers) {
      const { train, validation, loss, settings } = page.run;
      page.last = { train, validation, loss, problem: settings.problem, label: "the run before" };
      if (settings.problem !== message.settings.problem) page.last = null;
    }
    page.run = { ...message, train: [], validation: [], view: page.run?.view ?? null, lastEpoch: message.settings.max_epochs };
    page.run.number = message.run;
    page.controls.nothingDid();
    by("notes").hidden = !message.notes.length;
    by("notes-list").replaceChildren(...message.notes.map((one) => element("li", { textContent: one })));
    trouble("");
    page.state = message.state;
    showState();
    // Its first epoch comes at once, unless it waits: an empty figure in between would only flicker.
    setTimeout(() => page.run.train.length === 0 && schedule(), EMPTY_MS);
  },
  view(message) {
    page.run.view = message;
    showView();
  },
  frame(message) {
    const { run } = page;
    if (!run || message.run !== run.number) return;
    run.train = [...run.train.slice(0, message.from), ...message.train];
    run.validation = [...run.validation.slice(0, message.from), ...message.validation];
    Object.assign(run, {
      kept: message.kept, numbers: message.numbers, weights: message.weights, confusion: message.confusion,
      said: message.said, seen: message.seen,
    });
    page.state = message.state;
    showState();
    schedule();
    if (message.state !== "running") by("spoken").textContent = message.seen;
    if (page.codeShown && message.state === "over") ask({ do: "code" });
  },
  changed(message) {
    if (page.run && message.run === page.run.number) {
      page.run.settings = message.settings;
      page.run.lastEpoch = message.settings.max_epochs;
      page.controls.nothingDid();
    }
  },
  without(message) {
    if (message.run === page.run?.number) page.controls.did(message.technique, message.sentence, message.sure);
  },
  code(message) {
    by("codes").replaceChildren(
      ...message.codes.map(({ name, title, code }) => {
        const pre = element("pre", { tabIndex: 0 }, element("code", { textContent: code, id: `code-${name}` }));
        pre.setAttribute("aria-label", `Code for ${title}`);
        const copy = element("button", { type: "button", textContent: "Copy" });
        copy.addEventListener("click", () => copied(code));
        return element("details", { open: name === "taut" }, element("summary", { textContent: title }), copy, pre);
      }),
    );
  },
  checked(message) {
    by("challenge-outcome").textContent = `${message.solved ? "Solved. " : "Not yet. "}${message.sentence}`;
    if (message.solved) by(`challenge-${message.name}`).classList.add("solved");
  },
  wrong(message) {
    trouble(page.controls.wrong(message.sentences));
  },
  fault(message) {
    trouble(message.sentence);
    page.state = "paused";
    showState();
  },
  refused(message) {
    page.refused = true;
    trouble(message.sentence);
  },
};

// At most one drawing a frame of the screen, however many messages came.
let due = false;
const schedule = () => {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    paintNow();
    document.documentElement.dataset.epoch = page.run.train.length;
    document.documentElement.dataset.run = page.run.number;
  });
};

const connect = () => {
  const address = new URL("session", location.href);
  address.protocol = "ws:";
  address.hash = "";
  page.socket = new WebSocket(address);
  page.socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(data);
    hear[message.type]?.(message);
  });
  page.socket.addEventListener("close", () => {
    delete document.documentElement.dataset.connected;
    if (page.refused) return;
    trouble("The connection to taut play is lost; trying again. If it was ended, start it anew and load its address.");
    setTimeout(connect, AGAIN_MS);
  });
};

// --- buttons and keys ----------------------------------------------------------------------------------------

const runOrPause = () => {
  if (page.state === "running") ask({ do: "pause" });
  else if (page.state === "paused") ask({ do: "resume" });
  else ask({ do: "set", settings: page.settings });
  if (page.state === "running") page.state = "paused";
  else page.state = "running";
  showState();
};
const step = () => {
  if (page.state === "over" || page.state === "diverged") ask({ do: "reset" });
  ask({ do: "step" });
};
const reset = () => ask({ do: "reset" });
const undo = () => page.history.canUndo && goTo(page.history.undo());
const redo = () => page.history.canRedo && goTo(page.history.redo());

const pin = () => {
  const { run } = page;
  if (!run?.numbers) return;
  const { train, validation, kept, numbers, seen, settings, loss, task, target } = run;
  page.pins.push({
    label: labelOf(settings), problem: settings.problem, settings, train, validation, kept, numbers, seen, loss, task, target,
  });
  page.pins = page.pins.slice(-MOST_PINS);
  showPins();
  draw();
};

const showPins = () => {
  by("no-pins").hidden = page.pins.length > 0;
  by("pins-scroll").hidden = page.pins.length === 0;
  by("pins-rows").replaceChildren(
    ...page.pins.map((one, i) => {
      const load = element("button", { type: "button", textContent: "Load" });
      load.setAttribute("aria-label", `Load ${one.label}`);
      load.addEventListener("click", () => {
        goTo(one.settings);
        remember(one.settings);
      });
      const unpin = element("button", { type: "button", textContent: "Unpin" });
      unpin.setAttribute("aria-label", `Unpin ${one.label}`);
      unpin.addEventListener("click", () => {
        page.pins.splice(i, 1);
        showPins();
        draw();
      });
      const cells = [
        number(one.numbers.validation), number(one.numbers.train), number(one.numbers.gap), scored(one.numbers.score, one),
        one.kept, share(one.numbers.zero_share),
      ];
      return element("tr", {}, element("th", { scope: "row", textContent: one.label }),
        ...cells.map((cell) => element("td", { textContent: cell })), element("td", {}, load, " ", unpin));
    }),
  );
};

const KEYS = { " ": runOrPause, s: step, r: reset, p: pin };
addEventListener("keydown", (event) => {
  if (!page.history) return;
  const typing = event.target.closest("input[type=text], input[type=number], select, textarea");
  if ((event.ctrlKey || event.metaKey) && !typing) {
    const back = event.key.toLowerCase() === "z" && !event.shiftKey;
    const on = (event.key.toLowerCase() === "z" && event.shiftKey) || event.key.toLowerCase() === "y";
    if (back || on) {
      event.preventDefault();
      (back ? undo : redo)();
    }
    return;
  }
  if (typing || event.altKey || event.ctrlKey || event.metaKey) return;
  // A button, a switch and a summary have a use of their own for the space bar.
  if (event.key === " " && event.target.closest("button, summary, input")) return;
  const act = KEYS[event.key.toLowerCase()];
  if (act) {
    event.preventDefault();
    act();
  }
});

for (const [id, act] of Object.entries({ run: runOrPause, step, reset, pin, undo, redo })) {
  by(id).addEventListener("click", act);
}
const askPace = () => ask({ do: "pace", epochs_a_second: Number(by("pace").value) });
by("pace").addEventListener("change", askPace);
for (const id of ["view-x", "view-y"]) {
  by(id).addEventListener("change", () => {
    const columns = [...new Set([Number(by("view-x").value), Number(by("view-y").value)])];
    ask({ do: "look", columns });
  });
}

// --- challenges ----------------------------------------------------------------------------------------------

const makeChallenges = () => {
  by("challenge-list").replaceChildren(
    ...page.told.challenges.map((one) => {
      const button = element("button", { type: "button", id: `challenge-${one.name}`, textContent: one.title, "aria-pressed": "false" });
      button.addEventListener("click", () => begin(one));
      return button;
    }),
  );
};

const begin = (one) => {
  page.challenge = one;
  for (const button of by("challenge-list").children) button.setAttribute("aria-pressed", button.id === `challenge-${one.name}`);
  by("challenge").hidden = false;
  by("challenge-title").textContent = one.title;
  by("challenge-goal").textContent = one.goal;
  by("challenge-outcome").textContent = "";
  by("challenge-hint-text").textContent = one.hint;
  by("challenge-why-text").textContent = one.why;
  by("challenge-hint").open = by("challenge-why").open = false;
  document.querySelector('input[name="mode"][value="anew"]').checked = true;
  const settings = merged(page.told.usual, one.start);
  take(settings);
  remember(settings);
  ask({ do: "challenge", name: one.name });
};

by("challenge-answer").addEventListener("click", () => {
  const settings = merged(merged(page.told.usual, page.challenge.start), page.challenge.answer);
  goTo(settings);
  remember(settings);
});

// --- to take away --------------------------------------------------------------------------------------------

const said = (sentence) => {
  by("away-said").textContent = sentence;
};

const copied = (text) => {
  const area = element("textarea", { value: text });
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  said(done ? "Copied." : "It could not be copied: select it, and press Ctrl+C.");
};

const download = (blob, name) => {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
};

by("show-code").addEventListener("click", () => {
  page.codeShown = true;
  ask({ do: "code" });
});
by("copy-link").addEventListener("click", () => {
  if (page.settings.problem === "own") said("A link holds no table: save the settings as a file.");
  else copied(location.href);
});
by("save-settings").addEventListener("click", () => {
  download(new Blob([`${JSON.stringify(page.settings, null, 2)}\n`], { type: "application/json" }), "taut-play.json");
  said("The settings are saved; no row is among them.");
});
by("load-settings").addEventListener("click", () => by("settings-file").click());
by("settings-file").addEventListener("change", async () => {
  const [file] = by("settings-file").files;
  by("settings-file").value = "";
  try {
    const found = JSON.parse(await file.text());
    if (typeof found !== "object" || Array.isArray(found)) throw new Error("no settings");
    const settings = merged(page.settings, found);
    goTo(settings);
    remember(settings);
    said("Loaded.");
  } catch {
    said("This file has no settings of taut play.");
  }
});
by("save-page").addEventListener("click", async () => {
  if (!page.pins.length) pin();
  if (!page.pins.length) return;
  said("Writing the page …");
  try {
    const answer = await fetch("save", { method: "POST", body: JSON.stringify({ runs: page.pins }) });
    if (!answer.ok) throw new Error((await answer.json()).sentence);
    download(await answer.blob(), "taut-play.html");
    said("The page is saved: it needs no server and no internet.");
  } catch (error) {
    said(error.message || "The page could not be saved.");
  }
});

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  repaint();
  if (page.run?.view) showView();
  draw();
});

onResize(() => page.run?.view && draw());
connect();
