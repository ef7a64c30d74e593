/** What a prediction took for granted, and what it lacked. */
export interface Missing {
  /** The figure that is absent, as a path in the prediction. */
  readonly figure: string
  /** The fields of the input that would give it. */
  readonly needs: readonly string[]
}

export class Notes {
  readonly assumptions: string[] = []
  readonly missing: Missing[] = []

  assume(text: string): void {
    if (!this.assumptions.includes(text)) this.assumptions.push(text)
  }

  lack(figure: string, needs: readonly string[]): void {
    this.missing.push({ figure, needs })
  }
}
