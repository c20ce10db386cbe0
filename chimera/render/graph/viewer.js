"use strict";
const svg = document.querySelector("body > svg");
const cards = [...svg.querySelectorAll(".card[data-key]")];
const edges = [...svg.querySelectorAll(".edge[data-from]")];
const [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
const all = { x: 0, y: 0, width, height };
let view = { ...all };

function show(next) {
  view = next;
  svg.setAttribute("viewBox", `${view.x} ${view.y} ${view.width} ${view.height}`);
}
function scale() {
  return Math.max(view.width / svg.clientWidth, view.height / svg.clientHeight);
}
function zoom(factor, x, y) {
  const width = Math.min(Math.max(view.width * factor, 80), all.width * 4);
  const by = width / view.width;
  show({ x: x - (x - view.x) * by, y: y - (y - view.y) * by, width, height: view.height * by });
}
function at(event) {
  return new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
}
function middle() {
  return [view.x + view.width / 2, view.y + view.height / 2];
}

svg.addEventListener("wheel", (event) => {
  event.preventDefault();
  const point = at(event);
  zoom(Math.exp(event.deltaY * 0.0015), point.x, point.y);
}, { passive: false });

let grip = null;
svg.addEventListener("pointerdown", (event) => {
  grip = { x: event.clientX, y: event.clientY, view, moved: false };
});
addEventListener("pointermove", (event) => {
  if (!grip) return;
  const [dx, dy] = [event.clientX - grip.x, event.clientY - grip.y];
  if (Math.hypot(dx, dy) > 4) grip.moved = true;
  if (!grip.moved) return;
  svg.classList.add("dragging");
  show({ ...view, x: grip.view.x - dx * scale(), y: grip.view.y - dy * scale() });
});
addEventListener("pointerup", (event) => {
  const clicked = grip && !grip.moved;
  grip = null;
  svg.classList.remove("dragging");
  if (clicked) follow(event.target.closest ? event.target.closest(".card[data-key]") : null);
});

function follow(card) {
  const key = card ? card.dataset.key : null;
  const near = new Set([key]);
  for (const edge of edges) {
    const lit = key !== null && (edge.dataset.from === key || edge.dataset.to === key);
    edge.classList.toggle("lit", lit);
    if (lit) near.add(edge.dataset.from).add(edge.dataset.to);
  }
  for (const other of cards) {
    other.classList.remove("hit");
    other.classList.toggle("lit", near.has(other.dataset.key));
  }
  svg.classList.toggle("dim", key !== null);
}

const form = document.getElementById("find");
const [field, told] = [form.querySelector("input"), form.querySelector("output")];
let hits = [];
let next = 0;
field.addEventListener("input", () => {
  follow(null);
  const wanted = field.value.trim().toLowerCase();
  hits = wanted ? cards.filter((c) => c.textContent.toLowerCase().includes(wanted)) : [];
  for (const card of hits) card.classList.add("hit");
  svg.classList.toggle("dim", wanted !== "");
  told.textContent = wanted ? String(hits.length) : "";
  next = 0;
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!hits.length) return;
  const box = hits[next++ % hits.length].getBBox();
  const [width, height] = [svg.clientWidth, svg.clientHeight];
  show({ x: box.x + box.width / 2 - width / 2, y: box.y + box.height / 2 - height / 2, width, height });
});

document.getElementById("in").addEventListener("click", () => zoom(0.8, ...middle()));
document.getElementById("out").addEventListener("click", () => zoom(1.25, ...middle()));
document.getElementById("fit").addEventListener("click", () => show({ ...all }));
