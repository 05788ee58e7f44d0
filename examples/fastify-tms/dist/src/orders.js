// What a customer ordered, and the load that a carrier is tendered for it.
import { LoadTender } from 'gladhand';
const HOUR_MS = 3_600_000;
/** How long a carrier may take to decide. */
const TIME_TO_RESPOND_MS = HOUR_MS;
const text = { type: 'string', minLength: 1 };
const decimal = { type: 'string', pattern: '^-?[0-9]+(\\.[0-9]+)?$' };
const instant = { type: 'string', format: 'date-time' };
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
function object(properties) {
    return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}
/** The load of the contract. Tender id, revision and mode are the SDK's to fill in. */
export function loadOf(order) {
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
function stop(type, sequence, dock) {
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
function local(instant, timeZone) {
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
    const part = (type) => parts.get(type) ?? '';
    const offset = part('timeZoneName').replace('GMT', '') || '+00:00';
    return `${part('year')}-${part('month')}-${part('day')}T${part('hour')}:${part('minute')}:${part('second')}${offset}`;
}
