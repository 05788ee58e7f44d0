// What is right compiles: the calls of the files beside this one, without their mistakes.
import Gladhand

func right(gh: Client, carrier: Sandbox, offer: CapacityOffer) async throws {
    var load = try await carrier.load("load-1", offer: offer)
    load.rate.amount = "1250.00"
    load.rate.minimum = Money(currency: "USD", amount: 1250)
    let tender = try await gh.tenders.create(load, carrier: "aurora", capacity: offer, wait: .seconds(20))
    if tender.state == .accepted { print(tender.tenderId) }
    _ = try await gh.dispatches.hold("d-1", reason: "weather", requestedBy: "dispatcher-7", lease: .seconds(600))
    _ = try await gh.tenders.list(state: .accepted)
    _ = CapacitySearch(origin: Place(lat: "41.8781", lon: "-87.6298"), destination: Place(lat: "34.0522", lon: "-118.2437"))
    for try await position in gh.telemetry.follow(loads: ["load-1"]) { print(position.lat) }
    do {
        try await gh.close()
    } catch let error as GladhandError where error.code == .clientClosed {
        print(error.retryAfter ?? .zero)
    }
}
