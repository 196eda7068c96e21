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

// On paper every table is open, but for what is for machines to read; the lists of rows stay as the reader left them.
const opened = [];
addEventListener('beforeprint', () => {
  for (const details of document.querySelectorAll('details.table:not([open], #map-table, #made details)')) {
    details.open = true;
    opened.push(details);
  }
});
addEventListener('afterprint', () => { for (const details of opened.splice(0)) details.open = false; });
