// The explorer's window, the same in a notebook (an anywidget) and on the page: it asks, and shows what it is told.
// `model` has send(request, callbacks, buffers) and on("msg:custom", listener); `el` is an empty element.

const PIECE = 2 ** 21; // bytes of a file per message, below every limit of Jupyter's websockets

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

function option(value, text) {
  return make("option", { value }, text);
}

function render({ model, el }) {
  const state = { runs: [], pictures: [], attributes: [], seed: 0, picture: null, waiting: false, next: null };
  const field = (text, control) => make("label", { class: "fx-field" }, make("span", {}, text), control);
  const method = make("select", { name: "method", onchange: () => chooseRun() });
  const beside = make("select", { name: "beside", onchange: () => ask() });
  const attribute = make("select", { name: "attribute", onchange: () => { fillValues(); mark(); ask(); } });
  const value = make("select", { name: "value", onchange: () => ask() });
  const number = make("input", { type: "number", min: 0, name: "row", onchange: () => pick({ row: Number(number.value) }) });
  const strip = make("div", { class: "fx-strip", role: "group", "aria-label": "pictures of the test split" });
  const file = make("input", { type: "file", class: "fx-file", "aria-label": "your own picture", onchange: () => { take(file.files[0]); file.value = ""; } });
  const drop = make("label", { class: "fx-drop" }, file, "Your own picture: choose a file, or drop it here");
  const more = make("button", { type: "button", class: "fx-more", onclick: () => { state.seed += 1; list(); } }, "Other pictures");
  const status = make("p", { class: "fx-status", role: "status", "aria-live": "polite" }, "Starting …");
  const answer = make("div", { class: "fx-result" });
  const valueField = field("Change to", value);
  const attributeWords = make("span", {}, "Attribute");
  const attributeField = make("label", { class: "fx-field" }, attributeWords, attribute);
  const root = make("div", { class: "fx" },
    make("div", { class: "fx-controls" }, field("Method", method), field("Beside it", beside), attributeField, valueField, field("Picture number", number)),
    make("div", { class: "fx-choose" }, strip, make("div", { class: "fx-buttons" }, more, drop)),
    status, answer);
  el.replaceChildren(root);

  const send = (request, buffer) => model.send(request, undefined, buffer ? [buffer] : []);
  const run = () => state.runs.find((one) => one.key === method.value);

  function say(text, error = false) {
    status.textContent = text;
    status.classList.toggle("fx-error", error);
  }

  function fillRuns(runs) {
    state.runs = runs;
    const groups = new Map();
    for (const one of runs) groups.set(one.group, [...(groups.get(one.group) || []), one]);
    method.replaceChildren(...[...groups].map(([label, ones]) => make("optgroup", { label }, ...ones.map((one) => option(one.key, one.title)))));
    chooseRun();
  }

  function chooseRun() {
    const chosen = run(), before = beside.value;
    const others = state.runs.filter((one) => one.key !== chosen.key && one.pictures === chosen.pictures && one.manipulates === chosen.manipulates);
    beside.replaceChildren(option("", "nothing"), ...others.map((one) => option(one.key, one.title)));
    if (others.some((one) => one.key === before)) beside.value = before;
    const same = state.listed && state.listed.pictures === chosen.pictures && state.listed.manipulates === chosen.manipulates;
    if (!same) { state.picture = null; answer.replaceChildren(); }
    state.listed = { pictures: chosen.pictures, manipulates: chosen.manipulates };
    list();
  }

  function list() {
    send({ kind: "pictures", run: method.value, seed: state.seed });
  }

  function fillPictures(told) {
    if (told.run !== method.value) return;
    const before = attribute.value;
    state.attributes = told.attributes;
    state.pictures = told.pictures;
    attribute.replaceChildren(...told.attributes.map((one) => option(one.name, one.words)));
    if (!state.picture) state.picture = { row: told.pictures[0].row };
    if (told.attributes.some((one) => one.name === before)) attribute.value = before;
    else if (told.pictures[0].shows.length) attribute.value = told.pictures[0].shows[0];
    attributeWords.textContent = run().manipulates ? "Change" : "Attribute";
    valueField.hidden = !run().manipulates;
    fillValues();
    number.max = told.last;
    strip.replaceChildren(...told.pictures.map((one) => make("button", { type: "button", "data-row": one.row, class: "fx-picture", onclick: () => pick({ row: one.row }) }, make("img", { src: one.src, alt: "" }))));
    mark();
    ask();
  }

  function fillValues() {
    const found = state.attributes.find((one) => one.name === attribute.value);
    const before = value.value;
    value.replaceChildren(...(found ? found.values : []).map((one) => option(one.name, one.words)));
    if (found && found.values.some((one) => one.name === before)) value.value = before;
  }

  function mark() {
    number.value = state.picture.own ? "" : state.picture.row;
    const words = (state.attributes.find((one) => one.name === attribute.value) || {}).words;
    for (const [place, one] of [...strip.children].entries()) {
      const { row, shows } = state.pictures[place], known = shows.includes(attribute.value);
      const name = `picture ${row}${known ? "" : `, ${words} not known`}`;
      one.setAttribute("aria-pressed", String(!state.picture.own && row === state.picture.row));
      one.setAttribute("aria-label", name);
      one.title = name;
      one.classList.toggle("fx-without", !known);
    }
  }

  function pick(picture) {
    state.picture = picture;
    mark();
    ask();
  }

  function ask() {
    if (!state.picture || !method.value) return;
    const runs = beside.value ? [method.value, beside.value] : [method.value];
    const request = { kind: "ask", runs, ...state.picture };
    if (run().manipulates) request.change = { [attribute.value]: value.value };
    else request.attribute = attribute.value;
    answer.setAttribute("aria-busy", "true");
    if (state.waiting) { state.next = request; return; } // only the newest of the questions that wait is asked
    state.waiting = true;
    say("Searching …");
    send(request);
  }

  function shown(told) {
    const next = state.next;
    state.waiting = Boolean(next);
    state.next = null;
    if (next) { send(next); return; }
    answer.removeAttribute("aria-busy");
    if (told.kind === "answer") { answer.innerHTML = told.html; say(""); }
    else { answer.replaceChildren(); say(told.text, true); }
  }

  async function take(chosen) {
    if (!chosen) return;
    say(`Reading ${chosen.name} …`);
    const id = `${Date.now()}-${Math.random()}`;
    for (let start = 0; start === 0 || start < chosen.size; start += PIECE) {
      const buffer = await chosen.slice(start, start + PIECE).arrayBuffer();
      await send({ kind: "own", id, name: chosen.name, run: method.value, last: start + PIECE >= chosen.size }, buffer);
    }
  }

  for (const kind of ["dragenter", "dragover"]) root.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("fx-over"); });
  for (const kind of ["dragleave", "drop"]) root.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.remove("fx-over"); });
  root.addEventListener("drop", (event) => take(event.dataTransfer.files[0]));
  answer.addEventListener("click", (event) => {
    const found = event.target.closest("[data-row]");
    if (found) pick({ row: Number(found.dataset.row) });
  });

  model.on("msg:custom", (told) => {
    if (told.kind === "runs") fillRuns(told.runs);
    else if (told.kind === "pictures") fillPictures(told);
    else if (told.kind === "own") pick({ own: told.id });
    else if (told.kind === "progress") say(told.total ? `${told.text}: ${told.done} of ${told.total} pictures …` : `${told.text} …`);
    else if (told.of === "ask") shown(told);
    else if (told.kind === "error") say(told.text, true);
  });
  send({ kind: "runs" });
}

export default { render };
