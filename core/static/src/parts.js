// A form whose page says things about what is being typed: its parts come anew from the server. Values go by POST, never in an address.
// <form data-parts="address">; what is typed in a field with data-parts-typed asks at once, every other change when the field is left.
import { bound, later } from "./dom.js"

for (const form of document.querySelectorAll("form[data-parts]")) watch(form)

function watch(form) {
  let running
  const ask = async () => {
    running?.abort()
    running = new AbortController()
    try {
      const answer = await fetch(form.dataset.parts, { method: "POST", body: new URLSearchParams(new FormData(form)), credentials: "same-origin", signal: running.signal })
      if (answer.ok) take(new DOMParser().parseFromString(await answer.text(), "text/html"))
    } catch (error) {
      // Somebody typed on, left the page, or the network is gone: the server says the same when the form is sent.
      if (error.name !== "AbortError" && !(error instanceof TypeError)) throw error
    }
  }
  const soon = later(ask, 350)
  form.addEventListener("input", (event) => { if (event.target.hasAttribute("data-parts-typed")) soon() })
  form.addEventListener("change", (event) => { if (!event.target.hasAttribute("data-parts-typed")) ask() })
}

// A part in which somebody is typing stays as it is; one that says the same as before too, so that nothing is read out twice.
function take(answer) {
  for (const part of answer.querySelectorAll("[data-part]")) {
    const old = document.getElementById(part.id)
    if (!old || old.contains(document.activeElement) || old.dataset.said === part.innerHTML) continue
    old.innerHTML = part.innerHTML
    old.dataset.said = part.innerHTML
    bound(old)
  }
}
