// A binary number is no money.
import Gladhand

func money(load: LoadTender, price: Double) {
    var load = load
    load.rate.amount = 1250.10 // expected-error {{cannot assign value of type 'Double' to type 'Number'}}
    load.rate.amount = price // expected-error {{cannot assign value of type 'Double' to type 'Number'}}
    _ = Money(currency: "USD", amount: 1250.10) // expected-error {{cannot convert value of type 'Double' to expected argument type 'Number'}}
    _ = Number(1250.10) // expected-error {{a Double is no exact decimal}}
    _ = Number(price) // expected-error {{a Double is no exact decimal}}
}
