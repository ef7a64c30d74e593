/** The categorical colours by place: more series than colours are one crowd of one colour. */
export const MOST_COLOURS = 8

/** A CSS colour, as an attribute of SVG takes it too. */
export const seriesColor = (place: number) => `var(--series-${(place % MOST_COLOURS) + 1})`
