// Small helpers: every module finds its elements by data attributes and binds each once.
const binders = []

export function ready(bind) {
  binders.push(bind)
  bind(document)
}

// Bind again what was put into the page.
export function bound(root) {
  for (const bind of binders) bind(root)
}

export function each(root, selector, bind) {
  for (const element of root.querySelectorAll(selector)) {
    const key = `bound${bind.name}`
    if (element.dataset[key]) continue
    element.dataset[key] = "1"
    bind(element)
  }
}

export const inField = (target) => Boolean(target?.closest?.("input, textarea, select, [contenteditable=true]"))

export function later(call, wait) {
  let timer
  return (...given) => { clearTimeout(timer); timer = setTimeout(call, wait, ...given) }
}

// A page or part of one as a document; null when the answer is no page.
export async function fetchPage(address, signal) {
  const answer = await fetch(address, { headers: { "X-Requested-With": "fetch", Accept: "text/html" }, credentials: "same-origin", signal })
  if (answer.redirected && new URL(answer.url).pathname !== new URL(address, location.href).pathname) { location.assign(answer.url); return null }
  return new DOMParser().parseFromString(await answer.text(), "text/html")
}

export const focusable = (root) => root.querySelector("[autofocus], input:not([type=hidden]):not([disabled]), select, textarea, button, a[href]")
