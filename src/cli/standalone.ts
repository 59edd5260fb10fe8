/** Commands of the prompt that also run alone, from the command line. */
export const standaloneNames = [
  'share',
  'unshare',
  'shares',
  'ls',
  'find',
  'get',
  'send',
  'offers',
  'accept',
  'decline',
] as const

export type StandaloneName = (typeof standaloneNames)[number]
