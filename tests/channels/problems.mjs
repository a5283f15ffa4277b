// The problems of a payload.

export class Problems {
  list = [];

  // Adds `problem`, unless `isFine`.
  unless(isFine, problem) {
    if (!isFine) this.list.push(problem);
  }

  // Adds a problem, unless `text` has 1 to `max` characters. Services do not say what a character is: UTF-16 counts most.
  length(name, text, max) {
    this.unless(text.length >= 1 && text.length <= max, `${name} has ${text.length} characters, not 1 to ${max}`);
  }

  // Adds a problem, unless `list` has 1 to `max` elements.
  count(name, list, max) {
    this.unless(list.length >= 1 && list.length <= max, `${name} has ${list.length} elements, not 1 to ${max}`);
  }

  // Adds a problem, unless `text` is an absolute address of a page.
  address(name, text) {
    const isAddress = URL.canParse(text) && ['https:', 'http:'].includes(new URL(text).protocol);
    this.unless(isAddress, `${name} is no address: ${text}`);
  }
}
