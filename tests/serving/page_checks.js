// What holds for every page; each function gives what is wrong.

function visible(selector) {
  return [...document.querySelectorAll(selector)].filter(each => each.checkVisibility({opacityProperty: true}));
}

function shortened(element) {
  return element.outerHTML.slice(0, 90);
}

function contrast(element) {
  const below = background(element);
  const [low, high] = [luminance(over(getComputedStyle(element).color, below)), luminance(below)].sort((a, b) => a - b);
  return (high + .05) / (low + .05);
}

function background(element) {
  return element ? over(getComputedStyle(element).backgroundColor, background(element.parentElement)) : [255, 255, 255];
}

/** A colour of CSS, which may be transparent, over another one. */
function over(colour, below) {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  for (const each of [`rgb(${below.join(" ")})`, colour]) {
    canvas.fillStyle = each;
    canvas.fillRect(0, 0, 1, 1);
  }
  return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
}

function luminance(colour) {
  const linear = colour.map(each => each / 255).map(each => each <= .04045 ? each / 12.92 : ((each + .055) / 1.055) ** 2.4);
  return .2126 * linear[0] + .7152 * linear[1] + .0722 * linear[2];
}

/** Elements that reach beyond the right edge of the window. */
function wide() {
  return visible("main *").filter(each => !each.closest(".spoken") && each.getBoundingClientRect().right > innerWidth + 1)
    .map(shortened);
}

/** Controls without a name for a screen reader. */
function nameless() {
  return visible("button, input, textarea, select, meter, progress, img, [tabindex]").filter(each =>
    !(each.ariaLabel || each.textContent.trim() || each.labels?.length || each.hasAttribute("aria-labelledby") ||
      each.hasAttribute("alt"))).map(shortened);
}

/** Text that does not stand out from what is behind it (WCAG 2.2, 1.4.3: at least 4.5 to 1). */
function faint() {
  const texts = visible("body *").filter(each => !each.closest("#mirror, #glow, .spoken, :disabled")
    && [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim()));
  return texts.map(each => [contrast(each), each]).filter(([found]) => found < 4.5)
    .map(([found, each]) => `${found.toFixed(1)} ${shortened(each)}`);
}
