/** The page of a node. */
interface Page {
  readonly document: { readonly body: { append(text: string): void } }
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a browser has it
;(globalThis as unknown as Page).document.body.append('p2p')
