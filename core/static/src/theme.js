// Runs before anything is painted: a person who follows the device gets the device's theme without a flash.
{
  const root = document.documentElement
  const dark = matchMedia("(prefers-color-scheme: dark)")
  const follow = () => { if (root.dataset.theme === "system") root.dataset.bsTheme = dark.matches ? "dark" : "light" }
  follow()
  dark.addEventListener("change", follow)
}
