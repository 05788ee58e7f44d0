// One dispatcher's morning, in Swift: capacity, three tenders, a dispatch, a truck on the road, a stop, a delivery, and the
// proof that both sides hold the same history. `cargo xtask demo --language swift` runs it against a sandbox carrier.
//
// Morning.swift has the steps, Truck.swift the vehicle gateway, Steps.swift what prints them.
import Foundation
import Gladhand

do {
    // The carrier of this demo, asked to play the human who decides, drives and delivers.
    let carrier = try Sandbox.attach(control: Steps.variable("GLADHAND_SANDBOX_CONTROL"))
    let morning = Morning(gh: try await Gladhand.connect(), carrier: carrier)
    let offer = try await morning.capacity()
    try await morning.express(offer)
    let tender = try await morning.asynchronous()
    try await morning.refused()
    try await morning.held()
    let dispatch = try await morning.dispatched(tender)
    try await morning.onTheRoad(tender, dispatch)
    try await morning.stopped(dispatch)
    try await morning.delivered(tender)
    try await morning.gh.close()
} catch {
    Steps.expect("the morning", false, "\(error)")
    exit(1)
}
