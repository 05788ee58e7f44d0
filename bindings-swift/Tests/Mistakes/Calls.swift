// A call that waits is awaited, one that may fail is tried, and a loop over what arrives is both.
import Gladhand

func calls(gh: Client, load: LoadTender) async throws {
    _ = try gh.tenders.create(load, carrier: "aurora") // expected-error {{expression is 'async' but is not marked with 'await'}} expected-note {{call is 'async'}}
    _ = await gh.tenders.get("t-1") // expected-error {{call can throw but is not marked with 'try'}} expected-note 3 {{did you mean to}}
    for await _ in gh.tenders.watch("t-1") {} // expected-error {{call can throw, but the error is not handled}}
}

func outsideOfATask(gh: Client) throws { // expected-note {{add 'async' to function}}
    try gh.close() // expected-error {{'async' call in a function that does not support concurrency}}
}

func nobodyCatches(gh: Client) async {
    try await gh.close() // expected-error {{errors thrown from here are not handled}}
}
