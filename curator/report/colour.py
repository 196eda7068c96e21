"""Colours of the verdicts, mild to grave: one scale for any number of them, told apart also by the colour-blind.

In light the graver is darker, in dark it is brighter, so that the grave always stands out more. OKLCH after
Björn Ottosson, https://bottosson.github.io/posts/oklab/
"""

import math

Anchor = tuple[float, float, float]  # lightness, chroma, hue in degrees

LIGHT: tuple[Anchor, ...] = ((0.80, 0.062, 205), (0.74, 0.135, 76), (0.44, 0.150, 8))
DARK: tuple[Anchor, ...] = ((0.44, 0.062, 215), (0.66, 0.115, 78), (0.81, 0.105, 10))
GREY = "#8c9099"


def ramp(count: int, anchors: tuple[Anchor, ...]) -> list[str]:
    """Return `count` colours from the first anchor to the last, as #rrggbb."""
    places = [i / (count - 1) if count > 1 else 1.0 for i in range(count)]
    return [_hex(_between(place, anchors)) for place in places]


def style(count: int, more: int = 0) -> str:
    """Return the CSS that names the colours --v0 (mildest) to --v{count - 1}, what to write on them, and their classes.

    `more` verdicts that stand outside the scale are grey.
    """
    light, dark = ramp(count, LIGHT) + [GREY] * more, ramp(count, DARK) + [GREY] * more
    classes = "\n".join(
        f".v{i} {{ --v: var(--v{i}); --on: var(--on{i}); }} .point-v{i} {{ fill: var(--v{i}); }}"
        for i in range(count + more)
    )
    return (
        f":root {{ {_named(light)} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {_named(dark)} }} }}\n{classes}\n"
    )


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb as WCAG 2 defines it."""
    linear = [_linear(int(colour[i : i + 2], 16) / 255) for i in (1, 3, 5)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _named(colours: list[str]) -> str:
    ink = ["#fff" if luminance(c) < 0.18 else "#16181c" for c in colours]
    return " ".join(f"--v{i}: {c}; --on{i}: {o};" for i, (c, o) in enumerate(zip(colours, ink, strict=True)))


def _between(place: float, anchors: tuple[Anchor, ...]) -> Anchor:
    step = place * (len(anchors) - 1)
    left = min(int(step), len(anchors) - 2)
    share = step - left
    a, b = anchors[left], anchors[left + 1]
    turn = (b[2] - a[2] + 180) % 360 - 180
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + turn * share


def _hex(colour: Anchor) -> str:
    light, chroma, hue = colour[0], colour[1], math.radians(colour[2])
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    l_ = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3
    m_ = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3
    s_ = (light - 0.0894841775 * a - 1.2914855480 * b) ** 3
    rgb = (
        4.0767416621 * l_ - 3.3077115913 * m_ + 0.2309699292 * s_,
        -1.2684380046 * l_ + 2.6097574011 * m_ - 0.3413193965 * s_,
        -0.0041960863 * l_ - 0.7034186147 * m_ + 1.7076147010 * s_,
    )
    return "#" + "".join(f"{round(255 * _gamma(min(max(part, 0.0), 1.0))):02x}" for part in rgb)


def _gamma(part: float) -> float:
    return 12.92 * part if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
