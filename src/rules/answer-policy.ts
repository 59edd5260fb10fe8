/** Whether and when an announcement is answered. */
export type AnswerDecision =
  | { readonly answer: true; readonly delayMs: number }
  | { readonly answer: false; readonly reason: NoAnswerReason }

export type NoAnswerReason =
  'itself-an-answer' | 'low-port' | 'self' | 'leaving' | 'known' | 'pending' | 'too-many' | 'off-link'
