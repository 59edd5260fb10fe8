export const themes = ['system', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

const key = 'p2p-theme'

export function themeNow(): Theme {
  const kept = localStorage.getItem(key)
  return themes.find((one) => one === kept) ?? 'system'
}

/** Shows the page light or dark from now on, also the next time. */
export function applyTheme(theme: Theme): void {
  localStorage.setItem(key, theme)
  showTheme()
}

export function showTheme(): void {
  document.documentElement.dataset['theme'] = themeNow()
}
