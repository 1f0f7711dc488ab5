/** How long, for a person. */
export const showDuration = (seconds: number): string =>
  seconds > 90 ? `${Math.round(seconds / 60)} min` : `${Math.ceil(seconds)} s`;
