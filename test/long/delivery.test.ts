import { testSchedules } from '../sim/delivery-schedules.ts'

testSchedules(50_000)
