import {
  Fragment,
  h as make,
  type Attributes,
  type ComponentChildren,
  type ComponentType,
  type JSX,
} from 'preact'

/** What a component gets; `null` only where nothing has to be said. */
type PropsOf<Props> = (Attributes & Omit<Props, 'children'>) | (object extends Props ? null : never)

/**
 * Preact's `h`, told exactly what each element takes: the types of the original forget it as soon as more than one of its forms could be
 * meant.
 */
export function h<Tag extends keyof JSX.IntrinsicElements>(
  tag: Tag,
  props: JSX.IntrinsicElements[Tag] | null,
  ...children: ComponentChildren[]
): JSX.Element
export function h<Props extends object>(
  component: ComponentType<Props> | ((props: Props) => JSX.Element | null),
  props: PropsOf<Props>,
  ...children: ComponentChildren[]
): JSX.Element
export function h(
  type: string | ComponentType<object> | ((props: never) => JSX.Element | null),
  props: object | null,
  ...children: ComponentChildren[]
): JSX.Element {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the forms above tell what goes with what
  return make(type as ComponentType<object>, props, ...children)
}

/** Several things side by side, where one is asked for. */
export function beside(...children: ComponentChildren[]): JSX.Element {
  return make(Fragment, null, ...children)
}
