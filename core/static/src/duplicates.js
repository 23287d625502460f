// While a form for a new customer is being filled: who may be registered already. Personal values go by POST, never in an address.
import { bound, later } from "./dom.js"

for (const form of document.querySelectorAll("form[data-duplicates-url]")) watch(form)

function watch(form) {
  const into = document.getElementById(form.dataset.duplicatesInto)
  let running, asked = ""
  const ask = later(async () => {
    const data = new URLSearchParams()
    for (const name of ["csrf_token", "name", "mobile", "phone", "email"]) if (form.elements[name]) data.set(name, form.elements[name].value)
    const wanted = data.toString()
    if (wanted === asked) return
    asked = wanted
    running?.abort()
    running = new AbortController()
    try {
      const answer = await fetch(form.dataset.duplicatesUrl, { method: "POST", body: data, credentials: "same-origin", signal: running.signal })
      if (answer.ok) { into.innerHTML = await answer.text(); bound(into) }
    } catch (error) {
      if (error.name !== "AbortError") asked = ""
    }
  }, 400)
  form.addEventListener("input", (event) => { if (event.target.hasAttribute("data-duplicates")) ask() })
}
