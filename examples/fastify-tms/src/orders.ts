// What a customer ordered, and the load that a carrier is tendered for it.
import { LoadTender, type StopInit } from 'gladhand';

const HOUR_MS = 3_600_000;
/** How long a carrier may take to decide. */
const TIME_TO_RESPOND_MS = HOUR_MS;

/** Where and when freight changes hands. */
export interface Dock {
  name: string;
  city: string;
  /** Degrees (WGS 84), as text: a decimal keeps its digits. */
  lat: string;
  lon: string;
  /** IANA, such as `America/Chicago`. */
  timeZone: string;
  /** RFC 3339. */
  start: string;
  end: string;
}

/** One truckload, from one dock to another. */
export interface Order {
  loadId: string;
  customer: string;
  shipper: string;
  consignee: string;
  purchaseOrder: string;
  pickup: Dock;
  delivery: Dock;
  description: string;
  pallets: number;
  /** Pounds of cargo. */
  weightLbs: number;
  trailer: string;
  currency: string;
  /** What the carrier is offered, as text: money is never a binary float. */
  amount: string;
}

const text = { type: 'string', minLength: 1 } as const;
const decimal = { type: 'string', pattern: '^-?[0-9]+(\\.[0-9]+)?$' } as const;
const instant = { type: 'string', format: 'date-time' } as const;
const dock = object({
  name: text,
  city: text,
  lat: decimal,
  lon: decimal,
  timeZone: text,
  start: instant,
  end: instant,
});

/** The JSON Schema of an Order, with which Fastify refuses what is none. */
export const orderSchema = object({
  loadId: text,
  customer: text,
  shipper: text,
  consignee: text,
  purchaseOrder: text,
  pickup: dock,
  delivery: dock,
  description: text,
  pallets: { type: 'integer', minimum: 1 },
  weightLbs: { type: 'integer', minimum: 1 },
  trailer: text,
  currency: text,
  amount: decimal,
});

function object(properties: Record<string, object>): object {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}

/** The load of the contract. Tender id, revision and mode are the SDK's to fill in. */
export function loadOf(order: Order): LoadTender {
  return new LoadTender({
    loadId: order.loadId,
    respondBy: new Date(Date.now() + TIME_TO_RESPOND_MS).toISOString(),
    parties: [
      { role: 'bill_to', name: order.customer },
      { role: 'shipper', name: order.shipper },
      { role: 'consignee', name: order.consignee },
    ],
    stops: [stop('pickup', 1, order.pickup), stop('delivery', 2, order.delivery)],
    commodities: [
      {
        lineId: '1',
        description: order.description,
        quantity: order.pallets,
        packaging: 'PLT',
        weight: { value: String(order.weightLbs), unit: 'lb' },
        pickupStopId: 'pickup',
        deliveryStopId: 'delivery',
      },
    ],
    references: [{ type: 'PO', value: order.purchaseOrder, scope: 'load' }],
    rate: { currency: order.currency, amount: order.amount },
    equipmentRequired: { trailerType: order.trailer },
  });
}

function stop(type: 'pickup' | 'delivery', sequence: number, dock: Dock): StopInit {
  const { name, city, lat, lon, timeZone } = dock;
  return {
    stopId: type,
    sequence,
    type,
    location: { name, address: { city }, lat, lon, timeZone },
    appointment: { kind: 'window', start: local(dock.start, timeZone), end: local(dock.end, timeZone), timeZone },
  };
}

/** An instant in the dock's own time: a driver's paper says 08:00, not what it is in Greenwich. */
function local(instant: string, timeZone: string): string {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'longOffset',
  });
  const parts = new Map(format.formatToParts(new Date(instant)).map(({ type, value }) => [type, value]));
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? '';
  const offset = part('timeZoneName').replace('GMT', '') || '+00:00';
  return `${part('year')}-${part('month')}-${part('day')}T${part('hour')}:${part('minute')}:${part('second')}${offset}`;
}
