// Whether a page fits its screen.

export const DEVICES = { desktop: { width: 1280, height: 800 }, phone: { width: 360, height: 740 } };

// Returns the elements that are wider than the screen or their box, except those in a box that scrolls.
export function findOverflows(page) {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.scrollingElement;
    const scrolls = (element) => element.matches('input') || /auto|scroll/.test(getComputedStyle(element).overflowX);
    const isScrolled = (element) =>
      element !== document.body && (scrolls(element) || isScrolled(element.parentElement));
    const sticksOut = (element) => element.getBoundingClientRect().right > clientWidth + 1;
    const overflows = (element) => element.clientWidth > 0 && element.scrollWidth > element.clientWidth + 1;
    const isOut = (element) => (sticksOut(element) || overflows(element)) && !isScrolled(element);
    const elements = [...document.body.querySelectorAll('*')].filter(isOut);
    const innermost = elements.filter(
      (element) => !elements.some((other) => other !== element && element.contains(other)),
    );
    const found = innermost.map((element) => element.outerHTML.slice(0, 200));
    return scrollWidth > clientWidth ? [`${scrollWidth} wide`, ...found] : found;
  });
}

// Returns short words that a narrow box has broken in two. Event types and hashes may break.
export function findBrokenWords(page) {
  return page.evaluate(() => {
    const words = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let text = walker.nextNode(); text; text = walker.nextNode()) {
      for (const word of text.data.matchAll(/(?<!\w)[A-Za-z]{2,14}(?!\w)/g)) {
        const range = document.createRange();
        range.setStart(text, word.index);
        range.setEnd(text, word.index + word[0].length);
        const lines = new Set([...range.getClientRects()].map(({ bottom }) => Math.round(bottom)));
        if (lines.size > 1) words.push(`broken: ${word[0]} in ${text.data.trim()}`);
      }
    }
    return words;
  });
}
