// What the pages do more where scripts run: keys, and marks without a new page. All of it also
// works without: every mark is a form, every form leads back.

import { listen } from "./keys.js";

document.documentElement.classList.add("js");
const said = document.querySelector("#said");

function tell(text, wrong = false) {
  said.classList.toggle("wrong", wrong);
  said.textContent = text;
}

function show(form, name, value) {
  for (const button of form.querySelectorAll(`[data-${name}]`)) {
    const pressed = button.dataset[name] === value;
    button.setAttribute("aria-pressed", String(pressed));
    button.value = pressed ? (name === "mark" ? "none" : "") : button.dataset[name];
  }
}

async function send(form, button) {
  const body = new URLSearchParams(new FormData(form, button));
  const headers = { Accept: "application/json" };
  try {
    const answer = await fetch(form.action, { method: "POST", body, headers, redirect: "error" });
    const told = await answer.json();
    if (!answer.ok) {
      tell(`${told.problem} ${told.remedy}`, true);
      return;
    }
    if (told.interest) {
      for (const field of document.querySelectorAll('.marks input[name="interest"][value=""]')) {
        field.value = told.interest;
      }
    }
    if ("mark" in told) show(form, "mark", told.mark);
    if ("grade" in told) show(form, "grade", told.grade);
    tell(told.said);
  } catch {
    tell("The room did not answer. Is its server still running?", true);
  } finally {
    delete form.dataset.busy;
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-quiet]") || !event.submitter) return;
  event.preventDefault();
  if (form.dataset.busy) return;
  form.dataset.busy = "1";
  send(form, event.submitter);
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-at-once]")) event.target.form.requestSubmit();
});

document.querySelector("#keys-button")?.addEventListener("click", (event) => {
  event.preventDefault();
  document.querySelector("#keys").showModal();
});

listen();
