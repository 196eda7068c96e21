// How a point of the map looks: by what it is coloured, its class, its shape, and what the legend says of them.
const SHAPES = [
  'M-5.5 0a5.5 5.5 0 1 0 11 0a5.5 5.5 0 1 0-11 0Z',
  'M-5-5H5V5H-5Z',
  'M0-6.5L6.3 4.8H-6.3Z',
  'M0-7L7 0L0 7L-7 0Z',
];
const LEVELS = ['none', 'up to 25 %', 'up to 50 %', 'up to 75 %', 'more'];
const MOST = 8; // classes that have a colour of their own; eyes cannot hold more apart
const most = (scene) => data.verdicts[Math.round(scene.gravity)].at;

// Of a scale with many classes the most frequent ones have a colour and a shape each, all others share one.
function kinds(title, scale, of) {
  const often = new Map(scale.map((one, i) => [i, 0]));
  for (const scene of data.scenes) often.set(of(scene), (often.get(of(scene)) || 0) + 1);
  const ranked = scale.map((one, i) => i).sort((a, b) => often.get(b) - often.get(a) || a - b).slice(0, MOST).sort((a, b) => a - b);
  const looks = new Map(ranked.map((at, i) => [at, [`kind${i}`, i % 4]]));
  const others = scale.length > MOST ? [['kindx', 1, `other (${scale.length - MOST})`]] : [];
  const nothing = often.has(-1) ? [['kindx', 0, 'none']] : [];
  return {
    title,
    of: (scene) => looks.get(of(scene)) || ['kindx', of(scene) < 0 ? 0 : 1],
    legend: () => [...ranked.map((at) => [...looks.get(at), scale[at].label]), ...others, ...nothing],
  };
}

const COLOURS = {
  contested: {
    title: 'Share of pairs of voices that differ',
    of: (scene) => [`level${Math.ceil(scene.differ * 4 - 1e-9)}`, 0],
    legend: () => LEVELS.map((label, i) => [`level${i}`, 0, label]),
  },
  verdict: {
    title: 'Verdict, by the mean of all voices',
    of: (scene) => [`point-v${most(scene)}`, most(scene) % 4],
    legend: () => data.verdicts.map((one) => [`point-v${one.at}`, one.at % 4, one.label]),
  },
  domain: kinds('Domain', data.domains, (scene) => scene.domain),
  split: kinds('Split', data.splits, (scene) => scene.answers[0].split),
};
