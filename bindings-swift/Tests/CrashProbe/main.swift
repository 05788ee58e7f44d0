// A TMS that tenders one load, waits until the tender is settled, and prints it, for tests that kill it. Not part of the
// package's products.
//
// Arguments: the load's document, the carrier. Standard output: one line with the tender's JSON.
import Foundation
import Gladhand

let client = try await Gladhand.connect()
let load = try LoadTender(parsing: Data(contentsOf: URL(fileURLWithPath: CommandLine.arguments[1])))
var tender = try await client.tenders.create(load, carrier: CommandLine.arguments[2], wait: .seconds(20))
for try await now in client.tenders.watch(tender.tenderId) {
    tender = now
    if now.state == .accepted { break }
}
print(tender.json)
try await client.close()
