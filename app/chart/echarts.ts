/** The only file that imports echarts: the parts that the page draws with, and no others. */
import { LineChart } from 'echarts/charts'
import { AxisPointerComponent, GridComponent, TooltipComponent } from 'echarts/components'
import { init, use as register } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'

register([LineChart, GridComponent, TooltipComponent, AxisPointerComponent, CanvasRenderer])

export { init }
export type { EChartsType, EChartsCoreOption as ChartOption } from 'echarts/core'
