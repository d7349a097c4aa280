// Keys and buttons -> the same actions.

const KEYS = {
  j: "after", ArrowRight: "after", k: "before", ArrowLeft: "before",
  g: "open", s: "skip", u: "undo", n: "write", "?": "ask",
};

// actions: name -> function; `busy` tells whether one is under way, `grade` takes a grade.
export function listen(actions) {
  for (const name of ["before", "after", "skip", "undo", "write", "ask"]) {
    document.getElementById(name).addEventListener("click", () => actions[name]());
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target instanceof HTMLTextAreaElement) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (document.querySelector("dialog[open]")) return;
    const isGrade = /^[0-3]$/.test(event.key);
    const name = isGrade ? "grade" : KEYS[event.key];
    if (!name) return;
    event.preventDefault();
    // a key held down, or hit before the last one is kept, must not judge an unread document
    const moves = name === "after" || name === "before";
    if (actions.busy() || (event.repeat && !moves)) return;
    actions[name](isGrade ? Number(event.key) : undefined);
  });
}
