import { CATEGORIES, type Category } from '../../../../../wire/memory-categories'
import { seriesColor } from '../../../../chart/colour'
import { seriesOf } from './canvas'
import styles from './snapshot.module.css'

export const categoryColor = (category: number) => seriesColor(seriesOf(category))

/** A category with its colour. */
export function Swatch({ category }: { category: Category }) {
  return (
    <span className={styles.swatch}>
      <i style={{ background: categoryColor(CATEGORIES.indexOf(category)) }} aria-hidden="true" />
      {category}
    </span>
  )
}
