// A time has a unit, a place is two degrees.
import Gladhand

func units(gh: Client, load: LoadTender, offer: CapacityOffer) async throws {
    _ = try await gh.tenders.create(load, carrier: "aurora", wait: 20) // expected-error {{cannot convert value of type 'Int' to expected argument type 'Duration?'}}
    _ = try await gh.tenders.create(load, carrier: "aurora", wait: 20.0) // expected-error {{cannot convert value of type 'Double' to expected argument type 'Duration?'}}
    _ = try await gh.dispatches.hold("d-1", reason: "weather", requestedBy: "me", lease: 600) // expected-error {{cannot convert value of type 'Int' to expected argument type 'Duration'}}
    _ = try await gh.capacity.search(origin: 41.8781, destination: 34.0522) // expected-error 2 {{cannot convert value of type 'Double' to expected argument type}}
}
