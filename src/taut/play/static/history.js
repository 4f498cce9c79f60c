// Settings that were: undo and redo, the link, the file.

export class History {
  constructor(settings) {
    this.states = [settings];
    this.at = 0;
  }

  get now() {
    return this.states[this.at];
  }

  /** Remember these, and forget what was undone. */
  put(settings) {
    if (JSON.stringify(settings) === JSON.stringify(this.now)) return;
    this.states = [...this.states.slice(0, this.at + 1), settings].slice(-200);
    this.at = this.states.length - 1;
  }

  get canUndo() {
    return this.at > 0;
  }

  get canRedo() {
    return this.at < this.states.length - 1;
  }

  undo() {
    if (this.canUndo) this.at -= 1;
    return this.now;
  }

  redo() {
    if (this.canRedo) this.at += 1;
    return this.now;
  }
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** What differs from the usual settings: a short link. */
export const differing = (settings, usual) => {
  const patch = {};
  for (const [name, value] of Object.entries(settings)) {
    if (name === "techniques") {
      const changed = Object.entries(value).filter(([one, its]) => !same(its, usual.techniques[one]));
      if (changed.length) patch.techniques = Object.fromEntries(changed);
    } else if (!same(value, usual[name])) patch[name] = value;
  }
  return patch;
};

export const merged = (settings, patch) => {
  const techniques = { ...settings.techniques };
  for (const [name, its] of Object.entries(patch.techniques ?? {})) {
    const before = techniques[name];
    if (before) techniques[name] = { ...before, ...its, values: { ...before.values, ...its.values } };
  }
  return { ...settings, ...patch, techniques };
};

/** A link holds no rows: settings alone, and none of a person's own table. */
export const toHash = (settings, usual) =>
  settings.problem === "own" ? "" : `#${encodeURIComponent(JSON.stringify(differing(settings, usual)))}`;

export const fromHash = (hash) => {
  if (hash.length < 2) return null;
  try {
    const found = JSON.parse(decodeURIComponent(hash.slice(1)));
    return found && typeof found === "object" ? found : null;
  } catch {
    return null;
  }
};
