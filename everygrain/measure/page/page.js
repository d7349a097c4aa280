// One document at a time beside its query. What a document holds is only ever set as text.

import { listen } from "./keys.js";

const at = (id) => document.getElementById(id);
const WORD = 1, EVIDENCE = 2;

let state;            // as the server told it; `items` is kept up to date
let here = null;      // number of the document that shows; null when all are judged
let pending = 0;
let queue = Promise.resolve();
let coming = null;    // {number, loaded}: the document that probably comes next

async function ask(path, body) {
  const sent = body === undefined ? {} : {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  };
  let answer;
  try {
    answer = await fetch(path, sent);
  } catch {
    throw new Error("Not kept: the program does not answer. Start `everygrain judge` again, " +
      "and open the address that it prints.");
  }
  const told = await answer.json();
  if (!answer.ok) throw new Error(`${told.problem} ${told.remedy}`.trim());
  return told;
}

// One action after another; what goes wrong is shown, and nothing moves on.
function run(action) {
  pending += 1;
  queue = queue.then(action).then(
    () => { at("problem").hidden = true; },
    (error) => { at("problem").textContent = error.message; at("problem").hidden = false; },
  ).then(() => { pending -= 1; });
  return queue;
}

function node(tag, text, className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function showParts(target, parts) {
  target.replaceChildren(...parts.map(([text, marks]) => {
    const word = marks & WORD ? node("mark", text) : null;
    if (!(marks & EVIDENCE)) return word ?? document.createTextNode(text);
    const span = node("span", word ? "" : text, "evidence");
    if (word) span.append(word);
    return span;
  }));
}

const isDone = (item) => item.skipped || item.grade !== null;

function nextOpen(from) {
  const count = state.items.length;
  for (let step = 1; step <= count; step += 1) {
    const number = (from + step) % count;
    if (!isDone(state.items[number])) return number;
  }
  return null;
}

function load(number) {
  if (coming?.number !== number) {
    coming = { number, loaded: ask(`item/${number}`) };
    coming.loaded.catch(() => { coming = null; });
  }
  return coming.loaded;
}

async function show(number) {
  const told = number === null ? null : await load(number);
  here = number;
  at("document").hidden = told === null;
  at("finished").hidden = told !== null;
  if (told) {
    showParts(at("title"), told.title);
    showParts(at("text"), told.text.length ? told.text : [["This document has no text.", 0]]);
    at("text").classList.toggle("empty", told.text.length === 0);
  }
  draw();
  at("main").scrollTop = 0;
  at("main").focus({ preventScroll: true });
  const next = number === null ? null : nextOpen(number);
  if (next !== null && next !== number) load(next);
}

function draw() {
  const { items, queries } = state;
  const done = items.filter(isDone).length;
  const skipped = items.filter((item) => item.skipped).length;
  at("progress").max = items.length;
  at("progress").value = done;
  at("judge").textContent = `${state.judge} · ${done} of ${items.length} judged`;
  const item = here === null ? null : items[here];
  const number = item ? item.query : null;
  const mine = item ? items.flatMap((each, i) => (each.query === number ? [i] : [])) : [];
  at("place").textContent = item
    ? `Query ${number + 1} of ${queries.length} · document ${mine.indexOf(here) + 1} of ${mine.length}`
    : `${queries.length} ${queries.length === 1 ? "query" : "queries"}`;
  showParts(at("query"), item ? queries[number].parts : []);
  at("places").replaceChildren(...mine.map((i, k) => place(i, k)));
  document.title = `${done}/${items.length} judged · ${state.judge}`;
  for (const button of at("grades").children) {
    button.setAttribute("aria-pressed", String(item?.grade === Number(button.dataset.grade)));
    button.disabled = !item;
  }
  at("skip").setAttribute("aria-pressed", String(Boolean(item?.skipped)));
  at("skip").disabled = at("write").disabled = !item;
  at("note").value = item?.note ?? "";
  at("note-box").hidden = !item?.note;
  at("finished-counts").textContent = `${done - skipped} of ${items.length} documents have a ` +
    `grade${skipped ? `, ${skipped} skipped` : ""}.`;
}

function place(number, k) {
  const item = state.items[number];
  const told = item.grade !== null ? state.grades[item.grade].name
    : item.skipped ? "skipped" : "not judged";
  const button = node("button", "", item.grade !== null ? `grade-${item.grade}`
    : item.skipped ? "skipped" : "");
  button.title = `Document ${k + 1}: ${told}`;
  button.setAttribute("aria-label", button.title);
  if (number === here) button.setAttribute("aria-current", "true");
  button.addEventListener("click", () => run(() => show(number)));
  return button;
}

function keep({ number, ...said }) {
  Object.assign(state.items[number], said);
}

function judge(changes, told) {
  if (here === null) return queue;
  return run(async () => {
    keep(await ask("change", { number: here, ...changes }));
    at("said").textContent = told;
    await show(nextOpen(here));
  });
}

function move(step) {
  const last = state.items.length - 1;
  const number = here === null ? (step < 0 ? last : 0) : here + step;
  at("said").textContent = "";
  return number < 0 || number > last ? queue : run(() => show(number));
}

function keepNote() {
  const number = here, note = at("note").value;
  if (number === null || note === state.items[number].note) {
    at("note-box").hidden = !note;
    return;
  }
  run(async () => {
    keep(await ask("change", { number, note }));
    at("said").textContent = note ? "Note kept" : "Note removed";
    if (number === here) draw();
  });
}

const actions = {
  busy: () => pending > 0,
  grade: (grade) => judge({ grade }, `Kept: ${grade} ${state.grades[grade].name}`),
  skip: () => judge({ skipped: true }, "Kept: skipped"),
  after: () => move(1),
  before: () => move(-1),
  open: () => run(() => show(nextOpen(here ?? -1))),
  ask: () => at("help").showModal(),
  write: () => {
    if (here === null) return;
    at("note-box").hidden = false;
    at("note").focus();
  },
  undo: () => run(async () => {
    const told = await ask("undo", {});
    if (told.number === null) {
      at("said").textContent = "There is nothing to take back";
      return;
    }
    keep(told);
    at("said").textContent = "Taken back";
    await show(told.number);
  }),
};

function gradeButton({ grade, name, meaning }) {
  const button = node("button", "");
  button.dataset.grade = grade;
  button.setAttribute("aria-keyshortcuts", String(grade));
  button.append(node("kbd", grade), node("span", name, "name"), node("span", meaning, "meaning"));
  button.addEventListener("click", () => actions.grade(grade));
  return button;
}

function helpRow({ grade, name, meaning }) {
  const row = node("div", ""), key = node("dt", "");
  key.append(node("kbd", grade));
  row.append(key, node("dd", `${name}: ${meaning}`));
  return row;
}

at("note").addEventListener("blur", keepNote);
window.addEventListener("beforeunload", (event) => {
  if (here !== null && at("note").value !== state.items[here].note) event.preventDefault();
});
run(async () => {
  state = await ask("state");
  at("grades").replaceChildren(...state.grades.map(gradeButton));
  at("help-grades").replaceChildren(...state.grades.map(helpRow));
  at("note").maxLength = state.longest_note;
  listen(actions);
  await show(nextOpen(-1));
});
