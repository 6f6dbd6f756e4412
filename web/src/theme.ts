/** Light, dark, or as the system has it: kept in this browser only. */
export type Theme = 'system' | 'light' | 'dark'
const name = 'slmctl-theme'

export function theme(): Theme {
  try {
    const kept = localStorage.getItem(name)
    return kept === 'light' || kept === 'dark' ? kept : 'system'
  } catch {
    return 'system'
  }
}

export function setTheme(to: Theme): void {
  try {
    if (to === 'system') localStorage.removeItem(name)
    else localStorage.setItem(name, to)
  } catch {
    // A browser that keeps nothing: it holds for this page.
  }
  show(to)
}

function show(to: Theme) {
  if (to === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = to
}

/** As it was chosen, and as it is chosen in another tab. */
export function keepTheme(): void {
  show(theme())
  addEventListener('storage', (e) => {
    if (e.key === name || e.key === null) show(theme())
  })
}
