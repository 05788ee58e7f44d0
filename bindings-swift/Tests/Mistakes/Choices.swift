// A state is one of the contract's, and none of another member's.
import Gladhand

func choices(gh: Client, tender: Tender, error: GladhandError) async throws {
    _ = tender.state == .acepted // expected-error {{type 'TenderState' has no member 'acepted'}}
    _ = tender.state == "accepted" // expected-error {{cannot convert value of type 'TenderState' to expected argument type 'String'}}
    _ = try await gh.tenders.list(state: "accepted") // expected-error {{cannot convert value of type 'String' to expected argument type 'TenderState?'}}
    _ = try await gh.tenders.list(state: CommandState.completed) // expected-error {{cannot convert value of type 'CommandState' to expected argument type 'TenderState?'}}
    _ = error.code == .tenderConflikt // expected-error {{type 'GladhandError.Code' has no member 'tenderConflikt'}}
    error.code = .cancelled // expected-error {{cannot assign to property: 'code' is a 'let' constant}}
}
