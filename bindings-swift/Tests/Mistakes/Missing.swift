// What the contract requires, the compiler requires.
import Gladhand

func missing(gh: Client, load: LoadTender) async throws {
    _ = try await gh.tenders.create(load) // expected-error {{missing argument for parameter 'carrier' in call}}
    _ = try await gh.dispatches.stopAtNextSafeLocation("d-1", reason: "weather") // expected-error {{missing argument for parameter 'requestedBy' in call}}
    _ = try await gh.dispatches.hold("d-1", reason: "weather", requestedBy: "me") // expected-error {{missing argument for parameter 'lease' in call}}
    _ = Money(amount: "1250.00") // expected-error {{missing argument for parameter 'currency' in call}}
    _ = CapacitySearch(origin: Place(lat: "41.8781", lon: "-87.6298")) // expected-error {{missing argument for parameter 'destination' in call}}
    _ = Place(lat: "41.8781") // expected-error {{missing argument for parameter 'lon' in call}}
}
