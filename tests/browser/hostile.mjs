// Texts of engines and people that try to run scripts, to reorder or hide other text, or to break a page.

const RUN = 'window.pwned=1';

export const texts = [
  `<script>${RUN}</script>`,
  `"><img src=x onerror="${RUN}">`,
  `'><img src=x onerror='${RUN}'>`,
  `<svg onload=${RUN}>`,
  `<svg><animate onbegin=${RUN} attributeName=x dur=1s>`,
  `<math><mtext><style><img src=x onerror=${RUN}></style></mtext></math>`,
  `</pre></title></textarea></style><script>${RUN}</script>`,
  `<a href="javascript:${RUN}">Acknowledge</a>`,
  `" autofocus onfocus="${RUN}`,
  `<iframe srcdoc="<script>parent.pwned=1</script>"></iframe>`,
  `<details open ontoggle=${RUN}>`,
  `<style>main{display:none}</style>`,
  `<meta http-equiv=refresh content="0;url=https://elsewhere.example/">`,
  `<base href="https://elsewhere.example/">`,
  `<form action="https://elsewhere.example/"><button>Approve</button></form>`,
  `<link rel=stylesheet href=https://elsewhere.example/a.css>`,
  `<img src=https://elsewhere.example/a.png>`,
  `javascript:${RUN}`,
  `&lt;script&gt;${RUN}&lt;/script&gt;`,
  `<!-- <![CDATA[ ]]> -->`,
  `{{7*7}} {% include "x" %} \${7*7} <%= 7*7 %>`,
  `=HYPERLINK("https://elsewhere.example/","invoice")`,
  `=1+1`,
  `+1+1`,
  `-1+1`,
  `@SUM(1)`,
  `\t=1+1`,
  `\r=1+1`,
  ` =1+1`,
  `",=1+1,"`,
  `";=1+1;"`,
  `\uff1d1+1`,
  `|calc`,
  `the end \u202egnp.exe`,
  `\u2066apart\u2069 \u200fmark \u061cmark`,
  `שלום, العالم`,
  `zero\u200bwidth \ufeff mark, soft\u00adhyphen`,
  `line\u2028separator, paragraph\u2029separator`,
  `NUL \0 and ESC \u001b[31m and BEL \u0007`,
  `joined: 👩‍👩‍👧 می‌خواهم`,
  `Z${'\u0335\u0321\u0322\u031b\u0300\u0301'.repeat(18)} is one letter`,
  'W'.repeat(128),
  '﷽'.repeat(40),
  '_'.repeat(1000),
  'a/'.repeat(400),
];

// Whether AGE accepts the text as an event type: one visible line of at most 128 characters.
export const isEventType = (text) =>
  [...text].length <= 128 && text === text.trim() && !/[\p{Cc}\p{Cf}\u2028\u2029]/u.test(text);

// Whether AGE accepts the text as a note: no control characters.
export const isNote = (text) => !/[^\P{Cc}\n]/u.test(text);

// Whether AGE accepts the text as a name in a request for a decision: up to 1,024 characters, none of them a control character.
export const isName = (text) => [...text].length <= 1024 && !/\p{Cc}/u.test(text);
