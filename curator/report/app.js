// Everything that people wrote reaches the page as text nodes: `el` and `mark` make nodes and never read markup.
const data = JSON.parse(document.getElementById('data').textContent);
const SVG = 'http://www.w3.org/2000/svg';
const byId = (id) => document.getElementById(id);

function el(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function mark(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) node.setAttribute(name, value);
  for (const child of children.flat(3)) if (child !== null && child !== undefined && child !== '') node.append(child);
  return node;
}

const number = (n) => n.toLocaleString('en').replaceAll(',', '\u202f');
const plural = (n, one, many) => `${number(n)} ${n === 1 ? one : many || one + 's'}`;
const shorten = (text, most) => (text.length > most ? `${text.slice(0, most).trimEnd()}…` : text);
const labelOf = (scale, at, other) => (at >= 0 ? scale[at].label : other || 'none');

const answersById = new Map();
for (const scene of data.scenes) for (const answer of scene.answers) answersById.set(answer.id, { answer, scene });
for (const [id, answer] of Object.entries(data.lost)) answersById.set(id, { answer, scene: null });
const scenesById = new Map(data.scenes.map((scene) => [scene.id, scene]));

function openScene(scene, from) {
  const dialog = byId('dialog');
  byId('dialog-body').replaceChildren(sceneCard(scene, []));
  dialog.addEventListener('close', () => from && from.focus && from.focus(), { once: true });
  dialog.showModal();
  dialog.scrollTop = 0;
}

byId('dialog-close').addEventListener('click', () => byId('dialog').close());
byId('dialog').addEventListener('click', (event) => event.target === byId('dialog') && byId('dialog').close());

for (const button of document.querySelectorAll('[data-open]')) {
  button.addEventListener('click', () => openScene(data.scenes[Number(button.dataset.open)], button));
}

const lanes = document.querySelector('.lanes');
lanes.addEventListener('click', (event) => {
  const at = event.target.dataset.scene;
  if (at !== undefined) openScene(data.scenes[Number(at)]);
});
lanes.addEventListener('pointerover', (event) => {
  const at = event.target.dataset.scene;
  if (at === undefined) return;
  for (const cell of lanes.querySelectorAll('.lit')) cell.classList.remove('lit');
  for (const cell of lanes.querySelectorAll(`[data-scene="${Number(at)}"]`)) cell.classList.add('lit');
  byId('strip-said').textContent = data.scenes[Number(at)].situation;
});

const links = new Map([...document.querySelectorAll('.rail a')].map((a) => [a.hash.slice(1), a]));
const seen = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    for (const link of links.values()) link.removeAttribute('aria-current');
    links.get(entry.target.id).setAttribute('aria-current', 'true');
  }
}, { rootMargin: '-15% 0px -75% 0px' });
for (const id of links.keys()) seen.observe(byId(id));

// On paper every table is open; the lists of rows stay as the reader left them.
const opened = [];
addEventListener('beforeprint', () => {
  for (const details of document.querySelectorAll('details.table:not([open]):not(#map-table)')) {
    details.open = true;
    opened.push(details);
  }
});
addEventListener('afterprint', () => { for (const details of opened.splice(0)) details.open = false; });
